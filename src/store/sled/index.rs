//! sled, and nothing else of the store: what entries are made of there is `packed`'s and `draft`'s.
//!
//! The running sums of what is in it, one for each part of the keys, are how a start after a crash tells whether the index is whole.
//! sled skips a damaged part of its log in silence, and a power cut may undo some of its writes and keep
//! later ones; then the sum over what is there differs from the sum that was written with the last batch.
//! Until an index was found to be whole, it answers for those parts alone that were (`doubt`).

use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ::sled::{Batch, Db, IVec};

use super::doubt::Doubts;
use super::state::{State, Sums};
use super::{keys, value, whole};
use crate::store::StoreError;

/// sled rewrites what it no longer needs in a thread of its own, as often as this. Nothing relies on what
/// that thread flushes. With each segment that it cleans it lets go of a buffer of 512 KiB, and frees them 64 at a
/// time (crossbeam-epoch's bag of that thread): memory rises by up to 32 MiB with some 64 MiB written, and falls.
const CLEANING_MS: u64 = 2_000;

const LOCK_RETRIES: usize = 500;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

const HINT: &str = "the history is whole without it, and the index is built anew from that";

/// An open sled database.
#[derive(Debug)]
pub(super) struct Index {
    db: Db,
    path: PathBuf,
    damaged: Damaged,
    /// Of an index that a crash left.
    doubts: Option<Doubts>,
}

/// Whether damage was met; said once, loudly.
#[derive(Debug, Default)]
struct Damaged(AtomicBool);

impl Damaged {
    fn set(&self, path: &Path, what: &str) {
        if !self.0.swap(true, Ordering::Relaxed) {
            let place = path.display();
            tracing::error!(
                "`{place}` is damaged: {what}; requests that need it are refused; {HINT}"
            );
        }
    }
}

impl Index {
    /// Opens or creates the database.
    pub(super) fn open(path: &Path, cache_bytes: u64) -> Result<Self, StoreError> {
        let config = ::sled::Config::new()
            .path(path)
            .cache_capacity(cache_bytes.max(1024 * 1024))
            .flush_every_ms(Some(CLEANING_MS));
        let damaged = Damaged::default();
        for _ in 0..LOCK_RETRIES {
            match guarded(path, &damaged, "opening", || config.open()) {
                // sled's threads may hold an index that was just closed for a moment longer.
                Err(StoreError::Failed { cause, .. }) if cause.contains("acquire lock") => {
                    std::thread::sleep(LOCK_PAUSE);
                }
                opened => {
                    let path = path.to_owned();
                    return Ok(Self { db: opened?, path, damaged, doubts: None });
                }
            }
        }
        Err(StoreError::Locked { path: path.display().to_string(), holder: None })
    }

    /// Lets it answer only for parts that were found to have these sums. Nothing is written to it before all
    /// were.
    pub(super) fn doubt(&mut self, sums: &Sums) {
        self.doubts = Some(Doubts::new(sums));
    }

    /// What of it was not found to be whole, if anything.
    pub(super) fn doubts(&self) -> Option<&Doubts> {
        self.doubts.as_ref().filter(|doubts| doubts.any())
    }

    /// Reads a part, up to its end or a part of it, and answers whether that was the end.
    ///
    /// # Errors
    /// It is not whole, or cannot be read, or the index is being closed.
    pub(super) fn clear_some(&self, part: usize) -> Result<bool, StoreError> {
        let Some(doubts) = self.doubts() else { return Ok(true) };
        let read = |from: &[u8], to: Option<&[u8]>, most| {
            self.guarded(|| whole::read_some(&self.db, from, to, most))
        };
        doubts.clear_some(part, read)?.map_err(|what| {
            self.damaged.set(&self.path, what);
            bad(format!("{} (part {part})", self.path.display()), what)
        })
    }

    /// Reads parts to their ends; none if one of them is known to be bad.
    ///
    /// # Errors
    /// As [`Index::clear_some`].
    pub(super) fn clear(&self, parts: &[usize]) -> Result<(), StoreError> {
        let bad = self.doubts().and_then(|doubts| doubts.bad_of(parts.iter().copied()));
        for part in bad.into_iter().chain(parts.iter().copied()) {
            while !self.clear_some(part)? {}
        }
        Ok(())
    }

