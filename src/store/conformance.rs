//! What every store must do, whatever it is made of. Each function takes an empty store; a store's own
//! tests call [`all`] with a way to make one.

mod counts;
mod companies;
mod events;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::sample::{
    NOW, commit, creation, digest, last_use, noted, owner, owner_creation, owner_id, revocation,
    revoked, token, usage,
};
use super::{
    Due, Health, NotedUse, Position, Record, Store, StoreError, Subject, TokenQuery, UseKey,
};
use crate::domain::event::EventKind;
use crate::domain::time::{Span, Timestamp};
use crate::domain::token::{Revision, Token};

pub(crate) mod lists;

/// What is checked, each on a store of its own.
const CHECKS: [fn(&dyn Store) -> Check<'_>; 22] = [
    |store| Box::pin(records_are_found_again(store)),
    |store| Box::pin(a_change_needs_the_revision_it_was_made_from(store)),
    |store| Box::pin(a_secret_belongs_to_one_token(store)),
    |store| Box::pin(a_commit_is_made_whole_or_not_at_all(store)),
    |store| Box::pin(owners_come_in_pages(store)),
    |store| Box::pin(lists::every_filter_lists_what_it_means(store)),
    |store| Box::pin(lists::a_list_follows_every_change(store)),
    |store| Box::pin(companies::a_token_is_held_with_its_company_where_that_is_on_record(store)),
    |store| Box::pin(companies::companies_come_in_pages(store)),
    |store| Box::pin(last_uses_never_move_back(store)),
    |store| Box::pin(a_slot_spares_a_lookup_and_changes_nothing(store)),
    |store| Box::pin(many_uses_at_once_are_read_back(store)),
    |store| Box::pin(first_uses_are_told_to_the_history(store)),
    |store| Box::pin(counts::counts_are_read_back(store)),
    |store| Box::pin(counts::requests_of_a_day_add_up(store)),
    |store| Box::pin(deadlines_are_listed_soonest_first(store)),
    |store| Box::pin(a_use_moves_a_deadline_when_it_is_filed_anew(store)),
    |store| Box::pin(deadlines_follow_the_records(store)),
    |store| Box::pin(a_used_token_is_not_ended(store)),
    |store| Box::pin(events::events_are_listed_newest_first(store)),
    |store| Box::pin(events::events_are_searched_a_stretch_at_a_time(store)),
    |store| Box::pin(the_high_water_mark_moves_by_its_two_acts_and_a_closed_store_says_so(store)),
];

type Check<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Runs everything.
pub(crate) async fn all<S, F>(mut empty: impl FnMut() -> F)
where
    S: std::ops::Deref<Target = dyn Store>,
    F: Future<Output = S>,
{
    for check in CHECKS {
        check(&*empty().await).await;
    }
}

async fn with_owner(store: &dyn Store) {
    store.commit(owner_creation("alice")).await.unwrap();
}

async fn create(store: &dyn Store, token: &Token) -> Position {
    store.commit(creation(token.clone())).await.unwrap()
}

async fn records_are_found_again(store: &dyn Store) {
    assert_eq!(store.health(), Health::Ready);
    let mut made = token(1, "alice");
    assert_eq!(store.token(made.id).await.unwrap(), None);
    assert_eq!(store.held(&made.digest).await.unwrap(), None);
    with_owner(store).await;
    assert_eq!(create(store, &made).await, Position(2));
    assert_eq!(store.owner(&owner_id("alice")).await.unwrap().as_deref(), Some(&owner("alice")));
    assert_eq!(store.token(made.id).await.unwrap().as_deref(), Some(&made));
    let held = store.held(&made.digest).await.unwrap().unwrap();
    assert_eq!((&*held.token, &*held.owner, held.last_use), (&made, &owner("alice"), None));
    store.commit(revocation(&made)).await.unwrap();
    made = revoked(&made);
    assert_eq!(store.held(&made.digest).await.unwrap().unwrap().token.ended, made.ended);
}

