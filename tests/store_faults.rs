//! What a sceptic does to a store: kills it, cuts its power, fills its disk, breaks its disk, flips its
//! bits. Without arguments a short round, for the ordinary tests; `tests/faults/run.sh` runs the long ones.
//!
//! The program is its own victim: with the argument `writer` it is the process that is killed. Hence no
//! test harness.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::path::Path;
use std::process::ExitCode;

#[path = "store/flips.rs"]
mod flips;
#[path = "store/full.rs"]
mod full;
#[path = "store/kill.rs"]
mod kill;
#[path = "store/power.rs"]
mod power;
#[path = "store/records.rs"]
mod records;
#[path = "store/space.rs"]
mod space;
#[path = "store/sync.rs"]
mod sync;
#[path = "store/writer.rs"]
mod writer;

/// What can be done to a store, as `tests/faults/run.sh` names it.
const FAULTS: &str = "kill N, power N, sync N, space N, flips N, full";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["writer", folder, writers, first] => {
            writer::run(Path::new(folder), writers.parse().unwrap(), first.parse().unwrap());
        }
        ["--fault", fault @ ..] => return long_round(fault),
        // The arguments of a test harness: a filter that is not for this one, or nothing to say.
        ["--list", ..] => {}
        filtered
            if filtered
                .iter()
                .any(|word| !word.starts_with('-') && !"store_faults".contains(word)) => {}
        _ => short_round(),
    }
    ExitCode::SUCCESS
}

fn long_round(fault: &[&str]) -> ExitCode {
    let (name, times) = match fault {
        [name] => (*name, None),
        [name, times] => (*name, times.parse::<u64>().ok()),
        _ => ("", None),
    };
    match (name, times) {
        ("kill", Some(times)) => kill::run(times),
        ("power", Some(times)) => power::run(times),
        ("flips", Some(times)) => flips::run(times),
        ("sync", Some(times)) => sync::run(times),
        ("space", Some(times)) => space::run(times),
        ("full", None) => full::run(),
        _ => {
            eprintln!("error: `{}` is none of: {FAULTS}", fault.join(" "));
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

/// Some seconds of each fault that needs no disk of its own, and so no root to mount it.
fn short_round() {
    names_are_checked();
    kill::run(3);
    sync::run(3);
    space::run(4);
    flips::run(20);
}

/// A run that does nothing must not look like one that found nothing.
fn names_are_checked() {
    for wrong in [&["kil", "200"][..], &["kill"], &["kill", "many"], &["full", "3"], &[]] {
        let this = std::env::current_exe().unwrap();
        let run = std::process::Command::new(this).arg("--fault").args(wrong).output().unwrap();
        let told = String::from_utf8(run.stderr).unwrap();
        assert_eq!(run.status.code(), Some(2), "{wrong:?}: {told}");
        assert!(told.contains(FAULTS), "{wrong:?}: {told}");
    }
}
