//! Endpoints with numbers, so that a core finds the connections to one without hashing its name.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::config::settings::Endpoint;
use crate::telemetry::throttle::Throttle;

/// An endpoint with a number that no other has while anybody holds this: a snapshot in force, a
/// request under way, a connection to it.
#[derive(Debug)]
pub struct Target {
    pub(super) number: usize,
    pub(super) endpoint: Endpoint,
    /// How often it is told that nobody can be reached there.
    pub(super) unreachable: Throttle,
    /// How often it is told that no usable answer comes from there.
    pub(super) broken: Throttle,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.endpoint.host, self.endpoint.port)
    }
}

/// Every endpoint that somebody holds. An endpoint keeps its number over reloads; numbers of those
/// that are gone are given out again, so that they stay as few as the endpoints.
#[derive(Debug, Default)]
pub struct Targets(Mutex<Vec<Weak<Target>>>);

impl Targets {
    /// The endpoint with its number.
    pub(super) fn of(&self, endpoint: &Endpoint) -> Arc<Target> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|target| target.strong_count() > 0);
        let mut taken: Vec<_> = known.iter().filter_map(Weak::upgrade).collect();
        if let Some(target) = taken.iter().find(|target| target.endpoint == *endpoint) {
            return Arc::clone(target);
        }
        taken.sort_unstable_by_key(|target| target.number);
        let free = taken.iter().zip(0..).find(|(target, number)| target.number != *number);
        let number = free.map_or(taken.len(), |(_, number)| number);
        let endpoint = endpoint.clone();
        let (unreachable, broken) = Default::default();
        let target = Arc::new(Target { number, endpoint, unreachable, broken });
        known.push(Arc::downgrade(&target));
        target
    }
}

#[cfg(test)]
impl Target {
    /// One that nobody connects to.
    pub(super) fn sample() -> Arc<Self> {
        Targets::default().of(&Endpoint { host: "sample".to_owned(), port: 9, tls: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(port: u16) -> Endpoint {
        Endpoint { host: "a".to_owned(), port, tls: None }
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
        assert!(targets.0.lock().unwrap().len() < 4);
    }
}
