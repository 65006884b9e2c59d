//! The index lost, behind, of another format, or built anew on purpose.

use std::fs;
use std::path::Path;

use super::{check_filled, copy_running, fill, open, open_error, options, segments};
use crate::clock::Clock;
use crate::domain::event::{Actor, EventKind};
use crate::history::{self, Lines, Log, Mark, Place, Recovered};
use crate::store::sample::{NOW, creation, observation, owner_creation, revocation, token};
use crate::store::sled::index::Index;
use crate::store::sled::repair;
use crate::store::sled::replay::Replay;
use crate::store::sled::state::State;
use crate::store::sled::uses::{self, Age, Means};
use crate::store::sled::value;
use crate::store::{Position, Repaired, Store, StoreError, codec};

#[tokio::test]
async fn a_crash_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    fill(&store, 40).await;
    let copy = copy_running(folder.path());
    check_filled(&open(copy.path()), 40).await;
}

#[tokio::test]
async fn applying_events_twice_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    fill(&store, 40).await;
    store.commit(observation(token(2, "alice").id)).await.unwrap();
    drop(store);
    let index = Index::open(&options(folder.path()).index(), 1 << 20).unwrap();
    let means = Means {
        clock: Clock::held(NOW),
        high_water: NOW,
        tokens: true,
        expected: false,
        age: Age::default(),
    };
    let uses = uses::open(&folder.path().join("data"), means).unwrap().uses;
    let once = index.state().unwrap();
    assert!(index.is_whole(&once).unwrap());
    let mut replay = Replay::new(&index, State { applied: 0, tokens: 0, ..once }, &uses);
    let mut lines = Lines::from(&folder.path().join("data/history"), Place::START).unwrap();
    while let Some(raw) = lines.next_line().unwrap() {
        replay.take(raw.place, history::check(raw.bytes).unwrap(), raw.bytes).unwrap();
    }
    let twice = replay.finish().unwrap();
    assert_eq!((twice.applied, twice.sums, twice.tokens), (once.applied, once.sums, 40));
    assert!(index.is_whole(&twice).unwrap());
}

#[tokio::test]
async fn an_index_that_is_gone_is_built_anew() {
    let folder = tempfile::tempdir().unwrap();
    fill(&open(folder.path()), 40).await;
    for gone in ["index", "index/db", "index/conf", "checkpoint"] {
        let path = folder.path().join("data").join(gone);
        if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.unwrap();
        check_filled(&open(folder.path()), 40).await;
    }
}

#[tokio::test]
async fn an_index_that_is_behind_is_brought_up() {
    let folder = tempfile::tempdir().unwrap();
    fill(&open(folder.path()), 20).await;
    let early = folder.path().join("early");
    super::copy_all(&folder.path().join("data/index"), &early);
    let store = open(folder.path());
    store.commit(creation(token(100, "alice"))).await.unwrap();
    store.commit(revocation(&token(100, "alice"))).await.unwrap();
    drop(store);
    // The index of an earlier time is noticed, although every value in it verifies.
    fs::remove_dir_all(folder.path().join("data/index")).unwrap();
    super::copy_all(&early, &folder.path().join("data/index"));
    let store = open(folder.path());
    let found = store.token(token(100, "alice").id).await.unwrap().unwrap();
    assert!(found.ended.is_some());
}

#[tokio::test]
async fn events_that_are_gone_are_noticed_and_repair_goes_on_without_them() {
    let folder = tempfile::tempdir().unwrap();
    fill(&open(folder.path()), 40).await;
    let all = segments(folder.path());
    assert!(all.len() > 2);
    let last = all.last().unwrap();
    fs::remove_file(last).unwrap();
    let StoreError::Damaged { what, hint, .. } = open_error(folder.path()) else { panic!() };
    assert!(what.starts_with("it ends at event") && hint.contains("tollgate repair"), "{what}");
    // Also without the checkpoint: the index knows how far it was.
    fs::remove_file(folder.path().join("data/checkpoint")).unwrap();
    assert!(matches!(open_error(folder.path()), StoreError::Damaged { .. }));

    let options = options(folder.path());
    let first_lost: u64 = last.file_stem().unwrap().to_str().unwrap().parse().unwrap();
    let known = 1 + 40 + 14;
    let asked = options.clone();
    let cut = tokio::task::spawn_blocking(move || repair(asked, None)).await.unwrap();
    let Err(StoreError::Cut { known: told, left, .. }) = cut else { panic!("{cut:?}") };
    assert_eq!((told, left), (known, first_lost - 1));
    assert!(matches!(open_error(folder.path()), StoreError::Damaged { .. }), "nothing changed");

    let word = Some(Actor::System);
    let done = tokio::task::spawn_blocking(move || repair(options, word)).await.unwrap().unwrap();
    assert_eq!(done, Repaired { left: Position(left), lost: known - left });
    let store = open(folder.path());
    let newest = store.events(None, None, 1).await.unwrap().entries.remove(0);
    assert_eq!((newest.position, newest.event.kind), (Position(left + 1), EventKind::HistoryCut));
    assert_eq!(newest.event.reason, format!("{known} events were known, {left} were left"));
    store.commit(owner_creation("bob")).await.unwrap();
    drop(store);
    history::verify(&folder.path().join("data/history")).unwrap();
}

