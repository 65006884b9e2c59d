//! How many requests of tokens count, and that it is said of the right ones.

use super::{create, with_owner};
use crate::domain::day::{Day, Requests};
use crate::domain::left::{InPeriod, Spent};
use crate::domain::time::Span;
use crate::store::sample::{NOW, token};
use crate::store::{Store, UseKey};

pub(super) async fn counts_are_read_back(store: &dyn Store) {
    with_owner(store).await;
    let tokens = [1, 2].map(|n| token(n, "alice"));
    for token in &tokens {
        create(store, token).await;
    }
    let keys = tokens.map(|token| UseKey::from(token.id));
    assert_eq!(store.spent(keys[0]).await.unwrap(), Spent::default());
    let spent = |uses: u64| {
        let begins = [1, 2, 3, 4].map(|n| NOW.plus(Span::from_seconds(n)));
        Spent { uses, quotas: begins.map(|begin| InPeriod { begin, requests: 7 * uses }) }
    };
    store.note_spent(keys[0], spent(3)).await.unwrap();
    store.note_spent(keys[1], spent(9)).await.unwrap();
    store.note_spent(keys[0], spent(2)).await.unwrap();
    let slot = store.use_slot(keys[0].token).await.unwrap();
    assert_eq!(store.spent(UseKey { slot, ..keys[0] }).await.unwrap(), spent(2));
    assert_eq!(store.spent(keys[1]).await.unwrap(), spent(9));
    let unknown = UseKey::from(token(3, "alice").id);
    assert_eq!(store.spent(unknown).await.unwrap(), Spent::default());
    assert!(store.note_spent(unknown, spent(1)).await.is_err());
}

pub(super) async fn requests_of_a_day_add_up(store: &dyn Store) {
    with_owner(store).await;
    let tokens = [1, 2].map(|n| token(n, "alice"));
    for token in &tokens {
        create(store, token).await;
    }
    let (today, keys) = (Day::of(NOW), tokens.map(|token| UseKey::from(token.id)));
    let slots = [
        store.use_slot(keys[0].token).await.unwrap().unwrap(),
        store.use_slot(keys[1].token).await.unwrap().unwrap(),
    ];
    let some = |permitted, refused| Requests { permitted, refused };
    let both = vec![(slots[0], some(3, 1)), (slots[1], some(0, 7))];
    store.note_requests(today, both.clone()).await.unwrap();
    store.note_requests(today, both).await.unwrap();
    store.note_requests(today.back(2), vec![(slots[1], some(5, 0))]).await.unwrap();
    let days = today.back(2)..=today;
    let other = store.requests(keys[1], days.clone()).await.unwrap();
    assert_eq!(other, [some(5, 0), Requests::NONE, some(0, 14)]);
    let by_slot = UseKey { slot: Some(slots[0]), ..keys[0] };
    for key in [keys[0], by_slot] {
        let of = store.requests(key, days.clone()).await.unwrap();
        assert_eq!(of, [Requests::NONE, Requests::NONE, some(6, 2)]);
    }
    let unknown = UseKey::from(token(3, "alice").id);
    assert_eq!(store.requests(unknown, days.clone()).await.unwrap(), [Requests::NONE; 3]);
    assert_eq!(store.forget_requests(today).await.unwrap(), 1);
    let other = store.requests(keys[1], days).await.unwrap();
    assert_eq!(other, [Requests::NONE, Requests::NONE, some(0, 14)]);
}
