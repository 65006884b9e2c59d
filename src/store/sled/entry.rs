//! What the entries of the index hold beside their checksum, and how they are read back as records.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use super::index::{Draft, Index};
use super::keys;
use crate::domain::id::{OwnerId, TokenId};
use crate::domain::owner::Owner;
use crate::domain::time::Timestamp;
use crate::domain::token::Token;
use crate::history::Place;
use crate::store::{LastUse, StoreError};

/// In place of a deadline, for a token that has no entry among the deadlines.
const NO_DEADLINE: u64 = u64::MAX;

/// What stands before a token's record: what else there is to find about it, so that most tokens need no
/// entries of their own for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// The deadline that it is filed under.
    pub(super) filed: Option<Timestamp>,
    /// The newest event about it; earlier ones have entries of their own.
    pub(super) latest: (u64, Place),
}

/// A token's payload: its head, then its record as JSON.
pub(super) fn token_payload(head: &Head, json: &[u8]) -> Vec<u8> {
    let (seq, place) = head.latest;
    let filed = head.filed.map_or(NO_DEADLINE, Timestamp::unix);
    let words = [filed, seq, place.segment, place.offset].map(u64::to_be_bytes);
    [words.as_flattened(), json].concat()
}

/// Splits a token's payload; none when it is too short.
pub(super) fn split_token(payload: &[u8]) -> Option<(Head, &[u8])> {
    let (words, json) = payload.split_first_chunk::<32>()?;
    let ([filed, seq, segment, offset], []) = words.as_chunks::<8>() else { return None };
    let filed = u64::from_be_bytes(*filed);
    let filed = (filed != NO_DEADLINE).then(|| Timestamp::from_unix(filed));
    let place =
        Place { segment: u64::from_be_bytes(*segment), offset: u64::from_be_bytes(*offset) };
    Some((Head { filed, latest: (u64::from_be_bytes(*seq), place) }, json))
}

/// The payload of an event's entry.
pub(super) fn place_payload(place: Place) -> [u8; 16] {
    let (segment, offset) = (u128::from(place.segment), u128::from(place.offset));
    (segment << 64 | offset).to_be_bytes()
}

/// Reads where an event stands; none when the payload does not say.
pub(super) fn read_place(payload: &[u8]) -> Option<Place> {
    let ([segment, offset], []) = payload.as_chunks::<8>() else { return None };
    Some(Place { segment: u64::from_be_bytes(*segment), offset: u64::from_be_bytes(*offset) })
}

pub(super) fn read_token(
    index: &Index,
    key: &[u8],
    payload: &[u8],
) -> Result<(Arc<Token>, Head), StoreError> {
    let (head, json) =
        split_token(payload).ok_or_else(|| index.damage(key, "the record is cut short"))?;
    Ok((parse(index, key, json)?, head))
}

pub(super) fn read_owner(
    index: &Index,
    key: &[u8],
    payload: &[u8],
) -> Result<Arc<Owner>, StoreError> {
    parse(index, key, payload)
}

fn parse<T: serde::de::DeserializeOwned>(
    index: &Index,
    key: &[u8],
    json: &[u8],
) -> Result<Arc<T>, StoreError> {
    serde_json::from_slice(json).map(Arc::new).map_err(|error| index.damage(key, error.to_string()))
}

/// A token as a batch leaves it.
pub(super) fn drafted_token(
    draft: &Draft<'_>,
    id: TokenId,
) -> Result<Option<(Arc<Token>, Head)>, StoreError> {
    let key = keys::token(id);
    let payload = draft.read(&key)?;
    payload.map(|payload| read_token(draft.index(), &key, &payload)).transpose()
}

pub(super) fn token(index: &Index, id: TokenId) -> Result<Option<Arc<Token>>, StoreError> {
    let key = keys::token(id);
    let payload = index.read(&key)?;
    payload.map(|payload| Ok(read_token(index, &key, &payload)?.0)).transpose()
}

pub(super) fn owner(index: &Index, id: &OwnerId) -> Result<Option<Arc<Owner>>, StoreError> {
    let key = keys::owner(id);
    let payload = index.read(&key)?;
    payload.map(|payload| read_owner(index, &key, &payload)).transpose()
}

/// A last use as it is stored: seconds, the kind and bytes of the address, the API.
pub(super) fn use_payload(last: &LastUse) -> Vec<u8> {
    let mut bytes = last.at.unix().to_be_bytes().to_vec();
    match last.address {
        IpAddr::V4(address) => {
            bytes.push(4);
            bytes.extend_from_slice(&address.octets());
        }
        IpAddr::V6(address) => {
            bytes.push(6);
            bytes.extend_from_slice(&address.octets());
        }
    }
    bytes.extend_from_slice(last.api.as_bytes());
    bytes
}

/// Reads a stored last use; none when it is not one.
pub(super) fn read_use(payload: &[u8]) -> Option<LastUse> {
    let (at, rest) = payload.split_first_chunk::<8>()?;
    let at = Timestamp::from_unix(u64::from_be_bytes(*at));
    let (address, api) = match rest.split_first()? {
        (4, rest) => {
            let (octets, api) = rest.split_first_chunk::<4>()?;
            (IpAddr::V4(Ipv4Addr::from(*octets)), api)
        }
        (6, rest) => {
            let (octets, api) = rest.split_first_chunk::<16>()?;
            (IpAddr::V6(Ipv6Addr::from(*octets)), api)
        }
        _ => return None,
    };
    Some(LastUse { at, address, api: std::str::from_utf8(api).ok()?.into() })
}

/// The last use of a token that counts. Last uses live in the index alone, so after a rebuild a token that
/// lies idle counts as used at `floor`, the moment of the rebuild: nothing dies early.
pub(super) fn counting(
    token: &Token,
    stored: Option<LastUse>,
    floor: Timestamp,
) -> Option<LastUse> {
    let known = stored.as_ref().is_some_and(|last| last.at >= floor);
    if known || token.idle_ttl.is_zero() || token.created_at >= floor {
        return stored;
    }
    Some(match stored {
        Some(last) => LastUse { at: floor, ..last },
        None => LastUse { at: floor, address: Ipv4Addr::UNSPECIFIED.into(), api: "".into() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_last_use_survives_its_bytes() {
        for address in ["192.0.2.7", "2001:db8::7"] {
            let last = LastUse {
                at: Timestamp::from_unix(1_700_000_000),
                address: address.parse().unwrap(),
                api: "stock".into(),
            };
            assert_eq!(read_use(&use_payload(&last)), Some(last));
        }
        assert_eq!(read_use(b"\0\0\0\0\0\0\0\0\x04abc"), None);
    }
}
