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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix(seconds)
    }

    fn from(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_that_reports_too_much_waits_twice_as_long_each_time() {
        let (reports, eager, other) = (Reports::default(), from("192.0.2.1"), from("192.0.2.2"));
        for _ in 0..10 {
            assert_eq!(reports.admit(eager, at(0)), Ok(()));
        }
        let mut now = 0;
        for wait in [1, 2, 4, 8, 16] {
            assert_eq!(reports.admit(eager, at(now)), Ok(()), "after {now} s");
            assert_eq!(reports.admit(eager, at(now)), Err(Span::from_seconds(wait)));
            // To be refused is no report.
            assert_eq!(reports.admit(eager, at(now + wait - 1)), Err(Span::from_seconds(1)));
            assert_eq!(reports.admit(other, at(now)), Ok(()), "nobody else waits");
            now += wait;
        }
        assert_eq!(
            reports.admit(from("::ffff:192.0.2.1"), at(now - 1)),
            Err(Span::from_seconds(1))
        );
        // None of its reports is remembered an hour after the last of them.
        now += 3_600;
        for _ in 0..11 {
            assert_eq!(reports.admit(eager, at(now)), Ok(()));
        }
        assert_eq!(reports.admit(eager, at(now)), Err(Span::from_seconds(1)));
    }

    #[test]
    fn so_many_are_worked_on_at_once_and_one_that_is_done_makes_room() {
        let reports = Reports::default();
        let mut places: Vec<_> = (0..AT_ONCE).map(|_| reports.place().unwrap()).collect();
        assert!(reports.place().is_none());
        places.pop();
        let last = reports.place();
        assert!(last.is_some() && reports.place().is_none());
    }
}
