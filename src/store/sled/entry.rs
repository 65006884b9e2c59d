//! What the entries of the index hold beside their checksum, and how they are read back as records.

use std::sync::Arc;

use super::draft::Draft;
use super::index::Index;
use super::uses::Known;
use super::{keys, value};
use crate::domain::company::Company;
use crate::domain::id::{OwnerId, Slug, TokenId};
use crate::domain::owner::Owner;
use crate::domain::time::Timestamp;
use crate::domain::token::Token;
use crate::history::Place;
use crate::store::{StoreError, Usage};

/// In place of a deadline, for a token that has no entry among the deadlines.
const NO_DEADLINE: u64 = u64::MAX;

/// What stands before a token's record: what else there is to find about it, so that most tokens need no
/// entries of their own for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// The deadline that it is filed under.
    pub(super) filed: Option<Timestamp>,
    /// The newest event about it; earlier ones have entries of their own, but for the one that tells of its
    /// first use, which stands in its slot.
    pub(super) latest: (u64, Place),
    /// Where its last use is, among the last uses.
    pub(super) slot: u64,
}

/// A token's payload: its head, then its record as JSON.
pub(super) fn token_payload(head: &Head, json: &[u8]) -> Vec<u8> {
    let (seq, place) = head.latest;
    let filed = head.filed.map_or(NO_DEADLINE, Timestamp::unix);
    let words = [filed, seq, place.segment, place.offset, head.slot].map(u64::to_be_bytes);
    [words.as_flattened(), json].concat()
}

/// Splits a token's payload; none when it is too short.
pub(super) fn split_token(payload: &[u8]) -> Option<(Head, &[u8])> {
    let (words, json) = payload.split_first_chunk::<40>()?;
    let ([filed, seq, segment, offset, slot], []) = words.as_chunks::<8>() else { return None };
    let filed = u64::from_be_bytes(*filed);
    let filed = (filed != NO_DEADLINE).then(|| Timestamp::from_unix(filed));
    let place =
        Place { segment: u64::from_be_bytes(*segment), offset: u64::from_be_bytes(*offset) };
    let (seq, slot) = (u64::from_be_bytes(*seq), u64::from_be_bytes(*slot));
    Some((Head { filed, latest: (seq, place), slot }, json))
}

/// What a digest's entry says of its token beside the id: 64 bits over what a verdict rests on. So that an
/// older record of the token is noticed wherever the digest's entry is known to be the newest.
pub(super) fn bond(id: TokenId, slot: u64, json: &[u8]) -> u64 {
    value::weight(&[&id.as_bytes()[..], &slot.to_be_bytes()].concat(), json)
}

/// The payload of a digest's entry.
pub(super) fn digest_payload(id: TokenId, bond: u64) -> Vec<u8> {
    [&id.as_bytes()[..], &bond.to_be_bytes()].concat()
}

/// Reads it back.
pub(super) fn read_digest(
    index: &Index,
    key: &[u8],
    payload: &[u8],
) -> Result<(TokenId, u64), StoreError> {
    let read = || {
        let (id, bond) = payload.split_first_chunk::<16>()?;
        Some((TokenId::from_bytes(*id), u64::from_be_bytes(bond.try_into().ok()?)))
    };
    read().ok_or_else(|| index.damage(key, "it does not hold a token id"))
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

pub(super) fn read_company(
    index: &Index,
    key: &[u8],
    payload: &[u8],
) -> Result<Arc<Company>, StoreError> {
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

/// The head of a token as a batch leaves it.
pub(super) fn drafted_head(draft: &Draft<'_>, id: TokenId) -> Result<Option<Head>, StoreError> {
    let key = keys::token(id);
    let Some(payload) = draft.read(&key)? else { return Ok(None) };
    let split = split_token(&payload).map(|(head, _)| head);
    split.map(Some).ok_or_else(|| draft.index().damage(&key, "the record is cut short"))
}

pub(super) fn token(index: &Index, id: TokenId) -> Result<Option<Arc<Token>>, StoreError> {
    Ok(token_with_head(index, id)?.map(|(token, _)| token))
}

pub(super) fn token_with_head(
    index: &Index,
    id: TokenId,
) -> Result<Option<(Arc<Token>, Head)>, StoreError> {
    let key = keys::token(id);
    let payload = index.read(&key)?;
    payload.map(|payload| read_token(index, &key, &payload)).transpose()
}

/// The token that a digest stands for, if its record is as it was when that was written.
pub(super) fn bonded_token(
    index: &Index,
    id: TokenId,
    wanted: u64,
) -> Result<Option<(Arc<Token>, Head)>, StoreError> {
    let key = keys::token(id);
    let payload = index.read(&key)?.ok_or_else(|| index.damage(&key, "it is not there"))?;
    let split = split_token(&payload);
    if split.is_none_or(|(head, json)| bond(id, head.slot, json) != wanted) {
        return Ok(None);
    }
    read_token(index, &key, &payload).map(Some)
}

/// The head alone, which spares reading the record.
pub(super) fn head(index: &Index, id: TokenId) -> Result<Option<Head>, StoreError> {
    let key = keys::token(id);
    let Some(payload) = index.read(&key)? else { return Ok(None) };
    let split = split_token(&payload).map(|(head, _)| head);
    split.map(Some).ok_or_else(|| index.damage(&key, "the record is cut short"))
}

pub(super) fn owner(index: &Index, id: &OwnerId) -> Result<Option<Arc<Owner>>, StoreError> {
    let key = keys::owner(id);
    let payload = index.read(&key)?;
    payload.map(|payload| read_owner(index, &key, &payload)).transpose()
}

pub(super) fn company(index: &Index, id: &Slug) -> Result<Option<Arc<Company>>, StoreError> {
    let key = keys::company(id);
    let payload = index.read(&key)?;
    payload.map(|payload| read_company(index, &key, &payload)).transpose()
}

/// The last use of a token that counts while it lives. Last uses are in their file alone, so after a loss of
/// that a token that lies idle counts as used at `floor`, the moment of the loss: nothing dies early.
pub(super) fn counting(token: &Token, known: Known, floor: Timestamp) -> Option<Usage> {
    let last = known.last;
    if token.created_at >= floor || last.as_ref().is_some_and(|last| last.at >= floor) {
        return last;
    }
    Some(Usage { at: floor, last: last.and_then(|usage| usage.last) })
}

/// The same for a decision. What may lie unused for ever is not presumed to be used, so that its first use is
/// told.
pub(super) fn deciding(token: &Token, known: Known, floor: Timestamp) -> Option<Usage> {
    if token.idle_ttl.is_zero() { known.last } else { counting(token, known, floor) }
}

/// The same for whoever asks. A token that has ended was not used after that, and nothing depends on it.
pub(super) fn telling(token: &Token, known: Known, floor: Timestamp) -> Option<Usage> {
    let Some(ended) = &token.ended else { return counting(token, known, floor) };
    let end = ended.act.at;
    match known.last {
        Some(Usage { at, last: None }) => Some(Usage { at: at.min(end), last: None }),
        // The history knows that there was one.
        None if known.first.is_some() => Some(Usage { at: end, last: None }),
        last => last,
    }
}
