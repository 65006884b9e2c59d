//! Last uses: one flat file beside the index, with a slot for each token. A load that is spread over many
//! tokens touches all of them within seconds; here that costs a write for each page, not one for each use.
//!
//! A token's slot is the number under which the index knows it (`State::tokens`): dense, never
//! given out twice, and the same again after a rebuild. Slots verify (`slot`), and none is ever empty: the
//! file grows by slots that say "never used" (`pages`), so that zeros and a cut file are damage too.
//!
//! Damage ends no token early. A slot that does not verify counts as used at the moment at which the first
//! such slot was met, and is soon written anew with that; a file that is lost or cut counts as used at
//! the moment of opening, for every token (`Head::floor`). So does an older copy of the file (`age`).
//!
//! **Notes and conditional commits.** The sweeper ends a token only if it was not used since (`unused_since`
//! of a change). Such a commit holds the turn (`turns`) from before it looks at the last use until readers
//! see the change; a note holds it while it writes a piece of the file, and is answered after its last
//! piece. So they never overlap: a use whose note was answered before the commit began was written in an
//! earlier turn, and is seen; a use that the commit does not see is written in a later turn, so to a token
//! that had ended already. Commits that are not conditional take no turn, and wait for no note; a
//! conditional one waits for one piece. Readers take no turn: `gate` alone keeps a slot from being read
//! while it is half written.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard};

use crate::clock::Clock;
use crate::domain::id::TokenId;
use crate::domain::time::Timestamp;
use crate::store::{LastUse, StoreError, Usage};

mod age;
mod head;
mod open;
mod pages;
mod slot;
mod survey;
#[cfg(test)]
mod tests;
mod turns;

pub(super) use age::Age;
pub(super) use open::{Means, Opened, exists, open};
pub(super) use slot::Stored;
pub(super) use survey::{Seen, Survey};
pub(super) use turns::Turn;

use head::Head;
use slot::{SLOT_BYTES, Slot};
use turns::Turns;

/// The most damaged slots that are remembered to be written anew; others are met again.
const MENDING_MAX: usize = 4_096;

/// An open file of last uses.
#[derive(Debug)]
pub(super) struct Uses {
    folder: PathBuf,
    path: PathBuf,
    file: File,
    head: RwLock<Head>,
    /// Held by whoever changes the head, from before its write to the disk.
    changing: Mutex<()>,
    gate: RwLock<()>,
    turns: Turns,
    clock: Clock,
    /// The largest wall-clock time that was seen before this start, in seconds.
    high_water: AtomicU64,
    /// Of the file, see [`age`].
    generation: AtomicU64,
    /// Whether anything was written since the last sync.
    dirty: AtomicBool,
    /// Whether a sync failed, and the floor that answers that is not yet on disk.
    owes_floor: AtomicBool,
    /// Uses whose event is in the history, and whose slot is not yet written.
    linking: AtomicUsize,
    /// The moment at which the first damaged slot was met; zero for never.
    damaged_at: AtomicU64,
    mending: Mutex<Vec<Entry>>,
    #[cfg(test)]
    sync_fails: AtomicBool,
}

/// What is to be written into a slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) slot: u64,
    pub(super) token: TokenId,
    pub(super) last: Option<Stored>,
    /// The event that tells of the first use, if it is known here.
    pub(super) first: Option<u64>,
}

/// What is known of the uses of a token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) last: Option<Usage>,
    /// The event that tells of the first use.
    pub(super) first: Option<u64>,
}

impl Uses {
    /// Tokens that lie idle count as used at this moment at least.
    pub(super) fn floor(&self) -> Timestamp {
        self.head().floor
    }

    /// What is known of the uses of a token, by its slot.
    pub(super) fn read(&self, number: u64, token: TokenId) -> Result<Known, StoreError> {
        let head = self.head();
        if number >= head.slots {
            return Ok(Known::default());
        }
        let mut bytes = [0; SLOT_BYTES];
        let gate = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        let read = self.file.read_exact_at(&mut bytes, offset(number));
        drop(gate);
        match read {
            Ok(()) => {}
            // Cut while it was open.
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {}
            Err(error) => return Err(self.failed("reading", &error)),
        }
        let slot = Slot::decode(&bytes, head.salt, number).filter(|slot| owned(slot, token));
        let known = slot.and_then(|slot| {
            let last = match slot.last {
                None => None,
                Some(stored) if stored.is_presumed() => Some(Usage { at: stored.at, last: None }),
                Some(Stored { at, address, api }) => {
                    Some(LastUse { at, address, api: head.api(api)? }.into())
                }
            };
            Some(Known { last, first: slot.first })
        });
        drop(head);
        Ok(known.unwrap_or_else(|| self.presumed(number, token)))
    }

