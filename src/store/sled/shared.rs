//! What readers and the writing thread share.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::blocked::Blocked;
use super::counts::Counts;
use super::index::Index;
use super::keys;
use super::options::Options;
use super::scrub::Scrub;
use super::summaries::Summaries;
use super::uses::Uses;
use crate::clock;
use crate::domain::time::Timestamp;
use crate::history::Probe;
use crate::store::{Health, StoreError};

/// How often and how long reads under way are waited for.
const PATIENCE: (u32, Duration) = (if cfg!(test) { 100 } else { 1_000 }, Duration::from_millis(10));

/// Whether the index can be asked.
#[derive(Debug)]
pub(super) enum Access {
    Open(Arc<Index>),
    /// Something in it failed. An answer from it might be older than what was acknowledged, so
    /// there is none until it is open again.
    Down(String),
    /// It found no room on the disk for what was acknowledged. The same otherwise.
    Full,
    Closed,
}

/// Whether changes find room on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Room {
    Enough,
    /// The disk says that hardly any is left.
    Little,
    /// A write found none, whatever the disk says; the next that succeeds shows that there is some
    /// again.
    None,
    /// The index found none, and was opened anew from the history. Each change that it does not take
    /// costs all reads until then, so that there is none for a while.
    NoneInIndex,
}

/// The state of an open store.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) options: Options,
    pub(super) uses: Uses,
    pub(super) counts: Counts,
    pub(super) summaries: Summaries,
    pub(super) blocked: Blocked,
    pub(super) probe: Arc<Probe>,
    access: RwLock<Access>,
    applied: AtomicU64,
    high_water: AtomicU64,
    room: AtomicU8,
    refused: RwLock<Option<String>>,
    pub(super) scrub: Mutex<Scrub>,
    /// When the last checkpoint was on disk; at first, when the store was opened.
    checkpoint_at: Mutex<Instant>,
    /// Whether the store is to be closed, so that nobody begins what takes long.
    closing: AtomicBool,
    #[cfg(test)]
    index_fails: AtomicBool,
    #[cfg(test)]
    index_is_full: AtomicBool,
    #[cfg(test)]
    opening_fails: AtomicBool,
}

impl Shared {
    pub(super) fn new(
        options: Options,
        index: Index,
        (uses, counts, summaries): (Uses, Counts, Summaries),
        probe: Arc<Probe>,
        applied: u64,
    ) -> Self {
        let scrub = Mutex::new(Scrub::resume(&options));
        Self {
            options,
            uses,
            counts,
            summaries,
            blocked: Blocked::default(),
            probe,
            access: RwLock::new(Access::Open(Arc::new(index))),
            applied: AtomicU64::new(applied),
            high_water: AtomicU64::new(0),
            room: AtomicU8::new(Room::Enough as u8),
            refused: RwLock::new(None),
            scrub,
            checkpoint_at: Mutex::new(clock::instant()),
            closing: AtomicBool::new(false),
            #[cfg(test)]
            index_fails: AtomicBool::new(false),
            #[cfg(test)]
            index_is_full: AtomicBool::new(false),
            #[cfg(test)]
            opening_fails: AtomicBool::new(false),
        }
    }

    /// The index, or why there is none.
    pub(super) fn index(&self) -> Result<Arc<Index>, StoreError> {
        match &*self.access.read().unwrap_or_else(PoisonError::into_inner) {
            Access::Open(index) => Ok(Arc::clone(index)),
            Access::Down(reason) => Err(StoreError::Failed {
                doing: format!("reading `{}`", self.options.index().display()),
                cause: reason.clone(),
            }),
            Access::Full => Err(self.full()),
            Access::Closed => Err(StoreError::Closed),
        }
    }

    fn full(&self) -> StoreError {
        StoreError::Full { path: self.options.folder.display().to_string() }
    }

    /// Whether the index failed, and was not opened again yet.
    pub(super) fn is_down(&self) -> bool {
        let access = self.access.read().unwrap_or_else(PoisonError::into_inner);
        matches!(&*access, Access::Down(_) | Access::Full)
    }

    /// The index, once all of it is known to be whole. For a thread that may block.
    pub(super) fn whole_index(&self) -> Result<Arc<Index>, StoreError> {
        let index = self.index()?;
        index.clear_all()?;
        Ok(index)
    }

