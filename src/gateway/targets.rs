//! Endpoints with numbers, so that a core finds the connections to one without hashing its name.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::config::settings::Endpoint;
use crate::telemetry::throttle::Throttle;

use super::ejection::{Course, Standing, WHOLE};
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
        let (known_as, standing, unreachable, broken) = Default::default();
        let target =
            Arc::new(Target { number, endpoint, known: known_as, standing, unreachable, broken });
        known.push(Arc::downgrade(&target));
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
}
