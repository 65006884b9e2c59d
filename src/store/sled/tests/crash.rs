//! An index that a crash left, with entries that are missing, too many, or older than they should be. Every
//! value verifies, so that the sums and bonds alone can tell.

use std::path::Path;
use std::sync::Arc;

use super::{copy_running, edit, fill, keep_waiting, open, options};
use crate::history::{Log, Mark};
use crate::store::sample::{creation, owner, owner_creation, revocation, token};
use crate::store::sled::checkpoint::{self, Checkpoint};
use crate::store::sled::heal;
use crate::store::sled::index::Index;
use crate::store::sled::keeper::Keeper;
use crate::store::sled::lock::Lock;
use crate::store::sled::open::{self as opening, Opened};
use crate::store::sled::renew::Renewal;
use crate::store::sled::shared::{Access, Shared};
use crate::store::sled::space::Space;
use crate::store::sled::state::State;
use crate::store::sled::upkeep::Upkeep;
use crate::store::sled::write::Writer;
use crate::store::sled::{keys, value};
use crate::store::{Health, Store, StoreError, TokenQuery};

/// What keeps a folder open beside what readers share.
pub(super) type Opening = (Lock, Space, Log, State);

const TOKENS: u64 = 30;
/// One that is revoked after the older copy was taken.
const LATE: u64 = 1;

/// A folder as a crash leaves it after a revocation, and the entries of its index before that.
async fn crashed() -> (tempfile::TempDir, Vec<(Vec<u8>, Vec<u8>)>) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    fill(&store, TOKENS).await;
    let early = copy_running(folder.path());
    // Brings up what of it sled had still in memory.
    drop(open(early.path()));
    let db = ::sled::open(early.path().join("data/index")).unwrap();
    let pair = |entry: ::sled::Result<(::sled::IVec, ::sled::IVec)>| {
        let (key, value) = entry.unwrap();
        (key.to_vec(), value.to_vec())
    };
    let entries = db.iter().map(pair).collect();
    store.commit(revocation(&token(LATE, "alice"))).await.unwrap();
    let crashed = copy_running(folder.path());
    // So that the change is in the index and no longer brought up.
    let store = open(crashed.path());
    store.commit(owner_creation("last")).await.unwrap();
    let crashed = copy_running(crashed.path());
    drop(store);
    (crashed, entries)
}

fn change(folder: &Path, change: impl FnOnce(&::sled::Db)) {
    let db = ::sled::open(folder.join("data/index")).unwrap();
    change(&db);
    db.flush().unwrap();
}

/// Asks for a token until it is answered; what comes before that are errors, or it is a wrong answer.
async fn ask_late(store: &dyn Store, what: &str) -> bool {
    match store.held(&token(LATE, "alice").digest).await {
        Ok(held) => {
            let held = held.unwrap_or_else(|| panic!("{what}: it is unknown"));
            assert!(held.token.ended.is_some(), "{what}: it is back from the dead");
            assert_eq!(*held.owner, owner("alice"), "{what}");
            true
        }
        Err(StoreError::Damaged { .. } | StoreError::Failed { .. }) => false,
        Err(error) => panic!("{what}: {error}"),
    }
}

