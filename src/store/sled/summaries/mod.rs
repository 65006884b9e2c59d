//! Summaries: what filters ask of each token, in a flat file beside the index, so that a list looks at a million
//! tokens without reading a million records. `DATA/summaries` has a row for each token (`row`, `page`), by the number of
//! its slot; `DATA/summaries.texts` has the texts that are searched, in small letters, one after the other.
//!
//! **A list never shows a token wrongly**, because rows only name candidates: the record decides (`find`). Who asks about
//! every token is told what the rows say (`found`), of those that say enough; they say what the record says.
//!
//! **A list never misses a token that is there**, because a row is never older than what was acknowledged:
//!
//! - The writing thread writes the rows of a batch after the batch is in the index, and before anybody is
//!   answered. Where a row cannot be written, or the index fails, the file is not trusted any more.
//! - A checkpoint is taken only after both files were synced, and the head says so by the generation of that
//!   checkpoint. A start goes through all events since the checkpoint, also those that the index has already,
//!   and writes the rows of their records anew; so it is no matter whether a crash came between the index and
//!   the rows, or undid some writes to the files. Without a checkpoint, with another index than the one
//!   that was left, with fewer rows than tokens, or with a head of an earlier generation, as that of an older copy,
//!   the files are not trusted.
//! - Each page of rows and each text bears a checksum over the salt of the file and its number: what is damaged, cut, of
//!   another file or not yet written does not verify. Then the list that met it reads the records instead, and
//!   so does every list until the files were made anew.
//!
//! Files that are not trusted are made anew from the records by a thread (`summarise`), in place, while the writing
//! thread goes on; it reads and writes under the same lock as that one, so that no row is older than its
//! record. Until then lists read records, which is as right and takes seconds where it took milliseconds.
//!
//! Nothing here is in memory but two ids for each [`BLOCK`] rows, by which blocks are read in the order of the
//! list (`scan`), what those rows have taken together (`marks`), and behind the first search for a text which texts
//! they cannot have (`zone`).

use std::fs::File;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use rustix::fs::fdatasync;

use super::uses;
use crate::domain::token::Token;
use crate::store::StoreError;

mod begin;
mod block;
mod found;
mod head;
mod marks;
mod page;
mod put;
mod round;
mod row;
mod scan;
#[cfg(test)]
mod tests;
mod wanted;
mod window;
mod zone;

pub(super) use block::Against;
pub(super) use found::Glanced;
pub(super) use scan::Scanned;

use head::{HEAD_BYTES, Head};
use page::{PAGE_BYTES, PAGE_ROWS};
use round::Helpers;
use zone::Zone;

/// How many pages are read in one go, and how many rows that makes.
const BLOCK_PAGES: u64 = if cfg!(test) { 1 } else { 24 };
const BLOCK: u64 = BLOCK_PAGES * PAGE_ROWS as u64;

/// Texts that nothing refers to any more are kept until they are as many as the others, and this.
const WASTE: u64 = if cfg!(test) { 16 * 1024 } else { 32 << 20 };

/// A token of some batch, and its slot.
pub(super) type Changed = (u64, Arc<Token>);

/// Whether the files can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trust {
    /// Every row is as new as its record.
    Whole,
    /// Those that are there are; others are still to come.
    Growing,
    /// None can be relied on.
    None,
}

/// The two files, open.
#[derive(Debug)]
pub(super) struct Summaries {
    path: PathBuf,
    rows: File,
    texts: File,
    inside: RwLock<Inside>,
    helpers: Helpers,
}

/// What is known of the files. Written to only by whoever holds it alone, so that no row is read half.
#[derive(Debug)]
struct Inside {
    trust: Trust,
    /// How often the files were begun anew: damage is noted only of what is still there.
    times: u64,
    salt: u32,
    rows: u64,
    /// Where the next texts go.
    end: u64,
    /// How many bytes of texts rows refer to; an estimate after a crash.
    live: u64,
    /// One for each block, of as many as were looked at.
    zones: Vec<Zone>,
}

impl Summaries {
    /// Opens the files. They are trusted if their head has this generation at least.
    pub(super) fn open(folder: &Path, known: Option<u64>) -> Result<Self, StoreError> {
        let path = folder.join("summaries");
        let open = |path: &Path| {
            let mut options = File::options();
            options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
        };
        let opened = open(&path).and_then(|rows| Ok((rows, open(&path.with_extension("texts"))?)));
        let (rows, texts) = opened.map_err(|error| uses::failed(&path, "opening", &error))?;
        let mut inside = Inside {
            trust: Trust::None,
            times: 0,
            salt: 0,
            rows: 0,
            end: 0,
            live: 0,
            zones: Vec::new(),
        };
        let lengths = rows.metadata().and_then(|rows| Ok((rows.len(), texts.metadata()?.len())));
        if let (Some(known), Ok(Some(head)), Ok((length, end))) =
            (known, Head::read(&rows), lengths)
            && head.generation >= known.max(1)
        {
            (inside.salt, inside.live, inside.end) = (head.salt, head.live, end);
            if let Some(tokens) = count(&rows, length, head.salt) {
                (inside.trust, inside.rows) = (Trust::Whole, tokens);
            }
        }
        Ok(Self { path, rows, texts, inside: RwLock::new(inside), helpers: Helpers::new() })
    }

