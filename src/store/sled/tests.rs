//! Tests of the embedded store on real files.

use std::path::Path;
use std::sync::Arc;

use super::{Options, SledStore};
use crate::clock::Clock;
use crate::store::sample::{NOW, creation, owner_creation, revocation, revoked, token};
use crate::store::{Store, conformance};

/// Opens with small segments, so that every test of more than a few events crosses a border.
fn options(folder: &Path) -> Options {
    Options {
        folder: folder.join("data"),
        cache_bytes: 4 * 1024 * 1024,
        reserve_bytes: 64 * 1024,
        segment_bytes: 8 * 1024,
        clock: Clock::held(NOW),
    }
}

fn open(folder: &Path) -> SledStore {
    SledStore::open(options(folder)).unwrap()
}

/// A store in a folder of its own, which is gone when the store is.
#[derive(Debug)]
struct Temporary {
    store: Arc<SledStore>,
    _folder: tempfile::TempDir,
}

impl std::ops::Deref for Temporary {
    type Target = dyn Store;

    fn deref(&self) -> &Self::Target {
        &*self.store
    }
}

async fn temporary() -> Temporary {
    let folder = tempfile::tempdir().unwrap();
    Temporary { store: Arc::new(open(folder.path())), _folder: folder }
}

#[tokio::test]
async fn it_conforms() {
    conformance::all(temporary).await;
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    for clean in [true, false] {
        let store = open(folder.path());
        if clean {
            store.commit(owner_creation("alice")).await.unwrap();
            store.commit(creation(token(1, "alice"))).await.unwrap();
            store.commit(revocation(&token(1, "alice"))).await.unwrap();
            store.close().await.unwrap();
        }
        drop(store);
        let store = open(folder.path());
        let found = store.token(token(1, "alice").id).await.unwrap();
        assert_eq!(found.as_deref(), Some(&revoked(&token(1, "alice"))));
    }
}
