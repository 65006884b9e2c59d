//! Going through the rows in the order of a list.
//!
//! Rows stand in the order in which tokens were made, ids nearly so: two that were made at once, or beside a
//! clock that went back, may have changed places. So blocks are taken by the first id that may be in them, and
//! what was found waits until no block that is still to come can have an earlier one.

use std::ops::ControlFlow;

use super::Summaries;
use super::block::{Against, Bad, DAMAGED, each};
use super::found::{Found, Glanced, Room};
use super::round::{ALONE, ROUND};
use super::wanted::Wanted;
use super::zone::Zone;
use crate::domain::id::TokenId;
use crate::store::StoreError;
use crate::store::query::Order;

/// How a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::sled) enum Scanned {
    /// All candidates were passed on, or no more were wanted.
    Done,
    /// The files cannot be relied on: what was passed on may lack some.
    Unreliable,
}

/// An id by its place in the list: what comes earlier is less.
type Rank = [u8; 16];

fn rank(order: Order, id: TokenId) -> Rank {
    match order {
        Order::Oldest => *id.as_bytes(),
        Order::Newest => id.as_bytes().map(|byte| !byte),
    }
}

impl Summaries {
    /// Passes on the tokens that may be wanted, in the order of the list, until none is wanted any more.
    pub(in crate::store::sled) fn candidates(
        &self,
        against: Against<'_>,
        take: impl FnMut(TokenId) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<Scanned, StoreError> {
        self.scan(against, |found, _| found.id(), take)
    }

    /// The same at a glance, of a filter that asks no use; what waits of uses must be at hand.
    pub(in crate::store::sled) fn glances(
        &self,
        against: Against<'_>,
        take: impl FnMut(Glanced) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<Scanned, StoreError> {
        self.scan(against, |found, wanted| found.glance(wanted), take)
    }

    fn scan<T: Send>(
        &self,
        against: Against<'_>,
        pick: impl Fn(&Found<'_>, &Wanted<'_>) -> T + Sync,
        mut take: impl FnMut(T) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<Scanned, StoreError> {
        let Some((times, salt)) = self.look() else { return Ok(Scanned::Unreliable) };
        let Against { query, uses, blocked, .. } = against;
        let wanted = Wanted::new(query, salt, uses.floor(), blocked);
        let after = query.after.map(|id| rank(query.order, id));
        let mut waiting: Vec<(Rank, T)> = Vec::new();
        let mut room = Room::default();
        // Rows that come later would be out of order, and nobody was told of them when this began.
        let (rows, blocks) = self.blocks_in(query.order, after);
        let search = |room: &mut Room, (_, block): &(Rank, u64)| {
            let mut found = Vec::new();
            let pass = |row: &Found<'_>| {
                let rank = rank(query.order, row.id());
                if after.is_none_or(|after| rank > after) {
                    found.push((rank, pick(row, &wanted)));
                }
            };
            self.search((*block, rows), times, (&wanted, against), room, pass).map(|()| found)
        };
        let (alone, shared) = blocks.split_at(blocks.len().min(ALONE));
        for round in alone.chunks(1).chain(shared.chunks(ROUND)) {
            let searched = match round {
                [one] => vec![search(&mut room, one)],
                many => self.helpers.each(many, Room::default, search),
            };
            for ((earliest, _), found) in round.iter().zip(searched) {
                let ready = waiting.partition_point(|(rank, _)| rank < earliest);
                for (_, picked) in waiting.drain(..ready) {
                    if take(picked)?.is_break() {
                        return Ok(Scanned::Done);
                    }
                }
                match found {
                    Ok(found) => waiting.extend(found),
                    Err(Bad::Store(error)) => return Err(error),
                    Err(Bad::Rows(what)) => {
                        self.note_damage(times, what);
                        return Ok(Scanned::Unreliable);
                    }
                }
                // Nearly in order, which is quick.
                waiting.sort_by_key(|(rank, _)| *rank);
            }
        }
        for (_, picked) in waiting {
            if take(picked)?.is_break() {
                break;
            }
        }
        Ok(Scanned::Done)
    }

    /// Looks at the blocks that nobody looked at since the start; answers with how often the files were made
    /// anew, and their salt, if they can be relied on.
    fn look(&self) -> Option<(u64, u32)> {
        let mut bytes = Vec::new();
        loop {
            {
                let inside = self.shared();
                if inside.trust != super::Trust::Whole {
                    return None;
                }
                if inside.zones.len() >= inside.blocks() {
                    return Some((inside.times, inside.salt));
                }
            }
            // One block at a time: the writing thread may wait.
            let mut inside = self.alone();
            if inside.zones.len() >= inside.blocks() {
                continue;
            }
            let block = u64::try_from(inside.zones.len()).unwrap_or(u64::MAX);
            let mut zone = None::<Zone>;
            let read = self.block(block, inside.rows, &mut bytes).map_err(Bad::from);
            let read = read.and_then(|begin| {
                each(&bytes, inside.salt, begin, inside.rows, |_, row| {
                    zone.get_or_insert_with(|| Zone::of(row)).widen(row);
                })
            });
            match (read, zone) {
                (Ok(()), Some(zone)) => inside.zones.push(zone),
                _ => {
                    self.drop_trust(&mut inside, DAMAGED);
                    return None;
                }
            }
        }
    }

    /// The blocks that may have tokens behind a place, with the first of their ids in the order of the list.
    fn blocks_in(&self, order: Order, after: Option<Rank>) -> (u64, Vec<(Rank, u64)>) {
        let inside = self.shared();
        let range = |Zone { first, last, .. }: &Zone| match order {
            Order::Oldest => (rank(order, *first), rank(order, *last)),
            Order::Newest => (rank(order, *last), rank(order, *first)),
        };
        let zones = (0..).zip(inside.zones.iter().map(range));
        let mut blocks: Vec<_> = zones
            .filter(|(_, (_, latest))| after.is_none_or(|after| *latest > after))
            .map(|(block, (earliest, _))| (earliest, block))
            .collect();
        blocks.sort_unstable();
        (inside.rows, blocks)
    }
}
