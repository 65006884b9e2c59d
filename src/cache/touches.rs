//! Touches: noting that a token was used, at next to no cost, and writing it down in batches.
//!
//! A use is appended to the list of its group. With a million tokens in use each note is about
//! another token than those before it: a place for each token in a table would be memory that has
//! to be fetched for every request, and again by the flush, while the ends of a few hundred lists
//! stay in the processor. A token can therefore stand in a list more than once; a list that is full
//! is cleared of that before it grows.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::DashMap;

use crate::domain::id::TokenId;
use crate::domain::time::Timestamp;
use crate::domain::token::Token;
use crate::store::{LastUse, NotedUse, StoreError, Usage, UseKey};

use super::entry::FirstUse;
use super::{BuildDigestHasher, Cache, Entry, spread};

/// About how many uses are written at once: some 20 MB in passing. The fewer batches there are, the
/// fewer pages the store writes twice in a flush.
const BATCH: usize = 131_072;

/// A power of two: few enough that the ends of all lists stay near the processor, and so many that
/// a list is searched in some ten microseconds at the most, with a million tokens in use.
const GROUPS: u64 = 512;

/// So many that a core hardly ever waits for one that another one has.
const SHARDS: usize = 64;

/// The uses of some tokens that are not yet written down, where a token that was evicted and comes
/// back finds its own.
#[derive(Debug, Default)]
struct Group {
    /// Those that came since the last flush began, in the order in which they came.
    fresh: Vec<NotedUse>,
    /// Those that the flush under way, or one that failed, is to write.
    due: Vec<NotedUse>,
}

impl Group {
    fn add(&mut self, noted: NotedUse) {
        if self.fresh.len() == self.fresh.capacity() {
            keep_newest(&mut self.fresh);
            // At least half of it is free now, or it becomes twice as long as what is left.
            self.fresh.reserve_exact(self.fresh.len().max(4));
        }
        self.fresh.push(noted);
    }

    /// The newest use of a token.
    fn newest(&self, token: TokenId) -> Option<&LastUse> {
        let of_token = |noted: &&NotedUse| noted.of.token == token;
        let uses = self.due.iter().chain(&self.fresh).filter(of_token);
        uses.map(|noted| &noted.last).max_by_key(|last| last.at)
    }

    /// Begins a flush: what came up to now is due.
    fn begin_flush(&mut self) {
        // About as many will come before the next one.
        let room = Vec::with_capacity(self.fresh.len());
        let mut fresh = std::mem::replace(&mut self.fresh, room);
        if self.due.is_empty() {
            self.due = fresh;
        } else {
            // The flush before could not be finished, and neither may be many others.
            self.due.append(&mut fresh);
            keep_newest(&mut self.due);
        }
    }

    fn len(&self) -> usize {
        self.due.len().saturating_add(self.fresh.len())
    }
}

/// Leaves one use of each token, the newest; it is the first of all if any of them was.
fn keep_newest(uses: &mut Vec<NotedUse>) {
    uses.sort_unstable_by_key(|noted| (noted.of.token, std::cmp::Reverse(noted.last.at)));
    uses.dedup_by(|older, newest| {
        let same = older.of.token == newest.of.token;
        newest.first |= same && older.first;
        same
    });
}

/// The uses that are not yet written down.
#[derive(Debug)]
pub(super) struct Touches {
    /// By the number of the group, spread.
    groups: DashMap<u64, Group, BuildDigestHasher>,
    /// Held by a flush: what is due is due to one of them.
    flushing: tokio::sync::Mutex<()>,
    /// How often uses were forgotten, since they were written.
    forgotten: AtomicU64,
}

impl Touches {
    pub(super) fn new() -> Self {
        let groups = DashMap::with_hasher_and_shard_amount(BuildDigestHasher::default(), SHARDS);
        Self { groups, flushing: tokio::sync::Mutex::default(), forgotten: AtomicU64::new(0) }
    }

    /// Moved on before uses leave the memory.
    pub(super) fn forgotten(&self) -> u64 {
        self.forgotten.load(Ordering::SeqCst)
    }

    /// The newest use of a token that is not yet written down.
    pub(super) fn newest(&self, token: TokenId) -> Option<LastUse> {
        self.groups.get(&spread(group_of(token)))?.newest(token).cloned()
    }

    fn add(&self, noted: NotedUse) {
        self.groups.entry(spread(group_of(noted.of.token))).or_default().add(noted);
    }

    /// Begins a flush of some groups from number `from` on, about a batch of uses: copies of them,
    /// and the number of the group to go on with.
    fn due(&self, from: u64) -> (Vec<NotedUse>, u64) {
        let (mut batch, mut next) = (Vec::new(), from);
        while next < GROUPS && batch.len() < BATCH {
            if let Some(mut group) = self.groups.get_mut(&spread(next)) {
                group.begin_flush();
                batch.extend_from_slice(&group.due);
            }
            next += 1;
        }
        (batch, next)
    }

    /// Forgets what was due in some groups: it is written.
    fn written(&self, groups: std::ops::Range<u64>) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        for key in groups.map(spread) {
            if let Some(mut group) = self.groups.get_mut(&key) {
                group.due = Vec::new();
            }
            // A group whose tokens are no longer in use takes no memory.
            self.groups.remove_if(&key, |_, group| group.len() == 0);
        }
    }
}

