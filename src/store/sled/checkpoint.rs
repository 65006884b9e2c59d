//! How far the index is known to be on disk, in a small file of its own.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::small::{self, Found};
use super::value::{FORMAT, OLDER_FORMAT};
use crate::domain::secret::Digest;
use crate::domain::time::Timestamp;
use crate::history::{Head, Mark, Place};
use crate::store::StoreError;

const FILE: &str = "checkpoint";

/// What was on disk at a moment. It is written only after the index was synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Checkpoint {
    /// The last event that the index had, and where the history goes on.
    pub(super) mark: Mark,
    /// How many batches the index had.
    pub(super) batches: u64,
    /// The largest wall-clock time seen.
    pub(super) high_water: Timestamp,
    /// The stamp of the index's files, if it was closed and nothing was written to it since.
    pub(super) closed: Option<u64>,
    /// Of an index of the layout before this one: the floor, which then stood here.
    pub(super) older: Option<Timestamp>,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    floor: Option<Timestamp>,
    closed: Option<u64>,
}

/// Reads the checkpoint of a data folder; none when there is none, or it does not verify, or it is of an
/// unknown format: the index is then built anew.
pub(super) fn read(folder: &Path) -> Option<Checkpoint> {
    let Found::Whole(written) = small::read(&folder.join(FILE)) else { return None };
    let Written { format, seq, hash, segment, offset, batches, high_water, floor, closed } =
        written;
    let older = match (format, floor) {
        (FORMAT, None) => None,
        (OLDER_FORMAT, Some(floor)) => Some(floor),
        _ => return None,
    };
    Some(Checkpoint {
        mark: Mark { head: Head { seq, hash: *hash.as_bytes() }, next: Place { segment, offset } },
        batches,
        high_water,
        closed,
        older,
    })
}

/// Replaces the checkpoint, durably.
pub(super) fn write(folder: &Path, checkpoint: &Checkpoint) -> Result<(), StoreError> {
    let Checkpoint { mark, batches, high_water, closed, older } = *checkpoint;
    let written = Written {
        format: if older.is_some() { OLDER_FORMAT } else { FORMAT },
        seq: mark.head.seq,
        hash: Digest::from_bytes(mark.head.hash),
        segment: mark.next.segment,
        offset: mark.next.offset,
        batches,
        high_water,
        floor: older,
        closed,
    };
    small::write(&folder.join(FILE), &written)
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
            high_water: Timestamp::from_unix(1_700_000_000),
            closed: Some(7),
            older: None,
        };
        assert_eq!(read(folder.path()), None);
        let older = Checkpoint { older: Some(Timestamp::EPOCH), ..checkpoint };
        for checkpoint in [older, checkpoint] {
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
        }
    }
}
