//! A new index beside a damaged one: what stands in its way, and what it leaves.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::damage::mark_of;
use super::{check_filled, fill, keep_waiting, options, segments};
use crate::history::{Log, Mark};
use crate::store::sample::{NOW, creation, noted, token};
use crate::store::sled::anew::exchange;
use crate::store::sled::checkpoint::{self, Checkpoint};
use crate::store::sled::index::Index;
use crate::store::sled::keeper::Keeper;
use crate::store::sled::lock::Lock;
use crate::store::sled::open::{self, Opened};
use crate::store::sled::renew::Renewal;
use crate::store::sled::shared::{Access, Shared};
use crate::store::sled::state::State;
use crate::store::sled::upkeep::{Upkeep, checkpoint};
use crate::store::sled::{SledStore, entry, read};
use crate::store::{Store, StoreError, UseKey};

async fn built(store: &SledStore) -> Renewal {
    let renewal = Renewal::start(&store.shared).unwrap();
    keep_waiting(async || renewal.is_done()).await;
    renewal
}

fn next(folder: &Path) -> std::path::PathBuf {
    options(folder).next_index()
}

#[tokio::test]
async fn what_was_built_in_vain_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let store = super::open(folder.path());
    fill(&store, 40).await;
    let renewal = built(&store).await;
    assert!(next(folder.path()).is_dir());
    drop(renewal);
    assert!(!next(folder.path()).exists(), "it was given up");
    let path = segments(folder.path()).pop().unwrap();
    let whole = fs::read(&path).unwrap();
    let mut bad = whole.clone();
    bad[whole.len() / 2] ^= 1;
    fs::write(&path, bad).unwrap();
    let renewal = built(&store).await;
    assert!(!next(folder.path()).exists(), "it could not be built");
    fs::write(&path, whole).unwrap();
    let mark = mark_of(&store).await;
    assert!(renewal.finish(&store.shared, mark).is_err());
    check_filled(&store, 40).await;
}

/// What readers share, without a writing thread, which would open an index that is being replaced.
fn alone(folder: &Path) -> (Shared, Log, Lock) {
    let Opened { lock, log, index, state, uses, counts, summaries, .. } =
        open::open(&options(folder), None).unwrap();
    let probe = Arc::clone(log.probe());
    (
        Shared::new(options(folder), index, (uses, counts, summaries), probe, state.applied),
        log,
        lock,
    )
}

#[test]
fn an_index_that_is_being_read_stays_in_use() {
    let folder = filled(10);
    let (shared, log, _lock) = alone(folder.path());
    let shared = Arc::new(shared);
    let finish = || Renewal::start(&shared).unwrap().finish(&shared, log.mark()).map(|_| ());
    let known = || entry::token(&shared.index().unwrap(), token(9, "alice").id).unwrap();
    let reader = shared.index().unwrap();
    let refused = finish();
    assert!(matches!(refused, Err(StoreError::Failed { .. })), "{refused:?}");
    assert!(known().is_some() && Arc::ptr_eq(&reader, &shared.index().unwrap()));
    assert!(!next(folder.path()).exists());
    drop(reader);
    finish().unwrap();
    assert!(known().is_some());
}

#[test]
fn a_new_one_that_cannot_be_put_in_place_leaves_the_old_one_there() {
    let folder = filled(10);
    let path = options(folder.path()).index();
    let state = Index::open(&path, 1 << 20).unwrap().state().unwrap();
    // There is none; or it is not what was built.
    for there in [false, true] {
        if there {
            super::copy_all(&path, &next(folder.path()));
        }
        let wanted = State { applied: state.applied + 1, ..state };
        assert!(exchange(&options(folder.path()), &wanted).is_err());
        assert_eq!(Index::open(&path, 1 << 20).unwrap().state().unwrap(), state, "{there}");
        assert_eq!(next(folder.path()).exists(), there, "it is removed from there");
    }
    assert!(exchange(&options(folder.path()), &state).is_ok());
}

#[test]
fn a_disk_that_takes_no_checkpoint_costs_no_answer() {
    let folder = filled(10);
    let (shared, log, _lock) = alone(folder.path());
    let shared = Arc::new(shared);
    fs::create_dir(folder.path().join("data/checkpoint.new")).unwrap();
    assert!(Renewal::start(&shared).unwrap().finish(&shared, log.mark()).is_err());
    assert!(entry::token(&shared.index().unwrap(), token(9, "alice").id).unwrap().is_some());
}

