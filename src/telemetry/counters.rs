//! Counters of the proxied path. Each core writes only its own, on cache lines of its own and without a
//! locked instruction; a scrape adds them up.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::domain::refusal::Refusal;

/// How a request of a rule ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Passed on, and answered with a status of this hundred (2 to 5).
    Answered(u16),
    /// Refused by the gateway.
    Refused,
    /// Passed on, without a usable answer.
    Failed,
    /// Given up by its client before there was an answer.
    Abandoned,
}

impl Outcome {
    /// The label of each cell, in order.
    pub const LABELS: [&'static str; 7] =
        ["2xx", "3xx", "4xx", "5xx", "refused", "failed", "abandoned"];

    const fn cell(self) -> usize {
        match self {
            Self::Answered(status) => match status / 100 {
                3 => 1,
                4 => 2,
                5 => 3,
                _ => 0,
            },
            Self::Refused => 4,
            Self::Failed => 5,
            Self::Abandoned => 6,
        }
    }
}

/// A number that one thread writes and others read.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Adds `n`. Only the owning core calls this, so that no locked instruction is needed.
    pub fn add(&self, n: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
    }

    /// Takes `n` away, for what is counted up and down.
    pub fn sub(&self, n: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_sub(n), Ordering::Relaxed);
    }

    /// The sum so far.
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How long something took, in buckets that double.
#[derive(Debug, Default)]
pub struct Durations {
    buckets: [Count; Durations::BUCKETS],
    sum_nanos: Count,
}

impl Durations {
    /// The number of buckets; the last has no upper bound.
    pub const BUCKETS: usize = 28;

    /// Upper bound of a bucket in seconds: 1 microsecond, then doubling up to 67 seconds.
    pub fn upper_seconds(bucket: usize) -> f64 {
        if bucket + 1 >= Self::BUCKETS {
            return f64::INFINITY;
        }
        // Divided, so that the bound is the number that a person would write.
        f64::from(1_u32 << bucket.min(31)) / 1e6
    }

    /// Counts one duration. Only the owning core calls this.
    pub fn observe(&self, took: Duration) {
        let (bucket, nanos) = Self::place(took);
        if let Some(count) = self.buckets.get(bucket) {
            count.add(1);
        }
        self.sum_nanos.add(nanos);
    }

    /// Counts one duration of what several threads do.
    pub fn observe_shared(&self, took: Duration) {
        let (bucket, nanos) = Self::place(took);
        if let Some(count) = self.buckets.get(bucket) {
            count.0.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_nanos.0.fetch_add(nanos, Ordering::Relaxed);
    }

    fn place(took: Duration) -> (usize, u64) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let micros = nanos.div_ceil(1_000).max(1);
        let bucket = micros.checked_next_power_of_two().map_or(64, u64::trailing_zeros) as usize;
        (bucket.min(Self::BUCKETS - 1), nanos)
    }

    /// The count of each bucket, and the sum in seconds.
    pub fn read(&self) -> ([u64; Self::BUCKETS], f64) {
        let mut counts = [0; Self::BUCKETS];
        for (to, from) in counts.iter_mut().zip(&self.buckets) {
            *to = from.value();
        }
        (counts, self.sum_nanos.value() as f64 / 1e9)
    }
}

/// One count for each reason.
#[derive(Debug)]
pub struct RefusalCounts([Count; Refusal::ALL.len()]);

impl Default for RefusalCounts {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Count::default()))
    }
}

impl RefusalCounts {
    /// The counts, each with its reason.
    pub fn iter(&self) -> impl Iterator<Item = (Refusal, &Count)> {
        Refusal::ALL.into_iter().zip(&self.0)
    }
}

/// What one core counts.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct CoreCounters {
    /// Refusals, by the place of the reason in [`Refusal::ALL`].
    pub refusals: RefusalCounts,
    /// Tokens found in the core's own table or in the cache.
    pub cache_hits: Count,
    /// Tokens that had to be loaded.
    pub cache_misses: Count,
    /// From the end of the request head to the decision, for or against.
    pub decision: Durations,
    /// Requests whose answer is not over.
    pub under_way: Count,
    /// Answers that ended before their end because the upstream broke off.
    pub cut_by_upstream: Count,
    /// Answers that ended before their end because the client left.
    pub cut_by_client: Count,
    /// Client connections that were accepted.
    pub accepted: Count,
    /// Client connections that are open.
    pub open: Count,
    /// Client connections that were closed at once, since too many were open.
    pub turned_away: Count,
    /// Times when the system had no socket to give.
    pub accept_errors: Count,
    /// Connections to upstreams that were made.
    pub connected: Count,
    /// Requests that hyper could not parse and answered itself.
    pub unparsed: Count,
}

impl CoreCounters {
    /// Counts a refusal.
    pub fn refused(&self, refusal: Refusal) {
        let place = Refusal::ALL.iter().position(|one| *one == refusal);
        if let Some(count) = place.and_then(|place| self.refusals.0.get(place)) {
            count.add(1);
        }
    }
}

