//! How many requests of each token count towards its limits: a file of slots of 128 bytes, which have the
//! numbers of the slots of last uses. What was answered is on disk, and where a slot cannot be read nobody
//! is told that there is something left.
//!
//! | bytes | what |
//! | --- | --- |
//! | 0..4 | CRC-32C over the number of the slot and bytes 4..128 |
//! | 4 | 1; all bytes are zero where nothing was counted |
//! | 8..24 | whose slot it is: the token's id |
//! | 24..32 | requests in all |
//! | 32..96 | for each period, the shortest first, the second in which it began, and requests in it |
//! | 5..8, 96..128 | zeros |

use std::fs::File;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::options::Options;
use crate::domain::id::TokenId;
use crate::domain::left::{InPeriod, Spent};
use crate::domain::period::Period;
use crate::domain::time::Timestamp;
use crate::history;
use crate::store::StoreError;

/// The size of a slot: no slot crosses the border of a sector.
const SLOT_BYTES: usize = 128;
/// How many slots are read at a time.
const PIECE: usize = 512;

type Slot = [u8; SLOT_BYTES];

/// The open file.
#[derive(Debug)]
pub(super) struct Counts {
    path: PathBuf,
    file: File,
    /// When the counts of before were lost; the epoch for never. Tokens that are older count as used up
    /// where nothing is known of them.
    floor: Timestamp,
    /// How many writes there were.
    written: AtomicU64,
    synced: Mutex<Synced>,
}

#[derive(Debug, Default)]
struct Synced {
    /// How many writes are on disk.
    writes: u64,
    /// A sync failed: what is on disk is not known any more.
    failed: bool,
}

impl Counts {
    /// Whether there is such a file.
    pub(super) fn exists(options: &Options) -> bool {
        path(options).exists()
    }

    /// Opens the file, or makes an empty one.
    pub(super) fn open(options: &Options, floor: Timestamp) -> Result<Self, StoreError> {
        let path = path(options);
        let anew = !path.exists();
        let mut how = File::options();
        let how = how.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = how.open(&path).map_err(|error| failed(&path, "opening", &error))?;
        if anew {
            history::sync_folder(&options.folder)?;
        }
        Ok(Self { path, file, floor, written: AtomicU64::new(0), synced: Mutex::default() })
    }

    /// See the field.
    pub(super) const fn floor(&self) -> Timestamp {
        self.floor
    }