async fn a_change_needs_the_revision_it_was_made_from(store: &dyn Store) {
    with_owner(store).await;
    let made = token(1, "alice");
    create(store, &made).await;
    let again = store.commit(creation(made.clone())).await.unwrap_err();
    let StoreError::Conflict { found, expected, .. } = again else { panic!("{again}") };
    assert_eq!((found, expected), (Revision(1), Revision::NONE));
    let (one, other) =
        tokio::join!(store.commit(revocation(&made)), store.commit(revocation(&made)),);
    let outcomes = [one, other];
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    assert!(outcomes.iter().any(|o| matches!(o, Err(StoreError::Conflict { .. }))));
    let unknown = revocation(&token(2, "alice"));
    assert!(matches!(store.commit(unknown).await, Err(StoreError::Conflict { .. })));
}

async fn a_secret_belongs_to_one_token(store: &dyn Store) {
    with_owner(store).await;
    let first = token(1, "alice");
    create(store, &first).await;
    let second = Token { digest: first.digest, ..token(2, "alice") };
    let refused = store.commit(creation(second.clone())).await;
    assert!(matches!(refused, Err(StoreError::DuplicateSecret)), "{refused:?}");
    assert_eq!(store.token(second.id).await.unwrap(), None);
    // Also when both come at once, and also when the first has ended.
    let (third, fourth) = (token(3, "alice"), Token { digest: digest(3), ..token(4, "alice") });
    let (one, other) = tokio::join!(store.commit(creation(third)), store.commit(creation(fourth)));
    assert!(one.is_ok() != other.is_ok());
    store.commit(revocation(&first)).await.unwrap();
    assert!(store.commit(creation(second)).await.is_err());
}

async fn a_commit_is_made_whole_or_not_at_all(store: &dyn Store) {
    with_owner(store).await;
    let (old, new) = (token(1, "alice"), token(2, "alice"));
    create(store, &old).await;
    let rotation = |old: Token| {
        let records = [new.clone(), revoked(&old)].map(|token| Record::Token(Arc::new(token)));
        commit(EventKind::TokenCreated, records)
    };
    let stale = Token { revision: Revision(7), ..old.clone() };
    assert!(store.commit(rotation(stale)).await.is_err());
    assert_eq!(store.token(new.id).await.unwrap(), None);
    assert_eq!(store.held(&new.digest).await.unwrap(), None);
    let position = store.commit(rotation(old.clone())).await.unwrap();
    assert_eq!(position, Position(3), "what failed has left no gap");
    assert!(store.token(old.id).await.unwrap().unwrap().ended.is_some());
    assert_eq!(store.token(new.id).await.unwrap().as_deref(), Some(&new));
}

async fn owners_come_in_pages(store: &dyn Store) {
    for name in ["bob", "alice", "al", "alice2"] {
        store.commit(owner_creation(name)).await.unwrap();
    }
    let page = store.owners(None, 3).await.unwrap();
    let names: Vec<_> = page.entries.iter().map(|owner| owner.id.to_string()).collect();
    assert_eq!(
        (names.join(" ").as_str(), page.next.clone()),
        ("al alice alice2", Some(owner_id("alice2")))
    );
    let page = store.owners(page.next.as_ref(), 3).await.unwrap();
    assert_eq!((page.entries.len(), page.next), (1, None));
}

async fn last_uses_never_move_back(store: &dyn Store) {
    with_owner(store).await;
    let (used, unused) = (token(1, "alice"), token(2, "alice"));
    create(store, &used).await;
    create(store, &unused).await;
    note(store, [noted(used.id, 10)]).await;
    let stranger = token(3, "alice").id;
    note(store, [noted(used.id, 9), noted(used.id, 11), noted(stranger, 1)]).await;
    note(store, [noted(used.id, 5)]).await;
    let asked = [stranger, used.id, unused.id].map(UseKey::from);
    let uses = store.last_uses(&asked).await.unwrap();
    assert_eq!(uses, [None, Some(usage(11)), None]);
    let held = store.held(&used.digest).await.unwrap().unwrap();
    assert_eq!(held.last_use, Some(usage(11)));
    assert_eq!(held.token.revision, Revision(1), "a use does not rewrite the record");
}