    /// Reads all that is doubtful, what requests wait for first; not on once damage was met, by whomever:
    /// another index is needed then, and whoever waits for this one waits in vain.
    ///
    /// # Errors
    /// As [`Index::clear_some`].
    pub(super) fn clear_all(&self) -> Result<(), StoreError> {
        for part in keys::request_parts().chain(0..keys::PARTS) {
            loop {
                if self.doubts().is_some() && self.is_damaged() {
                    return Err(bad(self.path.display().to_string(), "damage was met in it"));
                }
                if self.clear_some(part)? {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Whether a read met damage: then this index must not be trusted by the next start.
    pub(super) fn is_damaged(&self) -> bool {
        self.damaged.0.load(Ordering::Relaxed)
    }

    /// A failure that names a key of this index.
    pub(super) fn damage(&self, key: &[u8], what: impl Into<String>) -> StoreError {
        let what = what.into();
        self.damaged.set(&self.path, &what);
        bad(format!("{} (key {})", self.path.display(), key.escape_ascii()), what)
    }

    pub(super) fn guarded<T>(
        &self,
        run: impl FnOnce() -> ::sled::Result<T>,
    ) -> Result<T, StoreError> {
        let read = guarded(&self.path, &self.damaged, "reading", run);
        read.inspect_err(|error| {
            // What the disk does not give is as bad as what is wrong.
            if matches!(error, StoreError::Failed { .. }) {
                self.damaged.set(&self.path, &error.to_string());
            }
        })
    }

    /// What sled has under a key.
    pub(super) fn raw(&self, key: &[u8]) -> Result<Option<IVec>, StoreError> {
        self.guarded(|| self.db.get(key))
    }

    /// The payload of a value that was found under a key.
    pub(super) fn verified(&self, key: &[u8], raw: &IVec) -> Result<IVec, StoreError> {
        value::open(key, raw).map_err(|what| self.damage(key, what))
    }

    /// What is under keys that begin with `prefix`, in order, after the key `after`, as sled has it.
    pub(super) fn list_raw(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(IVec, IVec)>, StoreError> {
        let start = after.map_or(Bound::Included(prefix), Bound::Excluded);
        let end = Bound::Unbounded;
        let mut entries = Vec::new();
        self.guarded(|| {
            for entry in self.db.range::<&[u8], _>((start, end)).take(limit) {
                let (key, raw) = entry?;
                if !key.starts_with(prefix) {
                    break;
                }
                entries.push((key, raw));
            }
            Ok(())
        })?;
        Ok(entries)
    }

    /// What the last batch wrote about itself.
    pub(super) fn state(&self) -> Result<State, StoreError> {
        let Some(raw) = self.raw(keys::STATE)? else { return Ok(State::default()) };
        let state = State::parse(&self.verified(keys::STATE, &raw)?);
        state.ok_or_else(|| self.damage(keys::STATE, "it has another length"))
    }

    /// The same in an older format; none if it is not of that.
    pub(super) fn state_as(&self, format: u8) -> Result<Option<State>, StoreError> {
        let payload = self.raw(keys::STATE)?.map(|raw| value::open_as(format, keys::STATE, &raw));
        Ok(payload.and_then(Result::ok).and_then(|payload| State::parse(&payload)))
    }

    /// Reads every entry, and answers whether all are there and none is too many. The cost grows with the
    /// index.
    pub(super) fn is_whole(&self, state: &State) -> Result<bool, StoreError> {
        self.is_whole_as(value::FORMAT, state)
    }

    /// The same in an older format.
    pub(super) fn is_whole_as(&self, format: u8, state: &State) -> Result<bool, StoreError> {
        let found = self.guarded(|| whole::read(&self.db, format))?;
        Ok(!found.bad && found.sum == state.sums.total())
    }

    /// Hands everything that was written so far to the operating system, and then to the disk. sled's own
    /// flush alone does not survive a power cut.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        guarded(&self.path, &self.damaged, "flushing", || self.db.flush())?;
        Self::sync_files(&self.path)
    }

    /// The second half of [`Index::sync`], also for an index that is not open.
    pub(super) fn sync_files(path: &Path) -> Result<(), StoreError> {
        let doing = || format!("syncing `{}`", path.display());
        sync_tree(path).map_err(|error| StoreError::opening(doing(), &error))
    }

    /// Writes a batch.
    pub(super) fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        guarded(&self.path, &self.damaged, "writing", || self.db.apply_batch(batch))
    }

    pub(super) const fn db(&self) -> &Db {
        &self.db
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// Runs something of sled, which panics on some damage instead of reporting it.
fn guarded<T>(
    path: &Path,
    damaged: &Damaged,
    doing: &str,
    run: impl FnOnce() -> ::sled::Result<T>,
) -> Result<T, StoreError> {
    let place = path.display();
    let damage = |what: String| {
        damaged.set(path, &what);
        bad(place.to_string(), what)
    };
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(::sled::Error::Io(error))) if is_full(&error) => {
            Err(StoreError::Full { path: place.to_string() })
        }
        Ok(Err(::sled::Error::Io(error))) => {
            Err(StoreError::opening(format!("{doing} `{place}`"), &error))
        }
        Ok(Err(error)) => Err(damage(error.to_string())),
        Err(_) => Err(damage("sled gave up on it".to_owned())),
    }
}

fn bad(place: String, what: impl Into<String>) -> StoreError {
    StoreError::Damaged { place, what: what.into(), hint: HINT.to_owned() }
}

fn is_full(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded)
}

/// `fsync` for every file and folder under `path`, itself too.
fn sync_tree(path: &Path) -> std::io::Result<()> {
    let file = match std::fs::File::open(path) {
        // sled removes files while it goes on.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        file => file?,
    };
    if file.metadata()?.is_dir() {
        for entry in std::fs::read_dir(path)? {
            sync_tree(&entry?.path())?;
        }
    }
    // What a sync says is final, even that there was no memory.
    file.sync_all().map_err(std::io::Error::other)
}