    /// What counts for a token, by its slot.
    pub(super) fn read(&self, number: u64, token: TokenId) -> Result<Spent, StoreError> {
        let mut bytes = [0; SLOT_BYTES];
        match self.file.read_exact_at(&mut bytes, offset(number)) {
            Ok(()) => {}
            // Nobody has written so far.
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                return Ok(self.unknown(token));
            }
            Err(error) => return Err(failed(&self.path, "reading", &error)),
        }
        let read = decode(&bytes, number).map_err(|()| self.damaged(number))?;
        // One of another token was left by a history that was cut.
        let known = read.filter(|(of, _)| *of == token).map(|(_, spent)| spent);
        Ok(known.unwrap_or_else(|| self.unknown(token)))
    }

    /// What counts for a token of which nothing is written.
    fn unknown(&self, token: TokenId) -> Spent {
        let made_ms = token.made_at_ms();
        if self.floor == Timestamp::EPOCH || made_ms / 1_000 > self.floor.unix() {
            return Spent::default();
        }
        let quota =
            |period: Period| InPeriod { begin: period.begin(self.floor), requests: u64::MAX };
        Spent { uses: u64::MAX, quotas: Period::ALL.map(quota) }
    }

    /// Writes what counts for a token. It is on disk when this returns.
    pub(super) fn write(
        &self,
        number: u64,
        token: TokenId,
        spent: Spent,
    ) -> Result<(), StoreError> {
        self.put(number, token, spent)?;
        let mine = self.written.fetch_add(1, Ordering::AcqRel) + 1;
        self.sync(mine)
    }

    /// The same without waiting for the disk, for many that are followed by [`Self::sync_all`].
    pub(super) fn put(&self, number: u64, token: TokenId, spent: Spent) -> Result<(), StoreError> {
        let wrote = self.file.write_all_at(&encode(number, token, spent), offset(number));
        wrote.map_err(|error| failed(&self.path, "writing", &error))
    }

    /// Waits until everything is on disk.
    pub(super) fn sync_all(&self) -> Result<(), StoreError> {
        self.sync(self.written.fetch_add(1, Ordering::AcqRel) + 1)
    }

    /// Waits until a write is on disk. One sync serves all that wait for it.
    fn sync(&self, write: u64) -> Result<(), StoreError> {
        let mut synced = self.synced.lock().unwrap_or_else(PoisonError::into_inner);
        if synced.failed {
            return Err(StoreError::ReadOnly(format!(
                "`{}` could not be made durable; restart",
                self.path.display()
            )));
        }
        if synced.writes >= write {
            return Ok(());
        }
        let writes = self.written.load(Ordering::Acquire);
        if let Err(error) = self.file.sync_data() {
            // What is not on disk may look as if it were from here on.
            synced.failed = true;
            return Err(failed(&self.path, "syncing", &error));
        }
        synced.writes = writes;
        Ok(())
    }

    /// Passes on what counts for each token, in pieces.
    pub(super) fn each(
        &self,
        mut take: impl FnMut(TokenId, Spent) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut piece = vec![0; PIECE * SLOT_BYTES];
        let mut number = 0;
        loop {
            let read = self.file.read_at(&mut piece, offset(number));
            let read = read.map_err(|error| failed(&self.path, "reading", &error))?;
            let (slots, _) = piece.get(..read).unwrap_or_default().as_chunks::<SLOT_BYTES>();
            if slots.is_empty() {
                return Ok(());
            }
            for slot in slots {
                if let Some((token, spent)) =
                    decode(slot, number).map_err(|()| self.damaged(number))?
                {
                    take(token, spent)?;
                }
                number += 1;
            }
        }
    }

    fn damaged(&self, number: u64) -> StoreError {
        StoreError::Damaged {
            place: self.path.display().to_string(),
            what: format!("slot {number} does not verify"),
            hint:
                "its token is refused, since nobody knows how much it was used: make another one \
                   in its place, and look after the disk"
                    .to_owned(),
        }
    }
}

fn path(options: &Options) -> PathBuf {
    options.folder.join("counts")
}

const fn offset(number: u64) -> u64 {
    number.saturating_mul(SLOT_BYTES as u64)
}

fn words(spent: Spent) -> [u64; 9] {
    let mut words = [0; 9];
    let all = spent.quotas.iter().flat_map(|held| [held.begin.unix(), held.requests]);
    for (place, word) in words.iter_mut().zip([spent.uses].into_iter().chain(all)) {
        *place = word;
    }
    words
}

fn encode(number: u64, token: TokenId, spent: Spent) -> Slot {
    let mut bytes = [0; SLOT_BYTES];
    bytes[4] = 1;
    bytes[8..24].copy_from_slice(token.as_bytes());
    for (place, word) in bytes[24..96].as_chunks_mut::<8>().0.iter_mut().zip(words(spent)) {
        *place = word.to_le_bytes();
    }
    let checksum = checksum(&bytes, number);
    bytes[..4].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// None where nothing was counted.
fn decode(bytes: &Slot, number: u64) -> Result<Option<(TokenId, Spent)>, ()> {
    if bytes.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    let right = bytes[..4] == checksum(bytes, number).to_le_bytes() && bytes[4] == 1;
    let token = bytes[8..24].first_chunk().filter(|_| right).ok_or(())?;
    let mut words = bytes[24..96].as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word));
    let mut next = || words.next().unwrap_or(u64::MAX);
    let mut spent = Spent { uses: next(), ..Spent::default() };
    for held in &mut spent.quotas {
        (held.begin, held.requests) = (Timestamp::from_unix(next()), next());
    }
    Ok(Some((TokenId::from_bytes(*token), spent)))
}

fn checksum(bytes: &Slot, number: u64) -> u32 {
    let salted = crc32c::crc32c(&number.to_le_bytes());
    crc32c::crc32c_append(salted, &bytes[4..])
}

/// What a file beside the index could not do.
pub(super) fn failed(path: &Path, doing: &str, error: &std::io::Error) -> StoreError {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    match error.kind() {
        StorageFull | QuotaExceeded => {
            let folder = path.parent().unwrap_or(path);
            StoreError::Full { path: folder.display().to_string() }
        }
        _ => StoreError::opening(format!("{doing} `{}`", path.display()), error),
    }
}

#[cfg(test)]
mod tests;
