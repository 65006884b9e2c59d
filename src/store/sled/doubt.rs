//! What is not yet known of an index that a crash left.
//!
//! Its parts (`keys::part`) are read one by one, each before the first answer that rests on it, by whoever
//! asks; the writing thread reads what is left, and makes no change before that. Nothing else is written to
//! the index meanwhile, so that a part that was found to have its sum keeps it.
//!
//! Before that, events that it lacks are brought up from the history, without trust in what it has. Each batch
//! takes off the sum what it finds in a place of sled, whatever that is, and adds what it writes there (`draft`).
//! So the difference between the sum that is stated and the sum of what is there stays the same. It is nothing
//! where all is there; where a chunk is gone, is an older one, or should be gone, it is something, and neither
//! rewriting that chunk nor writing its entries into the one before it makes it nothing: what was wrong is found.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::keys;
use super::state::Sums;
use super::whole::Found;
use crate::store::StoreError;

/// How many chunks are read at a time: some milliseconds, between which others may go on, or end it.
const STEP: usize = 500;

/// The parts of an index, some of which are not yet known to be whole.
#[derive(Debug)]
pub(super) struct Doubts {
    parts: Vec<Part>,
    /// How many are not known to be whole.
    left: AtomicUsize,
    /// Whether the index is being closed, so that nobody goes on.
    given_up: AtomicBool,
}

#[derive(Debug)]
struct Part {
    whole: AtomicBool,
    bad: AtomicBool,
    reading: Mutex<Reading>,
}

/// How far the reading of a part has come.
#[derive(Debug)]
enum Reading {
    At { from: Vec<u8>, sum: u64, stated: u64 },
    Whole,
    Bad(&'static str),
}

impl Doubts {
    /// Doubts all parts, which should have these sums.
    pub(super) fn new(sums: &Sums) -> Self {
        let part = |(at, stated)| {
            let reading = Reading::At { from: keys::part_start(at), sum: 0, stated };
            let (whole, bad) = (AtomicBool::new(false), AtomicBool::new(false));
            Part { whole, bad, reading: Mutex::new(reading) }
        };
        let parts: Vec<Part> = sums.each().enumerate().map(part).collect();
        let left = AtomicUsize::new(parts.len());
        Self { parts, left, given_up: AtomicBool::new(false) }
    }

    /// Whether a part is not known to be whole.
    pub(super) fn any(&self) -> bool {
        self.left.load(Ordering::Acquire) > 0
    }

    /// Whether one of these parts is not known to be whole.
    pub(super) fn any_of(&self, parts: &[usize]) -> bool {
        let whole = |part: &Part| part.whole.load(Ordering::Acquire);
        parts.iter().any(|part| !self.parts.get(*part).is_some_and(whole))
    }

    /// Which of these parts is known to be bad, if any.
    pub(super) fn bad_of(&self, parts: impl IntoIterator<Item = usize>) -> Option<usize> {
        let bad = |part: &Part| part.bad.load(Ordering::Acquire);
        parts.into_iter().find(|part| self.parts.get(*part).is_some_and(bad))
    }

    /// Has every reader give up.
    pub(super) fn give_up(&self) {
        self.given_up.store(true, Ordering::Release);
    }

    /// Reads some of a part with `read`; answers whether its end was reached, or what is wrong with it.
    ///
    /// # Errors
    /// The index is being closed.
    pub(super) fn clear_some(
        &self,
        part: usize,
        read: impl Fn(&[u8], Option<&[u8]>, usize) -> Result<(Found, Option<Vec<u8>>), StoreError>,
    ) -> Result<Result<bool, &'static str>, StoreError> {
        if self.given_up.load(Ordering::Acquire) {
            return Err(StoreError::Closed);
        }
        let Some(Part { whole, bad: is_bad, reading }) = self.parts.get(part) else {
            return Ok(Ok(true));
        };
        let mut reading = reading.lock().unwrap_or_else(PoisonError::into_inner);
        let (from, sum, stated) = match &*reading {
            Reading::At { from, sum, stated } => (from, *sum, *stated),
            Reading::Whole => return Ok(Ok(true)),
            Reading::Bad(what) => return Ok(Err(what)),
        };
        let next = part.saturating_add(1);
        let end = (next < keys::PARTS).then(|| keys::part_start(next));
        let (now, answer) = match read(from, end.as_deref(), STEP) {
            Err(_) => bad("it cannot be read"),
            Ok((Found { bad: true, .. }, _)) => bad("the checksum of a value does not match"),
            Ok((found, Some(from))) => {
                (Reading::At { from, sum: sum.wrapping_add(found.sum), stated }, Ok(false))
            }
            Ok((found, None)) if sum.wrapping_add(found.sum) == stated => {
                (Reading::Whole, Ok(true))
            }
            Ok(_) => bad("entries are missing, or older than the last ones that were written"),
        };
        if matches!(now, Reading::Whole) {
            whole.store(true, Ordering::Release);
            self.left.fetch_sub(1, Ordering::AcqRel);
        }
        is_bad.store(matches!(now, Reading::Bad(_)), Ordering::Release);
        *reading = now;
        Ok(answer)
    }
}

#[cfg(test)]
impl Doubts {
    /// Keeps a part from being read while what this gives is held.
    pub(super) fn hold(&self, part: usize) -> impl Sized + '_ {
        self.parts[part].reading.lock().unwrap()
    }
}

fn bad(what: &'static str) -> (Reading, Result<bool, &'static str>) {
    (Reading::Bad(what), Err(what))
}