#[tokio::test]
async fn nothing_that_a_crash_lost_of_the_index_is_answered_and_it_is_built_anew() {
    let late = token(LATE, "alice");
    let (record, digest) = (keys::token(late.id), keys::digest(&late.digest));
    let alice = keys::owner(&"alice".parse().unwrap());
    let (whole, early) = crashed().await;
    // The chunk that has a key.
    let older = |key: &[u8]| early.iter().rfind(|(at, _)| at.as_slice() <= key).unwrap();
    let put_back = |keys: &[&[u8]], db: &::sled::Db| {
        for (at, value) in keys.iter().map(|key| older(key)) {
            db.insert(at, value.as_slice()).unwrap();
        }
    };
    let forget = |key: &[u8], db: &::sled::Db| drop(edit(db, key, None));
    let forget_chunk = |key: &[u8], db: &::sled::Db| {
        let (at, _) = db.range::<&[u8], _>(..=key).next_back().unwrap().unwrap();
        db.remove(at).unwrap().unwrap();
    };
    let other = serde_json::to_vec(&owner("bob")).unwrap();
    type Fault<'a> = (&'a str, Box<dyn Fn(&::sled::Db) + 'a>);
    let faults: [Fault<'_>; 10] = [
        ("an older record", Box::new(|db| put_back(&[&record], db))),
        ("an older digest", Box::new(|db| put_back(&[&digest], db))),
        ("both", Box::new(|db| put_back(&[&record, &digest], db))),
        ("no record", Box::new(|db| forget(&record, db))),
        ("no digest", Box::new(|db| forget(&digest, db))),
        ("no owner", Box::new(|db| forget(&alice, db))),
        ("no chunk of the record", Box::new(|db| forget_chunk(&record, db))),
        ("no chunk of the digest", Box::new(|db| forget_chunk(&digest, db))),
        ("another owner", Box::new(|db| drop(edit(db, &alice, Some(&other))))),
        (
            "everything but the state",
            Box::new(|db| {
                for (key, value) in early.iter().filter(|(key, _)| key != keys::STATE) {
                    db.insert(key.as_slice(), value.as_slice()).unwrap();
                }
            }),
        ),
    ];
    for (what, fault) in faults {
        let copy = copy_running(whole.path());
        change(copy.path(), fault);
        let store = open(copy.path());
        // Until all is read, or mended, nothing is changed.
        let mut changed = false;
        keep_waiting(async || {
            let answered = ask_late(&store, what).await;
            let made = store.commit(creation(token(1_000, "alice"))).await;
            assert!(!(changed && made.is_ok()), "{what}: made twice");
            changed |= made.is_ok();
            answered && changed
        })
        .await;
        assert_eq!(store.health(), Health::Ready, "{what}");
        assert!(copy.path().join("data/index.damaged").is_dir(), "{what}: it went unnoticed");
        assert!(!copy.path().join("data/index.next").exists(), "{what}");
        assert!(store.token(token(1_000, "alice").id).await.unwrap().is_some(), "{what}");
    }
}

#[tokio::test]
async fn parts_that_are_whole_are_answered_while_another_is_not() {
    let late = token(LATE, "alice");
    let (whole, _) = crashed().await;
    change(whole.path(), |db| drop(edit(db, &keys::digest(&late.digest), None)));
    let store = open(whole.path());
    let lost = keys::part(&keys::digest(&late.digest));
    let mut answers = 0;
    for n in (0..TOKENS).map(|n| token(n, "alice")) {
        let part = keys::part(&keys::digest(&n.digest));
        match store.held(&n.digest).await {
            Ok(held) => answers += u64::from(held.unwrap().token.id == n.id && part != lost),
            Err(StoreError::Damaged { .. }) => assert_eq!(part, lost),
            // The new one is being put in its place already.
            Err(error) => assert!(matches!(error, StoreError::Failed { .. }), "{error}"),
        }
    }
    assert!(answers > TOKENS / 2, "{answers}");
    // What needs all of it waits for the new one.
    keep_waiting(async || store.tokens(&TokenQuery::oldest(100)).await.is_ok()).await;
    assert_eq!(store.tokens(&TokenQuery::oldest(100)).await.unwrap().entries.len() as u64, TOKENS);
}

/// A folder that a crash left, open without a writing thread, which would read it and mend it.
pub(super) fn in_doubt(folder: &Path, change_index: impl FnOnce(&::sled::Db)) -> (Shared, Opening) {
    change(folder, change_index);
    let Opened { lock, space, log, index, state, uses, counts, summaries, .. } =
        opening::open(&options(folder), None).unwrap();
    assert!(index.doubts().is_some());
    let probe = Arc::clone(log.probe());
    let shared =
        Shared::new(options(folder), index, (uses, counts, summaries), probe, state.applied);
    (shared, (lock, space, log, state))
}

#[tokio::test]
async fn nothing_more_is_read_once_damage_was_met() {
    let (whole, _) = crashed().await;
    let untouched = |index: &Index| {
        let doubts = index.doubts().unwrap();
        (0..keys::PARTS).filter(|part| doubts.any_of(&[*part])).count()
    };
    let copy = copy_running(whole.path());
    let (shared, _rest) = in_doubt(copy.path(), |_| {});
    let index = shared.index().unwrap();
    // As a reader meets it.
    let _ = index.damage(b"a key", "a test");
    assert!(matches!(shared.whole_index(), Err(StoreError::Damaged { .. })));
    assert_eq!(untouched(&index), keys::PARTS);
    // What a request needs is read all the same.
    index.clear(&[keys::OWNERS_PART, 1]).unwrap();
    assert_eq!(untouched(&index), keys::PARTS - 2);

    let lost = keys::digest(&token(LATE, "alice").digest);
    let (shared, _rest) = in_doubt(whole.path(), |db| drop(edit(db, &lost, None)));
    let index = shared.index().unwrap();
    index.clear(&[keys::part(&lost)]).unwrap_err();
    index.clear(&[keys::OWNERS_PART, keys::part(&lost)]).unwrap_err();
    shared.whole_index().unwrap_err();
    assert_eq!(untouched(&index), keys::PARTS);
}