    /// Sees to it that there is a row for each token; if not, they are not trusted.
    pub(super) fn expect(&self, tokens: u64) {
        let mut inside = self.alone();
        if inside.trust == Trust::Whole && inside.rows != tokens {
            tracing::info!(
                "`{}` has {} rows for {tokens} tokens",
                self.path.display(),
                inside.rows
            );
            inside.trust = Trust::None;
        }
    }

    /// Whether they must be made anew.
    pub(super) fn is_missing(&self) -> bool {
        self.shared().trust == Trust::None
    }

    /// Whether lists can ask them.
    pub(super) fn is_whole(&self) -> bool {
        self.shared().trust == Trust::Whole
    }

    /// Has nobody ask them until they were made anew.
    pub(super) fn distrust(&self, why: &str) {
        let mut inside = self.alone();
        self.drop_trust(&mut inside, why);
    }

    fn drop_trust(&self, inside: &mut Inside, why: &str) {
        if inside.trust != Trust::None {
            tracing::warn!("`{}` is not relied on: {why}; making it anew", self.path.display());
            (inside.trust, inside.times) = (Trust::None, inside.times.wrapping_add(1));
        }
    }

    /// Writes the rows of tokens as a batch left them. For the writing thread, and whoever has its place.
    pub(super) fn write(&self, changed: &[Changed]) {
        if changed.is_empty() {
            return;
        }
        let mut inside = self.alone();
        if inside.trust == Trust::None {
            return;
        }
        match self.put(&mut inside, changed) {
            Err(error) => self.drop_trust(&mut inside, &error.to_string()),
            Ok(()) if inside.end > inside.live.saturating_mul(2).saturating_add(WASTE) => {
                self.drop_trust(&mut inside, "half of its texts are old ones");
            }
            Ok(()) => {}
        }
    }

    /// Puts everything on disk for a checkpoint that names this generation; to be called before it is taken.
    pub(super) fn sync(&self, generation: u64) {
        let inside = self.shared();
        if inside.trust != Trust::Whole {
            drop(inside);
            // Whoever starts after that checkpoint must not trust what is there.
            let none = Head { generation: 0, salt: 0, live: 0 };
            if let Err(error) = none.write(&self.rows) {
                tracing::error!("`{}` cannot be written: {error}", self.path.display());
            }
            return;
        }
        let (times, head) =
            (inside.times, Head { generation, salt: inside.salt, live: inside.live });
        drop(inside);
        // Rows that are written meanwhile belong to events that a start goes through.
        let synced = fdatasync(&self.texts)
            .and_then(|()| fdatasync(&self.rows))
            .map_err(std::io::Error::from)
            .and_then(|()| head.write(&self.rows));
        if let Err(error) = synced {
            self.note_damage(times, &error.to_string());
        }
    }

    /// Notes damage in the files as they were at a time.
    fn note_damage(&self, times: u64, what: &str) {
        let mut inside = self.alone();
        if inside.times == times {
            self.drop_trust(&mut inside, what);
        }
    }

    fn shared(&self) -> RwLockReadGuard<'_, Inside> {
        self.inside.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn alone(&self) -> RwLockWriteGuard<'_, Inside> {
        self.inside.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a block, of which no more than `rows` are wanted in all; answers with its first page.
    fn block(&self, block: u64, rows: u64, into: &mut Vec<u8>) -> std::io::Result<u64> {
        let begin = block.saturating_mul(BLOCK_PAGES);
        let pages = rows.div_ceil(PAGE_ROWS as u64).saturating_sub(begin).min(BLOCK_PAGES);
        into.resize(usize::try_from(pages).unwrap_or_default().saturating_mul(PAGE_BYTES), 0);
        self.rows.read_exact_at(into, offset(begin))?;
        Ok(begin)
    }
}

/// Where a page stands.
const fn offset(page: u64) -> u64 {
    HEAD_BYTES.saturating_add(page.saturating_mul(PAGE_BYTES as u64))
}

/// How many tokens have rows, by the last page; none when that does not verify.
fn count(rows: &File, length: u64, salt: u32) -> Option<u64> {
    let pages = length.saturating_sub(HEAD_BYTES) / PAGE_BYTES as u64;
    let Some(last) = pages.checked_sub(1) else { return Some(0) };
    let mut bytes = [0; PAGE_BYTES];
    rows.read_exact_at(&mut bytes, offset(last)).ok()?;
    page::open(&bytes, salt, last)?;
    let tokens = u64::try_from(page::tokens(&bytes)).unwrap_or_default();
    Some(last.saturating_mul(PAGE_ROWS as u64).saturating_add(tokens))
}
