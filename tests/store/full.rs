//! A disk that fills up, a small one in memory. Needs root, to mount it.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use tollgate::clock::Clock;
use tollgate::store::{self, Health, LastUse, NotedUse, Store, StoreError};

use crate::{records, writer};

/// The size of the disk.
const SIZE_MIB: u64 = 64;

/// How often somebody else fills it in mid-write.
const STORMS: u64 = 10;

const RESERVE_BYTES: u64 = 8 << 20;

pub(crate) fn run() {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    mount(&["-t", "tmpfs", "-o", &format!("size={SIZE_MIB}m"), "tollgate"], &disk);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let outcome = std::panic::catch_unwind(|| runtime.block_on(fill_and_free(&disk)));
    assert!(Command::new("umount").arg(&disk).status().unwrap().success());
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

pub(crate) fn mount(arguments: &[&str], at: &Path) {
    let mounted = Command::new("mount").args(arguments).arg(at).status().unwrap();
    assert!(mounted.success(), "cannot mount a disk; this needs root");
}

async fn open(data: &Path) -> Result<Arc<dyn Store>, StoreError> {
    store::open(&records::settings(data, RESERVE_BYTES), Clock::system()).await
}

async fn fill_and_free(disk: &Path) {
    let (data, filler) = (disk.join("data"), disk.join("filler"));
    let mut store = open(&data).await.unwrap();
    store.commit(records::owner(0)).await.unwrap();
    let mut tokens = 0;
    tokens = create_until_full(&store, tokens).await;
    let first_full = tokens;
    assert!(tokens > 1_000, "only {tokens} tokens fit");
    check(&store, tokens).await;
    // Somebody else takes the rest, to the last byte.
    fill(&filler);
    for restart in 0..3 {
        refuse(&store, tokens).await;
        check(&store, tokens).await;
        // Once by a clean close, else as after a crash.
        if restart == 0 {
            let _ = store.close().await;
        }
        drop(store);
        store = open(&data).await.unwrap();
        check(&store, tokens).await;
    }
    // A process that is killed on the full disk, too.
    drop(store);
    let mut child = writer::start(&data, 1, 500_000_000, &[]);
    let told = writer::listen(&mut child, 1, |child| child.kill().unwrap());
    assert!(told.created.is_empty());
    store = open(&data).await.unwrap();
    refuse(&store, tokens).await;
    check(&store, tokens).await;
    std::fs::remove_file(&filler).unwrap();
    std::fs::remove_dir_all(data.join("index.damaged")).ok();
    // Still nearly full by itself; room for some more is what the reserve took.
    drop(store);
    mount(&["-o", &format!("remount,size={}m", 2 * SIZE_MIB)], disk);
    let store = open(&data).await.unwrap();
    tokens = create(&store, tokens, tokens + 500).await;
    assert_eq!(store.health(), Health::Ready);
    check(&store, tokens).await;
    let tokens = storm(&store, &filler, tokens, STORMS).await;
    drop(store);
    check(&open(&data).await.unwrap(), tokens).await;
    println!(
        "the disk was full at {first_full} tokens: reads went on, 4 restarts while full; filled \
         {STORMS} times in mid-write: {tokens} tokens at the end, 0 lost"
    );
}

async fn create(store: &Arc<dyn Store>, from: u64, to: u64) -> u64 {
    for n in from..to {
        let token = records::token(n, &records::owner_name(0));
        store.commit(records::creation(token)).await.unwrap();
    }
    to
}

/// Somebody else fills the disk to the last byte while tokens are being created, and frees it again, some
/// times: sled may meet the full disk in the middle of a write.
async fn storm(store: &Arc<dyn Store>, filler: &Path, from: u64, times: u64) -> u64 {
    let mut next = from;
    for _ in 0..times {
        let creating = tokio::spawn({
            let store = Arc::clone(store);
            async move {
                let mut n = next;
                for _ in 0..2_000 {
                    let token = records::token(n, &records::owner_name(0));
                    n += u64::from(store.commit(records::creation(token)).await.is_ok());
                }
                n
            }
        });
        let filling = filler.to_owned();
        tokio::task::spawn_blocking(move || fill(&filling)).await.unwrap();
        next = creating.await.unwrap();
        std::fs::remove_file(filler).unwrap();
        let ready = async {
            while store.health() != Health::Ready {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let ready = tokio::time::timeout(Duration::from_secs(60), ready).await;
        assert!(ready.is_ok(), "{:?} although there is space again", store.health());
        check(store, next).await;
    }
    next
}

async fn create_until_full(store: &Arc<dyn Store>, from: u64) -> u64 {
    for n in from.. {
        let token = records::token(n, &records::owner_name(0));
        match store.commit(records::creation(token)).await {
            Ok(_) => {}
            Err(StoreError::Full { .. }) => return n,
            Err(error) => panic!("{error}"),
        }
    }
    from
}

async fn refuse(store: &Arc<dyn Store>, n: u64) {
    let token = records::token(n, &records::owner_name(0));
    for _ in 0..10 {
        let refused = store.commit(records::creation(token.clone())).await;
        assert!(matches!(refused, Err(StoreError::Full { .. })), "{refused:?}");
        let last = LastUse { at: records::NOW, address: [192, 0, 2, 1].into(), api: "erp".into() };
        let noted = NotedUse { of: records::token(1, "x").id.into(), last, first: false };
        let noted = store.note_uses(vec![noted], records::NOW).await;
        assert!(matches!(noted, Ok(()) | Err(StoreError::Full { .. })), "{noted:?}");
    }
    assert!(matches!(store.health(), Health::ReadOnly(_)), "{:?}", store.health());
}

async fn check(store: &Arc<dyn Store>, tokens: u64) {
    for n in 0..tokens {
        assert!(writer::held(&**store, n).await.is_some(), "token {n} is gone");
    }
    assert!(writer::held(&**store, tokens).await.is_none());
}

fn fill(path: &Path) {
    let mut file = File::create(path).unwrap();
    let mut piece = vec![0; 1 << 16];
    while !piece.is_empty() {
        if file.write_all(&piece).is_err() {
            piece.truncate(piece.len() / 2);
        }
    }
}
