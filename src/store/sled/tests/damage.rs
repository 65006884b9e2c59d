//! Flipped bits and torn ends, in every file of a data folder. Never a wrong answer: right, or an error.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{check_filled, copy_running, fill, open, open_error, options, segments};
use crate::history::{self, Head, Mark, Place};
use crate::store::sample::{creation, revocation, revoked, token};
use crate::store::sled::SledStore;
use crate::store::sled::renew::Renewal;
use crate::store::{Health, Store, StoreError};

const TOKENS: u64 = 60;

/// A cheap generator, so that a failure can be repeated.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if fs::metadata(&path).unwrap().len() > 0 {
            found.push(path);
        }
    }
    found.sort();
}

/// Flips a bit somewhere in what a file really holds: sled's files end with unused space.
fn flip(path: &Path, random: &mut u64) -> String {
    let mut bytes = fs::read(path).unwrap();
    let used = bytes.iter().rposition(|b| *b != 0).map_or(1, |last| last + 1);
    let at = usize::try_from(next(random)).unwrap() % used;
    let bit = next(random) % 8;
    bytes[at] ^= 1 << bit;
    // As a disk does it that loses bits: nobody wrote to the file.
    let modified = fs::metadata(path).unwrap().modified().unwrap();
    fs::write(path, bytes).unwrap();
    super::keep_time(path, modified);
    format!("bit {bit} of byte {at} of {}", path.display())
}

/// Asks for every token; answers how many answers were errors.
async fn ask_all(store: &SledStore, what: &str) -> u64 {
    let mut errors = 0;
    for n in 0..TOKENS {
        let made = token(n, "alice");
        let wanted = if n % 3 == 0 { revoked(&made) } else { made };
        match store.held(&wanted.digest).await {
            Ok(held) => {
                let found = held.unwrap_or_else(|| panic!("{what}: token {n} is unknown"));
                assert_eq!(*found.token, wanted, "{what}");
            }
            Err(_) => errors += 1,
        }
    }
    errors
}

async fn flips(folder: &Path, times: usize, seed: u64) {
    let mut random = seed;
    let whole = tempfile::tempdir().unwrap();
    super::copy_all(&folder.join("data"), &whole.path().join("data"));
    for _ in 0..times {
        let copy = copy_running(whole.path());
        let mut all = Vec::new();
        files(&copy.path().join("data"), &mut all);
        // Half of them in the pages, which are what a decision rests on.
        let pages = next(&mut random).is_multiple_of(2);
        all.retain(|path| !pages || path.ends_with("index/db"));
        let path = all[usize::try_from(next(&mut random)).unwrap() % all.len()].clone();
        let what = flip(&path, &mut random);
        match SledStore::open(options(copy.path())) {
            Ok(store) => {
                ask_all(&store, &what).await;
            }
            Err(StoreError::Damaged { .. }) => {}
            Err(error) => panic!("{what}: {error}"),
        }
    }
}

#[tokio::test]
async fn a_flipped_bit_never_changes_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    fill(&store, TOKENS).await;
    // As a crash leaves the folder, and as a clean close does.
    let crashed = copy_running(folder.path());
    drop(store);
    flips(crashed.path(), 24, 1).await;
    flips(folder.path(), 24, 2).await;
}

#[tokio::test]
async fn pages_that_were_changed_while_stopped_are_noticed_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    fill(&open(folder.path()), TOKENS).await;
    let path = folder.path().join("data/index/db");
    let mut bytes = fs::read(&path).unwrap();
    let zeros = bytes.len() / 3..bytes.len() / 3 + 512;
    bytes[zeros].fill(0);
    for (at, what) in [(0, "a cut file"), (1, "zeros"), (2, "text")] {
        match at {
            0 => fs::write(&path, &bytes[..bytes.len() / 2]).unwrap(),
            1 => fs::write(&path, &bytes).unwrap(),
            _ => fs::write(&path, "not a database").unwrap(),
        }
        let store = open(folder.path());
        assert_eq!(ask_all(&store, what).await, 0, "{what}");
        check_filled(&store, TOKENS).await;
    }
}

