//! Endpoints with numbers, so that a core finds the connections to one without hashing its name.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::settings::Endpoint;
use crate::telemetry::throttle::Throttle;

/// An endpoint with a number of its own, which it keeps over reloads.
#[derive(Clone, Debug)]
pub struct Target {
    pub(super) number: usize,
    pub(super) endpoint: Endpoint,
    /// How often it is told that nobody can be reached there.
    pub(super) unreachable: Arc<Throttle>,
    /// How often it is told that no usable answer comes from there.
    pub(super) broken: Arc<Throttle>,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.endpoint.host, self.endpoint.port)
    }
}

/// Every endpoint that was ever configured.
#[derive(Debug, Default)]
pub struct Targets(Mutex<Vec<Target>>);

impl Targets {
    /// The endpoint with its number.
    pub(super) fn of(&self, endpoint: &Endpoint) -> Target {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(target) = known.iter().find(|one| one.endpoint == *endpoint) {
            return target.clone();
        }
        let (unreachable, broken) = (Arc::default(), Arc::default());
        let target =
            Target { number: known.len(), endpoint: endpoint.clone(), unreachable, broken };
        known.push(target.clone());
        target
    }
}
