//! Endpoints with numbers, so that a core finds the connections to one without hashing its name.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use crate::config::settings::Endpoint;

/// An endpoint with a number of its own, which it keeps over reloads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub(super) number: usize,
    pub(super) endpoint: Endpoint,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.endpoint.host, self.endpoint.port)
    }
}

/// Every endpoint that was ever configured.
#[derive(Debug, Default)]
pub struct Targets(Mutex<Vec<Endpoint>>);

impl Targets {
    /// The endpoint with its number.
    pub(super) fn of(&self, endpoint: &Endpoint) -> Target {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = known.iter().position(|one| one == endpoint).unwrap_or_else(|| {
            known.push(endpoint.clone());
            known.len() - 1
        });
        Target { number, endpoint: endpoint.clone() }
    }
}
