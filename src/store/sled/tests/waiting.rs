//! Whoever waits for a part of an index that a crash left holds no thread.

use std::pin::Pin;
use std::sync::{Mutex, Weak};
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::crash::in_doubt;
use super::{copy_running, fill, open};
use crate::store::sample::token;
use crate::store::sled::{SledStore, keys};
use crate::store::{Held, Store, StoreError};

type Asked<'a> = Pin<Box<dyn Future<Output = Result<Option<Held>, StoreError>> + Send + 'a>>;

#[test]
fn thousands_who_wait_for_a_part_leave_threads_for_others() {
    let threads = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(4)
        .enable_all()
        .build()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let running = open(folder.path());
    threads.block_on(fill(&running, 10));
    let crashed = copy_running(folder.path());
    drop(running);
    let (shared, _rest) = in_doubt(crashed.path(), |_| {});
    // Without a writing thread, which would wait with them.
    let store = SledStore {
        searches: Semaphore::new(1),
        shared: shared.into(),
        room: Semaphore::new(1),
        turns: (0..=keys::PARTS).map(|_| Semaphore::new(1)).collect(),
        lock: Weak::new(),
        jobs: Mutex::new(None),
        thread: Mutex::new(None),
    };
    let digest = token(1, "alice").digest;
    let index = store.shared.index().unwrap();
    let held = index.doubts().unwrap().hold(keys::part(&keys::digest(&digest)));
    let mut asked: Vec<Asked<'_>> = (0..1_000).map(|_| store.held(&digest)).collect();
    {
        let _inside = threads.enter();
        for one in &mut asked {
            assert!(one.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
    }
    threads.block_on(async {
        let free = tokio::task::spawn_blocking(|| ());
        let begun = tokio::time::timeout(Duration::from_secs(5), free).await;
        drop(held);
        assert!(begun.is_ok(), "all threads wait for the part");
        for one in asked {
            assert!(one.await.unwrap().is_some());
        }
    });
}