/// Requests of one rule, by core and outcome.
#[derive(Debug)]
pub struct RuleCounters(Box<[RuleCells]>);

#[derive(Debug, Default)]
#[repr(align(64))]
struct RuleCells([Count; Outcome::LABELS.len()]);

impl RuleCounters {
    /// Counts one request on `core`.
    pub fn add(&self, core: usize, outcome: Outcome) {
        if let Some(count) = self.0.get(core).and_then(|cells| cells.0.get(outcome.cell())) {
            count.add(1);
        }
    }

    /// The sums over all cores, in the order of [`Outcome::LABELS`].
    pub fn read(&self) -> [u64; Outcome::LABELS.len()] {
        let mut sums = [0; Outcome::LABELS.len()];
        for cells in &self.0 {
            for (sum, count) in sums.iter_mut().zip(&cells.0) {
                *sum += count.value();
            }
        }
        sums
    }
}

/// How long an API's upstreams take, by core: from the decision to the head of the answer, or to the
/// failure.
#[derive(Debug)]
pub struct UpstreamTimes(Box<[CoreTimes]>);

#[derive(Debug, Default)]
#[repr(align(128))]
struct CoreTimes(Durations);

impl UpstreamTimes {
    /// Counts one exchange on `core`.
    pub fn observe(&self, core: usize, took: Duration) {
        if let Some(times) = self.0.get(core) {
            times.0.observe(took);
        }
    }

    /// Each core's.
    pub fn iter(&self) -> impl Iterator<Item = &Durations> {
        self.0.iter().map(|times| &times.0)
    }
}

/// The names of an API and of a rule in it.
pub type RuleName = (Arc<str>, Arc<str>);

/// All counters of the proxied path.
#[derive(Debug)]
pub struct Counters {
    /// One for each core.
    pub cores: Vec<Arc<CoreCounters>>,
    rules: Mutex<BTreeMap<RuleName, Arc<RuleCounters>>>,
    upstreams: Mutex<BTreeMap<Arc<str>, Arc<UpstreamTimes>>>,
}

impl Counters {
    /// Counters for so many cores.
    pub fn new(cores: usize) -> Arc<Self> {
        let cores = (0..cores).map(|_| Arc::default()).collect();
        Arc::new(Self { cores, rules: Mutex::default(), upstreams: Mutex::default() })
    }

    /// The counters of a rule. They outlive a reload, so that a scrape never sees them fall.
    pub fn rule(&self, api: &str, rule: &str) -> Arc<RuleCounters> {
        let fresh = || {
            let cells = self.cores.iter().map(|_| RuleCells::default());
            Arc::new(RuleCounters(cells.collect()))
        };
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(rules.entry((api.into(), rule.into())).or_insert_with(fresh))
    }

    /// The times of an API's upstreams. They outlive a reload too.
    pub fn upstream(&self, api: &str) -> Arc<UpstreamTimes> {
        let fresh = || {
            let times = self.cores.iter().map(|_| CoreTimes::default());
            Arc::new(UpstreamTimes(times.collect()))
        };
        let mut upstreams = self.upstreams.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(upstreams.entry(api.into()).or_insert_with(fresh))
    }

    /// Every API that was ever configured, with the times of its upstreams.
    pub fn upstreams(&self) -> Vec<(Arc<str>, Arc<UpstreamTimes>)> {
        let upstreams = self.upstreams.lock().unwrap_or_else(PoisonError::into_inner);
        upstreams.iter().map(|(api, times)| (Arc::clone(api), Arc::clone(times))).collect()
    }

    /// Every rule that was ever configured, with its counters.
    pub fn rules(&self) -> Vec<(RuleName, Arc<RuleCounters>)> {
        let rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        rules.iter().map(|(name, counters)| (name.clone(), Arc::clone(counters))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_fall_into_doubling_buckets() {
        let durations = Durations::default();
        for micros in [0, 1, 2, 3, 1_000, 100_000_000] {
            durations.observe(Duration::from_micros(micros));
        }
        durations.observe_shared(Duration::from_micros(1_000));
        let (counts, sum) = durations.read();
        assert_eq!((counts[0], counts[1], counts[2], counts[10], counts[27]), (2, 1, 1, 2, 1));
        assert!((sum - 100.002_006).abs() < 1e-9);
        assert_eq!(Durations::upper_seconds(10).to_string(), "0.001024");
        durations.observe(Duration::MAX);
        assert_eq!(durations.read().0[27], 2);
    }

    #[test]
    fn rules_keep_their_counts_over_a_reload() {
        let counters = Counters::new(2);
        counters.rule("a", "r").add(0, Outcome::Answered(204));
        counters.rule("a", "r").add(1, Outcome::Refused);
        assert_eq!(counters.rule("a", "r").read(), [1, 0, 0, 0, 1, 0, 0]);
        assert_eq!(counters.rules().len(), 1);
    }

    #[test]
    fn every_refusal_has_a_place() {
        let counters = CoreCounters::default();
        for refusal in Refusal::ALL {
            counters.refused(refusal);
        }
        assert!(counters.refusals.iter().all(|(_, count)| count.value() == 1));
    }
}