#[test]
fn it_is_built_although_last_uses_are_spoiled_and_none_dies_early() {
    let folder = filled(10);
    let (shared, log, _lock) = alone(folder.path());
    let path = folder.path().join("data/uses");
    let spoiled: Vec<_> = fs::read(&path).unwrap().iter().map(|b| !b).collect();
    fs::write(path, spoiled).unwrap();
    let shared = Arc::new(shared);
    Renewal::start(&shared).unwrap().finish(&shared, log.mark()).unwrap();
    let of = UseKey::from(token(9, "alice").id);
    let last = read::last_use(&shared.index().unwrap(), of, &shared.uses).unwrap();
    // The moment at which the damage was met, by this clock.
    assert_eq!(last.map(|last| last.at), Some(NOW));
}

#[tokio::test]
async fn a_crash_at_any_moment_of_the_exchange_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    fill(&super::open(folder.path()), 20).await;
    let data = folder.path().join("data");
    let (index, aside) = (data.join("index"), data.join("index.damaged"));
    for moment in ["begun", "noted", "moved aside", "put in place"] {
        super::copy_all(&index, &next(folder.path()));
        if moment != "begun" {
            let noted = Checkpoint { closed: None, ..checkpoint::read(&data).unwrap() };
            checkpoint::write(&data, &noted).unwrap();
        }
        if matches!(moment, "moved aside" | "put in place") {
            fs::rename(&index, &aside).unwrap();
        }
        if moment == "put in place" {
            fs::rename(next(folder.path()), &index).unwrap();
        }
        check_filled(&super::open(folder.path()), 20).await;
        assert!(!next(folder.path()).exists(), "{moment}");
        let _ = fs::remove_dir_all(&aside);
    }
}

/// A folder that was closed, with tokens of alice.
fn filled(tokens: u64) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = super::open(folder.path());
        fill(&store, tokens).await;
        store.note_uses(vec![noted(token(9, "alice").id, 1)], NOW).await.unwrap();
    });
    folder
}

#[test]
fn checkpoints_go_on_after_one_that_failed_was_built_anew() {
    let folder = filled(10);
    let data = folder.path().join("data");
    let Opened { lock, space, log, index, mut state, uses, counts, summaries, .. } =
        open::open(&options(folder.path()), None).unwrap();
    let probe = Arc::clone(log.probe());
    let shared = Arc::new(Shared::new(
        options(folder.path()),
        index,
        (uses, counts, summaries),
        probe,
        state.applied,
    ));
    let keeper = Keeper::start(&shared.options).unwrap();
    let mut upkeep = Upkeep::new(keeper, space, Arc::new(lock), state, shared.high_water());
    let take = |upkeep: &Upkeep, state: &State| {
        let (index, last) = (shared.index().unwrap(), checkpoint(&shared, &log, state, None));
        while !upkeep.keeper.request(&shared, &index, Some(last)) {
            std::thread::yield_now();
        }
        while upkeep.keeper.is_busy() {
            std::thread::yield_now();
        }
    };
    // Nothing can be written where a folder stands.
    fs::create_dir(data.join("checkpoint.new")).unwrap();
    take(&upkeep, &state);
    fs::remove_dir(data.join("checkpoint.new")).unwrap();
    shared.change(Access::Down("a test".to_owned()));
    fs::remove_dir_all(shared.options.index()).unwrap();
    upkeep.tick(&shared, &log, &mut state);
    fs::remove_file(data.join("checkpoint")).unwrap();
    take(&upkeep, &state);
    assert_eq!(checkpoint::read(&data).map(|last| last.mark), Some(log.mark()));
}

#[tokio::test]
async fn checkpoints_go_on_with_another_index() {
    let folder = tempfile::tempdir().unwrap();
    let store = super::open(folder.path());
    store.commit(crate::store::sample::owner_creation("alice")).await.unwrap();
    store.commit(creation(token(1, "alice"))).await.unwrap();
    let other = tempfile::tempdir().unwrap();
    fs::create_dir(other.path().join("data")).unwrap();
    let data = other.path().join("data");
    let mut keeper = Keeper::start(&options(other.path())).unwrap();
    let checkpoint = Checkpoint::at(Mark::START, 0, Default::default());
    let take = async || {
        let index = store.shared.index().unwrap();
        keep_waiting(async || keeper.request(&store.shared, &index, Some(checkpoint))).await;
        keep_waiting(async || !keeper.is_busy()).await;
        checkpoint::read(&data).is_some()
    };
    store.shared.fail_opening(true);
    assert!(!take().await);
    store.shared.fail_opening(false);
    assert!(take().await, "descriptors that ran out are no failed sync");
    fs::remove_file(data.join("checkpoint")).unwrap();
    // Nothing can be written where a folder stands.
    fs::create_dir(data.join("checkpoint.new")).unwrap();
    assert!(!take().await);
    fs::remove_dir(data.join("checkpoint.new")).unwrap();
    assert!(!take().await, "what of the index is on the disk is not known");
    keeper.begin_anew();
    assert!(take().await);
    assert!(keeper.stop());
}
