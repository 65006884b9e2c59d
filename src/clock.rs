//! The only reader of time.
//!
//! [`Clock`] gives the wall clock in whole seconds and a monotonic clock for durations. Tests set the
//! wall clock; nothing else in the crate reads one (`clippy.toml` refuses it).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::domain::time::{Span, Timestamp};

/// A clock that every part of one gateway shares. Cloning it is cheap and gives the same clock.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// The moment at which a test holds the clock, in milliseconds; none in a real gateway.
    held_at_ms: Option<Arc<AtomicU64>>,
}

impl Clock {
    /// The machine's clock.
    pub const fn system() -> Self {
        Self { held_at_ms: None }
    }

    /// A clock that stands still at `at` until [`Clock::advance`] or [`Clock::set`] moves it.
    pub fn held(at: Timestamp) -> Self {
        Self { held_at_ms: Some(Arc::new(AtomicU64::new(at.unix().saturating_mul(1_000)))) }
    }

    /// The wall clock, in whole seconds.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_unix(self.unix_ms() / 1_000)
    }

    /// The wall clock in milliseconds, for ids and for evidence.
    pub fn unix_ms(&self) -> u64 {
        match &self.held_at_ms {
            Some(held) => held.load(Ordering::SeqCst),
            None => {
                let since = system_time().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
                u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
            }
        }
    }

    /// Moves a held clock on; does nothing to the machine's clock.
    pub fn advance(&self, by: Span) {
        self.set(self.now().plus(by));
    }

    /// Sets a held clock, also back; does nothing to the machine's clock.
    pub fn set(&self, to: Timestamp) {
        if let Some(held) = &self.held_at_ms {
            held.store(to.unix().saturating_mul(1_000), Ordering::SeqCst);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
fn system_time() -> SystemTime {
    SystemTime::now()
}

/// The monotonic clock, for durations; never set back, never set by tests.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
pub fn instant() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_clock_stands_until_it_is_moved() {
        let clock = Clock::held(Timestamp::from_unix(1_000));
        clock.clone().advance(Span::from_days(100));
        assert_eq!(clock.now(), Timestamp::from_unix(8_641_000));
        clock.set(Timestamp::from_unix(7));
        assert_eq!(clock.unix_ms(), 7_000);
    }

    #[test]
    fn the_machines_clock_cannot_be_set() {
        let before = Clock::system().now();
        Clock::system().set(Timestamp::EPOCH);
        assert!(Clock::system().now() >= before && before > Timestamp::EPOCH);
    }
}
