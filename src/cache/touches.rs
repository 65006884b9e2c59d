//! Touches: noting that a token was used, at next to no cost, and writing it down in batches.
//!
//! A use is appended to the list of the run of slots that its token's slot is in. With a million tokens in
//! use each note is about another token than those before it: a place for each token in a table would be
//! memory that has to be fetched for every request, and again by the flush, while the ends of a thousand
//! lists stay near the processor. A flush takes list by list: each is sorted where the processor has it, and
//! is about one piece of the store's file, which is therefore read and written once.
//!
//! A token can stand in a list more than once; a list that is full is cleared of that before it grows. Tokens
//! that were made one after another share a list, also if no others are used. No core waits for another there:
//! a token is noted once a second at the most, so that a list gets some thousand uses a second.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dashmap::DashMap;

use crate::domain::id::TokenId;
use crate::domain::time::Timestamp;
use crate::domain::token::Token;
use crate::store::{
    Glance, LastUse, NotedUse, Page, PendingUses, StoreError, TokenQuery, Usage, UseKey,
};

use super::entry::FirstUse;
use super::runs::Group;
use super::waiting::{ApiNames, ApiNumber, RUN, Waiting, run_of};
use super::{Cache, Entry, spread};
use crate::domain::hasher::BuildDigestHasher;

/// About how many uses are handed to the store at once: as many as the store tells the history of in one go
/// if all are first ones, and so few that they stay near the processor on their way.
const BATCH: usize = 4_096;

/// So many that a core hardly ever waits for one that another one has.
const SHARDS: usize = 64;

/// Uses on their way to the store.
struct Batch {
    uses: Vec<NotedUse>,
    /// How many runs they are of.
    runs: usize,
    /// Whether there are first ones among them.
    first: bool,
}

/// The uses that are not yet written down.
#[derive(Debug)]
pub(super) struct Touches {
    /// By the number of the run, spread.
    groups: DashMap<u64, Group, BuildDigestHasher>,
    names: Mutex<ApiNames>,
    /// Held by a flush: what is due is due to one of them.
    flushing: tokio::sync::Mutex<()>,
    /// How often first uses were forgotten, since they were written.
    forgotten: AtomicU64,
    /// Tokens of which somebody has to hear that they were used: of rotations, and therefore few.
    rotating: Mutex<BTreeSet<TokenId>>,
}

impl Touches {
    pub(super) fn new() -> Self {
        Self {
            groups: DashMap::with_hasher_and_shard_amount(BuildDigestHasher::default(), SHARDS),
            names: Mutex::new(ApiNames::new()),
            flushing: tokio::sync::Mutex::default(),
            forgotten: AtomicU64::new(0),
            rotating: Mutex::default(),
        }
    }

    /// Moved on before first uses leave the memory.
    pub(super) fn forgotten(&self) -> u64 {
        self.forgotten.load(Ordering::SeqCst)
    }

    /// The newest use of a token that is not yet written down.
    pub(super) fn newest(&self, of: UseKey) -> Option<LastUse> {
        let newest = self.groups.get(&spread(run_of(of)))?.newest(of).copied()?;
        Some(newest.last(&self.names()))
    }

    /// Passes on the uses that wait of the tokens with these slots. The list of a run is held for as long as its
    /// uses are passed on: microseconds.
    fn each(&self, slots: Range<u64>, pass: &mut dyn FnMut(u64, Timestamp)) {
        for run in slots.start / RUN..slots.end.div_ceil(RUN) {
            let Some(group) = self.groups.get(&spread(run)) else { continue };
            for waiting in group.all() {
                let slot = waiting.slot(run);
                if slots.contains(&slot) {
                    pass(slot, waiting.at());
                }
            }
        }
    }

    fn add(&self, run: u64, waiting: Waiting) {
        self.groups.entry(spread(run)).or_insert_with(|| Group::new(run)).add(waiting);
    }

    /// The runs that have uses now, in the order of their slots.
    fn runs(&self) -> Vec<u64> {
        let mut runs: Vec<u64> = self.groups.iter().map(|group| group.run).collect();
        runs.sort_unstable();
        runs
    }

