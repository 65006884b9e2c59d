//! The keys of the index: one tree, a letter for each kind of entry.

use crate::domain::id::{OwnerId, Slug, TokenId};
use crate::domain::secret::Digest;
use crate::domain::time::Timestamp;
use crate::store::{Due, Subject};

/// Where the index says how far it is; the only entry that the running sum leaves out.
pub(super) const STATE: &[u8] = b"!state";

/// The keys are divided into so many parts, none of which lies in two places. Each has a sum of its own, so
/// that it can be checked alone: digests, which are spread evenly, have sixteen.
pub(super) const PARTS: usize = 21;

/// The parts that have the digests.
const DIGEST_PARTS: std::ops::RangeInclusive<usize> = 1..=16;
/// The part that has the owners and the companies, which a request needs too.
pub(super) const OWNERS_PART: usize = 18;

/// The parts without which requests are refused.
pub(super) fn request_parts() -> impl Iterator<Item = usize> {
    std::iter::once(OWNERS_PART).chain(DIGEST_PARTS)
}

/// Records of tokens, in the order of their creation.
pub(super) const TOKENS: u8 = b'T';
/// Records of owners, in alphabetical order.
pub(super) const OWNERS: u8 = b'O';
/// Records of companies, in alphabetical order.
pub(super) const COMPANIES: u8 = b'P';
/// Deadlines of tokens that have not ended, soonest first.
pub(super) const DEADLINES: u8 = b'L';

pub(super) fn token(id: TokenId) -> Vec<u8> {
    join(TOKENS, &[id.as_bytes()])
}

pub(super) fn owner(id: &OwnerId) -> Vec<u8> {
    join(OWNERS, &[id.as_str().as_bytes()])
}

pub(super) fn company(id: &Slug) -> Vec<u8> {
    join(COMPANIES, &[id.as_str().as_bytes()])
}

/// Half of a digest: nobody finds a secret for a given half (2^128 attempts), and what is cold in the index is a
/// quarter less. The record has all of it, and whoever looks it up compares that. Two secrets with the same half, which
/// somebody might bring who made 2^64 of them, cannot both be tokens.
pub(super) fn digest(digest: &Digest) -> Vec<u8> {
    join(b'D', &[digest.half()])
}

/// Before the tokens of an owner. The zero byte cannot stand in a name, so that no owner's tokens are
/// taken for those of another whose name goes on.
pub(super) fn owned(owner: &OwnerId) -> Vec<u8> {
    join(b'B', &[owner.as_str().as_bytes(), &[0]])
}

pub(super) fn owned_token(owner: &OwnerId, id: TokenId) -> Vec<u8> {
    join(b'B', &[owner.as_str().as_bytes(), &[0], id.as_bytes()])
}

pub(super) fn due(due: Due) -> Vec<u8> {
    join(DEADLINES, &[&due.deadline.unix().to_be_bytes(), due.token.as_bytes()])
}

/// Before the events about a subject.
pub(super) fn subject(subject: &Subject) -> Vec<u8> {
    match subject {
        Subject::Token(id) => join(b'S', &[b"t", id.as_bytes()]),
        Subject::Owner(id) => join(b'S', &[b"o", id.as_str().as_bytes(), &[0]]),
        Subject::Company(id) => join(b'S', &[b"c", id.as_str().as_bytes(), &[0]]),
    }
}

pub(super) fn subject_event(of: &Subject, seq: u64) -> Vec<u8> {
    let mut key = subject(of);
    key.extend_from_slice(&seq.to_be_bytes());
    key
}

/// The part to which a key belongs.
pub(super) fn part(key: &[u8]) -> usize {
    match key.first().copied().unwrap_or_default() {
        ..b'D' => 0,
        b'D' => 1 + key.get(1).map_or(0, |byte| usize::from(byte >> 4)),
        b'E'..OWNERS => 17,
        OWNERS..b'S' => 18,
        b'S'..TOKENS => 19,
        _ => PARTS - 1,
    }
}

/// Where a part begins; it ends where the next one begins.
pub(super) fn part_start(part: usize) -> Vec<u8> {
    match part {
        0 => Vec::new(),
        1 => vec![b'D'],
        2..=16 => vec![b'D', u8::try_from((part - 1) << 4).unwrap_or(u8::MAX)],
        17 => vec![b'E'],
        18 => vec![OWNERS],
        19 => vec![b'S'],
        _ => vec![TOKENS],
    }
}

/// Where the room of a key begins: keys of one kind, and of one part. Entries are packed with others of their
/// room only.
pub(super) fn room(key: &[u8]) -> Vec<u8> {
    match key.first().copied() {
        Some(b'D') => part_start(part(key)),
        kind => kind.into_iter().collect(),
    }
}

/// The token id at the end of a key.
pub(super) fn trailing_token(key: &[u8]) -> Option<TokenId> {
    key.last_chunk::<16>().copied().map(TokenId::from_bytes)
}

/// The event number at the end of a key.
pub(super) fn trailing_seq(key: &[u8]) -> Option<u64> {
    key.last_chunk::<8>().copied().map(u64::from_be_bytes)
}

/// The deadline and the token of a key among [`DEADLINES`].
pub(super) fn read_due(key: &[u8]) -> Option<Due> {
    let (seconds, id) = key.strip_prefix(&[DEADLINES])?.split_first_chunk::<8>()?;
    let deadline = Timestamp::from_unix(u64::from_be_bytes(*seconds));
    let token = TokenId::from_bytes(id.try_into().ok()?);
    Some(Due { deadline, token })
}

fn join(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length = parts.iter().map(|part| part.len()).sum::<usize>();
    let mut key = Vec::with_capacity(length.saturating_add(9));
    key.push(kind);
    for part in parts {
        key.extend_from_slice(part);
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_lies_between_the_start_of_its_part_and_that_of_the_next() {
        for first in 0..=u8::MAX {
            for second in [&[][..], &[0], &[0x0f], &[0x10, 9], &[0x9f], &[0xf0], &[0xff]] {
                let key = [&[first][..], second].concat();
                let part = part(&key);
                assert!(part < PARTS && part_start(part) <= key, "{key:?}");
                assert!(part + 1 == PARTS || key < part_start(part + 1), "{key:?}");
                let room = room(&key);
                assert!(room <= key && super::part(&room) == part && super::room(&room) == room);
            }
        }
        assert_eq!((part(&[]), part(&[OWNERS])), (0, OWNERS_PART));
        assert_eq!(part(&[COMPANIES]), OWNERS_PART, "a request waits for both");
    }
}
