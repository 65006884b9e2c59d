//! Tests of the embedded store on real files. The long ones are in `tests/faults`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::chunk::{self, Chunk};
use super::{Options, SledStore, keys, value};
use crate::clock::Clock;
use crate::store::holder::{Doing, Role};
use crate::store::sample::{NOW, creation, owner_creation, revocation, revoked, token};
use crate::store::{Opener, Store, StoreError, TokenQuery, conformance};

mod backup;
mod counts;
mod companies;
mod crash;
mod damage;
mod faults;
mod marks;
mod packed;
mod private;
mod reading;
mod rebuild;
mod renewal;
mod scrub;
mod summaries;
mod upgrade;
mod uses;
mod waiting;

/// Opens with small segments, so that every test of more than a few events crosses a border.
fn options(folder: &Path) -> Options {
    Options {
        folder: folder.join("data"),
        opener: Opener::Server,
        cache_bytes: 4 * 1024 * 1024,
        reserve_bytes: 64 * 1024,
        segment_bytes: 8 * 1024,
        always_read_bytes: 0,
        clock: Clock::held(NOW),
    }
}

fn open(folder: &Path) -> SledStore {
    SledStore::open(options(folder)).unwrap()
}

fn open_error(folder: &Path) -> StoreError {
    SledStore::open(options(folder)).map(|_| ()).unwrap_err()
}

/// Tokens 0 to `count`, every third revoked, of the owner alice.
async fn fill(store: &dyn Store, count: u64) {
    store.commit(owner_creation("alice")).await.unwrap();
    for n in 0..count {
        store.commit(creation(token(n, "alice"))).await.unwrap();
        if n % 3 == 0 {
            store.commit(revocation(&token(n, "alice"))).await.unwrap();
        }
    }
}

/// Checks that everything that [`fill`] made is there.
async fn check_filled(store: &dyn Store, count: u64) {
    for n in 0..count {
        let made = token(n, "alice");
        let wanted = if n % 3 == 0 { revoked(&made) } else { made };
        let held = store.held(&wanted.digest).await.unwrap();
        assert_eq!(held.map(|held| held.token).as_deref(), Some(&wanted));
    }
    let listed = store.tokens(&TokenQuery::oldest(10_000)).await.unwrap();
    assert_eq!(u64::try_from(listed.entries.len()).unwrap(), count);
    let revocations = count.div_ceil(3);
    assert_eq!(
        store.events(None, None, 1).await.unwrap().entries[0].position.0,
        1 + count + revocations
    );
}

/// What a crash leaves: the folder as it is while the store is open, in another place.
fn copy_running(folder: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    copy_all(&folder.join("data"), &copy.path().join("data"));
    copy
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_all(&entry.path(), &to);
            continue;
        }
        // A file that goes while this is read is one that a crash would not leave either.
        let copied = fs::copy(entry.path(), &to).and_then(|_| entry.metadata());
        match copied {
            Ok(read) => keep_time(&to, read.modified().unwrap()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let _ = fs::remove_file(&to);
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// Changes an entry of an index that is closed, or removes it, so that every checksum is right after that.
/// Answers with what was there.
fn edit(db: &::sled::Db, key: &[u8], payload: Option<&[u8]>) -> Option<::sled::IVec> {
    let range = db.range::<&[u8], _>(&keys::room(key)[..]..=key);
    let (at, raw) = { range }.next_back().unwrap().unwrap();
    let mut entries = Chunk::new(value::open(&at, &raw).unwrap()).entries().unwrap();
    let place = entries.iter().position(|(found, _)| found == key).expect("it is there");
    let (_, old) = entries.remove(place);
    if let Some(payload) = payload {
        entries.insert(place, (key.to_vec(), payload.into()));
    }
    db.insert(&at, value::seal(&at, &chunk::pack(&entries))).unwrap();
    Some(old)
}

fn keep_time(path: &Path, modified: std::time::SystemTime) {
    fs::File::options().write(true).open(path).unwrap().set_modified(modified).unwrap();
}

/// Asks again and again until the answer is yes.
async fn keep_waiting(mut done: impl AsyncFnMut() -> bool) {
    let all = async {
        while !done().await {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(faults::PATIENCE, all).await.expect("it took too long");
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.join("data/history")).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
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
async fn everything_is_there_after_a_restart_also_without_a_close() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    fill(&store, 40).await;
    store.raise_high_water(NOW).await.unwrap();
    store.close().await.unwrap();
    drop(store);
    for _ in 0..2 {
        let store = open(folder.path());
        check_filled(&store, 40).await;
        assert_eq!(store.high_water().await.unwrap(), NOW);
    }
}

#[tokio::test]
async fn a_folder_in_use_names_who_uses_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let locked = || open_error(folder.path());
    let StoreError::Locked { holder, .. } = locked() else { panic!("opened twice") };
    let holder = holder.unwrap();
    assert_eq!((holder.pid, holder.role), (std::process::id(), Role::Server));
    assert_eq!(holder.doing, Doing::Using, "it is open");
    drop(store);
    open(folder.path());
}

#[tokio::test]
async fn many_callers_share_a_sync_and_none_goes_without() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(folder.path()));
    store.commit(owner_creation("alice")).await.unwrap();
    for n in 0..20 {
        let before = store.shared.probe.syncs();
        store.commit(creation(token(n, "alice"))).await.unwrap();
        assert_eq!(store.shared.probe.syncs(), before + 1, "an fdatasync before the answer");
    }
    let before = store.shared.probe.syncs();
    let callers = (100..612).map(|n| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.commit(creation(token(n, "alice"))).await.unwrap() })
    });
    let callers: Vec<_> = callers.collect();
    for caller in callers {
        caller.await.unwrap();
    }
    let syncs = store.shared.probe.syncs() - before;
    assert!((1..=256).contains(&syncs), "{syncs} syncs for 512 commits");
}
