//! Going through the rows in the order of a list.
//!
//! Rows stand in the order in which tokens were made, ids nearly so: two that were made at once, or beside a
//! clock that went back, may have changed places. So blocks are taken by the first id that may be in them, and
//! what was found waits until no block that is still to come can have an earlier one.

use std::cmp::Reverse;
use std::ops::ControlFlow;

use super::row::{self, ROW_BYTES, Row, Texts};
use super::wanted::{Says, Wanted};
use super::{BLOCK, BinaryHeap, FileExt, Summaries};
use crate::domain::id::{OwnerId, TokenId};
use crate::store::StoreError;
use crate::store::query::{Order, TokenQuery};
use crate::store::sled::uses::{Seen, Uses};

/// The most bytes of texts that are read for one block in one go; what lies further away is read by itself.
const WINDOW: u64 = 1 << 20;

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

/// Room that is used again for each block.
#[derive(Debug, Default)]
struct Room {
    rows: Vec<u8>,
    texts: Vec<u8>,
    uses: Vec<u8>,
    seen: Vec<Seen>,
    /// Numbers in the block of rows that may fit.
    fitting: Vec<usize>,
}

/// Why a block says nothing.
enum Bad {
    Rows(&'static str),
    Store(StoreError),
}

impl From<std::io::Error> for Bad {
    fn from(_: std::io::Error) -> Self {
        Self::Rows("it cannot be read to its end")
    }
}

impl Summaries {
    /// Passes on the tokens that may be wanted, in the order of the list, until none is wanted any more.
    pub(in crate::store::sled) fn candidates(
        &self,
        query: &TokenQuery,
        uses: &Uses,
        blocked: impl Iterator<Item = OwnerId>,
        mut take: impl FnMut(TokenId) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<Scanned, StoreError> {
        let Some((times, salt)) = self.look() else { return Ok(Scanned::Unreliable) };
        let wanted = Wanted::new(query, salt, uses.floor(), blocked);
        let after = query.after.map(|id| rank(query.order, id));
        let mut waiting: BinaryHeap<Reverse<(Rank, TokenId)>> = BinaryHeap::new();
        let mut room = Room::default();
        // Rows that come later would be out of order, and nobody was told of them when this began.
        let (rows, blocks) = self.blocks_in(query.order, after);
        for (earliest, block) in blocks {
            while let Some(Reverse((first, id))) = waiting.peek().copied() {
                if first >= earliest {
                    break;
                }
                waiting.pop();
                if take(id)?.is_break() {
                    return Ok(Scanned::Done);
                }
            }
            let found =
                self.search((block, rows), (times, salt), (&wanted, uses), &mut room, |id| {
                    let rank = rank(query.order, id);
                    if after.is_none_or(|after| rank > after) {
                        waiting.push(Reverse((rank, id)));
                    }
                });
            match found {
                Ok(()) => {}
                Err(Bad::Store(error)) => return Err(error),
                Err(Bad::Rows(what)) => {
                    self.note_damage(times, what);
                    return Ok(Scanned::Unreliable);
                }
            }
        }
        while let Some(Reverse((_, id))) = waiting.pop() {
            if take(id)?.is_break() {
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
            let begin = u64::try_from(inside.zones.len()).unwrap_or(u64::MAX).saturating_mul(BLOCK);
            let read = self.block(begin, inside.rows, &mut bytes);
            let ids = (begin..)
                .zip(bytes.as_chunks::<ROW_BYTES>().0)
                .map(|(number, bytes)| Row::read(bytes, inside.salt, number).map(|row| row.id()));
            let zone = ids.into_iter().try_fold(None, |zone: Option<(TokenId, TokenId)>, id| {
                let id = id?;
                let (first, last) = zone.unwrap_or((id, id));
                Some(Some((id.min(first), id.max(last))))
            });
            match (read, zone) {
                (Ok(()), Some(Some(zone))) => inside.zones.push(zone),
                _ => {
                    self.drop_trust(&mut inside, "a row is damaged");
                    return None;
                }
            }
        }
    }

    /// The blocks that may have tokens behind a place, with the first of their ids in the order of the list.
    fn blocks_in(&self, order: Order, after: Option<Rank>) -> (u64, Vec<(Rank, u64)>) {
        let inside = self.shared();
        let range = |(first, last): &(TokenId, TokenId)| match order {
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

    /// Passes on what may be wanted of one block.
    fn search(
        &self,
        (block, most): (u64, u64),
        (times, salt): (u64, u32),
        (wanted, uses): (&Wanted<'_>, &Uses),
        room: &mut Room,
        mut pass: impl FnMut(TokenId),
    ) -> Result<(), Bad> {
        let begin = block.saturating_mul(BLOCK);
        let inside = self.shared();
        if inside.times != times {
            return Err(Bad::Rows("it was made anew"));
        }
        self.block(begin, most, &mut room.rows)?;
        drop(inside);
        let (rows, _) = room.rows.as_chunks::<ROW_BYTES>();
        let row = |at: usize| rows.get(at).map(Row::known);
        room.fitting.clear();
        let mut asks_uses = false;
        for (at, bytes) in rows.iter().enumerate() {
            let number = begin.saturating_add(u64::try_from(at).unwrap_or_default());
            let row = Row::read(bytes, salt, number).ok_or(Bad::Rows("a row is damaged"))?;
            match wanted.asks(row) {
                Says::No => continue,
                Says::Perhaps => {}
                Says::Used => asks_uses = true,
            }
            room.fitting.push(at);
        }
        if room.fitting.is_empty() {
            return Ok(());
        }
        if asks_uses {
            let count = rows.len();
            uses.survey(begin, count, &mut room.uses, &mut room.seen).map_err(Bad::Store)?;
            let seen = &room.seen;
            room.fitting.retain(|at| {
                row(*at).is_some_and(|row| {
                    let seen = seen.get(*at).copied().unwrap_or(Seen::Unknown);
                    wanted.asks(row) != Says::Used || wanted.passes(row, seen)
                })
            });
        }
        let texts = |at: &usize| row(*at).and_then(|row| row.texts());
        let window = match wanted.text() {
            Some(_) => self.window(room.fitting.iter().filter_map(texts), &mut room.texts)?,
            None => 0,
        };
        for at in &room.fitting {
            let Some(row) = row(*at) else { continue };
            let number = begin.saturating_add(u64::try_from(*at).unwrap_or_default());
            let has = match (wanted.text(), row.texts()) {
                (Some(text), Some(place)) => {
                    self.has((window, &room.texts), (salt, number), place, text)?
                }
                _ => true,
            };
            if has {
                pass(row.id());
            }
        }
        Ok(())
    }

    /// Reads the texts of a block; answers with where they begin.
    fn window(&self, places: impl Iterator<Item = Texts>, into: &mut Vec<u8>) -> Result<u64, Bad> {
        let range = places.fold(None, |range: Option<(u64, u64)>, place| {
            let end = place.offset.saturating_add(place.length.into());
            let (first, last) = range.unwrap_or((place.offset, end));
            // What was changed lately lies at the end of the file.
            let near = end.max(last).saturating_sub(place.offset.min(first)) <= WINDOW;
            Some(if near { (place.offset.min(first), end.max(last)) } else { (first, last) })
        });
        let (first, last) = range.unwrap_or_default();
        into.resize(usize::try_from(last.saturating_sub(first)).unwrap_or_default(), 0);
        self.texts.read_exact_at(into, first)?;
        Ok(first)
    }

    /// Whether a text is among those of a row.
    fn has(
        &self,
        (begin, window): (u64, &[u8]),
        (salt, number): (u32, u64),
        place: Texts,
        wanted: &memchr::memmem::Finder<'_>,
    ) -> Result<bool, Bad> {
        let at = place.offset.checked_sub(begin).and_then(|at| usize::try_from(at).ok());
        let length = usize::from(place.length);
        let near = at.and_then(|at| window.get(at..at.checked_add(length)?));
        let mut alone = Vec::new();
        let text = match near {
            Some(text) => text,
            None => {
                alone.resize(length, 0);
                self.texts.read_exact_at(&mut alone, place.offset)?;
                &alone
            }
        };
        if row::text_checksum(salt, number, text) != place.checksum {
            return Err(Bad::Rows("a text is damaged"));
        }
        Ok(wanted.find(text).is_some())
    }
}
