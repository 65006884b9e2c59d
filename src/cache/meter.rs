//! What was used of the limits of one token, over all cores.
//!
//! One lock for each token that has limits, held for some additions and never while anybody waits, so that
//! a request is counted towards all of its limits or towards none.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::bucket::Bucket;
use crate::domain::id::TokenId;
use crate::domain::left::{InPeriod, Left, Room, Spent};
use crate::domain::limits::{Limit, Limits, Rate};
use crate::domain::period::Period;
use crate::domain::time::Timestamp;
use crate::store::{UseKey, UseSlot};

/// The most requests that are reserved at once, and that a crash can take from a token.
const BLOCK_MAX: u64 = 1_000;
/// The part of a limit that is reserved at once: one in so many.
const BLOCK_PART: u64 = 100;

/// The limits of a token, as its record has them, and what was used of them.
#[derive(Debug)]
pub struct Limited {
    /// The limits.
    pub limits: Limits,
    pub(super) meter: Arc<Meter>,
}

/// A moment, by both clocks.
#[derive(Clone, Copy, Debug)]
pub struct At {
    /// By the wall clock, for periods.
    pub now: Timestamp,
    /// By a clock that is never set, for rates: in nanoseconds.
    pub uptime_ns: u64,
}

/// Leave for one request under a limit. Dropping it says that the request is over.
#[derive(Debug)]
pub struct Seat {
    meter: Arc<Meter>,
    /// When it was counted.
    at: Timestamp,
}

/// What became of a request.
#[derive(Debug)]
pub enum Taken {
    /// It counts.
    Seat(Seat),
    /// It does not.
    Refused(Limit),
    /// Nobody can say before more requests are reserved in the store: see [`super::Cache::take`].
    Unreserved,
}

/// What was used of the limits of one token. It outlives the records of it that are held.
#[derive(Debug)]
pub(super) struct Meter {
    id: TokenId,
    slot: Option<UseSlot>,
    state: Mutex<State>,
    /// Held by whoever reads or writes the counts in the store.
    pub(super) turn: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug, Default)]
struct State {
    bucket: Bucket,
    /// When the bucket will be empty.
    empty_at_ns: u64,
    under_way: u32,
    /// None until they were read from the store.
    counts: Option<Counts>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    uses: Count,
    quotas: [(Timestamp, Timestamp, Count); Period::ALL.len()],
}

/// Requests, those that the store knows to be spoken for among them: never fewer than were used.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    used: u64,
    reserved: u64,
}

impl Count {
    /// Of what the store says: whether more of it was used is not known after a crash, so that all was.
    const fn of(spent: u64) -> Self {
        Self { used: spent, reserved: spent }
    }

    /// What is to be reserved under a limit.
    fn wanted(self, most: u64) -> u64 {
        let left = most.saturating_sub(self.used);
        if self.used < self.reserved || left == 0 {
            return self.reserved;
        }
        let block = (most / BLOCK_PART).clamp(1, BLOCK_MAX).min(left);
        self.used.saturating_add(block)
    }
}

impl Counts {
    fn of(spent: Spent) -> Self {
        let mut counts = Self { uses: Count::of(spent.uses), ..Self::default() };
        let places = counts.quotas.iter_mut().zip(Period::ALL).zip(spent.quotas);
        for ((place, period), InPeriod { begin, requests }) in places {
            *place = (begin, period.end(begin), Count::of(requests));
        }
        counts
    }

    /// Begins the periods that `now` lies in. What was counted in one that lies ahead, by a clock that
    /// stood wrong, counts in the present one.
    fn roll(&mut self, now: Timestamp) {
        for ((begin, end, count), period) in self.quotas.iter_mut().zip(Period::ALL) {
            if now >= *end {
                *count = Count::default();
            }
            if now >= *end || now < *begin {
                (*begin, *end) = (period.begin(now), period.end(now));
            }
        }
    }

    /// Each limit that there is, and its count.
    fn each<'a>(
        &'a mut self,
        limits: &'a Limits,
    ) -> impl Iterator<Item = (Limit, u64, &'a mut Count)> {
        let quotas = self.quotas.iter_mut().zip(Period::ALL).filter_map(|((.., count), period)| {
            limits.quotas.get(&period).map(|most| (Limit::Quota, *most, count))
        });
        let uses = limits.uses.map(|most| (Limit::Uses, most, &mut self.uses));
        quotas.chain(uses)
    }
}

impl Limited {
    /// Counts a request towards all limits, or towards none.
    pub fn take(&self, at: At) -> Taken {
        let limits = &self.limits;
        let mut held = self.meter.lock();
        let state = &mut *held;
        let bucket = match limits.rate.map(|rate| (rate, state.bucket.add(rate, at.uptime_ns))) {
            None => None,
            Some((rate, Ok(bucket))) => Some((rate, bucket)),
            Some((_, Err(_))) => return Taken::Refused(Limit::Rate),
        };
        let mut unreserved = limits.is_counted() && state.counts.is_none();
        if let Some(counts) = &mut state.counts {
            counts.roll(at.now);
            for (limit, most, count) in counts.each(limits) {
                if count.used >= most {
                    return Taken::Refused(limit);
                }
                unreserved |= count.used >= count.reserved;
            }
        }
        if limits.concurrent.is_some_and(|most| state.under_way >= most) {
            return Taken::Refused(Limit::Concurrent);
        }
        if unreserved {
            return Taken::Unreserved;
        }
        if let Some((rate, bucket)) = bucket {
            (state.bucket, state.empty_at_ns) = (bucket, bucket.empty_at_ns(rate));
        }
        if let Some(counts) = &mut state.counts {
            counts.each(limits).for_each(|(.., count)| count.used = count.used.saturating_add(1));
        }
        state.under_way = state.under_way.saturating_add(1);
        drop(held);
        Taken::Seat(Seat { meter: Arc::clone(&self.meter), at: at.now })
    }