    /// Begins a flush of the first of some runs, about a batch of uses.
    fn due(&self, runs: &[u64]) -> Batch {
        let mut batch = Batch { uses: Vec::with_capacity(BATCH), runs: 0, first: false };
        let names = self.names();
        for run in runs {
            if batch.uses.len() >= BATCH {
                break;
            }
            batch.runs = batch.runs.saturating_add(1);
            if let Some(mut group) = self.groups.get_mut(&spread(*run)) {
                group.begin_flush();
                batch.first |= group.due.iter().any(Waiting::is_first);
                batch.uses.extend(group.due.iter().map(|waiting| waiting.noted(*run, &names)));
            }
            // A run of which nobody used a token since the flush before takes no memory. Others keep
            // theirs: it is wanted again.
            self.groups.remove_if(&spread(*run), |_, group| group.len() == 0);
        }
        batch
    }

    /// Forgets what was due in some runs: it is written.
    fn written(&self, runs: &[u64], first: bool) {
        if first {
            self.forgotten.fetch_add(1, Ordering::SeqCst);
        }
        for key in runs.iter().copied().map(spread) {
            if let Some(mut group) = self.groups.get_mut(&key) {
                group.due = Vec::new();
            }
        }
    }

    fn rotating(&self) -> MutexGuard<'_, BTreeSet<TokenId>> {
        self.rotating.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn names(&self) -> MutexGuard<'_, ApiNames> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PendingUses for Cache {
    fn newest(&self, of: UseKey) -> Option<Timestamp> {
        self.touches.newest(of).map(|last| last.at)
    }

    fn each(&self, slots: Range<u64>, pass: &mut dyn FnMut(u64, Timestamp)) {
        self.touches.each(slots, pass);
    }
}

impl Cache {
    /// The number by which uses of an API are noted. It stays the same for the life of the cache.
    pub fn api_number(&self, name: &Arc<str>) -> ApiNumber {
        self.touches.names().number(name)
    }

    /// Notes that a token was used. Called after the permit and before the request is passed on.
    /// Reads one word, and writes only once a second for each token.
    pub fn touch(&self, entry: &Entry, now: Timestamp, address: IpAddr, api: ApiNumber) {
        if let Some(FirstUse(first)) = entry.last_seen.advance(now) {
            let of = UseKey { token: entry.id, slot: entry.slot };
            self.touches.add(run_of(of), Waiting::new(of, (now, address), api, first));
            if (first && entry.succeeds) || entry.retires {
                self.touches.rotating().insert(entry.id);
            }
        }
    }

