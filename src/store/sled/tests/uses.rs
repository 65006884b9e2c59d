//! Last uses: lost, damaged, carried over from the older layout, and racing the sweeper.

use std::fs;
use std::sync::Arc;

use super::{copy_running, fill, open, options};
use crate::clock::Clock;
use crate::domain::event::EventKind;
use crate::domain::time::Span;
use crate::domain::token::Token;
use crate::store::sample::{
    NOW, creation, last_use, noted, owner_creation, revocation, token, usage,
};
use crate::store::sled::SledStore;
use crate::store::sled::uses::{Age, Means, open as open_uses};
use crate::store::{Due, NotedUse, Store, StoreError, Subject, TokenQuery, Usage, UseKey};

#[tokio::test]
async fn after_a_loss_nothing_dies_early_and_nothing_lives_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let idle = Token { idle_ttl: Span::from_seconds(100), ..token(1, "alice") };
    let eternal = Token { idle_ttl: Span::ZERO, ..token(2, "alice") };
    let store = open(folder.path());
    store.commit(owner_creation("alice")).await.unwrap();
    for token in [&idle, &eternal] {
        store.commit(creation(token.clone())).await.unwrap();
    }
    store.note_uses(vec![noted(idle.id, 90)], NOW).await.unwrap();
    drop(store);
    fs::remove_file(folder.path().join("data/uses")).unwrap();
    // The loss is noticed at 150, when the token that was used at 90 was still alive.
    let after = |seconds| NOW.plus(Span::from_seconds(seconds));
    let at_150 = super::Options { clock: Clock::held(after(150)), ..options(folder.path()) };
    let store = SledStore::open(at_150).unwrap();
    let due = store.due(after(1_000), None, 10).await.unwrap();
    assert_eq!(due, [Due { deadline: after(100), token: idle.id }], "as it was filed");
    assert_eq!(store.refile(due[0]).await.unwrap(), Some(after(250)));
    let asked = [idle.id, eternal.id].map(UseKey::from);
    let uses = store.last_uses(&asked).await.unwrap();
    // That is all that is known: no address and no moment are made up.
    let unknown = Some(Usage { at: after(150), last: None });
    assert_eq!(uses, [unknown.clone(), unknown]);
    let held = store.held(&idle.digest).await.unwrap().unwrap();
    assert_eq!(held.last_use, uses[0]);
    // A sweeper that judged by nothing at all does not end it.
    let mut sweep = revocation(&idle);
    sweep.changes[0].unused_since = Some(None);
    assert!(matches!(store.commit(sweep).await, Err(StoreError::Conflict { .. })));
    drop(store);
    // The rule still holds after another restart, and a token made later is not touched by it.
    let store = open(folder.path());
    assert_eq!(store.last_uses(&asked[..1]).await.unwrap(), uses[..1]);
    let later = Token { created_at: after(150), ..token(3, "alice") };
    store.commit(creation(later.clone())).await.unwrap();
    assert_eq!(store.last_uses(&[later.id.into()]).await.unwrap(), [None]);
}

fn key(n: u64) -> UseKey {
    token(n, "alice").id.into()
}

/// Used tokens, the first of which were told to the history.
async fn use_some(store: &dyn Store) {
    let first = |n| NotedUse { first: true, ..noted(key(n), 10 + n) };
    store.note_uses((1..30).step_by(2).map(first).collect(), NOW).await.unwrap();
    store.note_uses(vec![noted(key(1), 99)], NOW).await.unwrap();
}

async fn check_used(store: &dyn Store) {
    for n in 0..40 {
        let wanted = match n {
            1 => Some(usage(99)),
            n if n % 2 == 1 && n < 30 => Some(usage(10 + n)),
            _ => None,
        };
        check_first_use(store, n, wanted.is_some()).await;
        assert_eq!(store.last_uses(&[key(n)]).await.unwrap(), [wanted], "{n}");
    }
}

/// The event of a first use is found by its token.
async fn check_first_use(store: &dyn Store, n: u64, wanted: bool) {
    let about = Subject::Token(token(n, "alice").id);
    let events = store.events(Some(&about), None, 10).await.unwrap().entries;
    let kinds: Vec<_> = events.iter().map(|event| event.event.kind).collect();
    assert_eq!(kinds.contains(&EventKind::TokenFirstUsed), wanted, "{n}: {kinds:?}");
}

