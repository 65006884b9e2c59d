//! How many requests of tokens count, and that it is said of the right ones.

use super::{create, with_owner};
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
