//! Counters of the proxied path. Each core writes only its own, on cache lines of its own and
//! without a locked instruction; a scrape adds them up.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use crate::domain::refusal::Refusal;

use super::count::Count;
use super::durations::Durations;
use super::rates::{Flow, Rates};

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

/// One count for each reason.
#[derive(Debug)]
pub struct RefusalCounts([Count; Refusal::ALL.len()]);

impl Default for RefusalCounts {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Count::default()))
    }
}

impl RefusalCounts {
    /// How often something was refused for this reason.
    pub fn of(&self, refusal: Refusal) -> u64 {
        self.find(refusal).map_or(0, Count::value)
    }

    fn find(&self, refusal: Refusal) -> Option<&Count> {
        self.0.get(refusal.place()?)
    }
}

/// Certificates of clients that were refused in their handshakes.
#[derive(Debug, Default)]
pub struct CertificateCounts {
    /// There was none.
    pub missing: Count,
    /// Their time was over.
    pub expired: Count,
    /// Their time had not begun.
    pub early: Count,
    /// Nobody who is trusted signed them.
    pub strange: Count,
    /// They were none for clients, or could not be read.
    pub unfit: Count,
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
    /// Requests that wait until their upstream has room.
    pub waiting: Count,
    /// Conversations that go on behind an upgrade.
    pub tunnels: Count,
    /// Answers that ended before their end because the upstream broke off.
    pub cut_by_upstream: Count,
    /// Answers that ended before their end because the client left.
    pub cut_by_client: Count,
    /// Answers cut since the token ended that they were permitted by.
    pub cut_by_token: Count,
    /// Client connections that were accepted.
    pub accepted: Count,
    /// Client connections that are open.
    pub open: Count,
    /// Those of them on which nothing moves, and for which nothing is held but the socket.
    pub resting: Count,
    /// Client connections that were closed at once, since too many were open.
    pub turned_away: Count,
    /// Client connections that were closed at once, since too many of their address were open.
    pub crowding: Count,
    /// Answers to failed authentications that were given late.
    pub failures_late: Count,
    /// Times when an address began to be refused, since it failed to authenticate too often.
    pub failures_shut_out: Count,
    /// Client connections that were closed for a flood of frames.
    pub floods: Count,
    /// Client connections that were told to end since most of their requests were given up, or that HTTP/2 ended for a flood
    /// of its own kinds.
    pub request_floods: Count,
    /// Client connections that were closed since no header of the PROXY protocol came.
    pub unannounced: Count,
    /// Handshakes of TLS that agreed on new keys.
    pub shaken: Count,
    /// Those that went on with a session.
    pub resumed: Count,
    /// Those that failed, or took too long.
    pub unshaken: Count,
    /// Those of them that failed over the certificate of the client.
    pub certificates: CertificateCounts,
    /// Times when the system had no socket to give.
    pub accept_errors: Count,
    /// Connections to upstreams that were made.
    pub connected: Count,
    /// Requests that were sent to an upstream a second time.
    pub retried: Count,
    /// Requests whose head was no HTTP, so that hyper answered them itself.
    pub malformed: Count,
    /// Requests whose head was larger than hyper was told to read, so that it answered them itself.
    pub too_large: Count,
}