#[tokio::test]
async fn they_outlive_a_crash_a_close_and_the_index() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    fill(&store, 40).await;
    use_some(&store).await;
    let crashed = copy_running(folder.path());
    drop(store);
    for folder in [crashed.path(), folder.path()] {
        check_used(&open(folder)).await;
        for gone in ["index", "checkpoint"] {
            let path = folder.join("data").join(gone);
            if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.unwrap();
            let store = open(folder);
            check_filled_with_uses(&store).await;
            check_used(&store).await;
        }
    }
}

async fn check_filled_with_uses(store: &dyn Store) {
    let listed = store.tokens(&TokenQuery::oldest(100)).await.unwrap().entries;
    assert_eq!(listed.len(), 40);
}

#[tokio::test]
async fn a_new_file_learns_again_which_events_tell_of_first_uses() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    fill(&store, 40).await;
    use_some(&store).await;
    drop(store);
    let data = folder.path().join("data");
    fs::remove_file(data.join("uses.head")).unwrap();
    // A start that is killed once the new file is there.
    let clock = Clock::held(NOW);
    drop(open_uses(
        &data,
        Means { clock, high_water: NOW, tokens: true, expected: false, age: Age::default() },
    ));
    let store = open(folder.path());
    for n in 0..40 {
        check_first_use(&store, n, n % 2 == 1 && n < 30).await;
        // Idle tokens count as used now, never as unused.
        let last = store.last_uses(&[key(n)]).await.unwrap().remove(0).map(|last| last.at);
        assert!(last.is_none() || last == Some(NOW), "{n}: {last:?}");
    }
    assert!(folder.path().join("data/uses.damaged").is_file());
}

#[tokio::test]
async fn a_token_whose_slot_is_damaged_is_not_ended_early() {
    let folder = tempfile::tempdir().unwrap();
    let idle = Token { idle_ttl: Span::from_seconds(100), ..token(0, "alice") };
    let store = open(folder.path());
    store.commit(owner_creation("alice")).await.unwrap();
    store.commit(creation(idle.clone())).await.unwrap();
    store.note_uses(vec![noted(key(0), 90)], NOW).await.unwrap();
    drop(store);
    let path = folder.path().join("data/uses");
    let whole = fs::read(&path).unwrap();
    let at_150 = NOW.plus(Span::from_seconds(150));
    for byte in 0..64 {
        let mut bytes = whole.clone();
        bytes[byte] ^= 1 << (byte % 8);
        fs::write(&path, bytes).unwrap();
        let options = super::Options { clock: Clock::held(at_150), ..options(folder.path()) };
        let store = SledStore::open(options).unwrap();
        let held = store.held(&idle.digest).await.unwrap().unwrap();
        assert_eq!(held.last_use.map(|last| last.at), Some(at_150), "byte {byte}");
        let mut sweep = revocation(&idle);
        sweep.changes[0].unused_since = Some(Some(last_use(90).at));
        let refused = store.commit(sweep).await;
        assert!(matches!(refused, Err(StoreError::Conflict { .. })), "byte {byte}: {refused:?}");
        // It was written anew, with the moment at which it was met.
        drop(store);
        let store = open(folder.path());
        let last = store.last_uses(&[key(0)]).await.unwrap();
        assert_eq!(last, [Some(Usage { at: at_150, last: None })], "byte {byte}, later");
    }
}

#[tokio::test]
async fn slots_of_tokens_that_the_history_lost_are_not_handed_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    fill(&store, 40).await;
    let uses = (0..40).map(|n| noted(key(n), 10)).collect();
    store.note_uses(uses, NOW).await.unwrap();
    drop(store);
    fs::remove_file(super::segments(folder.path()).pop().unwrap()).unwrap();
    let options = options(folder.path());
    tokio::task::spawn_blocking(move || {
        crate::store::sled::repair(options, Some(crate::domain::event::Actor::System))
    })
    .await
    .unwrap()
    .unwrap();
    let store = open(folder.path());
    let left = store.tokens(&TokenQuery::oldest(100)).await.unwrap().entries.len();
    assert!(left < 40);
    for n in 100..140 {
        store.commit(creation(token(n, "alice"))).await.unwrap();
        assert_eq!(store.last_uses(&[key(n)]).await.unwrap(), [None], "{n}");
    }
}

