//! What is kept in memory of a block, by which most blocks need not be read.

use std::sync::OnceLock;

use super::marks::Marks;
use super::row::Row;
use crate::domain::id::TokenId;

/// Which ids are in a block, and what cannot be.
#[derive(Debug)]
pub(super) struct Zone {
    pub(super) first: TokenId,
    pub(super) last: TokenId,
    pub(super) marks: Marks,
    /// Noted by the first search for a text; from then on whoever writes rows adds to it.
    parts: OnceLock<Box<Parts>>,
}

/// How long a part is, in bytes: a text that is shorter may be anywhere.
const PART: usize = 3;
const BITS: u32 = 1 << 15;

/// The parts of three bytes that the texts of a block have, a bit for each: some thousand parts of a thousand tokens
/// set a tenth of the bits, so that hardly any block is read in vain for a text of five. 4 MB for a million tokens.
#[derive(Debug)]
pub(super) struct Parts([u64; BITS as usize / 64]);

impl Zone {
    /// That of a block whose first row is this.
    pub(super) fn of(row: Row<'_>) -> Self {
        let id = row.id();
        let mut zone = Self { first: id, last: id, marks: Marks::none(), parts: OnceLock::new() };
        zone.widen(row);
        zone
    }

    /// Another row is there, or one is written anew.
    pub(super) fn widen(&mut self, row: Row<'_>) {
        let id = row.id();
        (self.first, self.last) = (id.min(self.first), id.max(self.last));
        self.marks.add(row);
    }

    /// The parts of its texts, if they were noted, to add some.
    pub(super) fn parts_mut(&mut self) -> Option<&mut Parts> {
        self.parts.get_mut().map(Box::as_mut)
    }

    /// Whether nobody noted the parts of its texts.
    pub(super) fn lacks_parts(&self) -> bool {
        self.parts.get().is_none()
    }

    /// Notes those of all its texts, while nobody writes; whoever was first is right too.
    pub(super) fn note(&self, parts: Box<Parts>) {
        let _ = self.parts.set(parts);
    }

    /// Whether one of its texts may have this one in it.
    pub(super) fn may_have(&self, text: &[u8]) -> bool {
        self.parts.get().is_none_or(|parts| parts.may_have(text))
    }

    /// Whether this token may be in it.
    pub(super) fn spans(&self, id: TokenId) -> bool {
        self.first <= id && id <= self.last
    }
}

impl Parts {
    pub(super) fn none() -> Box<Self> {
        Box::new(Self([0; BITS as usize / 64]))
    }

    pub(super) fn add(&mut self, text: &[u8]) {
        for part in text.windows(PART) {
            let (word, bit) = place(part);
            if let Some(word) = self.0.get_mut(word) {
                *word |= bit;
            }
        }
    }

    /// Adds a text that nobody knows here: any may be in it.
    pub(super) fn add_any(&mut self) {
        self.0.fill(u64::MAX);
    }

    fn may_have(&self, text: &[u8]) -> bool {
        let has = |(word, bit): (usize, u64)| self.0.get(word).is_none_or(|word| word & bit != 0);
        text.windows(PART).all(|part| has(place(part)))
    }
}

/// The bit of a part.
fn place(part: &[u8]) -> (usize, u64) {
    let part = part.iter().fold(0, |part, byte| part << 8 | u32::from(*byte));
    let bit = part.wrapping_mul(0x9e37_79b9) >> (32 - BITS.ilog2());
    ((bit / 64) as usize, 1 << (bit % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_of_an_added_text_may_be_there_and_hardly_any_other() {
        let mut parts = Parts::none();
        for n in 0..1_000 {
            parts.add(format!("billing of shop {n}\u{1}owner-{n}@example.com").as_bytes());
        }
        let text = "überweisung an Łódź";
        parts.add(text.as_bytes());
        for begin in 0..text.len() {
            for end in begin..=text.len() {
                assert!(parts.may_have(&text.as_bytes()[begin..end]), "{begin}..{end}");
            }
        }
        for there in ["shop 999", "owner-500@", "g of", "", "x", "qq"] {
            assert!(parts.may_have(there.as_bytes()), "{there}");
        }
        let others =
            (0..1_000).map(|n| format!("zebra{n}")).filter(|text| parts.may_have(text.as_bytes()));
        assert!(others.count() < 10, "nearly nothing else seems to be there");
        parts.add_any();
        assert!(parts.may_have(b"zebra"));
    }
}
