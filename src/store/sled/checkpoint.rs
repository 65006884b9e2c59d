//! How far the index is known to be on disk, in a small file of its own.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::value::FORMAT;
use crate::domain::secret::Digest;
use crate::domain::time::Timestamp;
use crate::history::{self, Head, Mark, Place};
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
    /// Tokens that lie idle count as used at this moment at least.
    pub(super) floor: Timestamp,
    /// The stamp of the index's files, if it was closed and nothing was written to it since.
    pub(super) closed: Option<u64>,
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
    floor: Timestamp,
    closed: Option<u64>,
}

/// Reads the checkpoint of a data folder; none when there is none, or it does not verify, or it is of
/// another format: the index is then built anew.
pub(super) fn read(folder: &Path) -> Option<Checkpoint> {
    let path = folder.join(FILE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => {
            tracing::warn!("`{}` cannot be read: {error}", path.display());
            return None;
        }
    };
    let parsed = parse(&text);
    if parsed.is_none() {
        tracing::warn!("`{}` is damaged or of an older version", path.display());
    }
    parsed
}

fn parse(text: &str) -> Option<Checkpoint> {
    let (json, crc) = text.strip_suffix('\n')?.rsplit_once(' ')?;
    if crc != format!("{:08x}", crc32c::crc32c(json.as_bytes())) {
        return None;
    }
    let written: Written = serde_json::from_str(json).ok()?;
    let Written { format, seq, hash, segment, offset, batches, high_water, floor, closed } =
        written;
    (format == FORMAT).then_some(Checkpoint {
        mark: Mark { head: Head { seq, hash: *hash.as_bytes() }, next: Place { segment, offset } },
        batches,
        high_water,
        floor,
        closed,
    })
}

/// Replaces the checkpoint, durably.
pub(super) fn write(folder: &Path, checkpoint: &Checkpoint) -> Result<(), StoreError> {
    let Checkpoint { mark, batches, high_water, floor, closed } = *checkpoint;
    let written = Written {
        format: FORMAT,
        seq: mark.head.seq,
        hash: Digest::from_bytes(mark.head.hash),
        segment: mark.next.segment,
        offset: mark.next.offset,
        batches,
        high_water,
        floor,
        closed,
    };
    let json = serde_json::to_string(&written).map_err(|error| failed(folder, &error))?;
    let text = format!("{json} {:08x}\n", crc32c::crc32c(json.as_bytes()));
    replace(&folder.join(FILE), text.as_bytes()).map_err(|error| {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        match error.kind() {
            StorageFull | QuotaExceeded => StoreError::Full { path: folder.display().to_string() },
            _ => failed(folder, &error),
        }
    })?;
    history::sync_folder(folder).map_err(StoreError::from)
}

fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let temporary: PathBuf = path.with_extension("new");
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)
}

fn failed(folder: &Path, cause: &dyn std::fmt::Display) -> StoreError {
    StoreError::Failed {
        doing: format!("writing `{}`", folder.join(FILE).display()),
        cause: cause.to_string(),
    }
}

#[cfg(test)]
mod tests {
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
            floor: Timestamp::EPOCH,
            closed: Some(7),
        };
        assert_eq!(read(folder.path()), None);
        write(folder.path(), &checkpoint).unwrap();
        assert_eq!(read(folder.path()), Some(checkpoint));
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