/// Whoever has seen a use may rely on it that no commit passes over it, also while its note goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_flushes_race_a_conditional_commit() {
    const TOKENS: u64 = 2_000;
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(folder.path()));
    store.commit(owner_creation("alice")).await.unwrap();
    let records = (0..TOKENS).map(|n| creation(token(n, "alice")).changes.remove(0));
    let mut all = creation(token(0, "alice"));
    all.changes = records.collect();
    store.commit(all).await.unwrap();
    let (mut conflicts, mut ended) = (0, 0);
    for round in 0..40_u64 {
        let n = round * 37 % TOKENS;
        let at = 10 * (round + 1);
        let flushes = [at, at + 1].map(|at| {
            let store = Arc::clone(&store);
            let uses = (0..TOKENS).rev().map(|n| noted(key(n), at)).collect();
            tokio::spawn(async move { store.note_uses(uses, NOW).await.unwrap() })
        });
        // In some rounds the commit waits until the use is seen, in others it comes at any moment.
        let wait = round % 2 == 0;
        let before = last_use(at - 9).at;
        let mut seen = false;
        while wait && !seen {
            let last = store.last_uses(&[key(n)]).await.unwrap().remove(0);
            seen = last.is_some_and(|last| last.at > before);
        }
        let mut sweep = revocation(&token(n, "alice"));
        sweep.changes[0].unused_since = Some((round > 0).then_some(before));
        match store.commit(sweep).await {
            Ok(_) => {
                assert!(!seen, "round {round}: a use that was seen was passed over");
                ended += 1;
            }
            Err(StoreError::Conflict { .. }) => conflicts += 1,
            Err(error) => panic!("{error}"),
        }
        for flush in flushes {
            flush.await.unwrap();
        }
        let last = store.last_uses(&[key(n)]).await.unwrap();
        assert_eq!(last, [Some(usage(at + 1))], "round {round}");
    }
    assert!(conflicts >= 20, "{conflicts} conflicts, {ended} ended");
}

#[tokio::test]
async fn a_storm_of_first_uses_writes_no_index_entries_and_lets_commits_pass() {
    const TOKENS: u64 = 3_000;
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(folder.path()));
    store.commit(owner_creation("alice")).await.unwrap();
    let mut all = creation(token(0, "alice"));
    all.changes = (0..TOKENS).map(|n| creation(token(n, "alice")).changes.remove(0)).collect();
    store.commit(all).await.unwrap();
    let entries = || {
        let index = store.shared.index().unwrap();
        let list = |kind: &u8| index.list(&[*kind], None, None, usize::MAX).unwrap().len();
        b"BLOST".iter().map(list).sum::<usize>()
    };
    let before = entries();
    let uses = (0..TOKENS).map(|n| NotedUse { first: true, ..noted(key(n), 10) }).collect();
    let (noted, passed) =
        tokio::join!(store.note_uses(uses, NOW), store.commit(owner_creation("bob")));
    noted.unwrap();
    passed.unwrap();
    assert_eq!(entries(), before + 2, "the owner and its event");
    for n in (0..TOKENS).step_by(97) {
        check_first_use(&*store, n, true).await;
    }
    // A crash at this moment leaves the events and the slots together.
    let crashed = copy_running(folder.path());
    check_first_use(&open(crashed.path()), TOKENS - 1, true).await;
}

/// The folder of last uses as it was at one moment.
fn keep_uses(folder: &std::path::Path) -> [(std::path::PathBuf, Vec<u8>); 2] {
    let data = folder.join("data");
    ["uses", "uses.head"].map(|name| (data.join(name), fs::read(data.join(name)).unwrap()))
}

