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
#[path = "store/sync.rs"]
mod sync;
#[path = "store/writer.rs"]
mod writer;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["writer", folder, writers, first] => {
            writer::run(Path::new(folder), writers.parse().unwrap(), first.parse().unwrap());
        }
        ["kill", times] => kill::run(times.parse().unwrap()),
        ["power", times] => power::run(times.parse().unwrap()),
        ["flips", times] => flips::run(times.parse().unwrap()),
        ["sync", times] => sync::run(times.parse().unwrap()),
        ["full"] => full::run(),
        // The arguments of a test harness: a filter that is not for this one, or nothing to say.
        ["--list", ..] => {}
        filtered
            if filtered
                .iter()
                .any(|word| !word.starts_with('-') && !"store_faults".contains(word)) => {}
        _ => kill::run(3),
    }
}
