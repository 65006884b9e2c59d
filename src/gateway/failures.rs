//! Addresses whose authentications fail, and how far each has come: it is answered ever later, and then refused for
//! a while.
//!
//! All cores share this, for else an address had as many tries as there are cores, and whether it is refused would be a
//! matter of where the kernel brings it. Only what fails writes here, under the lock of one line; memory is bounded,
//! whoever comes from wherever.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::config::settings::FailureLimits;
use crate::domain::bucket::Bucket;
use crate::domain::limits::{Per, Rate};
use crate::domain::network;
use crate::domain::secret::Digest;

/// How many lines there are. An address has its place in one of them.
const LINES: usize = 1 << 12;

/// How many addresses a line remembers: 32,768 in all, in some 4 MiB.
const WAYS: usize = 8;

/// How many secrets of an address are known again: as many as a site may have programs that nobody tends.
const SECRETS: usize = 16;

/// Addresses from which authentications failed.
#[derive(Debug)]
pub struct Failures {
    lines: Vec<Mutex<Vec<Failing>>>,
    /// Nobody can choose addresses that share a line.
    places: RandomState,
    /// Until when somebody is refused, or zero: so that nobody looks further while nobody is.
    refusing_until_ns: AtomicU64,
}

/// An address, and how often it failed.
#[derive(Debug)]
struct Failing {
    network: IpAddr,
    bucket: Bucket,
    /// Until when it is refused.
    until_ns: u64,
    /// The beginnings of the digests of what it tried last, the newest first. Zero where there is none.
    tried: [u32; SECRETS],
}

/// What becomes of a failed authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is answered so much later; zero is at once.
    Late(Duration),
    /// Its address is refused from now on, for so long.
    ShutOut(Duration),
    /// Its address is refused already, for so long.
    Refused(Duration),
}

impl Failures {
    /// Notes that `digest` was none that opens anything, and says what becomes of its request. Nothing is noted while its
    /// address is refused.
    pub(super) fn note(
        &self,
        address: IpAddr,
        digest: &Digest,
        limits: &FailureLimits,
        clock: &Clock,
    ) -> Fate {
        let (network, rate, now_ns) = (network::of_one_client(address), rate(limits), now(clock));
        let mut line = self.line(network);
        let one = place(&mut line, network, rate);
        if let Some(left) = one.left(now_ns) {
            return Fate::Refused(left);
        }
        if one.fails(digest, limits, now_ns) {
            one.until_ns = now_ns.saturating_add(nanoseconds(limits.refuse_for));
            self.refusing_until_ns.fetch_max(one.until_ns, Ordering::Relaxed);
            return Fate::ShutOut(limits.refuse_for);
        }
        Fate::Late(delay(one.level(rate, now_ns), limits))
    }

    /// For how long an address is still refused, if it is. While nobody is, it costs a look at one number.
    pub(super) fn refused_for(&self, address: IpAddr, clock: &Clock) -> Option<Duration> {
        let until_ns = self.refusing_until_ns.load(Ordering::Relaxed);
        if until_ns == 0 || until_ns <= now(clock) {
            return None;
        }
        let network = network::of_one_client(address);
        let line = self.line(network);
        line.iter().find(|one| one.network == network)?.left(now(clock))
    }

    fn line(&self, network: IpAddr) -> MutexGuard<'_, Vec<Failing>> {
        let at = usize::try_from(self.places.hash_one(network)).unwrap_or_default() % LINES;
        #[expect(clippy::indexing_slicing, reason = "there are LINES lines")]
        self.lines[at].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Failures {
    fn default() -> Self {
        Self {
            lines: (0..LINES).map(|_| Mutex::default()).collect(),
            places: RandomState::new(),
            refusing_until_ns: AtomicU64::new(0),
        }
    }
}

/// The place of an address in its line. Where there is none left, the one goes that would be forgotten first.
fn place(line: &mut Vec<Failing>, network: IpAddr, rate: Rate) -> &mut Failing {
    let known = line.iter().position(|one| one.network == network);
    let at = known.unwrap_or_else(|| {
        let fresh =
            Failing { network, bucket: Bucket::default(), until_ns: 0, tried: [0; SECRETS] };
        if line.len() < WAYS {
            line.push(fresh);
            return line.len() - 1;
        }
        let forgotten = |one: &Failing| one.until_ns.max(one.bucket.empty_at_ns(rate));
        let first = (0..WAYS).min_by_key(|at| line.get(*at).map(forgotten)).unwrap_or_default();
        if let Some(one) = line.get_mut(first) {
            *one = fresh;
        }
        first
    });
    #[expect(clippy::indexing_slicing, reason = "it was found there, or put there")]
    &mut line[at]
}

impl Failing {
    /// For how long it is refused, if it is.
    fn left(&self, now_ns: u64) -> Option<Duration> {
        let left = self.until_ns.saturating_sub(now_ns);
        (left > 0).then(|| Duration::from_nanos(left))
    }

    /// Counts one failure; true if it is one too many.
    fn fails(&mut self, digest: &Digest, limits: &FailureLimits, now_ns: u64) -> bool {
        let rate = rate(limits);
        let tag = digest.as_bytes().first_chunk().map_or(0, |tag| u32::from_le_bytes(*tag));
        let known = self.tried.iter().position(|one| *one == tag);
        if let Some(newer) = self.tried.get_mut(..=known.unwrap_or(SECRETS - 1)) {
            newer.rotate_right(1);
        }
        self.tried[0] = tag;
        if known.is_none() {
            let more = self.bucket.add(rate, now_ns);
            self.bucket = more.unwrap_or(self.bucket);
            return more.is_err();
        }
        // A secret that was tried before is no guess, but a program that nobody tends. It is slowed down, and does not
        // shut out others of its address.
        if self.level(rate, now_ns) < u64::from(limits.slow_after) * 2 {
            self.bucket = self.bucket.add(rate, now_ns).unwrap_or(self.bucket);
        }
        false
    }

    /// How many failures are not forgotten.
    fn level(&self, rate: Rate, now_ns: u64) -> u64 {
        u64::from(rate.burst()).saturating_sub(self.bucket.room(rate, now_ns))
    }
}

/// As many as are answered at once are forgotten in each minute.
fn rate(limits: &FailureLimits) -> Rate {
    let FailureLimits { slow_after, refuse_after, .. } = *limits;
    let requests = if slow_after > 0 { slow_after } else { refuse_after };
    let burst = if refuse_after > 0 { refuse_after } else { u32::MAX };
    Rate { requests, per: Per::Minute, burst: Some(burst) }
}

/// The answer to the failure behind those that are free is a part later, and to each further one by another part, up to
/// the longest at twice as many.
fn delay(level: u64, limits: &FailureLimits) -> Duration {
    let over = level.saturating_sub(u64::from(limits.slow_after));
    let over = u32::try_from(over).unwrap_or(u32::MAX).min(limits.slow_after);
    if over == 0 { Duration::ZERO } else { limits.longest_delay * over / limits.slow_after }
}

fn now(clock: &Clock) -> u64 {
    nanoseconds(clock.uptime())
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