#[tokio::test]
async fn an_older_copy_that_is_put_back_ends_no_token_early() {
    let folder = tempfile::tempdir().unwrap();
    let idle = Token { idle_ttl: Span::from_seconds(100), ..token(0, "alice") };
    let after = |seconds| NOW.plus(Span::from_seconds(seconds));
    let reopen = |folder: &std::path::Path, at| {
        let clock = Clock::held(after(at));
        SledStore::open(super::Options { clock, ..options(folder) }).unwrap()
    };
    let store = open(folder.path());
    store.commit(owner_creation("alice")).await.unwrap();
    for made in [&idle, &token(1, "alice")] {
        store.commit(creation(made.clone())).await.unwrap();
    }
    store.note_uses(vec![noted(key(0), 5)], NOW).await.unwrap();
    drop(store);
    let older = keep_uses(folder.path());
    let store = open(folder.path());
    let uses = [(0, false), (1, true)];
    let uses = uses.map(|(n, first)| NotedUse { first, ..noted(key(n), 90) });
    store.note_uses(uses.to_vec(), NOW).await.unwrap();
    drop(store);
    for put_back in [&older[..], &older[..1], &older[1..]] {
        let copy = copy_running(folder.path());
        for (path, bytes) in put_back {
            fs::write(copy.path().join("data").join(path.file_name().unwrap()), bytes).unwrap();
        }
        // The head alone tells nothing that was not true any more.
        let noticed = put_back.len() == 2 || put_back[0].0.ends_with("uses");
        let store = reopen(copy.path(), 150);
        let last = store.last_uses(&[key(0)]).await.unwrap().remove(0).map(|last| last.at);
        assert_eq!(last, Some(after(if noticed { 150 } else { 90 })), "{put_back:?}");
        check_first_use(&store, 1, true).await;
        drop(store);
        // Noticed once: the next start takes the file as it is.
        let store = reopen(copy.path(), 180);
        let again = store.last_uses(&[key(0)]).await.unwrap().remove(0).map(|last| last.at);
        assert_eq!(again, last);
    }
}

#[tokio::test]
async fn an_older_head_does_not_bring_an_older_floor() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    fill(&store, 3).await;
    store.note_uses(vec![noted(key(1), 5)], NOW).await.unwrap();
    drop(store);
    let older = keep_uses(folder.path());
    let store = open(folder.path());
    let floor = NOW.plus(Span::from_seconds(90));
    store.shared.uses.set_floor(floor).unwrap();
    drop(store);
    fs::write(&older[1].0, &older[1].1).unwrap();
    let later = NOW.plus(Span::from_seconds(95));
    let options = super::Options { clock: Clock::held(later), ..options(folder.path()) };
    let store = SledStore::open(options).unwrap();
    assert!(store.shared.uses.floor() >= floor);
}

#[tokio::test]
async fn a_file_that_grew_just_before_a_crash_is_no_older_copy() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    fill(&store, 3).await;
    store.note_uses(vec![noted(key(1), 5)], NOW).await.unwrap();
    drop(store);
    let head = keep_uses(folder.path())[1].clone();
    let store = open(folder.path());
    let far = crate::store::sled::uses::Entry {
        slot: 20_000,
        token: token(9, "alice").id,
        last: None,
        first: Some(1),
    };
    store.shared.uses.note(vec![far]).unwrap();
    let crashed = copy_running(folder.path());
    // The head did not come to count the new slots.
    fs::write(crashed.path().join("data/uses.head"), &head.1).unwrap();
    assert_eq!(open(crashed.path()).shared.uses.floor(), crate::domain::time::Timestamp::EPOCH);
}

#[tokio::test]
async fn a_lost_use_of_an_ended_token_is_unknown_and_not_after_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    fill(&store, 10).await;
    // Revoked at `NOW`: 0 and 3.
    let uses = [0, 1].map(|n| NotedUse { first: true, ..noted(key(n), 0) }).to_vec();
    store.note_uses(uses, NOW).await.unwrap();
    drop(store);
    for spoiled in [true, false] {
        let path = folder.path().join("data/uses");
        if spoiled {
            let bytes: Vec<_> = fs::read(&path).unwrap().iter().map(|b| !b).collect();
            fs::write(&path, bytes).unwrap();
        } else {
            fs::remove_file(&path).unwrap();
        }
        let later = NOW.plus(Span::from_seconds(500));
        let options = super::Options { clock: Clock::held(later), ..options(folder.path()) };
        let store = SledStore::open(options).unwrap();
        let last = store.last_uses(&[0, 1].map(key)).await.unwrap();
        let unknown = |at| Some(Usage { at, last: None });
        assert_eq!(last, [unknown(NOW), unknown(later)], "spoiled: {spoiled}");
    }
}
