//! Endpoints with numbers, so that a core finds the connections to one without hashing its name.

use std::fmt;
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
    /// It stands as somebody else has found it some time `ago`. One that no check asks is not down: nothing would find it well
    /// again.
    pub(super) fn stands(&self, mut lapse: Lapse, ago: Duration) {
        lapse.is_down &= self.endpoint.health.is_some();
        self.standing.takes(lapse, ago);
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
    /// How many requests those of an API get at a time.
    pub(super) gates: Gates,
}

impl Targets {
    /// The endpoint with its number.
    pub(super) fn of(&self, endpoint: &Endpoint) -> Arc<Target> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|target| target.strong_count() > 0);
        let mut taken: Vec<_> = known.iter().filter_map(Weak::upgrade).collect();
        if let Some(target) = taken.iter().find(|target| target.endpoint == *endpoint) {
            return Arc::clone(target);
        }
        taken.sort_unstable_by_key(|target| target.number);
        let free = taken.iter().zip(0..).find(|(target, number)| target.number != *number);
        let number = free.map_or(taken.len(), |(_, number)| number);
        let endpoint = endpoint.clone();
        let before = taken.iter().find(|target| target.endpoint.is_like(&endpoint));
        let lapse = before.and_then(|target| target.standing.lapse());
        let (known_as, standing, unreachable, broken) = Default::default();
        let target =
            Arc::new(Target { number, endpoint, known: known_as, standing, unreachable, broken });
        known.push(Arc::downgrade(&target));
        if let Some(lapse) = lapse {
            target.stands(lapse, Duration::ZERO);
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
        let checked = |interval: u64| {
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
        };
        let before = targets.of(&checked(1));
        assert!(before.standing.is_found(false));
        let after = targets.of(&checked(2));
        assert_ne!(after.number, before.number);
        assert_eq!(after.course(), Course::Down);
        assert_eq!(targets.of(&endpoint(1)).course(), Course::Up, "nothing would find it well");
        let elsewhere = Endpoint { at: At::Host("a".to_owned(), 2), ..checked(1) };
        assert_eq!(targets.of(&elsewhere).course(), Course::Up);
    }
}
