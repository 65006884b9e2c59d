//! How often strangers may report leaked secrets: by address, and how many reports are worked on at once.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::time::{Span, Timestamp};
use crate::web::throttle::Throttle;

/// Reports that are worked on at once.
const AT_ONCE: usize = 8;

/// Reports of strangers.
#[derive(Debug)]
pub struct Reports {
    throttle: Throttle,
    places: Arc<Semaphore>,
}

impl Default for Reports {
    fn default() -> Self {
        Self { throttle: Throttle::default(), places: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Reports {
    /// Counts a report; each beyond the tenth within an hour makes its address wait for twice as long.
    ///
    /// # Errors
    /// How long the address has to wait.
    pub fn admit(&self, address: IpAddr, now: Timestamp) -> Result<(), Span> {
        match self.throttle.wait_of(address, now) {
            Some(wait) => Err(wait),
            None => {
                self.throttle.count(address, now);
                Ok(())
            }
        }
    }

    /// Room for one more, until it is dropped.
    pub fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }
}