    /// What is left. Of counts that were not read yet nothing is said.
    pub fn left(&self, at: At) -> Left {
        let mut state = self.meter.lock();
        let (bucket, under_way) = (state.bucket, state.under_way);
        let counts = state.counts.as_mut();
        let counts = counts.map(|counts| {
            counts.roll(at.now);
            *counts
        });
        drop(state);
        left(&self.limits, at, (bucket, under_way), counts)
    }
}

/// What is left of limits of which nothing is held in memory, by what the store says.
pub(super) fn left_of(limits: &Limits, at: At, spent: Spent) -> Left {
    let mut counts = Counts::of(spent);
    counts.roll(at.now);
    left(limits, at, (Bucket::default(), 0), Some(counts))
}

fn left(limits: &Limits, at: At, held: (Bucket, u32), counts: Option<Counts>) -> Left {
    let (bucket, under_way) = held;
    let rate = limits.rate.map(|rate| rate_left(rate, bucket, at));
    let mut quotas = std::collections::BTreeMap::new();
    for (period, (_, end, count)) in
        Period::ALL.into_iter().zip(counts.iter().flat_map(|counts| counts.quotas))
    {
        if let Some(most) = limits.quotas.get(&period) {
            let requests = most.saturating_sub(count.used);
            quotas.insert(period, Room { requests, seconds: end.since(at.now).seconds() });
        }
    }
    let uses = limits.uses.zip(counts);
    Left {
        rate,
        quotas,
        uses: uses.map(|(most, counts)| most.saturating_sub(counts.uses.used)),
        concurrent: limits.concurrent.map(|most| most.saturating_sub(under_way)),
    }
}

fn rate_left(rate: Rate, bucket: Bucket, at: At) -> Room {
    let requests = bucket.room(rate, at.uptime_ns);
    let wait_ns = bucket.add(rate, at.uptime_ns).err().unwrap_or(0);
    Room { requests, seconds: wait_ns.div_ceil(1_000_000_000) }
}

impl Meter {
    pub(super) fn new(id: TokenId, slot: Option<UseSlot>) -> Self {
        Self { id, slot, state: Mutex::default(), turn: Arc::default() }
    }

    pub(super) const fn key(&self) -> UseKey {
        UseKey { token: self.id, slot: self.slot }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the counts were read.
    pub(super) fn is_read(&self) -> bool {
        self.lock().counts.is_some()
    }

    /// Takes the counts from the store.
    pub(super) fn begin(&self, spent: Spent) {
        self.lock().counts.get_or_insert_with(|| Counts::of(spent));
    }

    /// What the store is to know before more requests are used; none before the counts were read.
    pub(super) fn wanted(&self, limits: &Limits, now: Timestamp) -> Option<Spent> {
        let mut state = self.lock();
        let counts = state.counts.as_mut()?;
        counts.roll(now);
        let mut counts = *counts;
        drop(state);
        counts.each(limits).for_each(|(_, most, count)| count.reserved = count.wanted(most));
        Some(spoken_for(&counts))
    }

    /// The store knows it.
    pub(super) fn reserved(&self, spent: Spent) {
        let mut state = self.lock();
        let Some(counts) = &mut state.counts else { return };
        counts.uses.reserved = counts.uses.reserved.max(spent.uses);
        for ((begin, _, count), known) in counts.quotas.iter_mut().zip(spent.quotas) {
            if *begin == known.begin {
                count.reserved = count.reserved.max(known.requests);
            }
        }
    }

    /// Gives back what is reserved and was not used: what the store is to know, if it does not. In memory
    /// it is given back at once, so that nobody uses it meanwhile.
    pub(super) fn give_back(&self) -> Option<Spent> {
        let mut state = self.lock();
        let counts = state.counts.as_mut()?;
        let mut given = false;
        let all = counts.quotas.iter_mut().map(|(.., count)| count);
        for count in all.chain([&mut counts.uses]) {
            given |= count.reserved > count.used;
            count.reserved = count.used;
        }
        given.then(|| spoken_for(counts))
    }

    /// Whether nothing would be lost with it but what can be given back.
    pub(super) fn is_idle(&self, uptime_ns: u64) -> bool {
        let state = self.lock();
        state.under_way == 0 && state.empty_at_ns <= uptime_ns
    }

    /// Whether nothing would be lost with it.
    pub(super) fn is_at_rest(&self, uptime_ns: u64) -> bool {
        let idle = self.is_idle(uptime_ns);
        let state = self.lock();
        let whole = |count: &Count| count.reserved <= count.used;
        let given_back = state.counts.as_ref().is_none_or(|counts| {
            whole(&counts.uses) && counts.quotas.iter().all(|(.., count)| whole(count))
        });
        given_back && idle
    }
}

fn spoken_for(counts: &Counts) -> Spent {
    let quotas =
        counts.quotas.map(|(begin, _, count)| InPeriod { begin, requests: count.reserved });
    Spent { uses: counts.uses.reserved, quotas }
}

impl Seat {
    /// The request came to nothing that its token has to pay for: it counts towards no quota, and is no use. That it came
    /// counts towards the rate all the same.
    pub fn gives_back(&self) {
        let mut state = self.meter.lock();
        let Some(counts) = &mut state.counts else { return };
        counts.uses.used = counts.uses.used.saturating_sub(1);
        for (begin, end, count) in &mut counts.quotas {
            if (*begin..*end).contains(&self.at) {
                count.used = count.used.saturating_sub(1);
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.meter.lock();
        state.under_way = state.under_way.saturating_sub(1);
    }
}
