//! Endpoints with numbers, so that a core finds the connections to one without hashing its name.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use crate::config::settings::Endpoint;
use crate::telemetry::throttle::Throttle;

use super::ejection::{Course, Lapse, Standing, WHOLE};
use super::gate::Gates;
use super::names::Known;

/// An endpoint with a number that no other has while anybody holds this: a snapshot in force, a
/// request under way, a connection to it.
#[derive(Debug)]
pub struct Target {
    pub(super) number: usize,
    pub(super) endpoint: Endpoint,
    /// The last snapshot that has it; what began before may hold it for longer.
    snapshot: AtomicU64,
    /// What its name stands for.
    pub(super) known: Known,
    /// Whether it gets requests where there are others.
    pub(super) standing: Arc<Standing>,
    /// How often it is told that nobody can be reached there.
    pub(super) unreachable: Throttle,
    /// How often it is told that no usable answer comes from there.
    pub(super) broken: Throttle,
}

impl Target {
    /// Its share of what it would get if all was well, of [`WHOLE`].
    pub(super) fn share(&self) -> u32 {
        if self.standing.is_whole() {
            return WHOLE;
        }
        let share = self.standing.share();
        if share.is_back {
            tracing::info!(upstream = %self, "an upstream that was left out gets requests again");
        }
        share.part
    }
}

impl Target {
    fn new(number: usize, endpoint: Endpoint) -> Self {
        let (snapshot, known, standing, unreachable, broken) = Default::default();
        Self { number, endpoint, snapshot, known, standing, unreachable, broken }
    }

    /// It stands as somebody else has found it some time `ago`. One that no check asks is not down: nothing would find it well
    /// again.
    pub(super) fn stands(&self, mut lapse: Lapse, ago: Duration) {
        lapse.is_down &= self.endpoint.health.is_some();
        self.standing.takes(lapse, ago);
    }

    /// It stands as one at the same place does. What a check finds that asks otherwise is another matter.
    fn stands_as(&self, other: &Self) {
        let mut lapse = other.standing.lapse().unwrap_or(Lapse::NONE);
        lapse.is_down &= other.endpoint.is_checked_like(&self.endpoint);
        self.stands(lapse, Duration::ZERO);
    }

    /// Whether it gets requests.
    pub fn gets_requests(&self) -> bool {
        self.share() > 0
    }

    /// How it stands.
    pub fn course(&self) -> Course {
        self.standing.course()
    }

    /// How many requests are under way there; those of an API whose only endpoint it is are not counted.
    pub fn under_way(&self) -> u64 {
        self.standing.under_way()
    }

    /// How often it was left out for its failures.
    pub fn left_out(&self) -> u64 {
        self.standing.left_out()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.endpoint.at.fmt(f)
    }
}

/// Every endpoint that somebody holds. An endpoint keeps its number over reloads; numbers of those
/// that are gone are given out again, so that they stay as few as the endpoints.
#[derive(Debug, Default)]
pub struct Targets {
    known: Mutex<Vec<Weak<Target>>>,
    /// Which snapshot is made, counted from the first one.
    snapshot: AtomicU64,
    /// How many requests those of an API get at a time.
    pub(super) gates: Gates,
}

impl Targets {
    /// Another snapshot is made. It is put in force whenever that can be done.
    pub(super) fn begin(&self) {
        self.snapshot.fetch_add(1, Ordering::Relaxed);
    }

    /// The endpoint with its number. One that is not in force stands as the one that is in its place, where nobody looks at it
    /// any more.
    pub(super) fn of(&self, endpoint: &Endpoint) -> Arc<Target> {
        let snapshot = self.snapshot.load(Ordering::Relaxed);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|target| target.strong_count() > 0);
        let mut taken: Vec<_> = known.iter().filter_map(Weak::upgrade).collect();
        let is_in_force =
            |target: &Target| target.snapshot.load(Ordering::Relaxed).saturating_add(1) >= snapshot;
        let same = taken.iter().find(|target| target.endpoint == *endpoint).map(Arc::clone);
        if let Some(target) = same.as_ref().filter(|target| is_in_force(target)) {
            target.snapshot.store(snapshot, Ordering::Relaxed);
            return Arc::clone(target);
        }
        let like = |target: &&Arc<Target>| is_in_force(target) && target.endpoint.is_like(endpoint);
        let like = || taken.iter().filter(like);
        let before = like().find(|target| target.endpoint.is_checked_like(endpoint));
        let before = before.or_else(|| like().next()).map(Arc::clone);
        let target = same.unwrap_or_else(|| {
            taken.sort_unstable_by_key(|target| target.number);
            let free = taken.iter().zip(0..).find(|(target, number)| target.number != *number);
            let number = free.map_or(taken.len(), |(_, number)| number);
            let target = Arc::new(Target::new(number, endpoint.clone()));
            known.push(Arc::downgrade(&target));
            target
        });
        target.snapshot.store(snapshot, Ordering::Relaxed);
        if let Some(before) = before {
            target.stands_as(&before);
        }
        target
    }
}

