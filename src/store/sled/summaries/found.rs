//! What a search has at hand of a row: the row, and its last use.

use super::page::{self, PAGE_BYTES, PAGE_ROWS};
use super::row::Row;
use super::wanted::Wanted;
use super::window::Window;
use crate::domain::id::TokenId;
use crate::domain::time::Timestamp;
use crate::store::sled::uses::{Seen, Survey};
use crate::store::{Glance, OwnerKey, PendingUses};

/// Room that is used again for each block.
#[derive(Debug, Default)]
pub(super) struct Room {
    pub(super) pages: Vec<u8>,
    pub(super) texts: Window,
    pub(super) uses: Survey,
    /// The uses that wait, by their numbers in the block; empty where there are none.
    pending: Vec<Option<Timestamp>>,
    /// Numbers in the block of rows that may fit.
    pub(super) fitting: Vec<usize>,
}

/// A row of the block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'a> {
    pub(super) row: Row<'a>,
    at: usize,
    room: &'a Room,
}

/// A token, if its row alone tells what is asked.
#[derive(Clone, Copy, Debug)]
pub(in crate::store::sled) enum Glanced {
    Sure(Glance),
    /// Its record must be asked, and the keys of owners are of this salt.
    Ask(TokenId, u32),
}

impl Room {
    /// A row, by its number in the block.
    pub(super) fn row(&self, at: usize) -> Option<Row<'_>> {
        let (pages, _) = self.pages.as_chunks::<PAGE_BYTES>();
        let rows = page::rows(pages.get(at / PAGE_ROWS)?);
        rows.get(at % PAGE_ROWS).and_then(Row::read)
    }

    pub(super) fn found(&self, at: usize) -> Option<Found<'_>> {
        self.row(at).map(|row| Found { row, at, room: self })
    }

    /// Notes the newest of the uses that wait.
    pub(super) fn note_pending(&mut self, begin: u64, count: usize, of: Option<&dyn PendingUses>) {
        self.pending.clear();
        let Some(of) = of else { return };
        let end = begin.saturating_add(u64::try_from(count).unwrap_or_default());
        of.each(begin..end, &mut |slot, used| {
            self.pending.resize(count, None);
            let at = slot.checked_sub(begin).and_then(|at| usize::try_from(at).ok());
            if let Some(newest) = at.and_then(|at| self.pending.get_mut(at)) {
                *newest = (*newest).max(Some(used));
            }
        });
    }

    /// Keeps those of the rows that may fit of which `holds` says so.
    pub(super) fn retain(&mut self, holds: impl Fn(&Found<'_>) -> bool) {
        let mut fitting = std::mem::take(&mut self.fitting);
        fitting.retain(|at| self.found(*at).is_some_and(|found| holds(&found)));
        self.fitting = fitting;
    }
}

impl Found<'_> {
    pub(super) fn id(&self) -> TokenId {
        self.row.id()
    }

    /// What its slot tells, after the slots of the block were read.
    pub(super) fn seen(&self) -> Seen {
        self.room.uses.seen(self.at, self.row.id())
    }

    /// The token at a glance, after that, of a filter that asks no use.
    pub(super) fn glance(&self, wanted: &Wanted<'_>) -> Glanced {
        let Self { row, at, room } = self;
        let ask = Glanced::Ask(row.id(), wanted.salt());
        if !wanted.is_sure(*row) {
            return ask;
        }
        let Some(stored) = wanted.used(*row, self.seen()) else { return ask };
        Glanced::Sure(Glance {
            id: row.id(),
            owner: OwnerKey::new(wanted.salt(), row.owner()),
            company: row.company(),
            course: row.course(),
            ended_at: row.ended_at(),
            used: stored.max(room.pending.get(*at).copied().flatten()),
            blocked: wanted.is_blocked(*row),
        })
    }
}
