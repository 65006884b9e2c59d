//! A new index beside a damaged one: what stands in its way, and what it leaves.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::damage::mark_of;
use super::{check_filled, fill, keep_waiting, open, options, segments};
use crate::store::sample::{creation, token};
use crate::store::sled::SledStore;
use crate::store::sled::checkpoint::{self, Checkpoint};
use crate::store::sled::keeper::Keeper;
use crate::store::sled::renew::Renewal;
use crate::store::{Store, StoreError};

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
    let store = open(folder.path());
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

#[tokio::test]
async fn an_index_that_is_being_read_stays_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(folder.path()));
    fill(&*store, 10).await;
    let (reader, mark) = (store.shared.index().unwrap(), mark_of(&store).await);
    let finish = |renewal: Renewal| {
        let store = Arc::clone(&store);
        tokio::task::spawn_blocking(move || renewal.finish(&store.shared, mark))
    };
    let refused = finish(built(&store).await).await.unwrap().map(|_| ());
    assert!(matches!(refused, Err(StoreError::Failed { .. })), "{refused:?}");
    check_filled(&*store, 10).await;
    assert!(!next(folder.path()).exists());
    drop(reader);
    finish(built(&store).await).await.unwrap().unwrap();
    check_filled(&*store, 10).await;
}

#[tokio::test]
async fn a_backup_does_not_stand_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(folder.path()));
    // Over a border of segments.
    fill(&*store, 40).await;
    let (renewal, mark) = (built(&store).await, mark_of(&store).await);
    // A first segment that never ends.
    let pipe = segments(folder.path()).remove(0);
    fs::remove_file(&pipe).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let (backing_up, to) = (Arc::clone(&store), folder.path().join("backup"));
    let backup = tokio::spawn(async move { backing_up.backup(&to).await });
    let feed = move || fs::File::options().write(true).open(pipe).unwrap();
    let feed = tokio::task::spawn_blocking(feed).await.unwrap();
    let finishing = Arc::clone(&store);
    let finish = move || renewal.finish(&finishing.shared, mark).map(|_| ());
    tokio::task::spawn_blocking(finish).await.unwrap().unwrap();
    assert!(!backup.is_finished());
    drop(feed);
    assert!(backup.await.unwrap().is_err(), "its history ended early");
}

#[tokio::test]
async fn checkpoints_go_on_with_another_index() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.commit(crate::store::sample::owner_creation("alice")).await.unwrap();
    store.commit(creation(token(1, "alice"))).await.unwrap();
    let other = tempfile::tempdir().unwrap();
    fs::create_dir(other.path().join("data")).unwrap();
    let data = other.path().join("data");
    let mut keeper = Keeper::start(&options(other.path())).unwrap();
    let checkpoint = Checkpoint::start(Default::default());
    let take = async || {
        let index = store.shared.index().unwrap();
        keep_waiting(async || keeper.request(&store.shared, &index, Some(checkpoint))).await;
        keep_waiting(async || !keeper.is_busy()).await;
        checkpoint::read(&data).is_some()
    };
    // Nothing can be written where a folder stands.
    fs::create_dir(data.join("checkpoint.new")).unwrap();
    assert!(!take().await);
    fs::remove_dir(data.join("checkpoint.new")).unwrap();
    assert!(!take().await, "what of the index is on the disk is not known");
    keeper.begin_anew();
    assert!(take().await);
    assert!(keeper.stop());
}
