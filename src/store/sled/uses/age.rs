//! How old the file is: a generation that grows with every checkpoint, in 64 bytes behind the last slot.
//!
//! The checkpoint says which generation the file has at least, and what floor. An older copy that somebody
//! put in the place of the file, or of its head, has another; without this its last uses would be taken
//! for the newest ones, and tokens would end early.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use serde::{Deserialize, Serialize};

use super::{Head, SLOT_BYTES, offset};
use crate::domain::time::Timestamp;

const NAME: &[u8] = b"generation";

/// What the file and its head had at a moment, and never fall behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store::sled) struct Age {
    pub(in crate::store::sled) generation: u64,
    pub(in crate::store::sled) floor: Timestamp,
}

/// Writes the generation behind `slots` slots.
pub(super) fn write(file: &File, (salt, slots): (u32, u64), generation: u64) -> io::Result<()> {
    file.write_all_at(&encode(salt, generation), offset(slots))
}

/// The generation; zero where none can be read. While the file grows it stands behind the new slots before
/// the head counts them, so that the end is looked at too.
pub(super) fn read(file: &File, head: &Head) -> io::Result<u64> {
    let end = file.metadata()?.len().saturating_sub(SLOT_BYTES as u64);
    let mut newest = 0;
    for at in [offset(head.slots), end] {
        let mut bytes = [0; SLOT_BYTES];
        match file.read_exact_at(&mut bytes, at) {
            Ok(()) => newest = decode(&bytes, head.salt).unwrap_or_default().max(newest),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
            Err(error) => return Err(error),
        }
    }
    Ok(newest)
}

fn encode(salt: u32, generation: u64) -> [u8; SLOT_BYTES] {
    let mut bytes = [0; SLOT_BYTES];
    bytes[8..16].copy_from_slice(&generation.to_le_bytes());
    let checksum = checksum(&bytes, salt);
    bytes[..4].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

fn decode(bytes: &[u8; SLOT_BYTES], salt: u32) -> Option<u64> {
    let (stated, _) = bytes.split_first_chunk::<4>()?;
    let right = u32::from_le_bytes(*stated) == checksum(bytes, salt);
    let generation = bytes[8..].first_chunk::<8>().filter(|_| right)?;
    Some(u64::from_le_bytes(*generation))
}

fn checksum(bytes: &[u8; SLOT_BYTES], salt: u32) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c_append(salt, NAME), &bytes[4..])
}

#[cfg(test)]
mod tests {
    use super::super::slot::Slot;
    use super::*;

    #[test]
    fn a_generation_survives_and_no_slot_or_changed_bit_is_taken_for_one() {
        let bytes = encode(5, 7);
        assert_eq!((decode(&bytes, 5), decode(&bytes, 6)), (Some(7), None));
        for at in 0..SLOT_BYTES {
            for bit in 0..8 {
                let mut changed = bytes;
                changed[at] ^= 1 << bit;
                assert_eq!(decode(&changed, 5), None, "bit {bit} of byte {at}");
            }
        }
        for number in 0..1_000 {
            assert_eq!(decode(&Slot::default().encode(5, number), 5), None);
            assert_eq!(Slot::decode(&bytes, 5, number), None);
        }
        assert_eq!(decode(&[0; SLOT_BYTES], 5), None);
    }
}