#[tokio::test]
async fn the_store_is_broken_where_requests_are_refused_and_else_takes_no_changes() {
    let (whole, _) = crashed().await;
    let late = token(LATE, "alice");
    for (lost, broken) in [
        (keys::digest(&late.digest), true),
        (keys::owner(&late.owner), true),
        (keys::token(late.id), false),
        (keys::owned_token(&late.owner, late.id), false),
    ] {
        let copy = copy_running(whole.path());
        let (shared, (lock, space, log, state)) =
            in_doubt(copy.path(), |db| drop(edit(db, &lost, None)));
        let keeper = Keeper::start(&shared.options).unwrap();
        let upkeep = Upkeep::new(keeper, space, Arc::new(lock), state, shared.high_water());
        let mut writer = Writer { shared: shared.into(), log, state, upkeep };
        assert_eq!(writer.shared.health(), Health::Ready);
        assert!(writer.clear_doubts() && writer.clear_doubts(), "it is still bad");
        let health = writer.shared.health();
        assert!(matches!(health, Health::Broken(_)) == broken, "{lost:?}: {health:?}");
        assert!(matches!(health, Health::ReadOnly(_)) != broken, "{lost:?}: {health:?}");
        writer.look_after();
        assert!(writer.upkeep.renewal.is_some(), "no other index is being built");
    }
}

#[tokio::test]
async fn a_store_that_is_closed_waits_for_no_index_that_is_opened_then() {
    let (whole, _) = crashed().await;
    let (shared, (_lock, _space, log, _)) = in_doubt(whole.path(), |_| {});
    let index = shared.change(Access::Down("a test".to_owned())).unwrap();
    shared.begin_closing();
    shared.change(Access::Open(index));
    assert!(matches!(shared.whole_index(), Err(StoreError::Closed)));
    let shared = Arc::new(shared);
    let renewed = Renewal::start(&shared).unwrap().finish(&shared, log.mark());
    assert!(matches!(renewed, Err(StoreError::Closed)), "{renewed:?}");
    drop(shared.change(Access::Down("a test".to_owned())));
    // The whole history is to be gone through.
    checkpoint::write(&shared.options.folder, &Checkpoint::at(Mark::START, 0, Default::default()))
        .unwrap();
    assert!(matches!(heal::reopen(&shared, log.mark()).map(|_| ()), Err(StoreError::Closed)));
}

#[tokio::test]
async fn a_crash_that_loses_nothing_costs_no_new_index() {
    let (whole, _) = crashed().await;
    let store = open(whole.path());
    assert!(ask_late(&store, "at once").await);
    store.commit(creation(token(1_000, "alice"))).await.unwrap();
    assert!(
        store.shared.index().unwrap().doubts().is_none(),
        "a change was made before it was known"
    );
    drop(store);
    assert!(!whole.path().join("data/index.damaged").exists());
    // It closed as one that is known to be whole.
    let store = open(whole.path());
    assert!(store.shared.index().unwrap().doubts().is_none());
}

#[tokio::test]
async fn damage_where_events_are_brought_up_costs_a_new_index_and_no_start() {
    let folder = tempfile::tempdir().unwrap();
    let running = open(folder.path());
    fill(&running, TOKENS).await;
    let crashed = copy_running(folder.path());
    running.commit(revocation(&token(LATE, "alice"))).await.unwrap();
    // The history is ahead of the index, which lacks the record that the rest of it is about.
    let history = crashed.path().join("data/history");
    std::fs::remove_dir_all(&history).unwrap();
    super::copy_all(&folder.path().join("data/history"), &history);
    change(crashed.path(), |db| {
        drop(edit(db, &keys::token(token(LATE, "alice").id), None));
    });
    let store = open(crashed.path());
    assert!(ask_late(&store, "at once").await);
    assert!(crashed.path().join("data/index.damaged").is_dir());
    store.commit(revocation(&token(2, "alice"))).await.unwrap();
}