#[tokio::test]
async fn damage_met_while_running_is_an_error_and_the_next_start_mends_it() {
    let folder = tempfile::tempdir().unwrap();
    fill(&open(folder.path()), TOKENS).await;
    // Behind the store's back, and past what sled keeps in memory: every byte of its pages.
    let path = folder.path().join("data/index/db");
    let store = open(folder.path());
    let bytes = fs::read(&path).unwrap();
    let spoiled: Vec<_> = bytes.iter().map(|b| !b).collect();
    fs::write(&path, spoiled).unwrap();
    let errors = ask_all(&store, "spoiled pages").await;
    assert!(errors > 0, "nothing was read from the disk");
    drop(store);
    check_filled(&open(folder.path()), TOKENS).await;
    assert!(folder.path().join("data/index.damaged").is_dir());
}

#[tokio::test]
async fn damage_met_while_running_is_mended_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    fill(&open(folder.path()), TOKENS).await;
    let path = folder.path().join("data/index/db");
    let store = open(folder.path());
    let spoiled: Vec<_> = fs::read(&path).unwrap().iter().map(|b| !b).collect();
    fs::write(&path, spoiled).unwrap();
    assert!(ask_all(&store, "spoiled pages").await > 0, "nothing was read from the disk");
    let mended = async {
        // Never a wrong answer in between, which this would tell.
        while ask_all(&store, "while it is built").await > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(super::faults::PATIENCE, mended).await.expect("it was never mended");
    check_filled(&store, TOKENS).await;
    assert_eq!(store.health(), Health::Ready);
    assert!(folder.path().join("data/index.damaged").is_dir());
    store.commit(creation(token(1_000, "alice"))).await.unwrap();
    // As a crash leaves it now, and as a close does.
    let crashed = copy_running(folder.path());
    drop(store);
    for folder in [crashed.path(), folder.path()] {
        let store = open(folder);
        assert_eq!(ask_all(&store, "after another start").await, 0);
        assert!(store.token(token(1_000, "alice").id).await.unwrap().is_some());
        assert!(!folder.join("data/index.next").exists());
    }
}

#[tokio::test]
async fn a_new_index_takes_up_what_comes_while_it_is_built() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    fill(&store, TOKENS).await;
    let first = Renewal::start(&store.shared).unwrap();
    // Over a border of segments, so that the rest begins in another one.
    for n in 1_000..1_040 {
        store.commit(creation(token(n, "alice"))).await.unwrap();
    }
    while !first.is_done() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    store.commit(revocation(&token(1_000, "alice"))).await.unwrap();
    let until = mark_of(&store).await;
    let state = first.finish(&store.shared, until).unwrap();
    assert_eq!(state.applied, until.head.seq);
    let index = store.shared.index().unwrap();
    assert!(index.is_whole(&state).unwrap());
    drop(index);
    assert!(store.token(token(1_000, "alice").id).await.unwrap().unwrap().ended.is_some());
    assert_eq!(ask_all(&store, "after it").await, 0);
}

/// The end of the history of a store that is not written to now.
pub(super) async fn mark_of(store: &SledStore) -> Mark {
    let newest = store.events(None, None, 1).await.unwrap().entries.remove(0);
    let head = Head { seq: newest.position.0, hash: history::hash_of(newest.line.as_bytes()) };
    Mark { head, next: Place::START }
}

#[tokio::test]
async fn a_torn_last_event_is_cut_and_a_bad_one_before_it_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    fill(&store, 5).await;
    let copy = copy_running(folder.path());
    let path = segments(copy.path()).pop().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend_from_slice(b"{\"seq\":9,\"prev\":\"00");
    fs::write(&path, &bytes).unwrap();
    check_filled(&open(copy.path()), 5).await;

    let copy = copy_running(folder.path());
    let path = segments(copy.path()).pop().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::write(&path, &bytes).unwrap();
    fs::remove_dir_all(copy.path().join("data/index")).unwrap();
    let error = open_error(copy.path()).to_string();
    let start = bytes[..middle].iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let place = format!("`{}` is damaged: at byte {start}: ", path.display());
    assert!(error.contains(&place), "{error}");
}

#[tokio::test]
async fn an_acknowledged_last_event_is_never_taken_for_a_torn_one() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    fill(&store, 5).await;
    let crashed = copy_running(folder.path());
    drop(store);
    for folder in [crashed.path(), folder.path()] {
        let path = segments(folder).pop().unwrap();
        let mut bytes = fs::read(&path).unwrap();
        let last = bytes.len() - 10;
        bytes[last] ^= 1;
        fs::write(&path, bytes).unwrap();
        assert!(matches!(open_error(folder), StoreError::Damaged { .. }));
    }
}