    /// Has nobody wait for what is doubtful of the index, or of one that is opened in its place, because
    /// the store is to be closed.
    pub(super) fn begin_closing(&self) {
        self.closing.store(true, Ordering::Release);
        if let Some(doubts) = self.index().ok().as_deref().and_then(Index::doubts) {
            doubts.give_up();
        }
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Replaces the access to the index, and hands out the index that was open.
    pub(super) fn change(&self, to: Access) -> Option<Arc<Index>> {
        let mut access = self.access.write().unwrap_or_else(PoisonError::into_inner);
        if let Access::Open(index) = &to
            && let Some(doubts) = index.doubts().filter(|_| self.is_closing())
        {
            doubts.give_up();
        }
        match std::mem::replace(&mut *access, to) {
            Access::Open(index) => Some(index),
            Access::Down(_) | Access::Full | Access::Closed => None,
        }
    }

    pub(super) fn note_checkpoint(&self) {
        *self.checkpoint_at.lock().unwrap_or_else(PoisonError::into_inner) = clock::instant();
    }

    pub(super) fn checkpoint_age(&self) -> Duration {
        let at = *self.checkpoint_at.lock().unwrap_or_else(PoisonError::into_inner);
        clock::instant().saturating_duration_since(at)
    }

    /// The newest event that every read sees.
    pub(super) fn applied(&self) -> u64 {
        self.applied.load(Ordering::Acquire)
    }

    pub(super) fn set_applied(&self, seq: u64) {
        self.applied.store(seq, Ordering::Release);
    }

    pub(super) fn high_water(&self) -> Timestamp {
        Timestamp::from_unix(self.high_water.load(Ordering::Acquire))
    }

    pub(super) fn raise_high_water(&self, to: Timestamp) {
        self.high_water.fetch_max(to.unix(), Ordering::AcqRel);
    }

    pub(super) fn lower_high_water(&self, to: Timestamp) {
        self.high_water.fetch_min(to.unix(), Ordering::AcqRel);
    }

    /// Notes whether changes find room, and says so when that changes.
    pub(super) fn set_room(&self, room: Room) {
        let before = self.room.swap(room as u8, Ordering::AcqRel);
        let folder = self.options.folder.display();
        if before == Room::Enough as u8 && room != Room::Enough {
            tracing::error!("the disk that holds `{folder}` is full; changes wait for space");
        } else if before != Room::Enough as u8 && room == Room::Enough {
            tracing::info!("there is space again for `{folder}`; changes go on");
        }
    }

    pub(super) fn room_is(&self, room: Room) -> bool {
        self.room.load(Ordering::Acquire) == room as u8
    }

    /// Refuses changes for the rest of this process's life.
    pub(super) fn refuse(&self, reason: &str) {
        let mut refused = self.refused.write().unwrap_or_else(PoisonError::into_inner);
        if refused.is_none() {
            tracing::error!("changes are refused from now on: {reason}");
            *refused = Some(reason.to_owned());
        }
    }

    /// What a test makes fail: every write to the index, and opening it again.
    #[cfg_attr(not(test), expect(clippy::unused_self, reason = "only tests make the index fail"))]
    pub(super) fn index_fault(&self) -> Result<(), StoreError> {
        #[cfg(test)]
        if self.index_fails.load(Ordering::Acquire) {
            let (doing, cause) = ("writing the index".to_owned(), "a test".to_owned());
            return Err(StoreError::Failed { doing, cause });
        }
        Ok(())
    }

    /// What a test makes fail: writes to the index that find no room.
    #[cfg_attr(not(test), expect(clippy::unused_self, reason = "only tests make the index fail"))]
    pub(super) fn index_room_fault(&self) -> Result<(), StoreError> {
        #[cfg(test)]
        if self.index_is_full.load(Ordering::Acquire) {
            return Err(StoreError::Full { path: self.options.index().display().to_string() });
        }
        Ok(())
    }

    /// What a test makes fail: opening files for a checkpoint, since as many are open as may be.
    #[cfg_attr(not(test), expect(clippy::unused_self, reason = "only tests make it fail"))]
    pub(super) fn open_fault(&self) -> Result<(), StoreError> {
        #[cfg(test)]
        if self.opening_fails.load(Ordering::Acquire) {
            let full = rustix::io::Errno::MFILE.into();
            return Err(StoreError::opening("opening a file".to_owned(), &full));
        }
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn fail_opening(&self, fail: bool) {
        self.opening_fails.store(fail, Ordering::Release);
    }

    #[cfg(test)]
    pub(super) fn fill_index(&self, full: bool) {
        self.index_is_full.store(full, Ordering::Release);
    }

    #[cfg(test)]
    pub(super) fn fail_index(&self, fail: bool) {
        self.index_fails.store(fail, Ordering::Release);
    }

    pub(super) fn health(&self) -> Health {
        let refused = self.refused.read().unwrap_or_else(PoisonError::into_inner).clone();
        match &*self.access.read().unwrap_or_else(PoisonError::into_inner) {
            Access::Open(index) => {
                if let Some(doubts) = index.doubts().filter(|_| index.is_damaged()) {
                    let why = "the index is damaged, and is being built anew".to_owned();
                    return match doubts.bad_of(keys::request_parts()) {
                        Some(_) => Health::Broken(why),
                        None => refused.map_or(Health::ReadOnly(why), Health::ReadOnlyForGood),
                    };
                }
            }
            Access::Down(reason) => return Health::Broken(reason.clone()),
            Access::Full => return Health::Broken(self.full().to_string()),
            Access::Closed => return Health::Broken("the store is closed".to_owned()),
        }
        if let Some(reason) = refused {
            return Health::ReadOnlyForGood(reason);
        }
        if !self.room_is(Room::Enough) {
            return Health::ReadOnly("the disk is full".to_owned());
        }
        Health::Ready
    }
}

/// Waits for the reads under way.
///
/// # Errors
/// The index, if they do not end.
pub(super) fn sole(mut index: Arc<Index>) -> Result<Index, Arc<Index>> {
    let (times, pause) = PATIENCE;
    for _ in 0..times {
        match Arc::try_unwrap(index) {
            Ok(index) => return Ok(index),
            Err(shared) => index = shared,
        }
        std::thread::sleep(pause);
    }
    Err(index)
}
