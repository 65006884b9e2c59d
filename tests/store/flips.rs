//! Flipped bits in every file of a data folder, as `kill -9` leaves it and as a clean close does.

use std::fs;
use std::path::{Path, PathBuf};

use tollgate::store::StoreError;

use crate::records;
use crate::writer::{self, Told};

const TOKENS: u64 = 400;

pub(crate) fn run(times: u64) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (clean, crashed) = (folder.path().join("clean"), folder.path().join("crashed"));
    let mut whole = Told::default();
    runtime.block_on(async {
        let store = writer::open(&clean).await;
        store.commit(records::owner(0)).await.unwrap();
        for n in 0..TOKENS {
            let token = records::token(n, &records::owner_name(0));
            store.commit(records::creation(token.clone())).await.unwrap();
            whole.created.insert(n);
            if n % 2 == 0 {
                store.commit(records::revocation(&token)).await.unwrap();
                whole.revoked.insert(n);
            }
        }
        store.close().await.unwrap();
    });
    let mut child = writer::start(&crashed, 1, 0, &[]);
    let lines = usize::try_from(TOKENS + TOKENS / 2).unwrap();
    let killed = writer::listen(&mut child, lines, |child| child.kill().unwrap());
    let mut random = 11;
    let (mut errors, mut refused, mut right, mut rebuilt) = (0, 0, 0_u64, 0_u64);
    for round in 0..times {
        let copy = folder.path().join("copy");
        let (from, told) = if round % 2 == 0 { (&clean, &whole) } else { (&crashed, &killed) };
        copy_all(from, &copy);
        let what = flip(&copy, &mut random);
        match runtime.block_on(ask(&copy, told, &what)) {
            Some(failed) => {
                errors += failed;
                right += u64::try_from(told.created.len()).unwrap() - failed;
            }
            None => refused += 1,
        }
        rebuilt += u64::from(copy.join("index.damaged").exists());
        fs::remove_dir_all(&copy).unwrap();
    }
    println!(
        "flipped {times} bits: {right} right answers, {errors} errors, {refused} folders refused, \
         {rebuilt} indexes rebuilt, 0 wrong answers"
    );
}

/// Asks for every token; answers how many answers were errors, or none if the folder does not open.
async fn ask(folder: &Path, told: &Told, what: &str) -> Option<u64> {
    let settings = records::settings(folder, 0);
    let store = match tollgate::store::open(&settings, tollgate::clock::Clock::system()).await {
        Ok(store) => store,
        Err(StoreError::Damaged { .. }) => return None,
        Err(error) => panic!("{what}: {error}"),
    };
    let mut errors = 0;
    for n in &told.created {
        match store.held(&records::digest(*n)).await {
            Ok(held) => {
                let held = held.unwrap_or_else(|| panic!("{what}: token {n} is unknown"));
                let ended = held.token.ended.is_some();
                // The last revocation may have been made and not told of.
                assert!(ended == told.revoked.contains(n) || (ended && n % 2 == 0), "{what}: {n}");
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
    // As a disk does it that loses bits: nobody wrote to the file.
    let modified = fs::metadata(path).unwrap().modified().unwrap();
    fs::write(path, bytes).unwrap();
    keep_time(path, modified);
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
            fs::copy(entry.path(), &to).unwrap();
            keep_time(&to, entry.metadata().unwrap().modified().unwrap());
        }
    }
}

fn keep_time(path: &Path, modified: std::time::SystemTime) {
    fs::File::options().write(true).open(path).unwrap().set_modified(modified).unwrap();
}
