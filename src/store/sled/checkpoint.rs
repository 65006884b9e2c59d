//! How far the index is known to be on disk, in a small file of its own, and what must never be lost with
//! that, a second time in another.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::small::{self, Found};
use super::uses::Age;
use super::value::{FORMAT, OLDER_FORMAT};
use crate::domain::secret::Digest;
use crate::domain::time::Timestamp;
use crate::history::{Head, Mark, Place};
use crate::store::StoreError;

const FILE: &str = "checkpoint";
const SEEN: &str = "seen";

/// What the history does not tell, and what a start without it could not do safely.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Seen {
    /// The largest wall-clock time seen.
    pub(super) high_water: Timestamp,
    /// The generation that the last uses had at least, and their floor.
    pub(super) uses: Age,
    /// None before there was a file of counts; else its floor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) counts: Option<Timestamp>,
}

/// What was on disk at a moment. It is written only after the index was synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Checkpoint {
    /// The last event that the index had, and where the history goes on.
    pub(super) mark: Mark,
    /// How many batches the index had.
    pub(super) batches: u64,
    pub(super) seen: Seen,
    /// The stamp of the index's files, if it was closed and nothing was written to it since.
    pub(super) closed: Option<u64>,
    /// Of an index of an earlier layout.
    pub(super) older: Option<Layout>,
}

/// An earlier layout of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// One of this format, all of which is in the history.
    Later(u8),
    /// The first, with its floor, which then stood here.
    Oldest(Timestamp),
}

impl Checkpoint {
    /// The floor of an index of the oldest layout.
    pub(super) const fn oldest(&self) -> Option<Timestamp> {
        match self.older {
            Some(Layout::Oldest(floor)) => Some(floor),
            Some(Layout::Later(_)) | None => None,
        }
    }

    /// Of an index that is in use.
    pub(super) const fn at(mark: Mark, batches: u64, seen: Seen) -> Self {
        Self { mark, batches, seen, closed: None, older: None }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    format: u8,
    seq: u64,
    hash: Digest,
    segment: u64,
    offset: u64,
    batches: u64,
    high_water: Timestamp,
    #[serde(default)]
    uses: Age,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    counts: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    floor: Option<Timestamp>,
    closed: Option<u64>,
}

/// Reads the checkpoint of a data folder; none when there is none, or it does not verify, or it is of an
/// unknown format: the index is then built anew.
pub(super) fn read(folder: &Path) -> Option<Checkpoint> {
    let Found::Whole(written) = small::read(&folder.join(FILE)) else { return None };
    let Written { format, seq, hash, segment, offset, batches, .. } = written;
    let Written { high_water, uses, counts, floor, closed, .. } = written;
    let older = match (format, floor) {
        (FORMAT, None) => None,
        (OLDER_FORMAT, Some(floor)) => Some(Layout::Oldest(floor)),
        (format, None) if OLDER_FORMAT < format && format < FORMAT => Some(Layout::Later(format)),
        _ => return None,
    };
    Some(Checkpoint {
        mark: Mark { head: Head { seq, hash: *hash.as_bytes() }, next: Place { segment, offset } },
        batches,
        seen: Seen { high_water, uses, counts },
        closed,
        older,
    })
}

/// What was seen last: as the checkpoint says it, and without one as it was written down beside it.
pub(super) fn seen(folder: &Path, known: Option<&Checkpoint>) -> Seen {
    match known {
        Some(known) => known.seen,
        None => match small::read(&folder.join(SEEN)) {
            Found::Whole(seen) => seen,
            Found::Damaged | Found::Missing => Seen::default(),
        },
    }
}

/// Replaces the checkpoint, durably.
pub(super) fn write(folder: &Path, checkpoint: &Checkpoint) -> Result<(), StoreError> {
    let Checkpoint { mark, batches, seen, closed, older } = *checkpoint;
    let written = Written {
        format: match older {
            None => FORMAT,
            Some(Layout::Later(format)) => format,
            Some(Layout::Oldest(_)) => OLDER_FORMAT,
        },
        seq: mark.head.seq,
        hash: Digest::from_bytes(mark.head.hash),
        segment: mark.next.segment,
        offset: mark.next.offset,
        batches,
        high_water: seen.high_water,
        uses: seen.uses,
        counts: seen.counts,
        floor: checkpoint.oldest(),
        closed,
    };
    small::write(&folder.join(FILE), &written)?;
    write_seen(folder, seen)
}

/// Replaces what stands beside the checkpoint, durably.
pub(super) fn write_seen(folder: &Path, seen: Seen) -> Result<(), StoreError> {
    small::write(&folder.join(SEEN), &seen)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_checkpoint_survives_its_file_and_no_bit_may_change() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoint = Checkpoint {
            mark: Mark {
                head: Head { seq: 7, hash: [9; 32] },
                next: Place { segment: 3, offset: 99 },
            },
            batches: 5,
            seen: Seen {
                high_water: Timestamp::from_unix(1_700_000_000),
                uses: Age { generation: 6, floor: Timestamp::from_unix(1_600_000_000) },
                counts: Some(Timestamp::from_unix(1_500_000_000)),
            },
            closed: Some(7),
            older: None,
        };
        assert_eq!(read(folder.path()), None);
        let of = |layout| Checkpoint { older: Some(layout), ..checkpoint };
        for checkpoint in [
            of(Layout::Oldest(Timestamp::EPOCH)),
            of(Layout::Later(2)),
            of(Layout::Later(3)),
            checkpoint,
        ] {
            write(folder.path(), &checkpoint).unwrap();
            assert_eq!(read(folder.path()), Some(checkpoint));
        }
        let path = folder.path().join(FILE);
        let bytes = fs::read(&path).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            fs::write(&path, changed).unwrap();
            assert_eq!(read(folder.path()), None, "byte {at}");
            assert_eq!(seen(folder.path(), None), checkpoint.seen);
        }
    }
}
