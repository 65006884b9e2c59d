//! The wall clock's mark: kept when the index or the checkpoint is lost, and not in the way once it was
//! wrong and was taken back.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::{copy_running, options};
use crate::clock::Clock;
use crate::domain::time::{Span, Timestamp};
use crate::domain::token::Token;
use crate::store::sample::{NOW, creation, noted, owner_creation, revocation, token};
use crate::store::sled::SledStore;
use crate::store::{Health, Store, StoreError};

/// What a clock showed that was a year ahead.
const WRONG: Timestamp = Timestamp::from_unix(NOW.unix() + 365 * 86_400);

fn after(seconds: u64) -> Timestamp {
    NOW.plus(Span::from_seconds(seconds))
}

fn open_at(folder: &Path, now: Timestamp) -> SledStore {
    SledStore::open(super::Options { clock: Clock::held(now), ..options(folder) }).unwrap()
}

fn idle() -> Token {
    Token { idle_ttl: Span::from_seconds(100), ..token(1, "alice") }
}

async fn fill(store: &dyn Store) {
    store.commit(owner_creation("alice")).await.unwrap();
    store.commit(creation(idle())).await.unwrap();
    store.note_uses(vec![noted(idle().id, 1)], NOW).await.unwrap();
}

/// The folder of a store that was closed with this mark.
async fn closed_at(mark: Timestamp) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = open_at(folder.path(), NOW);
    fill(&store).await;
    store.raise_high_water(mark).await.unwrap();
    store.close().await.unwrap();
    folder
}

fn lose(folder: &Path, names: &[&str]) {
    for name in names {
        let path = folder.join("data").join(name);
        if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.unwrap();
    }
}

async fn last_use(store: &dyn Store) -> Option<Timestamp> {
    store.last_uses(&[idle().id.into()]).await.unwrap().remove(0).map(|last| last.at)
}

#[tokio::test]
async fn it_outlives_the_index_and_the_checkpoint() {
    let folder = closed_at(after(50)).await;
    for gone in [&["index"][..], &["checkpoint"], &["index", "checkpoint"], &["seen"]] {
        lose(folder.path(), gone);
        let store = open_at(folder.path(), NOW);
        assert_eq!(store.high_water().await.unwrap(), after(50), "{gone:?} lost");
        assert_eq!(last_use(&store).await, Some(after(1)), "{gone:?} lost");
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn one_that_was_wrong_leaves_no_floor_in_the_future_once_it_is_taken_back() {
    let folder = closed_at(WRONG).await;
    // Index and last uses are lost while the mark is wrong.
    lose(folder.path(), &["index", "uses"]);
    let store = open_at(folder.path(), after(90));
    assert_eq!(store.high_water().await.unwrap(), WRONG, "only an operator knows");
    assert_eq!(last_use(&store).await, Some(WRONG), "by the latest time that is known of");
    store.lower_high_water(after(90)).await.unwrap();
    // The loss was noticed at 90 at the latest: not later, and nothing counts as unused since earlier.
    assert_eq!(last_use(&store).await, Some(after(90)));
    drop(store);
    let store = open_at(folder.path(), after(95));
    assert_eq!(store.high_water().await.unwrap(), after(90));
    assert_eq!(last_use(&store).await, Some(after(90)));
    let mut sweep = revocation(&idle());
    sweep.changes[0].unused_since = Some(Some(after(1)));
    assert!(matches!(store.commit(sweep).await, Err(StoreError::Conflict { .. })));
}

#[tokio::test]
async fn one_that_was_taken_back_does_not_return_with_an_index_that_failed() {
    let folder = closed_at(WRONG).await;
    let store = open_at(folder.path(), NOW);
    store.lower_high_water(NOW).await.unwrap();
    store.shared.fail_index(true);
    store.commit(owner_creation("bob")).await.unwrap();
    assert!(matches!(store.health(), Health::Broken(_)));
    // So that it must be built anew.
    lose(folder.path(), &["checkpoint"]);
    store.shared.fail_index(false);
    let ready = async {
        while store.health() != Health::Ready {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(super::faults::PATIENCE, ready).await.unwrap();
    let crashed = copy_running(folder.path());
    drop(store);
    assert_eq!(open_at(crashed.path(), NOW).high_water().await.unwrap(), NOW);
}