async fn a_slot_spares_a_lookup_and_changes_nothing(store: &dyn Store) {
    with_owner(store).await;
    for n in 0..5 {
        create(store, &token(n, "alice")).await;
    }
    for round in 0..2 {
        for n in 0..5 {
            let held = store.held(&digest(n)).await.unwrap().unwrap();
            let by_slot = held.use_key();
            assert_eq!(store.use_slot(held.token.id).await.unwrap(), held.slot);
            // Each way of noting is read back in each way of asking.
            let of = if (n + round) % 2 == 0 { by_slot } else { held.token.id.into() };
            note(store, [noted(of, 10 * round + n)]).await;
            let listed = &store.tokens(&TokenQuery::oldest(10)).await.unwrap().entries;
            let listed = listed.iter().find(|listed| listed.token.id == held.token.id).unwrap();
            let asked = [by_slot, held.token.id.into(), listed.use_key()];
            let uses = store.last_uses(&asked).await.unwrap();
            assert_eq!(uses, vec![Some(usage(10 * round + n)); 3]);
        }
    }
    assert_eq!(store.use_slot(token(9, "alice").id).await.unwrap(), None);
}

async fn many_uses_at_once_are_read_back(store: &dyn Store) {
    const TOKENS: u64 = 300;
    with_owner(store).await;
    let records = (0..TOKENS).map(|n| Record::Token(Arc::new(token(n, "alice"))));
    store.commit(commit(EventKind::TokenCreated, records)).await.unwrap();
    let keys: Vec<UseKey> = (0..TOKENS).map(|n| token(n, "alice").id.into()).collect();
    for (from, step) in [(0, 7), (3, 2), (1, 1)] {
        let some = (from..TOKENS).step_by(step);
        let uses: Vec<_> = some.clone().map(|n| noted(token(n, "alice").id, from + n)).collect();
        note(store, uses.into_iter().rev()).await;
        let read = store.last_uses(&keys).await.unwrap();
        for n in some {
            let found = read[usize::try_from(n).unwrap()].as_ref().map(|last| last.at);
            assert!(found >= Some(after(from + n)), "{n}");
        }
    }
    let unused = store.last_uses(&keys[..1]).await.unwrap();
    assert_eq!(unused, [Some(usage(0))], "noted in the first round alone");
}

async fn first_uses_are_told_to_the_history(store: &dyn Store) {
    with_owner(store).await;
    let tokens = [1, 2, 3].map(|n| token(n, "alice"));
    for token in &tokens {
        create(store, token).await;
    }
    let first = |n: usize, at| NotedUse { first: true, ..noted(tokens[n].id, at) };
    note(store, [first(0, 20), noted(tokens[1].id, 21), first(2, 22)]).await;
    let page = store.events(None, None, 10).await.unwrap();
    assert_eq!(page.entries.len(), 5, "one event for all first uses of a note");
    let observed = &page.entries[0];
    assert_eq!(observed.event.kind, EventKind::TokenFirstUsed);
    assert_eq!((observed.event.at, observed.event.effective_at), (after(60), after(20)));
    assert_eq!(observed.subjects, [0, 2].map(|n: usize| Subject::Token(tokens[n].id)));
    for (n, wanted) in [(0, vec![5, 2]), (1, vec![3]), (2, vec![5, 4])] {
        let about = Subject::Token(tokens[n].id);
        let page = store.events(Some(&about), None, 10).await.unwrap();
        let found: Vec<_> = page.entries.iter().map(|event| event.position.0).collect();
        assert_eq!(found, wanted);
    }
    store.commit(revocation(&tokens[0])).await.unwrap();
    let about = Subject::Token(tokens[0].id);
    let page = store.events(Some(&about), Some(Position(6)), 1).await.unwrap();
    assert_eq!((page.entries[0].position, page.next), (Position(5), Some(Position(5))));
}

async fn note(store: &dyn Store, uses: impl IntoIterator<Item = NotedUse>) {
    store.note_uses(uses.into_iter().collect(), after(60)).await.unwrap();
}

fn after(seconds: u64) -> Timestamp {
    NOW.plus(Span::from_seconds(seconds))
}

/// A token that expires after 50 seconds, one that is idle after 100, and one that never ends, with the
/// entries that they have.
async fn with_deadlines(store: &dyn Store) -> ([Token; 2], [Due; 2]) {
    with_owner(store).await;
    let expires = Token { expires_at: Some(after(50)), idle_ttl: Span::ZERO, ..token(2, "alice") };
    let idle = Token { idle_ttl: Span::from_seconds(100), ..token(1, "alice") };
    let eternal = Token { idle_ttl: Span::ZERO, ..token(3, "alice") };
    for token in [&expires, &idle, &eternal] {
        create(store, token).await;
    }
    let first = Due { deadline: after(50), token: expires.id };
    let second = Due { deadline: after(100), token: idle.id };
    ([expires, idle], [first, second])
}

