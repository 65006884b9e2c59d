//! Whether the wall clock can be trusted. It is held against the monotonic clock: when they part by more
//! than a minute, nothing is ended for good until they agree again or an operator says that the new time
//! is right (a reload does).

use std::time::Duration;

use crate::clock::Clock;
use crate::domain::time::{Span, Timestamp};

/// How far the clocks may part between two looks.
const APART_MAX: Span = Span::from_seconds(60);

/// The last moment at which the wall clock was trusted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wall {
    at: Timestamp,
    uptime: Duration,
    trusted: bool,
}

impl Wall {
    /// Trusts the clock as it stands.
    pub(super) fn trust(clock: &Clock) -> Self {
        Self { at: clock.now(), uptime: clock.uptime(), trusted: true }
    }

    /// Looks at the clock. Gives the time while it can be trusted.
    pub(super) fn look(&mut self, clock: &Clock) -> Option<Timestamp> {
        let (now, uptime) = (clock.now(), clock.uptime());
        let passed = Span::from_seconds(uptime.saturating_sub(self.uptime).as_secs());
        let expected = self.at.plus(passed);
        let apart = now.since(expected).max(expected.since(now));
        let trusted = apart <= APART_MAX;
        if trusted != self.trusted {
            if trusted {
                tracing::info!(%now, "the wall clock agrees with the monotonic clock again");
            } else {
                tracing::error!(
                    %now, %expected, apart_seconds = apart.seconds(),
                    "the wall clock was set: no token is ended for good until it is set right, or \
                     until a reload says that it is right"
                );
            }
        }
        self.trusted = trusted;
        if !trusted {
            return None;
        }
        // Small differences are the drift that a time server corrects.
        (self.at, self.uptime) = (now, uptime);
        Some(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_that_passes_is_trusted_and_a_step_is_not() {
        let clock = Clock::held(Timestamp::from_unix(1_000_000));
        let mut wall = Wall::trust(&clock);
        clock.advance(Span::from_days(100));
        let now = clock.now();
        assert_eq!(wall.look(&clock), Some(now));
        for step in [3_600, 31_536_000] {
            clock.set(now.plus(Span::from_seconds(step)));
            assert_eq!(wall.look(&clock), None, "{step} s ahead");
            clock.set(Timestamp::from_unix(now.unix().saturating_sub(step)));
            assert_eq!(wall.look(&clock), None, "{step} s back");
        }
        clock.set(now.plus(Span::from_seconds(60)));
        assert!(wall.look(&clock).is_some(), "a time server's correction");
    }
}
