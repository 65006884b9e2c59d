//! Disks that are full or fail.

use std::time::Duration;

use super::{check_filled, copy_running, fill, open};
use crate::history::Fault;
use crate::store::sample::{NOW, creation, noted, owner_creation, revocation, token};
use crate::store::{Health, Store, StoreError};

/// Much longer than it takes.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_full_disk_refuses_changes_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    fill(&store, 10).await;
    store.shared.probe.fail(Some(Fault::NoSpace));
    for _ in 0..3 {
        let refused = store.commit(creation(token(100, "alice"))).await;
        assert!(matches!(refused, Err(StoreError::Full { .. })), "{refused:?}");
        assert!(matches!(store.health(), Health::ReadOnly(_)));
        check_filled(&store, 10).await;
    }
    assert_eq!(store.token(token(100, "alice").id).await.unwrap(), None);
    store.shared.probe.fail(None);
    store.commit(revocation(&token(1, "alice"))).await.unwrap();
    assert_eq!(store.health(), Health::Ready);
    drop(store);
    let store = open(folder.path());
    assert!(store.token(token(1, "alice").id).await.unwrap().unwrap().ended.is_some());
}

#[tokio::test]
async fn after_a_failed_sync_nothing_is_acknowledged_and_reads_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    fill(&store, 10).await;
    store.shared.probe.fail(Some(Fault::Sync));
    let refused = store.commit(creation(token(100, "alice"))).await;
    assert!(matches!(refused, Err(StoreError::ReadOnly(_))), "{refused:?}");
    // A second fsync may succeed although the bytes of the first are gone.
    store.shared.probe.fail(None);
    for n in 101..105 {
        let refused = store.commit(creation(token(n, "alice"))).await;
        assert!(matches!(refused, Err(StoreError::ReadOnly(_))), "{refused:?}");
    }
    assert!(matches!(store.health(), Health::ReadOnlyForGood(_)));
    check_filled(&store, 10).await;
    store.note_uses(vec![noted(token(1, "alice").id, 1)], NOW).await.unwrap();
    drop(store);
    let store = open(folder.path());
    check_filled(&store, 10).await;
    assert_eq!(store.health(), Health::Ready);
}

/// The history had room, and the index had none: what the disk of a data folder with a quota does.
#[tokio::test]
async fn a_disk_without_room_for_the_index_is_told_as_a_full_one() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    fill(&store, 10).await;
    let full = |told: Result<_, StoreError>| {
        let told = told.map(|_| ()).unwrap_err();
        assert!(matches!(told, StoreError::Full { .. }), "{told:?}");
        let words =
            format!("the disk that holds `{}` is full", store.shared.options.folder.display());
        assert!(told.to_string().starts_with(&words), "{told}");
    };
    // One that cannot be opened anew either.
    store.shared.fail_index(true);
    store.shared.fill_index(true);
    // The change is durable, so it is acknowledged.
    store.commit(revocation(&token(1, "alice"))).await.unwrap();
    for _ in 0..3 {
        full(store.commit(creation(token(100, "alice"))).await.map(drop));
        full(store.held(&token(1, "alice").digest).await.map(drop));
        // Requests that need it cannot be decided.
        assert!(matches!(store.health(), Health::Broken(_)), "{:?}", store.health());
    }
    // It opens, but takes no more: changes wait, reads go on, and nobody has to come.
    store.shared.fail_index(false);
    let opened = async {
        while store.shared.is_down() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, opened).await.expect("it was never opened again");
    let changed = async {
        while store.commit(revocation(&token(2, "alice"))).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, changed).await.expect("changes never went on");
    // The thread answers before it opens the index anew: this is behind both.
    full(store.commit(creation(token(100, "alice"))).await.map(drop));
    let held = store.held(&token(2, "alice").digest).await.unwrap().unwrap();
    assert!(held.token.ended.is_some());
    assert!(matches!(store.health(), Health::ReadOnly(_)), "{:?}", store.health());
    store.shared.fill_index(false);
    let ready = async {
        while store.commit(creation(token(100, "alice"))).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, ready).await.expect("changes never went on");
    assert_eq!(store.health(), Health::Ready);
    drop(store);
    let store = open(folder.path());
    assert!(store.token(token(1, "alice").id).await.unwrap().unwrap().ended.is_some());
}

#[tokio::test]
async fn an_index_that_fails_shows_no_old_record_and_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    fill(&store, 10).await;
    store.shared.fail_index(true);
    // The change is durable, so it is acknowledged.
    store.commit(revocation(&token(1, "alice"))).await.unwrap();
    let read = store.held(&token(1, "alice").digest).await;
    assert!(matches!(read, Err(StoreError::Failed { .. })), "{read:?}");
    assert!(matches!(store.health(), Health::Broken(_)));
    assert!(store.commit(owner_creation("bob")).await.is_err());
    // What a crash leaves at this moment has the change too.
    let copy = copy_running(folder.path());
    store.shared.fail_index(false);
    // It tries again every second.
    let ready = async {
        while store.health() != Health::Ready {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, ready).await.expect("it was never opened again");
    for store in [store, open(copy.path())] {
        let held = store.held(&token(1, "alice").digest).await.unwrap().unwrap();
        assert!(held.token.ended.is_some());
        store.commit(owner_creation("bob")).await.unwrap();
    }
}