impl Cache {
    /// Notes that a token was used. Called after the permit and before the request is passed on.
    /// Reads one word, and writes only once a second for each token.
    pub fn touch(&self, entry: &Entry, now: Timestamp, address: IpAddr, api: &Arc<str>) {
        if let Some(FirstUse(first)) = entry.last_seen.advance(now) {
            let of = UseKey { token: entry.id, slot: entry.slot };
            let last = LastUse { at: now, address, api: Arc::clone(api) };
            self.touches.add(NotedUse { of, last, first });
        }
    }

    /// How many uses are not yet written down. A token that was used in several seconds may count
    /// for each.
    pub fn pending_touches(&self) -> usize {
        self.touches.groups.iter().map(|group| group.len()).sum()
    }

    /// When a token was last used, also if that is not yet written down.
    ///
    /// # Errors
    /// The store's.
    pub async fn last_use(&self, token: &Token) -> Result<Option<Usage>, StoreError> {
        Ok(self.last_uses(&[token.id.into()]).await?.pop().flatten())
    }

    /// The same for many tokens, in their order, with one question to the store.
    ///
    /// # Errors
    /// The store's.
    pub async fn last_uses(&self, of: &[UseKey]) -> Result<Vec<Option<Usage>>, StoreError> {
        // In this order: a use leaves the memory only after the store has it.
        let pending: Vec<_> = of.iter().map(|key| self.touches.newest(key.token)).collect();
        let asked = of.iter().zip(&pending).filter(|(_, pending)| pending.is_none());
        let asked: Vec<_> = asked.map(|(key, _)| *key).collect();
        let mut stored = self.store.last_uses(&asked).await?.into_iter();
        let either =
            |pending: Option<LastUse>| pending.map(Usage::from).or_else(|| stored.next().flatten());
        Ok(pending.into_iter().map(either).collect())
    }

    /// Writes pending uses down, in batches; what could not be written stays pending. First uses
    /// are also told to the history, as observations. Uses that come meanwhile are left to the next
    /// flush, so that this one ends.
    ///
    /// # Errors
    /// The store's.
    pub async fn flush_touches(self: &Arc<Self>, now: Timestamp) -> Result<usize, StoreError> {
        let cache = Arc::clone(self);
        // To its end, whoever stops waiting: what is due is due to one flush.
        let task = self.control.spawn(async move { cache.flush(now).await });
        task.await.unwrap_or(Err(StoreError::Closed))
    }

    async fn flush(self: &Arc<Self>, now: Timestamp) -> Result<usize, StoreError> {
        let _alone = self.touches.flushing.lock().await;
        let (mut written, mut group, mut refused) = (0, 0, Ok(()));
        while group < GROUPS {
            let from = group;
            let (due, next) = self.aside(move |touches| touches.due(from)).await?;
            group = next;
            let count = due.len();
            if count == 0 {
                continue;
            }
            match self.store.note_uses(due, now).await {
                Ok(()) => {
                    written += count;
                    self.aside(move |touches| touches.written(from..next)).await?;
                }
                // Without a history to tell of first uses, all uses are still written.
                Err(error @ StoreError::ReadOnly(_)) => refused = Err(error),
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

/// The group of a token, by all bits of its id.
fn group_of(token: TokenId) -> u64 {
    let half = |part: Option<&[u8; 8]>| part.map_or(0, |half| u64::from_le_bytes(*half));
    let bytes = token.as_bytes();
    let both = half(bytes.first_chunk()).rotate_left(29) ^ half(bytes.last_chunk());
    spread(both) >> (u64::BITS - GROUPS.trailing_zeros())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sample;

    fn noted(token: u64, second: u64, first: bool) -> NotedUse {
        let (at, address) = (Timestamp::from_unix(second), IpAddr::from([127, 0, 0, 1]));
        let last = LastUse { at, address, api: "a".into() };
        NotedUse { of: sample::token(token, "alice").id.into(), last, first }
    }

    #[test]
    fn a_list_stays_short_however_often_its_tokens_are_used() {
        let mut group = Group::default();
        for second in 1..=1_000 {
            (0..10).for_each(|token| group.add(noted(token, second, second == 1)));
        }
        assert!(group.fresh.capacity() <= 40, "{}", group.fresh.capacity());
        for token in 0..10 {
            let of = sample::token(token, "alice").id;
            assert_eq!(group.newest(of).unwrap().at.unix(), 1_000);
        }
        keep_newest(&mut group.fresh);
        assert_eq!(group.fresh.len(), 10);
        assert!(group.fresh.iter().all(|noted| noted.first && noted.last.at.unix() == 1_000));
    }

    #[test]
    fn what_a_failed_flush_leaves_is_due_with_what_came_later() {
        let mut group = Group::default();
        for second in 1..=5 {
            group.add(noted(1, second, second == 1));
            group.begin_flush();
            assert_eq!((group.due.len(), group.fresh.len()), (1, 0), "one use of one token");
        }
        assert!(group.due[0].first && group.due[0].last.at.unix() == 5);
    }

    #[test]
    fn tokens_spread_over_all_groups() {
        let mut uses = [0_u32; GROUPS as usize];
        for token in 0..51_200 {
            uses[group_of(sample::token(token, "alice").id) as usize] += 1;
        }
        assert!(uses.iter().all(|uses| (25..400).contains(uses)), "{uses:?}");
    }
}
