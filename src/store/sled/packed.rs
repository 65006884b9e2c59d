//! Entries packed into sled: many of them, neighbours in the order of their keys, are one of sled's (`chunk`),
//! for sled splits every leaf at sixteen, and remembers each leaf for ever.
//!
//! A chunk has all entries from its own key on up to that of the next chunk in the same room (`keys::room`); the
//! first of a room begins with the room. Thus an entry is looked up in the last chunk whose key is not behind
//! the entry's. A chunk is divided as it grows, and goes when it is empty; two never become one.
//!
//! **No reader misses an entry, or sees one again that was removed.** A lookup is a single call of sled
//! (`Iter::next_back`), which holds the read side of sled's one lock from its beginning to its end
//! (`concurrency_control`), and `Tree::apply_batch` holds the write side: what it sees is the state between two
//! batches. Only batches change entries: what readers and sled's own thread do to pages meanwhile, splits and
//! merges, keeps what is in them. Within the call the page that covers the key is a copy; where none of its
//! keys is early enough, sled goes on in the page that covers the possible predecessor of that page's beginning.
//! This misses the neighbour where that one begins between the two, and then sled gives up. Pages begin with
//! the beginnings of keys, and no key has the four bytes that it takes (`chunk::between`).
//!
//! A list is several calls, between which batches may come. It reads on from key to key, and takes no entry
//! that is not behind the last one. An entry that is there all the time is not missed: until its chunk is read,
//! it lies in one that is still to come, since an entry that moves goes to a new chunk that begins between its
//! old one and itself. What is read of a chunk is its state at one moment, as what was read of an entry was.
//! Forwards one iterator serves, which keeps a copy of a page: an entry that moves after that is in the copy or in
//! a later page. Backwards each chunk is looked up anew: an entry whose chunk lies before a page may move into it,
//! where a copy lacks it and the next page too.
//!
//! **The running sums are over chunks, as sled has them, not over entries.** A batch adds the weights of what it
//! writes and takes off those of what it found in the same place, so that the difference between the sum that is
//! stated and the sum of what is there stays what it was, whatever is wrong in the chunks that it rewrites. See
//! `doubt`.

use std::ops::Bound;

use ::sled::IVec;

use super::chunk::Chunk;
use super::index::Index;
use super::keys;
use crate::store::StoreError;

/// The chunk in which a key lies if it is there: its key, and its value as sled has it if the chunk is there.
pub(super) type PlaceOf = (IVec, Option<IVec>);

/// Keys with their payloads.
pub(super) type Entries = Vec<(IVec, IVec)>;

impl Index {
    /// The payload under a key.
    pub(super) fn read(&self, key: &[u8]) -> Result<Option<IVec>, StoreError> {
        self.read_at(&self.place_of(key)?, key)
    }

    /// The same where its place is known.
    pub(super) fn read_at(
        &self,
        (at, raw): &PlaceOf,
        key: &[u8],
    ) -> Result<Option<IVec>, StoreError> {
        let Some(raw) = raw else { return Ok(None) };
        let chunk = self.open_chunk(at, raw)?;
        chunk.find(key).map_err(|what| self.damage(at, what))
    }

    /// The chunk in which a key belongs.
    pub(super) fn place_of(&self, key: &[u8]) -> Result<PlaceOf, StoreError> {
        let found = self.chunk_of(key)?.map(|(at, raw)| (at, Some(raw)));
        Ok(found.unwrap_or_else(|| (keys::room(key).into(), None)))
    }

    /// The chunk in which a key lies if it is there, as sled has it.
    pub(super) fn chunk_of(&self, key: &[u8]) -> Result<Option<(IVec, IVec)>, StoreError> {
        self.last_chunk(&keys::room(key), Bound::Included(key))
    }

    fn last_chunk(
        &self,
        room: &[u8],
        end: Bound<&[u8]>,
    ) -> Result<Option<(IVec, IVec)>, StoreError> {
        let range = (Bound::Included(room), end);
        self.guarded(|| self.db().range::<&[u8], _>(range).next_back().transpose())
    }

    /// What is in a chunk.
    pub(super) fn open_chunk(&self, at: &[u8], raw: &IVec) -> Result<Chunk, StoreError> {
        self.verified(at, raw).map(Chunk::new)
    }

    /// Entries whose keys begin with `prefix`, which is of one room, in order, those after the key `after`, with
    /// their payloads. `until` is the first key that is not wanted.
    pub(super) fn list(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        until: Option<&[u8]>,
        limit: usize,
    ) -> Result<Entries, StoreError> {
        let start = after.unwrap_or(prefix);
        let room = keys::room(start);
        let first = self.chunk_of(start)?.map_or_else(|| IVec::from(&room[..]), |(at, _)| at);
        let mut found: Entries = Vec::new();
        let mut chunks = self.db().range::<&[u8], _>(&first[..]..);
        while let Some((at, raw)) = self.guarded(|| chunks.next().transpose())? {
            if keys::room(&at) != room {
                break;
            }
            for (key, payload) in self.entries(&at, &raw)? {
                let last = found.last().map(|(key, _)| &key[..]).or(after);
                if &key[..] < prefix || last.is_some_and(|last| &key[..] <= last) {
                    continue;
                }
                let over = until.is_some_and(|until| &key[..] >= until);
                if over || !key.starts_with(prefix) || found.len() == limit {
                    return Ok(found);
                }
                found.push((key.into(), payload));
            }
        }
        Ok(found)
    }

    /// The same backwards: the last entries before the key `before`.
    pub(super) fn list_back(
        &self,
        prefix: &[u8],
        before: &[u8],
        limit: usize,
    ) -> Result<Entries, StoreError> {
        let room = keys::room(prefix);
        let (mut found, mut end): (Entries, _) = (Vec::new(), IVec::from(before));
        while let Some((at, raw)) = self.last_chunk(&room, Bound::Excluded(&end))? {
            for (key, payload) in self.entries(&at, &raw)?.into_iter().rev() {
                let last = found.last().map_or(before, |(key, _)| &key[..]);
                if &key[..] >= last || (&key[..] > prefix && !key.starts_with(prefix)) {
                    continue;
                }
                if &key[..] < prefix || found.len() == limit {
                    return Ok(found);
                }
                found.push((key.into(), payload));
            }
            end = at;
        }
        Ok(found)
    }

    fn entries(&self, at: &[u8], raw: &IVec) -> Result<Vec<(Vec<u8>, IVec)>, StoreError> {
        self.open_chunk(at, raw)?.entries().map_err(|what| self.damage(at, what))
    }
}