impl CoreCounters {
    /// Counts a refusal.
    pub fn refused(&self, refusal: Refusal) {
        if let Some(count) = self.refusals.find(refusal) {
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

/// How long an API's upstreams take, by core: from the decision to the head of the answer, or to
/// the failure.
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
    /// How they grow.
    pub rates: Rates,
    /// Those that a configuration in force holds, or a request that began under an earlier one.
    rules: Mutex<BTreeMap<RuleName, Weak<RuleCounters>>>,
    upstreams: Mutex<BTreeMap<Arc<str>, Weak<UpstreamTimes>>>,
}

impl Counters {
    /// Counters for so many cores.
    pub fn new(cores: usize) -> Arc<Self> {
        let cores = (0..cores).map(|_| Arc::default()).collect();
        Arc::new(Self {
            cores,
            rates: Rates::default(),
            rules: Mutex::default(),
            upstreams: Mutex::default(),
        })
    }

    /// The counters of a rule. They outlive a reload that keeps the rule, so that a scrape never sees
    /// them fall; those of a rule that is gone are forgotten, so that series stay as few as rules.
    pub fn rule(&self, api: &str, rule: &str) -> Arc<RuleCounters> {
        let fresh = || {
            let cells = self.cores.iter().map(|_| RuleCells::default());
            Arc::new(RuleCounters(cells.collect()))
        };
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        held(rules.entry((api.into(), rule.into())).or_default(), fresh)
    }

    /// The times of an API's upstreams, which are kept in the same way.
    pub fn upstream(&self, api: &str) -> Arc<UpstreamTimes> {
        let fresh = || {
            let times = self.cores.iter().map(|_| CoreTimes::default());
            Arc::new(UpstreamTimes(times.collect()))
        };
        let mut upstreams = self.upstreams.lock().unwrap_or_else(PoisonError::into_inner);
        held(upstreams.entry(api.into()).or_default(), fresh)
    }

    /// Lets go of the names of what nobody holds any more.
    pub fn forget_unused(&self) {
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        rules.retain(|_, counters| counters.strong_count() > 0);
        let mut upstreams = self.upstreams.lock().unwrap_or_else(PoisonError::into_inner);
        upstreams.retain(|_, times| times.strong_count() > 0);
    }

    /// Every API, with the times of its upstreams.
    pub fn upstreams(&self) -> Vec<(Arc<str>, Arc<UpstreamTimes>)> {
        let upstreams = self.upstreams.lock().unwrap_or_else(PoisonError::into_inner);
        let held = upstreams.iter().map(|(api, times)| Some((Arc::clone(api), times.upgrade()?)));
        held.flatten().collect()
    }

    /// Every rule, with its counters.
    pub fn rules(&self) -> Vec<(RuleName, Arc<RuleCounters>)> {
        let rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let held = rules.iter().map(|(name, counters)| Some((name.clone(), counters.upgrade()?)));
        held.flatten().collect()
    }

    /// Everything that met a rule, by what became of it.
    pub fn flow(&self) -> Flow {
        let mut flow = Flow::default();
        for (_, rule) in self.rules() {
            let [a, b, c, d, refused, failed, abandoned] = rule.read();
            flow.answered += a + b + c + d + abandoned;
            flow.refused += refused;
            flow.failed += failed;
        }
        flow
    }
}

/// What somebody holds already, or a fresh one.
fn held<T>(known: &mut Weak<T>, fresh: impl FnOnce() -> Arc<T>) -> Arc<T> {
    known.upgrade().unwrap_or_else(|| {
        let fresh = fresh();
        *known = Arc::downgrade(&fresh);
        fresh
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_keep_their_counts_over_a_reload_that_keeps_them() {
        let counters = Counters::new(2);
        let (rule, times) = (counters.rule("a", "r"), counters.upstream("a"));
        rule.add(0, Outcome::Answered(204));
        counters.rule("a", "r").add(1, Outcome::Refused);
        assert_eq!(counters.rule("a", "r").read(), [1, 0, 0, 0, 1, 0, 0]);
        assert_eq!((counters.rules().len(), counters.upstreams().len()), (1, 1));
        drop((rule, times));
        assert_eq!((counters.rules().len(), counters.upstreams().len()), (0, 0));
        counters.forget_unused();
        assert!(counters.rules.lock().unwrap().is_empty());
        assert!(counters.upstreams.lock().unwrap().is_empty());
        assert_eq!(counters.rule("a", "r").read(), [0; 7]);
    }

    #[test]
    fn every_refusal_has_a_place() {
        let counters = CoreCounters::default();
        for refusal in Refusal::ALL {
            counters.refused(refusal);
        }
        assert!(Refusal::ALL.iter().all(|one| counters.refusals.of(*one) == 1));
    }
}
