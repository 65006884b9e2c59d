//! Touches: noting that a token was used, at next to no cost, and writing it down in batches.

use std::hash::{BuildHasherDefault, Hasher};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use dashmap::DashMap;

use crate::domain::id::TokenId;
use crate::domain::time::Timestamp;
use crate::domain::token::Token;
use crate::store::{LastUse, NotedUse, StoreError, UseKey, UseSlot};

use super::entry::FirstUse;
use super::{Cache, Entry};

/// The most uses that are written at once: some 20 MB in passing. The fewer batches there are, the fewer
/// pages the store writes twice in a flush.
const BATCH: usize = 131_072;

/// So many that the growth of one of them stops nobody for long.
const SHARDS: usize = 256;

/// A use that is not yet written down, where a token that was evicted and comes back finds it.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) last_use: LastUse,
    slot: Option<UseSlot>,
    /// The flush before which it came.
    flush: u32,
    first: bool,
}

/// The uses that are not yet written down.
#[derive(Debug)]
pub(super) struct Touches {
    pub(super) pending: DashMap<TokenId, Pending, BuildHasherDefault<TokenHasher>>,
    /// How many flushes were begun.
    flushes: AtomicU32,
}

impl Touches {
    pub(super) fn new() -> Self {
        let pending = DashMap::with_hasher_and_shard_amount(BuildHasherDefault::default(), SHARDS);
        Self { pending, flushes: AtomicU32::new(1) }
    }

    /// Some of the uses that came before a flush.
    fn due(&self, flush: u32) -> Vec<NotedUse> {
        let due = self.pending.iter().filter(|entry| entry.flush <= flush).take(BATCH);
        let noted = due.map(|entry| NotedUse {
            of: UseKey { token: *entry.key(), slot: entry.slot },
            last: entry.last_use.clone(),
            first: entry.first,
        });
        noted.collect()
    }

    /// Forgets a use that was written. One that came meanwhile stays for the next flush; it is no first one
    /// any more.
    fn written(&self, flush: u32, (id, at): (TokenId, Timestamp)) {
        let removed = self.pending.remove_if(&id, |_, pending| pending.last_use.at <= at);
        if removed.is_none()
            && let Some(mut pending) = self.pending.get_mut(&id)
        {
            (pending.first, pending.flush) = (false, flush.wrapping_add(1));
        }
    }

    /// Leaves a use that could not be written to the next flush.
    fn failed(&self, flush: u32, id: TokenId) {
        if let Some(mut pending) = self.pending.get_mut(&id) {
            pending.flush = flush.wrapping_add(1);
        }
    }
}

impl Cache {
    /// Notes that a token was used. Called after the permit and before the request is passed on. Reads
    /// one word, and writes only once a second for each token.
    pub fn touch(&self, entry: &Entry, now: Timestamp, address: IpAddr, api: &Arc<str>) {
        if let Some(first) = entry.last_seen.advance(now) {
            self.note(entry, first, now, address, api);
        }
    }

    fn note(
        &self,
        entry: &Entry,
        FirstUse(first): FirstUse,
        at: Timestamp,
        address: IpAddr,
        api: &Arc<str>,
    ) {
        let last_use = LastUse { at, address, api: Arc::clone(api) };
        match self.touches.pending.entry(entry.id) {
            dashmap::Entry::Occupied(mut earlier) => {
                let earlier = earlier.get_mut();
                earlier.first |= first;
                if earlier.last_use.at < at {
                    earlier.last_use = last_use;
                }
            }
            dashmap::Entry::Vacant(place) => {
                let flush = self.touches.flushes.load(Ordering::Relaxed);
                place.insert(Pending { last_use, slot: entry.slot, flush, first });
            }
        }
    }

    /// How many tokens have a use that is not yet written down.
    pub fn pending_touches(&self) -> usize {
        self.touches.pending.len()
    }

    /// When a token was last used, also if that is not yet written down.
    ///
    /// # Errors
    /// The store's.
    pub async fn last_use(&self, token: &Token) -> Result<Option<LastUse>, StoreError> {
        Ok(self.last_uses(&[token.id.into()]).await?.pop().flatten())
    }

    /// The same for many tokens, in their order, with one question to the store.
    ///
    /// # Errors
    /// The store's.
    pub async fn last_uses(&self, of: &[UseKey]) -> Result<Vec<Option<LastUse>>, StoreError> {
        // In this order: a use leaves the memory only after the store has it.
        let pending = |key: &UseKey| {
            self.touches.pending.get(&key.token).map(|pending| pending.last_use.clone())
        };
        let pending: Vec<_> = of.iter().map(pending).collect();
        let asked = of.iter().zip(&pending).filter(|(_, pending)| pending.is_none());
        let asked: Vec<_> = asked.map(|(key, _)| *key).collect();
        let mut stored = self.store.last_uses(&asked).await?.into_iter();
        let either = |pending: Option<LastUse>| pending.or_else(|| stored.next().flatten());
        Ok(pending.into_iter().map(either).collect())
    }

    /// Writes pending uses down, in batches; what could not be written stays pending. First uses are
    /// also told to the history, as observations. Uses that come meanwhile are left to the next flush, so
    /// that this one ends.
    ///
    /// # Errors
    /// The store's.
    pub async fn flush_touches(self: &Arc<Self>, now: Timestamp) -> Result<usize, StoreError> {
        let flush = self.touches.flushes.fetch_add(1, Ordering::Relaxed);
        let mut written = 0;
        let mut refused = Ok(());
        loop {
            let due = self.aside(move |touches| touches.due(flush)).await?;
            if due.is_empty() {
                break;
            }
            let noted: Vec<_> = due.iter().map(|noted| (noted.of.token, noted.last.at)).collect();
            match self.store.note_uses(due, now).await {
                Ok(()) => {
                    written += noted.len();
                    let forget = move |touches: &Touches| {
                        noted.into_iter().for_each(|noted| touches.written(flush, noted));
                    };
                    self.aside(forget).await?;
                }
                // Without a history to tell of first uses, all uses are still written.
                Err(error @ StoreError::ReadOnly(_)) => {
                    noted.iter().for_each(|(id, _)| self.touches.failed(flush, *id));
                    refused = Err(error);
                }
                Err(error) => {
                    refused = Err(error);
                    break;
                }
            }
        }
        self.counts.flushed.add_shared(written as u64);
        refused.map(|()| written)
    }

    /// Walks over many uses on a thread that may take some milliseconds; loads go on meanwhile.
    async fn aside<T: Send + 'static>(
        self: &Arc<Self>,
        walk: impl FnOnce(&Touches) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let cache = Arc::clone(self);
        let walked = tokio::task::spawn_blocking(move || walk(&cache.touches)).await;
        walked.map_err(|_| StoreError::Closed)
    }
}

/// Hashes token ids. Nobody but this program makes them, and most of their bits are random.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TokenHasher(u64);

impl Hasher for TokenHasher {
    fn finish(&self) -> u64 {
        // Shards are chosen by high bits, and places in them by low ones.
        self.0 ^ self.0 >> 32
    }

    fn write(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(8) {
            let mut word = [0; 8];
            word.iter_mut().zip(part).for_each(|(to, from)| *to = *from);
            self.0 = (self.0.rotate_left(29) ^ u64::from_le_bytes(word))
                .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
    }

    /// The length, which is always the same.
    fn write_usize(&mut self, _: usize) {}
}