async fn deadlines_are_listed_soonest_first(store: &dyn Store) {
    let (_, [first, second]) = with_deadlines(store).await;
    for (until, from, wanted) in [
        (after(49), None, vec![]),
        (after(50), None, vec![first]),
        (Timestamp::MAX, None, vec![first, second]),
        (Timestamp::MAX, Some(first), vec![second]),
        (after(50), Some(second), vec![]),
    ] {
        assert_eq!(store.due(until, from, 10).await.unwrap(), wanted, "{until} {from:?}");
    }
    assert_eq!(store.due(Timestamp::MAX, None, 1).await.unwrap(), [first]);
}

async fn a_use_moves_a_deadline_when_it_is_filed_anew(store: &dyn Store) {
    let ([_, idle], [first, second]) = with_deadlines(store).await;
    note(store, [noted(idle.id, 30)]).await;
    assert_eq!(store.due(after(100), Some(first), 10).await.unwrap(), [second]);
    assert_eq!(store.refile(second).await.unwrap(), Some(after(130)));
    assert_eq!(store.due(after(129), Some(first), 10).await.unwrap(), []);
    let moved = Due { deadline: after(130), ..second };
    assert_eq!(store.due(after(130), Some(first), 10).await.unwrap(), [moved]);
    assert_eq!(store.refile(moved).await.unwrap(), Some(after(130)));
    let stranger = Due { token: token(9, "alice").id, ..first };
    assert_eq!(store.refile(stranger).await.unwrap(), None);
}

async fn deadlines_follow_the_records(store: &dyn Store) {
    let ([expires, idle], [first, second]) = with_deadlines(store).await;
    let sooner = Token { expires_at: Some(after(60)), revision: Revision(2), ..idle.clone() };
    let record = Record::Token(Arc::new(sooner.clone()));
    store.commit(commit(EventKind::TokenUpdated, [record])).await.unwrap();
    let moved = Due { deadline: after(60), ..second };
    assert_eq!(store.due(Timestamp::MAX, Some(first), 10).await.unwrap(), [moved]);
    store.commit(revocation(&sooner)).await.unwrap();
    store.commit(revocation(&expires)).await.unwrap();
    assert_eq!(store.due(Timestamp::MAX, None, 10).await.unwrap(), []);
    assert_eq!(store.refile(first).await.unwrap(), None);
}

async fn a_used_token_is_not_ended(store: &dyn Store) {
    with_owner(store).await;
    let made = token(1, "alice");
    create(store, &made).await;
    let sweep = |judged| {
        let mut sweep = revocation(&made);
        sweep.changes[0].unused_since = Some(judged);
        sweep
    };
    note(store, [noted(made.id, 10)]).await;
    for judged in [None, Some(last_use(9).at)] {
        let refused = store.commit(sweep(judged)).await;
        assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    }
    store.commit(sweep(Some(last_use(10).at))).await.unwrap();
}

async fn the_high_water_mark_moves_by_its_two_acts_and_a_closed_store_says_so(store: &dyn Store) {
    let mark = store.high_water().await.unwrap();
    store.raise_high_water(NOW).await.unwrap();
    store.raise_high_water(mark).await.unwrap();
    assert_eq!(store.high_water().await.unwrap(), NOW);
    store.lower_high_water(NOW.plus(Span::from_days(1))).await.unwrap();
    assert_eq!(store.high_water().await.unwrap(), NOW, "that would have raised it");
    let earlier = Timestamp::from_unix(NOW.unix() - 1);
    store.lower_high_water(earlier).await.unwrap();
    assert_eq!(store.high_water().await.unwrap(), earlier);

    store.close().await.unwrap();
    assert!(matches!(store.token(token(1, "alice").id).await, Err(StoreError::Closed)));
    assert!(matches!(store.commit(owner_creation("alice")).await, Err(StoreError::Closed)));
    assert!(matches!(store.note_uses(vec![], NOW).await, Ok(()) | Err(StoreError::Closed)));
    assert!(matches!(store.health(), Health::Broken(_)));
    store.close().await.unwrap();
}
