//! One slot: the last use of one token in 64 bytes, so that no slot crosses the border of a sector.
//!
//! | bytes | what |
//! | --- | --- |
//! | 0..4 | CRC-32C over the salt of the file, the number of the slot, and bytes 4..64 |
//! | 4 | 1 for never used, 4 and 6 for the kind of the address |
//! | 5..7 | the number of the API's name |
//! | 8..16 | when, in seconds |
//! | 16..24 | the event that tells of the first use; 0 for none |
//! | 24..40 | whose slot it is: the token's id; zeros before anything was written |
//! | 40..56 | the address, an IPv4 address in the first four |
//! | 7, 56..64 | zeros |

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::domain::id::TokenId;
use crate::domain::time::Timestamp;

/// The size of a slot.
pub(super) const SLOT_BYTES: usize = 64;

const NEVER: u8 = 1;
const V4: u8 = 4;
const V6: u8 = 6;

/// A last use, with a number for the API's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::sled) struct Stored {
    pub(in crate::store::sled) at: Timestamp,
    pub(in crate::store::sled) address: IpAddr,
    pub(in crate::store::sled) api: u16,
}

impl Stored {
    /// For a token whose last use is not known.
    pub(super) const fn presumed(at: Timestamp) -> Self {
        Self { at, address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), api: 0 }
    }

    /// Whether it is such a one: no request comes from that address.
    pub(super) const fn is_presumed(&self) -> bool {
        self.address.is_unspecified() && self.api == 0
    }
}

/// What a slot holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Slot {
    /// Whose it is; none before anything was written.
    pub(super) token: Option<TokenId>,
    pub(super) last: Option<Stored>,
    /// The event that tells of the first use.
    pub(super) first: Option<u64>,
}

impl Slot {
    /// The slot as it stands at its place in the file.
    pub(super) fn encode(&self, salt: u32, number: u64) -> [u8; SLOT_BYTES] {
        let mut bytes = [0; SLOT_BYTES];
        bytes[4] = NEVER;
        if let Some(last) = &self.last {
            match last.address {
                IpAddr::V4(address) => {
                    bytes[4] = V4;
                    bytes[40..44].copy_from_slice(&address.octets());
                }
                IpAddr::V6(address) => {
                    bytes[4] = V6;
                    bytes[40..56].copy_from_slice(&address.octets());
                }
            }
            bytes[5..7].copy_from_slice(&last.api.to_le_bytes());
            bytes[8..16].copy_from_slice(&last.at.unix().to_le_bytes());
        }
        bytes[16..24].copy_from_slice(&self.first.unwrap_or_default().to_le_bytes());
        if let Some(token) = &self.token {
            bytes[24..40].copy_from_slice(token.as_bytes());
        }
        let checksum = checksum(&bytes, salt, number);
        bytes[..4].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Reads a slot; none when it does not verify.
    pub(super) fn decode(bytes: &[u8; SLOT_BYTES], salt: u32, number: u64) -> Option<Self> {
        let (stated, _) = bytes.split_first_chunk::<4>()?;
        if u32::from_le_bytes(*stated) != checksum(bytes, salt, number) {
            return None;
        }
        let (v4, v6) = (bytes[40..].first_chunk::<4>()?, bytes[40..].first_chunk::<16>()?);
        let address = match bytes[4] {
            NEVER => None,
            V4 => Some(Ipv4Addr::from(*v4).into()),
            V6 => Some(Ipv6Addr::from(*v6).into()),
            _ => return None,
        };
        let word = |at: &[u8]| at.first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
        let at = Timestamp::from_unix(word(&bytes[8..])?);
        let api = u16::from_le_bytes([bytes[5], bytes[6]]);
        let token = bytes[24..].first_chunk::<16>().filter(|id| **id != [0; 16]);
        Some(Self {
            token: token.map(|id| TokenId::from_bytes(*id)),
            last: address.map(|address| Stored { at, address, api }),
            first: word(&bytes[16..]).filter(|first| *first != 0),
        })
    }
}

fn checksum(bytes: &[u8; SLOT_BYTES], salt: u32, number: u64) -> u32 {
    let seed = crc32c::crc32c_append(salt, &number.to_le_bytes());
    crc32c::crc32c_append(seed, &bytes[4..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots() -> [Slot; 4] {
        let last = |address: &str| Stored {
            at: Timestamp::from_unix(1_800_000_000),
            address: address.parse().unwrap(),
            api: 513,
        };
        let used = Slot {
            token: Some(TokenId::new(1_700_000_000_000, [7; 10])),
            last: Some(last("192.0.2.7")),
            first: Some(9),
        };
        [
            Slot::default(),
            used,
            Slot { last: Some(last("2001:db8::7")), ..used },
            Slot { last: None, ..used },
        ]
    }

    #[test]
    fn a_slot_survives_its_bytes() {
        for slot in slots() {
            assert_eq!(Slot::decode(&slot.encode(5, 3), 5, 3), Some(slot));
        }
    }

    #[test]
    fn a_changed_bit_another_place_another_file_and_zeros_are_noticed() {
        for slot in slots() {
            let bytes = slot.encode(5, 3);
            assert_eq!(Slot::decode(&bytes, 5, 4), None, "another place");
            assert_eq!(Slot::decode(&bytes, 6, 3), None, "another file");
            for at in 0..SLOT_BYTES {
                for bit in 0..8 {
                    let mut changed = bytes;
                    changed[at] ^= 1 << bit;
                    assert_eq!(Slot::decode(&changed, 5, 3), None, "bit {bit} of byte {at}");
                }
                // Torn: the end of an earlier slot behind the beginning of this one.
                let mut torn = bytes;
                torn[at..].copy_from_slice(&[0xa5; SLOT_BYTES][at..]);
                assert_eq!(Slot::decode(&torn, 5, 3), None, "torn at {at}");
            }
        }
        for number in 0..1_000 {
            assert_eq!(Slot::decode(&[0; SLOT_BYTES], 5, number), None);
        }
    }
}