/// Flips a bit of the first event.
fn spoil_history(folder: &Path) {
    let path = &segments(folder)[0];
    let mut bytes = fs::read(path).unwrap();
    bytes[100] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn repair_changes_nothing_where_the_history_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    fill(&open(folder.path()), 40).await;
    spoil_history(folder.path());
    // What is not needed for any answer.
    check_filled(&open(folder.path()), 40).await;
    for _ in 0..2 {
        let options = options(folder.path());
        let refused = tokio::task::spawn_blocking(move || repair(options, None)).await.unwrap();
        let Err(StoreError::Damaged { place, hint, .. }) = refused else { panic!("{refused:?}") };
        assert!(place.ends_with(".jsonl"), "{place}");
        assert!(hint.contains("nothing was changed") && hint.contains("backup"), "{hint}");
        assert!(!folder.path().join("data/index.next").exists());
        assert!(!folder.path().join("data/index.damaged").exists());
        check_filled(&open(folder.path()), 40).await;
    }
}

#[tokio::test]
async fn a_start_that_cannot_build_an_index_leaves_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    fill(&open(folder.path()), 40).await;
    let whole = copy_running(folder.path());
    spoil_history(folder.path());
    fs::remove_file(folder.path().join("data/checkpoint")).unwrap();
    for _ in 0..2 {
        assert!(matches!(open_error(folder.path()), StoreError::Damaged { .. }));
        assert!(!folder.path().join("data/index.next").exists());
    }
    // With the checkpoint of its time it is what it was.
    let checkpoint = "data/checkpoint";
    fs::copy(whole.path().join(checkpoint), folder.path().join(checkpoint)).unwrap();
    check_filled(&open(folder.path()), 40).await;
    assert!(!folder.path().join("data/index.damaged").exists());
}

#[tokio::test]
async fn every_index_that_is_replaced_stays() {
    let folder = tempfile::tempdir().unwrap();
    fill(&open(folder.path()), 10).await;
    for _ in 0..2 {
        let options = options(folder.path());
        tokio::task::spawn_blocking(move || repair(options, None)).await.unwrap().unwrap();
    }
    for old in ["index.damaged", "index.damaged.2"] {
        assert!(folder.path().join("data").join(old).join("db").is_file(), "{old}");
    }
    check_filled(&open(folder.path()), 10).await;
}

/// Writes an event as an older version of this program would have.
fn append_raw(folder: &Path, body: &str) {
    let how = Recovered { from: Mark::START, durable: 0, unclean: false, segment_bytes: 1 << 20 };
    let mut log: Log =
        history::recover(&folder.join("data/history"), how, |_, _, _| Ok::<_, StoreError>(()))
            .unwrap();
    log.append([body]).unwrap();
}

#[tokio::test]
async fn records_of_an_older_version_are_upgraded() {
    let folder = tempfile::tempdir().unwrap();
    let (made, commit) = (token(1, "alice"), creation(token(1, "alice")));
    for commit in [owner_creation("alice"), commit] {
        let body = codec::encode(&commit).unwrap().body;
        let old = body.replace("\"v\":1,", "").replace("\"idle_ttl\":8640000", "\"idle_days\":100");
        assert_ne!(old, body);
        append_raw(folder.path(), &old);
    }
    let store = open(folder.path());
    assert_eq!(store.token(made.id).await.unwrap().as_deref(), Some(&made));
    assert_eq!(store.events(None, None, 10).await.unwrap().entries.len(), 2);
}

#[tokio::test]
async fn an_index_of_another_format_is_built_anew() {
    let folder = tempfile::tempdir().unwrap();
    fill(&open(folder.path()), 10).await;
    let path = folder.path().join("data/checkpoint");
    let text = fs::read_to_string(&path).unwrap();
    let (json, _) = text.trim_end().rsplit_once(' ').unwrap();
    let older = json.replace(&format!("\"format\":{}", value::FORMAT), "\"format\":0");
    assert_ne!(older, json);
    fs::write(&path, format!("{older} {:08x}\n", crc32c::crc32c(older.as_bytes()))).unwrap();
    check_filled(&open(folder.path()), 10).await;
    assert!(folder.path().join("data/index.damaged").is_dir(), "the old one is kept aside");
}

#[tokio::test]
async fn events_of_a_newer_version_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let body = codec::encode(&owner_creation("alice")).unwrap().body;
    append_raw(folder.path(), &body.replace("\"v\":1,", "\"v\":9,"));
    let StoreError::Damaged { hint, .. } = open_error(folder.path()) else { panic!() };
    assert!(hint.contains("newer version"), "{hint}");
}