    /// Tokens whose use may begin the end of one that was rotated, since this was last asked.
    pub fn take_rotating(&self) -> BTreeSet<TokenId> {
        std::mem::take(&mut *self.touches.rotating())
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

    /// The same for many tokens, in their order, with one question to the store for those whose slot is
    /// given.
    ///
    /// # Errors
    /// The store's.
    pub async fn last_uses(&self, of: &[UseKey]) -> Result<Vec<Option<Usage>>, StoreError> {
        let mut of = of.to_vec();
        for key in of.iter_mut().filter(|key| key.slot.is_none()) {
            // Pending uses are found by it.
            key.slot = self.store.use_slot(key.token).await?;
        }
        // In this order: a use leaves the memory only after the store has it.
        let pending: Vec<_> = of.iter().map(|key| self.touches.newest(*key)).collect();
        let asked = of.iter().zip(&pending).filter(|(_, pending)| pending.is_none());
        let asked: Vec<_> = asked.map(|(key, _)| *key).collect();
        let mut stored = self.store.last_uses(&asked).await?.into_iter();
        let either =
            |pending: Option<LastUse>| pending.map(Usage::from).or_else(|| stored.next().flatten());
        Ok(pending.into_iter().map(either).collect())
    }

    /// A page of tokens at a glance, with the uses that are not yet written down.
    ///
    /// # Errors
    /// The store's.
    pub async fn glances(
        self: &Arc<Self>,
        query: &TokenQuery,
    ) -> Result<Page<Glance, TokenId>, StoreError> {
        let pending: Arc<dyn PendingUses> = Arc::<Self>::clone(self);
        self.store.glances(query, pending).await
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

    /// Passes pending uses on to the process that has the store, in batches; what is not `taken` stays pending. Blocks.
    pub fn pass_uses_on(&self, mut taken: impl FnMut(Vec<NotedUse>) -> bool) {
        let _alone = self.touches.flushing.blocking_lock();
        let runs = self.touches.runs();
        let mut rest = runs.as_slice();
        while !rest.is_empty() {
            let batch = self.touches.due(rest);
            let (passed, after) = rest.split_at(batch.runs);
            rest = after;
            if !batch.uses.is_empty() && taken(batch.uses) {
                self.touches.written(passed, batch.first);
            }
        }
    }

    /// Notes uses that were passed on here.
    pub fn note_passed_on(&self, uses: Vec<NotedUse>) {
        for NotedUse { of, last: LastUse { at, address, api }, first } in uses {
            let api = self.api_number(&api);
            self.touches.add(run_of(of), Waiting::new(of, (at, address), api, first));
            // They are few, and whoever hears of them finds out which matter.
            self.touches.rotating().insert(of.token);
        }
    }

    async fn flush(&self, now: Timestamp) -> Result<usize, StoreError> {
        let _alone = self.touches.flushing.lock().await;
        let runs = self.touches.runs();
        let (mut rest, mut written, mut refused) = (runs.as_slice(), 0, Ok(()));
        while !rest.is_empty() {
            let batch = self.touches.due(rest);
            let (taken, after) = rest.split_at(batch.runs);
            rest = after;
            let count = batch.uses.len();
            if count == 0 {
                continue;
            }
            match self.store.note_uses(batch.uses, now).await {
                Ok(()) => {
                    written += count;
                    self.touches.written(taken, batch.first);
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::UseSlot;
    use crate::store::sample;

    fn key(token: u64, slot: Option<u64>) -> UseKey {
        UseKey { token: sample::token(token, "alice").id, slot: slot.map(UseSlot::new) }
    }

    fn waiting(of: UseKey, second: u64, first: bool) -> Waiting {
        let (at, address) = (Timestamp::from_unix(second), IpAddr::from([127, 0, 0, 1]));
        Waiting::new(of, (at, address), ApiNumber::default(), first)
    }

    #[test]
    fn a_flush_is_in_the_order_of_slots_and_leaves_no_memory_behind() {
        let touches = Touches::new();
        // No slots among them, as of a store that has none.
        let keys = (0..5_000).map(|n| key(n, (n % 5 > 0).then_some(n * 7_919 % 5_000)));
        let keys: Vec<UseKey> = keys.collect();
        for second in [7, 9, 8] {
            for of in &keys {
                touches.add(run_of(*of), waiting(*of, second, second == 7));
            }
        }
        let runs = touches.runs();
        let (mut rest, mut told) = (runs.as_slice(), Vec::new());
        while !rest.is_empty() {
            let batch = touches.due(rest);
            assert!(batch.first && batch.uses.len() < BATCH + RUN as usize);
            told.extend(batch.uses);
            let (taken, after) = rest.split_at(batch.runs);
            touches.written(taken, batch.first);
            rest = after;
        }
        let slots: Vec<_> = told.iter().filter_map(|noted| noted.of.slot).collect();
        assert!(slots.len() == 4_000 && slots.is_sorted_by_key(|slot| slot.number()));
        assert_eq!(told.len(), 5_000);
        assert!(told.iter().all(|noted| noted.first && noted.last.at.unix() == 9));
        let forgotten = touches.forgotten();
        assert!(forgotten > 0 && touches.groups.iter().all(|group| group.len() == 0));
        let batch = touches.due(&touches.runs());
        assert!(
            batch.uses.is_empty() && touches.groups.is_empty(),
            "unused since the flush before"
        );
        touches.add(run_of(keys[0]), waiting(keys[0], 10, false));
        let batch = touches.due(&touches.runs());
        touches.written(&touches.runs(), batch.first);
        assert_eq!(touches.forgotten(), forgotten, "nobody can take the next use for the first");
        assert!(keys.iter().all(|of| touches.newest(*of).is_none()));
    }
}
