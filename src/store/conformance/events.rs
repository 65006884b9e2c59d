//! Lists of events and searches for them.

use super::{create, with_owner};
use crate::domain::event::EventKind;
use crate::domain::time::Timestamp;
use crate::store::sample::{event, observation, owner_id, revocation, token};
use crate::store::{EventFilter, Store, Subject};

pub(super) async fn events_are_listed_newest_first(store: &dyn Store) {
    with_owner(store).await;
    let (one, two) = (token(1, "alice"), token(2, "alice"));
    create(store, &one).await;
    create(store, &two).await;
    store.commit(revocation(&one)).await.unwrap();
    store.commit(observation(two.id)).await.unwrap();
    let (alice, about_one, about_two) =
        (Subject::Owner(owner_id("alice")), Subject::Token(one.id), Subject::Token(two.id));
    for (subject, wanted) in [
        (None, vec![5, 4, 3, 2, 1]),
        (Some(&alice), vec![1]),
        (Some(&about_one), vec![4, 2]),
        (Some(&about_two), vec![5, 3]),
    ] {
        for limit in [1, 2, 10] {
            let (mut listed, mut before) = (Vec::new(), None);
            loop {
                let page = store.events(subject, before, limit).await.unwrap();
                assert!(page.entries.len() <= limit);
                listed.extend(page.entries.iter().map(|event| event.position.0));
                before = page.next;
                if before.is_none() {
                    break;
                }
            }
            assert_eq!(listed, wanted, "{subject:?} by {limit}");
        }
    }
    let page = store.events(Some(&about_one), None, 1).await.unwrap();
    let newest = &page.entries[0];
    assert_eq!(newest.event, event(EventKind::TokenRevoked));
    assert_eq!(newest.subjects, [about_one]);
    assert!(newest.line.starts_with("{\"seq\":4,\"prev\":\""), "{}", newest.line);
}

pub(super) async fn events_are_searched_a_stretch_at_a_time(store: &dyn Store) {
    with_owner(store).await;
    for number in 1..=30 {
        let token = token(number, "alice");
        create(store, &token).await;
        if number % 10 == 0 {
            store.commit(revocation(&token)).await.unwrap();
        }
    }
    let ended =
        EventFilter { kinds: Some([EventKind::TokenRevoked].into()), ..EventFilter::default() };
    let early = EventFilter { until: Some(Timestamp::from_unix(1)), ..ended.clone() };
    let alice = Subject::Owner(owner_id("alice"));
    let all: Vec<u64> = (1..=34).rev().collect();
    for (subject, filter, wanted) in [
        (None, &EventFilter::default(), &all[..]),
        (None, &ended, &[34, 23, 12]),
        (None, &early, &[]),
        (Some(&alice), &EventFilter::default(), &[1]),
        (Some(&alice), &ended, &[]),
        (Some(&Subject::Token(token(20, "alice").id)), &ended, &[23]),
    ] {
        for limit in [1, 2, 40] {
            let (mut found, mut before) = (Vec::new(), None);
            loop {
                let some = store.search(subject, filter, before, limit).await.unwrap();
                assert!(some.found.len() <= limit);
                assert!(some.bytes > 0 || some.next.is_none(), "it says what it cost");
                found.extend(some.found.iter().map(|event| event.position.0));
                assert!(some.next.is_none() || some.next < before || before.is_none());
                before = some.next;
                if before.is_none() {
                    break;
                }
            }
            assert_eq!(found, wanted, "{subject:?} {filter:?} by {limit}");
        }
    }
}
