//! Looking at many slots at once, for lists.

use super::slot::{SLOT_BYTES, Slot};
use super::{Uses, owned};
use crate::domain::id::TokenId;
use crate::domain::time::Timestamp;
use crate::store::StoreError;

/// What a slot alone tells, without the record of its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::sled) enum Seen {
    /// No use was written down.
    Never,
    /// There was a first one, and no later one is known.
    Once,
    /// The last one.
    At(Timestamp),
    /// [`Uses::read`] must be asked.
    Unknown,
}

/// Slots that were read in one go. Room that is used again.
#[derive(Debug, Default)]
pub(in crate::store::sled) struct Survey {
    begin: u64,
    salt: u32,
    /// How many slots the file had.
    slots: u64,
    bytes: Vec<u8>,
}

impl Survey {
    /// Reads `count` slots from `begin` on.
    pub(in crate::store::sled) fn read(
        &mut self,
        uses: &Uses,
        begin: u64,
        count: usize,
    ) -> Result<(), StoreError> {
        let head = uses.head();
        (self.begin, self.salt, self.slots) = (begin, head.salt, head.slots);
        drop(head);
        self.bytes.clear();
        let wanted = begin.saturating_add(u64::try_from(count).unwrap_or_default());
        if begin < self.slots {
            uses.read_piece(begin, wanted.min(self.slots), &mut self.bytes)?;
        }
        Ok(())
    }

    /// What the slot of a token tells, by its place among those that were read.
    pub(in crate::store::sled) fn seen(&self, at: usize, token: TokenId) -> Seen {
        let number = self.begin.saturating_add(u64::try_from(at).unwrap_or(u64::MAX));
        if number >= self.slots {
            return Seen::Never;
        }
        let (slots, _) = self.bytes.as_chunks::<SLOT_BYTES>();
        let slot = slots.get(at).and_then(|bytes| Slot::decode(bytes, self.salt, number));
        match slot.filter(|slot| owned(slot, token)) {
            Some(Slot { last: None, first: None, .. }) => Seen::Never,
            Some(Slot { last: None, first: Some(_), .. }) => Seen::Once,
            Some(Slot { last: Some(last), .. }) if !last.is_presumed() => Seen::At(last.at),
            _ => Seen::Unknown,
        }
    }
}