    /// What a token counts as whose slot is damaged. The same at every look, also after the slot was
    /// written anew, so that the sweeper's judgement and its commit agree.
    fn presumed(&self, slot: u64, token: TokenId) -> Known {
        let at = self.met_damage(slot);
        let mut mending = self.mending.lock().unwrap_or_else(PoisonError::into_inner);
        if mending.len() < MENDING_MAX && !mending.iter().any(|entry| entry.slot == slot) {
            mending.push(Entry { slot, token, last: None, first: None });
        }
        Known { last: Some(Usage { at, last: None }), first: None }
    }

    /// Says the first time that there is damage, and when that was.
    fn met_damage(&self, slot: u64) -> Timestamp {
        let now = self.now().unix().max(1);
        let order = Ordering::AcqRel;
        match self.damaged_at.compare_exchange(0, now, order, Ordering::Acquire) {
            Ok(_) => {
                let path = self.path.display();
                tracing::error!(
                    "`{path}` is damaged at slot {slot}: tokens whose last use cannot be read count as \
                     used now; look after the disk"
                );
                Timestamp::from_unix(now)
            }
            Err(met) => Timestamp::from_unix(met),
        }
    }

    /// This moment, also by a clock that went back.
    fn now(&self) -> Timestamp {
        let high_water = Timestamp::from_unix(self.high_water.load(Ordering::Acquire));
        self.clock.now().max(high_water).max(self.floor())
    }

    /// Takes the wall clock's high-water mark back to `to`, the present, because a wrong clock had raised
    /// it, and with it the moments that were taken from it: nothing was lost later than now. Otherwise
    /// tokens would count as used in the future, and never lie idle for long enough.
    pub(super) fn lower_high_water(&self, to: Timestamp) -> Result<(), StoreError> {
        self.high_water.fetch_min(to.unix(), Ordering::AcqRel);
        self.damaged_at.fetch_min(to.unix(), Ordering::AcqRel);
        if self.floor() > to { self.set_floor(to) } else { Ok(()) }
    }

    /// Passes on every last use that verifies, in pieces; those of damaged slots are not known.
    pub(super) fn each(
        &self,
        mut take: impl FnMut(TokenId, &LastUse) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let head = self.head();
        let (slots, salt) = (head.slots, head.salt);
        drop(head);
        let mut number = 0;
        while number < slots {
            let piece = self.piece(number, slots)?;
            for bytes in piece.as_chunks::<SLOT_BYTES>().0 {
                let slot = Slot::decode(bytes, salt, number);
                if slot.is_none() {
                    self.met_damage(number);
                }
                if let Some(Slot { token: Some(token), last: Some(last), .. }) = slot {
                    let api = self.head().api(last.api).unwrap_or_default();
                    take(token, &LastUse { at: last.at, address: last.address, api })?;
                }
                number = number.saturating_add(1);
            }
        }
        Ok(())
    }

    /// The turn for a commit that is conditional on last uses, see the module.
    pub(super) fn turn(&self) -> Turn<'_> {
        self.turns.commit()
    }

    /// Begins, or ends, the time from before an event tells of first uses until their slots say so. A
    /// checkpoint between the two would let a start after a crash pass over that event.
    pub(super) fn set_linking(&self, begins: bool) {
        if begins {
            self.linking.fetch_add(1, Ordering::AcqRel);
        } else {
            self.linking.fetch_sub(1, Ordering::AcqRel);
        }
    }

    /// Whether the slots know of the events that came before this file.
    pub(super) fn is_linked(&self) -> bool {
        self.head().linked
    }

    /// Whether a checkpoint must wait.
    pub(super) fn is_linking(&self) -> bool {
        self.linking.load(Ordering::Acquire) > 0
    }

    fn head(&self) -> RwLockReadGuard<'_, Head> {
        self.head.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, doing: &str, error: &std::io::Error) -> StoreError {
        failed(&self.path, doing, error)
    }
}

/// Whether a slot is the token's, or nobody's yet.
fn owned(slot: &Slot, token: TokenId) -> bool {
    match slot.token {
        Some(owner) => owner == token,
        None => slot.last.is_none() && slot.first.is_none(),
    }
}

const fn offset(slot: u64) -> u64 {
    slot.saturating_mul(SLOT_BYTES as u64)
}

pub(super) fn failed(path: &Path, doing: &str, error: &std::io::Error) -> StoreError {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    match error.kind() {
        StorageFull | QuotaExceeded => {
            let folder = path.parent().unwrap_or(path);
            StoreError::Full { path: folder.display().to_string() }
        }
        _ => StoreError::Failed {
            doing: format!("{doing} `{}`", path.display()),
            cause: error.to_string(),
        },
    }
}
