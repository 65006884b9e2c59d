//! Counts of requests in a data folder: they are in its backups, and where they are lost nobody gets more
//! than before.

use std::fs;

use super::{open, options};
use crate::domain::left::{InPeriod, Spent};
use crate::domain::period::Period;
use crate::domain::time::{Span, Timestamp};
use crate::store::backup::{Incoming, verify};
use crate::store::sample::{NOW, creation, owner_creation, token};
use crate::store::sled::{SledStore, restore};
use crate::store::{Store, UseKey};

fn spent(uses: u64) -> Spent {
    let quota = |period: Period| InPeriod { begin: period.begin(NOW), requests: uses + 1 };
    Spent { uses, quotas: Period::ALL.map(quota) }
}

/// A store with two tokens, one of which was used.
async fn used(store: &SledStore) -> [UseKey; 2] {
    store.commit(owner_creation("alice")).await.unwrap();
    for n in [1, 2] {
        store.commit(creation(token(n, "alice"))).await.unwrap();
    }
    let keys = [1, 2].map(|n| UseKey::from(token(n, "alice").id));
    store.note_spent(keys[0], spent(5)).await.unwrap();
    keys
}

#[tokio::test]
async fn counts_are_in_a_backup() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let keys = used(&store).await;
    let file = folder.path().join("backup");
    let incoming = Incoming::begin(&file).unwrap();
    store.backup(Box::new(incoming.writer().unwrap())).await.unwrap();
    incoming.finish().unwrap();
    assert_eq!(verify(&file).unwrap().spent, 1);
    let other = tempfile::tempdir().unwrap();
    let to = options(other.path());
    tokio::task::spawn_blocking(move || restore(&file, to)).await.unwrap().unwrap();
    let store = open(other.path());
    assert_eq!(store.spent(keys[0]).await.unwrap(), spent(5));
    assert_eq!(store.spent(keys[1]).await.unwrap(), Spent::default());
}

#[tokio::test]
async fn counts_outlive_an_index_that_is_built_anew() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let keys = used(&store).await;
    store.close().await.unwrap();
    drop(store);
    fs::remove_dir_all(folder.path().join("data/index")).unwrap();
    let store = open(folder.path());
    assert_eq!(store.spent(keys[0]).await.unwrap(), spent(5));
}

#[tokio::test]
async fn counts_that_are_lost_were_all_used() {
    for lost in [&["counts"][..], &["counts", "checkpoint"], &["counts", "index"]] {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        let keys = used(&store).await;
        store.close().await.unwrap();
        drop(store);
        for name in lost {
            let path = folder.path().join("data").join(name);
            let gone = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
            gone.unwrap();
        }
        // Also after the start that noticed it, whether that ended well or not.
        for start in 0..3 {
            let store = open(folder.path());
            for key in keys {
                let spent = store.spent(key).await.unwrap();
                assert_eq!(spent.uses, u64::MAX, "{lost:?} {start}");
                for (held, period) in spent.quotas.iter().zip(Period::ALL) {
                    assert_eq!((held.begin, held.requests), (period.begin(NOW), u64::MAX));
                }
            }
            if start == 0 {
                let copy = tempfile::tempdir().unwrap();
                copied(&folder.path().join("data"), &copy.path().join("data"));
                assert_eq!(open(copy.path()).spent(keys[1]).await.unwrap().uses, u64::MAX);
            }
            store.close().await.unwrap();
        }
        // Tokens that were made since are not concerned.
        let store = open(folder.path());
        let later = token(10_000, "alice");
        assert!(later.id.made_at_ms() / 1_000 > NOW.unix());
        store.commit(creation(later.clone())).await.unwrap();
        assert_eq!(store.spent(later.id.into()).await.unwrap(), Spent::default());
        assert!(
            Timestamp::from_unix(later.id.made_at_ms() / 1_000) <= NOW.plus(Span::from_days(1))
        );
    }
}

/// As a crash would leave it.
fn copied(from: &std::path::Path, to: &std::path::Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copied(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
