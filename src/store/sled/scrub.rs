//! Reading the history again, a little at a time, while the store goes on: old events are needed
//! for a backup or a new index, and a disk that loses them should not be noticed only then.
//!
//! How far a pass has come stands in a small file, so that a restart goes on from there.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::options::Options;
use super::small::{self, Found};
use crate::clock::Clock;
use crate::domain::secret::Digest;
use crate::domain::time::{Span, Timestamp};
use crate::history::{Head, HistoryError, Mark, Place, Walk};
use crate::store::{Position, StoreError};

/// A pass over everything begins this long after the one before it. Until then new events are
/// followed.
const EVERY: Span = Span::from_days(1);
/// How far a pass gets before that is written down.
const NOTE_EVENTS: u64 = if cfg!(test) { 8 } else { 16_384 };

/// A pass over the history.
#[derive(Debug)]
pub(super) struct Scrub {
    path: PathBuf,
    history: PathBuf,
    clock: Clock,
    begun: Timestamp,
    mark: Mark,
    /// How far it was when that was written down.
    noted: u64,
    /// Whether `mark` is as an earlier process left it: the history may be another one since.
    resumed: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    begun: Timestamp,
    seq: u64,
    hash: Digest,
    segment: u64,
    offset: u64,
}

impl Scrub {
    /// Goes on with the pass that an earlier process began.
    pub(super) fn resume(options: &Options) -> Self {
        let (path, clock) = (options.folder.join("verified"), options.clock.clone());
        let (begun, mark) = match small::read::<Written>(&path) {
            Found::Whole(found) => {
                let Written { begun, seq, hash, segment, offset } = found;
                let head = Head { seq, hash: *hash.as_bytes() };
                (begun, Mark { head, next: Place { segment, offset } })
            }
            Found::Damaged | Found::Missing => (clock.now(), Mark::START),
        };
        let history = options.history();
        Self {
            path,
            history,
            clock,
            begun,
            mark,
            noted: mark.head.seq,
            resumed: mark != Mark::START,
        }
    }

    /// Checks about `bytes` more, up to the event `newest`; answers with the last event of this
    /// pass that is known to be whole.
    pub(super) fn go_on(&mut self, newest: u64, bytes: u64) -> Result<Position, StoreError> {
        let now = self.clock.now();
        // Also where the clock went back, or the history was cut and repaired.
        let over = now.since(self.begun) >= EVERY || now < self.begun;
        if over || newest < self.mark.head.seq {
            (self.begun, self.mark, self.resumed) = (now, Mark::START, false);
        }
        if newest > self.mark.head.seq
            && let Err(error) = self.read(newest, bytes)
        {
            if matches!(error, HistoryError::Exhausted { .. }) || !std::mem::take(&mut self.resumed)
            {
                return Err(error.into());
            }
            // Perhaps only the place is wrong: all of it will tell.
            (self.begun, self.mark) = (now, Mark::START);
        }
        self.note();
        Ok(Position(self.mark.head.seq))
    }

    fn read(&mut self, newest: u64, bytes: u64) -> Result<(), HistoryError> {
        let mut walk = Walk::from(&self.history, self.mark)?;
        let mut left = bytes;
        while left > 0 && self.mark.head.seq < newest {
            let line = walk.next_line(newest)?.bytes.len();
            left = left.saturating_sub(u64::try_from(line).unwrap_or(u64::MAX));
            (self.mark, self.resumed) = (walk.mark(), false);
        }
        Ok(())
    }

    /// Writes down how far the pass has come. Without that, one after a restart begins further back,
    /// which tells nothing of the history.
    fn note(&mut self) {
        let Mark { head: Head { seq, hash }, next: Place { segment, offset } } = self.mark;
        if seq.abs_diff(self.noted) < NOTE_EVENTS {
            return;
        }
        let (begun, hash) = (self.begun, Digest::from_bytes(hash));
        let written = small::write(&self.path, &Written { begun, seq, hash, segment, offset });
        if let Err(error) = written {
            tracing::warn!("how far the history was verified is not written down: {error}");
        }
        self.noted = seq;
    }
}
