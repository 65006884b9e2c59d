//! Writing: whole pages at a time, neighbouring ones together, and one sync for all of it.

use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError};

use rustix::fs::fdatasync;

use super::age::{self, Age};
use super::{Entry, Head, SLOT_BYTES, Slot, Stored, Uses, offset, owned};
use crate::domain::time::Timestamp;
use crate::store::StoreError;

/// How many slots share a page of the file, of 4 KiB.
const PAGE_SLOTS: u64 = 64;
/// The most pages of one piece, which readers and conditional commits may have to wait for.
const PIECE_PAGES: u64 = 64;
/// The file grows by this many slots, 1 MiB.
pub(super) const GROWTH_SLOTS: u64 = 16_384;

impl Uses {
    /// The numbers of some names, each with those before it already on disk.
    pub(in crate::store::sled) fn numbers<'a>(
        &self,
        apis: impl Iterator<Item = &'a Arc<str>>,
    ) -> Result<Vec<u16>, StoreError> {
        let mut numbers = Vec::new();
        let mut newest: Option<(&Arc<str>, u16)> = None;
        for api in apis {
            let number = match newest {
                Some((known, number)) if Arc::ptr_eq(known, api) => number,
                _ => self.number(api)?,
            };
            newest = Some((api, number));
            numbers.push(number);
        }
        Ok(numbers)
    }

    fn number(&self, api: &Arc<str>) -> Result<u16, StoreError> {
        if let Some(number) = self.head().number(api) {
            return Ok(number);
        }
        let _alone = self.change();
        let mut more = self.head().clone();
        if let Some(number) = more.number(api) {
            return Ok(number);
        }
        let number = more.add(api);
        if number > 0 {
            self.replace_head(more)?;
        }
        Ok(number)
    }

    /// Writes uses down. An earlier one never replaces a later one. On disk after [`Uses::sync`].
    pub(in crate::store::sled) fn note(&self, mut entries: Vec<Entry>) -> Result<(), StoreError> {
        entries.sort_unstable_by_key(|entry| entry.slot);
        let Some(last) = entries.last() else { return Ok(()) };
        self.grow(last.slot)?;
        let mut rest = entries.as_slice();
        // One place for all pieces, which stays near the processor.
        let mut bytes = Vec::new();
        while let Some(first) = rest.first() {
            let (piece, after) = rest.split_at(piece_length(rest));
            let begin = first.slot / PAGE_SLOTS * PAGE_SLOTS;
            let _turn = self.turns.note();
            self.write_piece(begin, piece, &mut bytes)?;
            rest = after;
        }
        Ok(())
    }

    /// Writes some entries into the pages from slot `begin` on, which hold all of them.
    fn write_piece(
        &self,
        begin: u64,
        entries: &[Entry],
        bytes: &mut Vec<u8>,
    ) -> Result<(), StoreError> {
        let last = entries.last().map_or(begin, |entry| entry.slot);
        let end = (last / PAGE_SLOTS).saturating_add(1).saturating_mul(PAGE_SLOTS);
        self.read_piece(begin, end, bytes)?;
        // In this turn, so that every number in the piece was given out before.
        let head = self.head();
        let (salt, newest_api) = (head.salt, head.newest_number());
        drop(head);
        let (slots, _) = bytes.as_chunks_mut::<SLOT_BYTES>();
        let mut changed = false;
        for entry in entries {
            let at = usize::try_from(entry.slot.saturating_sub(begin)).unwrap_or(usize::MAX);
            let Some(bytes) = slots.get_mut(at) else { continue };
            let old = Slot::decode(bytes, salt, entry.slot);
            if let Some(new) = self.merged(old, entry, newest_api) {
                *bytes = new.encode(salt, entry.slot);
                changed = true;
            }
        }
        if !changed {
            return Ok(());
        }
        // Also if it fails half-way.
        self.dirty.store(true, Ordering::Release);
        let _gate = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        let written = self.file.write_all_at(bytes, offset(begin));
        written.map_err(|error| self.failed("writing", &error))
    }

    /// The slot as it is to be; none if it stays as it is.
    fn merged(&self, old: Option<Slot>, entry: &Entry, newest_api: u16) -> Option<Slot> {
        let known = |slot: &Slot| {
            owned(slot, entry.token) && slot.last.is_none_or(|last| last.api <= newest_api)
        };
        let Some(old) = old.filter(known) else {
            let damaged_at = self.met_damage(entry.slot);
            let last = match entry.last {
                Some(last) if last.at >= damaged_at => last,
                _ => Stored::presumed(damaged_at),
            };
            return Some(Slot { token: Some(entry.token), last: Some(last), first: entry.first });
        };
        let later = entry.last.filter(|new| old.last.is_none_or(|old| old.at < new.at));
        let new = Slot {
            token: Some(entry.token),
            last: later.or(old.last),
            first: old.first.or(entry.first),
        };
        (later.is_some() || new.first != old.first).then_some(new)
    }

    /// Makes room for a slot, by slots that say "never used".
    fn grow(&self, slot: u64) -> Result<(), StoreError> {
        if slot < self.head().slots {
            return Ok(());
        }
        let _alone = self.change();
        let mut head = self.head().clone();
        let slots = (slot / GROWTH_SLOTS).saturating_add(1).saturating_mul(GROWTH_SLOTS);
        if slots <= head.slots {
            return Ok(());
        }
        // Before the old one is written over, see `age::read`.
        let generation = self.generation.load(Ordering::Acquire);
        let written = age::write(&self.file, (head.salt, slots), generation);
        written.map_err(|error| self.failed("writing", &error))?;
        let fresh = (head.slots..slots).step_by(usize::try_from(GROWTH_SLOTS).unwrap_or(1));
        for begin in fresh {
            let written = self.file.write_all_at(&blank(head.salt, begin), offset(begin));
            written.map_err(|error| self.failed("writing", &error))?;
        }
        self.sync_file()?;
        head.slots = slots;
        self.replace_head(head)
    }

    /// Makes the slots from `tokens` on say "never used" again: of tokens that the history no longer has.
    pub(in crate::store::sled) fn trim(&self, tokens: u64) -> Result<(), StoreError> {
        let head = self.head();
        let (salt, slots) = (head.salt, head.slots);
        drop(head);
        let mut begin = tokens / GROWTH_SLOTS * GROWTH_SLOTS;
        while begin < slots {
            let end = begin.saturating_add(GROWTH_SLOTS);
            let found = self.piece(begin, end)?;
            let kept = usize::try_from(offset(tokens.saturating_sub(begin))).unwrap_or(usize::MAX);
            let mut wanted = blank(salt, begin);
            let (kept, blank) = wanted.split_at_mut(kept.min(found.len()));
            let (head, tail) = found.split_at(kept.len());
            if tail != blank {
                kept.copy_from_slice(head);
                self.dirty.store(true, Ordering::Release);
                let written = self.file.write_all_at(&wanted, offset(begin));
                written.map_err(|error| self.failed("writing", &error))?;
            }
            begin = end;
        }
        Ok(())
    }

    /// The bytes of the slots from `begin` on, up to `end` or the end of a piece; of no more than there are.
    pub(super) fn piece(&self, begin: u64, end: u64) -> Result<Vec<u8>, StoreError> {
        let mut bytes = Vec::new();
        self.read_piece(begin, end, &mut bytes)?;
        Ok(bytes)
    }

    /// The same into a place that may have held another piece, of which nothing verifies here.
    pub(super) fn read_piece(
        &self,
        begin: u64,
        end: u64,
        bytes: &mut Vec<u8>,
    ) -> Result<(), StoreError> {
        let most = GROWTH_SLOTS.max(PAGE_SLOTS * PIECE_PAGES);
        let slots = end.saturating_sub(begin).min(most);
        bytes.resize(usize::try_from(offset(slots)).unwrap_or_default(), 0);
        let gate = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        let read = self.file.read_exact_at(bytes, offset(begin));
        drop(gate);
        match read {
            // Cut while it was open: what is not there is damaged.
            Err(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => {
                Err(self.failed("reading", &error))
            }
            _ => Ok(()),
        }
    }

    /// Begins the generation that the next checkpoint is to name; on disk after [`Uses::sync`].
    pub(in crate::store::sled) fn begin_generation(&self) -> Result<Age, StoreError> {
        let _alone = self.change();
        let head = self.head().clone();
        let generation = self.generation.load(Ordering::Acquire).saturating_add(1);
        self.dirty.store(true, Ordering::Release);
        let written = age::write(&self.file, (head.salt, head.slots), generation);
        written.map_err(|error| self.failed("writing", &error))?;
        self.generation.store(generation, Ordering::Release);
        Ok(Age { generation, floor: head.floor })
    }

    /// Whether there is something for [`Uses::sync`] to do.
    pub(in crate::store::sled) fn is_dirty(&self) -> bool {
        self.dirty.load(Ordering::Acquire)
            || self.owes_floor.load(Ordering::Acquire)
            || !self.mending.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Writes damaged slots anew, and hands everything that was written to the disk. After a failure the
    /// system may have dropped what it could not write, and a later sync may succeed all the same: then
    /// every token counts as used now.
    pub(in crate::store::sled) fn sync(&self) -> Result<(), StoreError> {
        let damaged =
            std::mem::take(&mut *self.mending.lock().unwrap_or_else(PoisonError::into_inner));
        self.note(damaged)?;
        if self.dirty.swap(false, Ordering::AcqRel) {
            self.sync_file()?;
        }
        if self.owes_floor.load(Ordering::Acquire) {
            self.set_floor(self.now())?;
            self.owes_floor.store(false, Ordering::Release);
            tracing::error!(
                "last uses may have been lost when `{}` could not be synced: tokens that lie idle count \
                 as used now",
                self.path.display()
            );
        }
        Ok(())
    }

    fn sync_file(&self) -> Result<(), StoreError> {
        let synced = self.sync_fault().and_then(|()| Ok(fdatasync(&self.file)?));
        synced.map_err(|error| {
            self.dirty.store(true, Ordering::Release);
            self.owes_floor.store(true, Ordering::Release);
            self.failed("syncing", &error)
        })
    }

    #[cfg_attr(not(test), expect(clippy::unused_self, reason = "only tests make a sync fail"))]
    fn sync_fault(&self) -> std::io::Result<()> {
        #[cfg(test)]
        if self.sync_fails.load(Ordering::Acquire) {
            return Err(std::io::Error::from_raw_os_error(5));
        }
        Ok(())
    }

    /// Sets the floor, durably.
    pub(in crate::store::sled) fn set_floor(&self, floor: Timestamp) -> Result<(), StoreError> {
        self.set_head(|head| head.floor = floor)
    }

    /// Notes that the slots know of all events up to now, durably.
    pub(in crate::store::sled) fn set_linked(&self) -> Result<(), StoreError> {
        if self.is_linked() {
            return Ok(());
        }
        self.sync()?;
        self.set_head(|head| head.linked = true)
    }

    fn set_head(&self, change: impl FnOnce(&mut Head)) -> Result<(), StoreError> {
        let _alone = self.change();
        let mut head = self.head().clone();
        change(&mut head);
        self.replace_head(head)
    }

    /// The turn to change the head, or to make the file longer: one at a time, for as long as the disk
    /// needs. Readers and commits go on meanwhile; a million new slots take a fifth of a second.
    fn change(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a head on disk and then in force.
    fn replace_head(&self, head: Head) -> Result<(), StoreError> {
        head.write(&self.folder)?;
        *self.head.write().unwrap_or_else(PoisonError::into_inner) = head;
        Ok(())
    }
}

/// How many entries, which are sorted, lie in neighbouring pages.
fn piece_length(entries: &[Entry]) -> usize {
    let first = entries.first().map_or(0, |entry| entry.slot / PAGE_SLOTS);
    let mut before = first;
    let belongs = |entry: &&Entry| {
        let page = entry.slot / PAGE_SLOTS;
        let near = page.saturating_sub(before) <= 1 && page.saturating_sub(first) < PIECE_PAGES;
        before = page;
        near
    };
    entries.iter().take_while(belongs).count().max(1)
}

/// Slots that say "never used", as many as the file grows by.
fn blank(salt: u32, begin: u64) -> Vec<u8> {
    let numbers = begin..begin.saturating_add(GROWTH_SLOTS);
    numbers.flat_map(|number| Slot::default().encode(salt, number)).collect()
}
