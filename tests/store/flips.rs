//! Flipped bits in every file of a data folder, as a crash leaves it and as a clean close does.

use std::fs;
use std::path::{Path, PathBuf};

use tollgate::store::StoreError;

use crate::{records, writer};

const TOKENS: u64 = 400;

pub(crate) fn run(times: u64) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (clean, crashed) = (folder.path().join("clean"), folder.path().join("crashed"));
    runtime.block_on(async {
        let store = writer::open(&clean).await;
        store.commit(records::owner(0)).await.unwrap();
        for n in 0..TOKENS {
            let token = records::token(n, &records::owner_name(0));
            store.commit(records::creation(token.clone())).await.unwrap();
            if n % 2 == 0 {
                store.commit(records::revocation(&token)).await.unwrap();
            }
        }
        // Past a checkpoint, and then some more that only the log of sled has.
        tokio::time::sleep(std::time::Duration::from_secs(7)).await;
        for n in TOKENS..TOKENS + 20 {
            let token = records::token(n, &records::owner_name(0));
            store.commit(records::creation(token)).await.unwrap();
        }
        copy_all(&clean, &crashed);
        store.close().await.unwrap();
    });
    let mut random = 11;
    let (mut errors, mut refused, mut right) = (0, 0, 0_u64);
    for round in 0..times {
        let copy = folder.path().join("copy");
        copy_all(if round % 2 == 0 { &clean } else { &crashed }, &copy);
        let what = flip(&copy, &mut random);
        match runtime.block_on(ask(&copy, &what)) {
            Some(failed) => {
                errors += failed;
                right += TOKENS - failed;
            }
            None => refused += 1,
        }
        fs::remove_dir_all(&copy).unwrap();
    }
    println!(
        "flipped {times} bits: {right} right answers, {errors} errors, {refused} folders refused, \
         0 wrong answers"
    );
}

/// Asks for every token; answers how many answers were errors, or none if the folder does not open.
async fn ask(folder: &Path, what: &str) -> Option<u64> {
    let settings = records::settings(folder, 0);
    let store = match tollgate::store::open(&settings, tollgate::clock::Clock::system()).await {
        Ok(store) => store,
        Err(StoreError::Damaged { .. }) => return None,
        Err(error) => panic!("{what}: {error}"),
    };
    let mut errors = 0;
    for n in 0..TOKENS {
        match store.held(&records::digest(n)).await {
            Ok(held) => {
                let held = held.unwrap_or_else(|| panic!("{what}: token {n} is unknown"));
                assert_eq!(held.token.ended.is_some(), n % 2 == 0, "{what}: token {n}");
            }
            Err(_) => errors += 1,
        }
    }
    Some(errors)
}

fn flip(folder: &Path, random: &mut u64) -> String {
    let mut all = Vec::new();
    files(folder, &mut all);
    // Half of them in the pages, which are what a decision rests on.
    let pages = writer::next(random).is_multiple_of(2);
    all.retain(|path| !pages || path.ends_with("index/db"));
    let path = &all[writer::next(random) % all.len()];
    let mut bytes = fs::read(path).unwrap();
    // sled's files end with unused space.
    let used = bytes.iter().rposition(|b| *b != 0).map_or(1, |last| last + 1);
    let (at, bit) = (writer::next(random) % used, writer::next(random) % 8);
    bytes[at] ^= 1 << bit;
    fs::write(path, bytes).unwrap();
    format!("bit {bit} of byte {at} of {}", path.display())
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

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_all(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