#[tokio::test]
async fn a_store_that_is_closed_before_all_is_read_is_doubted_again() {
    let (whole, _) = crashed().await;
    let record = keys::token(token(LATE, "alice").id);
    change(whole.path(), |db| drop(edit(db, &record, None)));
    for _ in 0..2 {
        let store = open(whole.path());
        store.close().await.unwrap();
    }
    let store = open(whole.path());
    keep_waiting(async || ask_late(&store, "at last").await).await;
    keep_waiting(async || store.token(token(LATE, "alice").id).await.is_ok()).await;
    check_filled_but_late(&store).await;
}

async fn check_filled_but_late(store: &dyn Store) {
    for n in (0..TOKENS).filter(|n| *n != LATE) {
        let held = store.held(&token(n, "alice").digest).await.unwrap().unwrap();
        assert_eq!(held.token.ended.is_some(), n % 3 == 0, "{n}");
    }
}

/// Of the tokens 0 to `TOKENS`, and then of these, each has the slot of its number.
async fn check_slots(store: &dyn Store, later: &[u64], what: &str) -> bool {
    let mut all = true;
    for (slot, n) in (0..).zip((0..TOKENS).chain(later.iter().copied())) {
        match store.held(&token(n, "alice").digest).await {
            Ok(held) => {
                let found = held.unwrap_or_else(|| panic!("{what}: {n} is unknown"));
                assert_eq!(found.slot.map(|slot| slot.number()), Some(slot), "{what}: {n}");
            }
            Err(StoreError::Damaged { .. } | StoreError::Failed { .. }) => all = false,
            Err(error) => panic!("{what}: {error}"),
        }
    }
    all
}

#[tokio::test]
async fn no_slot_is_given_twice_where_the_state_fell_back_and_records_of_its_batch_stayed() {
    let part = |n: u64| keys::part(&keys::digest(&token(n, "alice").digest));
    let kept = 1_000;
    let late = (1_001..).find(|n| part(*n) != part(kept)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let running = open(folder.path());
    fill(&running, TOKENS).await;
    let early = copy_running(folder.path());
    drop(open(early.path()));
    let db = ::sled::open(early.path().join("data/index")).unwrap();
    let state = db.get(keys::STATE).unwrap().unwrap();
    running.commit(creation(token(kept, "alice"))).await.unwrap();
    let whole = copy_running(folder.path());
    drop(open(whole.path()));
    running.commit(creation(token(late, "alice"))).await.unwrap();
    // The last event is in the history alone, and the checkpoint older than everything.
    let data = whole.path().join("data");
    std::fs::remove_dir_all(data.join("history")).unwrap();
    super::copy_all(&folder.path().join("data/history"), &data.join("history"));
    checkpoint::write(&data, &Checkpoint::at(Mark::START, 0, Default::default())).unwrap();
    for lost in ["the state", "the state and a part"] {
        let copy = copy_running(whole.path());
        change(copy.path(), |db| {
            db.insert(keys::STATE, &state).unwrap();
            if lost != "the state" {
                let digest = keys::digest(&token(kept, "alice").digest);
                drop(edit(db, &digest, None));
            }
        });
        let store = open(copy.path());
        keep_waiting(async || check_slots(&store, &[kept, late], lost).await).await;
        let make = async || store.commit(creation(token(5_000, "alice"))).await.is_ok();
        keep_waiting(make).await;
        assert!(check_slots(&store, &[kept, late, 5_000], lost).await, "{lost}");
        assert!(copy.path().join("data/index.damaged").is_dir(), "{lost}: it went unnoticed");
    }
}

#[tokio::test]
async fn a_state_that_counts_other_tokens_than_there_are_costs_a_new_index() {
    let (whole, _) = crashed().await;
    change(whole.path(), |db| {
        let raw = db.get(keys::STATE).unwrap().unwrap();
        let state = State::parse(&value::open(keys::STATE, &raw).unwrap()).unwrap();
        let state = State { applied: 1, tokens: 1, ..state };
        db.insert(keys::STATE, value::seal(keys::STATE, &state.words())).unwrap();
    });
    checkpoint::write(
        &whole.path().join("data"),
        &Checkpoint::at(Mark::START, 0, Default::default()),
    )
    .unwrap();
    let store = open(whole.path());
    assert!(whole.path().join("data/index.damaged").is_dir(), "before the start");
    assert!(check_slots(&store, &[], "at once").await);
}
