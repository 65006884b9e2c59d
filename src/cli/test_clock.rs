//! A wall clock that a test sets from outside the process, through a file. Not in a release build.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::clock::Clock;
use crate::domain::time::Timestamp;

/// Names the file, which holds one moment and may be replaced at any time.
const VARIABLE: &str = "TOLLGATE_TEST_CLOCK";

/// How soon a new moment is seen.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// The clock of the file that the variable names, and without one the machine's.
pub fn clock() -> Clock {
    let Some(file) = std::env::var_os(VARIABLE).map(PathBuf::from) else { return Clock::system() };
    let Some(at) = read(&file) else { return Clock::system() };
    let clock = Clock::held(at);
    let held = clock.clone();
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(LOOK_AGAIN);
            // A file that is just being replaced is read again.
            if let Some(at) = read(&file) {
                held.set(at);
            }
        }
    });
    clock
}

fn read(file: &Path) -> Option<Timestamp> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}
