//! What is wanted of one block.

use memchr::memmem::Finder;

use super::found::{Found, Room};
use super::page::{self, PAGE_BYTES, PAGE_ROWS};
use super::row::Row;
use super::wanted::{Says, Wanted};
use super::zone::Parts;
use super::{BLOCK, Summaries};
use crate::store::query::TokenQuery;
use crate::store::sled::stopped::Stopped;
use crate::store::sled::uses::Uses;
use crate::store::{PendingUses, StoreError};

/// What rows are held against.
#[derive(Clone, Copy)]
pub(in crate::store::sled) struct Against<'a> {
    pub(in crate::store::sled) query: &'a TokenQuery,
    pub(in crate::store::sled) uses: &'a Uses,
    /// Where the last use of every token is wanted: what waits of them.
    pub(in crate::store::sled) pending: Option<&'a dyn PendingUses>,
    /// Whose tokens are stopped, if that is asked.
    pub(in crate::store::sled) blocked: &'a Stopped,
}

/// What is said of a page that does not verify, or lacks a row.
pub(super) const DAMAGED: &str = "a page is damaged";
/// The same of a text.
const SPOILT: &str = "a text is damaged";

/// Passes on the rows of pages from `first` on, each with its number among them, of no more than `most` rows.
pub(super) fn each(
    bytes: &[u8],
    salt: u32,
    first: u64,
    most: u64,
    mut pass: impl FnMut(usize, Row<'_>),
) -> Result<(), Bad> {
    let begin = first.saturating_mul(PAGE_ROWS as u64);
    let count = usize::try_from(most.saturating_sub(begin)).unwrap_or(usize::MAX);
    let mut at = 0;
    for (number, bytes) in (first..).zip(bytes.as_chunks::<PAGE_BYTES>().0) {
        let rows = page::open(bytes, salt, number).ok_or(Bad::Rows(DAMAGED))?;
        for bytes in rows.iter().take(count.saturating_sub(at)) {
            pass(at, Row::read(bytes).ok_or(Bad::Rows(DAMAGED))?);
            at += 1;
        }
    }
    Ok(())
}

/// Why a block says nothing.
pub(super) enum Bad {
    Rows(&'static str),
    Store(StoreError),
}

impl From<std::io::Error> for Bad {
    fn from(_: std::io::Error) -> Self {
        Self::Rows("it cannot be read to its end")
    }
}

impl Summaries {
    /// Passes on what may be wanted of one block.
    pub(super) fn search(
        &self,
        (block, most): (u64, u64),
        times: u64,
        (wanted, against): (&Wanted<'_>, Against<'_>),
        room: &mut Room,
        mut pass: impl FnMut(&Found<'_>),
    ) -> Result<(), Bad> {
        let begin = block.saturating_mul(BLOCK);
        let inside = self.shared();
        if inside.times != times {
            return Err(Bad::Rows("it was made anew"));
        }
        let salt = inside.salt;
        let zone = usize::try_from(block).ok().and_then(|block| inside.zones.get(block));
        if zone.is_some_and(|zone| !wanted.may_be_in(zone)) {
            return Ok(());
        }
        let first = self.block(block, most, &mut room.pages)?;
        if let (Some(text), Some(zone)) = (wanted.text(), zone)
            && zone.lacks_parts()
            && inside.rows == most
        {
            // Under the lock: nobody writes other texts meanwhile.
            zone.note(self.parts((salt, first, most), text, room)?);
        }
        drop(inside);
        room.fitting.clear();
        let (fitting, mut depends) = (&mut room.fitting, false);
        each(&room.pages, salt, first, most, |at, row| {
            match wanted.asks(row) {
                Says::No => return,
                Says::Perhaps => {}
                Says::Used => depends = true,
            }
            fitting.push(at);
        })?;
        if room.fitting.is_empty() {
            return Ok(());
        }
        if depends || against.pending.is_some() {
            let count = room.pages.len() / PAGE_BYTES * PAGE_ROWS;
            // First, since a use leaves the memory only after it is in its slot.
            room.note_pending(begin, count, against.pending);
            room.uses.read(against.uses, begin, count).map_err(Bad::Store)?;
        }
        if depends {
            room.retain(|found| {
                wanted.asks(found.row) != Says::Used || wanted.passes(found.row, found.seen())
            });
        }
        if let Some(text) = wanted.text() {
            let row = |at: &usize| room.row(*at).and_then(|row| row.texts());
            let places: Vec<_> = room.fitting.iter().filter_map(row).collect();
            room.texts.read(&self.texts, places.iter().copied(), text)?;
        }
        for at in &room.fitting {
            let Some(found) = room.found(*at) else { continue };
            let number = begin.saturating_add(u64::try_from(*at).unwrap_or_default());
            let has = match (wanted.text(), found.row.texts()) {
                (Some(text), Some(place)) if !wanted.is_named(found.row) => {
                    room.texts.has(&self.texts, (salt, number), place, text)?
                }
                _ => Some(true),
            };
            if has.ok_or(Bad::Rows(SPOILT))? {
                pass(&found);
            }
        }
        Ok(())
    }

    /// The parts of all texts of a block whose pages were read.
    fn parts(
        &self,
        (salt, first, most): (u32, u64, u64),
        text: &Finder<'_>,
        room: &mut Room,
    ) -> Result<Box<Parts>, Bad> {
        let mut places = Vec::new();
        each(&room.pages, salt, first, most, |at, row| places.push((at, row.texts())))?;
        let known = places.iter().filter_map(|(_, place)| *place);
        room.texts.read(&self.texts, known, text)?;
        let begin = first.saturating_mul(PAGE_ROWS as u64);
        let mut parts = Parts::none();
        for (at, place) in places {
            let number = begin.saturating_add(u64::try_from(at).unwrap_or_default());
            match place {
                None => parts.add_any(),
                Some(place) => {
                    let text = room.texts.text(&self.texts, (salt, number), place)?;
                    parts.add(&text.ok_or(Bad::Rows(SPOILT))?);
                }
            }
        }
        Ok(parts)
    }
}
