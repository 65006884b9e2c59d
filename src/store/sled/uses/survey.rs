//! Looking at many slots at once, for lists.

use super::Uses;
use super::slot::{SLOT_BYTES, Slot};
use crate::domain::time::Timestamp;
use crate::store::StoreError;

/// What a slot alone tells, without the record of its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::sled) enum Seen {
    /// No use was written down.
    Never,
    /// The last one.
    At(Timestamp),
    /// [`Uses::read`] must be asked.
    Unknown,
}

impl Uses {
    /// What `count` slots from `begin` on tell, into a place for that; `bytes` is room to read into.
    pub(in crate::store::sled) fn survey(
        &self,
        begin: u64,
        count: usize,
        bytes: &mut Vec<u8>,
        into: &mut Vec<Seen>,
    ) -> Result<(), StoreError> {
        let head = self.head();
        let (salt, slots) = (head.salt, head.slots);
        drop(head);
        into.clear();
        let wanted = begin.saturating_add(u64::try_from(count).unwrap_or_default());
        if begin < slots {
            self.read_piece(begin, wanted.min(slots), bytes)?;
            let (found, _) = bytes.as_chunks::<SLOT_BYTES>();
            let seen = |(number, bytes)| match Slot::decode(bytes, salt, number) {
                Some(Slot { last: None, first: None, .. }) => Seen::Never,
                Some(Slot { last: Some(last), .. }) if !last.is_presumed() => Seen::At(last.at),
                _ => Seen::Unknown,
            };
            into.extend((begin..).zip(found).map(seen));
        }
        into.resize(count, Seen::Never);
        Ok(())
    }
}