#[cfg(test)]
use crate::config::settings::At;

#[cfg(test)]
impl Target {
    /// One that nobody connects to.
    pub(super) fn sample() -> Arc<Self> {
        Targets::default().of(&Endpoint {
            at: At::Host("sample".to_owned(), 9),
            tls: None,
            http2: false,
            health: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::Health;

    fn endpoint(port: u16) -> Endpoint {
        Endpoint { at: At::Host("a".to_owned(), port), tls: None, http2: false, health: None }
    }

    fn checked(interval: u64) -> Endpoint {
        let health = Health {
            path: "/".to_owned(),
            host: None,
            interval: Duration::from_secs(interval),
            timeout: Duration::from_secs(1),
            failures: 3,
            successes: 2,
            statuses: Vec::new(),
        };
        Endpoint { health: Some(health), ..endpoint(1) }
    }

    #[test]
    fn an_endpoint_keeps_its_number_while_somebody_holds_it_and_no_longer() {
        let targets = Targets::default();
        let (kept, gone) = (targets.of(&endpoint(1)), targets.of(&endpoint(2)));
        assert_eq!((kept.number, gone.number), (0, 1));
        let of_a_connection = Arc::clone(&gone);
        drop(gone);
        assert_eq!(targets.of(&endpoint(3)).number, 2, "a connection to the second is open");
        drop(of_a_connection);
        for port in 4..1_000 {
            assert_eq!(targets.of(&endpoint(port)).number, 1);
            assert_eq!(targets.of(&endpoint(1)).number, 0);
        }
        assert!(targets.known.lock().unwrap().len() < 4);
    }

    #[test]
    fn what_changes_in_how_it_is_asked_changes_nothing_in_how_it_stands() {
        let targets = Targets::default();
        let before = targets.of(&checked(1));
        assert!(before.standing.is_found(false));
        let after = targets.of(&checked(2));
        assert_ne!(after.number, before.number);
        assert_eq!(after.course(), Course::Down);
        assert_eq!(targets.of(&endpoint(1)).course(), Course::Up, "nothing would find it well");
        let elsewhere = Endpoint { at: At::Host("a".to_owned(), 2), ..checked(1) };
        assert_eq!(targets.of(&elsewhere).course(), Course::Up);
    }

    /// Who is still at what began before a reload holds an endpoint that nobody asks any more.
    #[test]
    fn what_a_reload_left_behind_says_nothing_of_how_an_endpoint_stands() {
        let targets = Targets::default();
        let of = |interval| {
            targets.begin();
            targets.of(&checked(interval))
        };
        let held = of(1);
        let next = of(2);
        assert!(next.standing.is_found(false));
        let third = of(3);
        assert_eq!(third.course(), Course::Down, "as the last one, and not the first");
        let again = of(1);
        assert_eq!((again.number, again.course()), (held.number, Course::Down));
        assert!(again.standing.is_found(true));
        again.standing.succeeds(again.standing.spells());
        assert_eq!(of(2).course(), Course::Returning, "well again, as the last one");
        // In one configuration, each has its own check.
        let targets = Targets::default();
        let mine = targets.of(&checked(2));
        assert!(mine.standing.is_found(false));
        let mut other = checked(2);
        other.health.iter_mut().for_each(|health| health.path = "/other".to_owned());
        let other = targets.of(&other);
        assert_eq!(other.course(), Course::Up, "it is asked something else");
    }
}
