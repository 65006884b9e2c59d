//! Whether the wall clock can be trusted to end tokens for good.
//!
//! It is held against a clock that nobody sets. When the two part by more than a minute, nothing is
//! ended until they agree again or an operator says that the new time is right (`tollgate clock
//! --trust`). At the start there is nothing to hold it against but the mark that was persisted
//! last: beyond it by more than [`AHEAD_MAX`], the clock must first run for [`SETTLE`] without a
//! step.

use std::time::Duration;

use crate::clock::{Clock, ClockState};
use crate::domain::time::{Span, Timestamp};

/// How far the clocks may part between two looks.
const APART_MAX: Span = Span::from_seconds(60);

/// How far beyond the last persisted mark a clock is believed at the start. A restart takes
/// seconds, and the mark is at most two minutes old then. Wrong clocks are wrong by a time zone at
/// the least (half an hour is the smallest that is in use), so that this tells the two apart. A
/// machine that was off for longer loses nothing by the wait: its requests are judged by the clock
/// all the while, and only the end of what is over is written down later.
const AHEAD_MAX: Span = Span::from_seconds(15 * 60);

/// How long a clock must run without a step before it is believed. Time servers correct a clock
/// within minutes of the start of the network.
pub(super) const SETTLE: Duration = Duration::from_secs(15 * 60);

/// The wall clock under watch.
#[derive(Clone, Copy, Debug)]
pub(super) struct WallClock {
    /// The last look at which the clocks agreed.
    at: Timestamp,
    uptime: Duration,
    standing: Standing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Trusted,
    /// It was set while it was trusted.
    Parted,
    /// It began far beyond `mark`, and has not been stepped since `since`.
    Unsettled {
        mark: Timestamp,
        since: Duration,
    },
}

/// What a look at the clock gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// It can be trusted.
    Trusted(Timestamp),
    /// It may be wrong since the start: uses are written down by it, since requests are judged by
    /// it, but nothing is ended and the mark stays where it is, so that a correction needs nobody.
    Unsettled(Timestamp),
    /// It was set: nothing is done by it.
    Parted,
}

impl Look {
    /// The same for those who ask how the clock stands.
    pub(super) const fn state(self) -> ClockState {
        match self {
            Self::Trusted(_) => ClockState::Trusted,
            Self::Unsettled(_) => ClockState::Settling,
            Self::Parted => ClockState::Stepped,
        }
    }
}

impl WallClock {
    /// Trusts the clock as it stands.
    pub(super) fn trust(clock: &Clock) -> Self {
        Self { at: clock.now(), uptime: clock.uptime(), standing: Standing::Trusted }
    }

    /// At the start of a gateway whose clock had come to `mark` before. None where nothing is known
    /// of before.
    pub(super) fn beyond(self, mark: Option<Timestamp>) -> Self {
        let mut wall = self;
        if let Some(mark) = mark.filter(|mark| wall.at.since(*mark) > AHEAD_MAX) {
            wall.standing = Standing::Unsettled { mark, since: wall.uptime };
            tracing::warn!(
                now = %wall.at, %mark, settles_in_seconds = SETTLE.as_secs(),
                "the wall clock is far beyond the last time that was noted: no token is ended for \
                 good until it has run for a while without a step, or until somebody says that it \
                 is right (`tollgate clock --trust`)"
            );
        }
        wall
    }

    /// Looks at the clock.
    pub(super) fn look(&mut self, clock: &Clock) -> Look {
        let (now, uptime) = (clock.now(), clock.uptime());
        let passed = Span::from_seconds(uptime.saturating_sub(self.uptime).as_secs());
        let expected = self.at.plus(passed);
        let apart = now.since(expected).max(expected.since(now));
        let agree = apart <= APART_MAX;
        self.standing = match self.standing {
            Standing::Trusted if agree => Standing::Trusted,
            Standing::Trusted => {
                tracing::error!(
                    %now, %expected, apart_seconds = apart.seconds(),
                    "the wall clock was set: no token is ended for good until it is set right, or \
                     until somebody says that it is (`tollgate clock --trust`)"
                );
                Standing::Parted
            }
            Standing::Parted if agree => {
                tracing::info!(%now, "the wall clock agrees with the monotonic clock again");
                Standing::Trusted
            }
            Standing::Parted => Standing::Parted,
            Standing::Unsettled { mark, since } => {
                let since = if agree { since } else { uptime };
                settle(now, uptime, mark, since)
            }
        };
        if self.standing != Standing::Parted {
            // Small differences are the drift that a time server corrects.
            (self.at, self.uptime) = (now, uptime);
        }
        match self.standing {
            Standing::Trusted => Look::Trusted(now),
            Standing::Unsettled { .. } => Look::Unsettled(now),
            Standing::Parted => Look::Parted,
        }
    }
}

/// Whether a clock that began far beyond `mark` has come to rest.
fn settle(now: Timestamp, uptime: Duration, mark: Timestamp, since: Duration) -> Standing {
    if now.since(mark) <= AHEAD_MAX {
        tracing::info!(%now, %mark, "the wall clock was set right");
        Standing::Trusted
    } else if uptime.saturating_sub(since) >= SETTLE {
        tracing::info!(%now, %mark, "the wall clock has run without a step and is trusted");
        Standing::Trusted
    } else {
        Standing::Unsettled { mark, since }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
    const YEAR: Span = Span::from_days(365);

    fn passes(clock: &Clock, wall: &mut WallClock, time: Duration) -> Look {
        let mut look = wall.look(clock);
        for _ in 0..time.as_secs() {
            clock.advance(Span::from_seconds(1));
            look = wall.look(clock);
        }
        look
    }

    #[test]
    fn time_that_passes_is_trusted_and_a_step_is_not() {
        let clock = Clock::held(Timestamp::from_unix(1_000_000));
        let mut wall = WallClock::trust(&clock);
        // Asleep for a hundred days: the clock that it is held against runs on.
        clock.advance(Span::from_days(100));
        let now = clock.now();
        assert_eq!(wall.look(&clock), Look::Trusted(now));
        for step in [3_600, 31_536_000] {
            clock.set(now.plus(Span::from_seconds(step)));
            assert_eq!(wall.look(&clock), Look::Parted, "{step} s ahead");
            clock.set(Timestamp::from_unix(now.unix().saturating_sub(step)));
            assert_eq!(wall.look(&clock), Look::Parted, "{step} s back");
        }
        let corrected = now.plus(Span::from_seconds(60));
        clock.set(corrected);
        assert_eq!(wall.look(&clock), Look::Trusted(corrected), "a time server's correction");
        clock.set(now.plus(YEAR));
        let look = passes(&clock, &mut wall, SETTLE);
        assert_eq!(look, Look::Parted, "a step while it runs is for an operator to settle");
    }

    #[test]
    fn a_clock_that_begins_far_beyond_the_mark_must_settle_first() {
        let begin = |ahead: Span| {
            let clock = Clock::held(NOW.plus(ahead));
            let wall = WallClock::trust(&clock).beyond(Some(NOW));
            (clock, wall)
        };
        for ahead in [Span::ZERO, Span::from_seconds(120), AHEAD_MAX] {
            let (clock, mut wall) = begin(ahead);
            assert_eq!(wall.look(&clock), Look::Trusted(clock.now()), "{ahead} ahead");
        }
        for ahead in [Span::from_seconds(30 * 60), Span::from_days(90), YEAR] {
            let (clock, mut wall) = begin(ahead);
            let nearly = SETTLE - Duration::from_secs(1);
            let look = passes(&clock, &mut wall, nearly);
            assert_eq!(look, Look::Unsettled(clock.now()), "{ahead} ahead");
            let look = passes(&clock, &mut wall, Duration::from_secs(1));
            assert_eq!(look, Look::Trusted(clock.now()), "{ahead} ahead, and it was right");
        }
        let clock = Clock::held(NOW);
        let wall = WallClock::trust(&clock);
        clock.advance(Span::from_seconds(7_200));
        let look = wall.beyond(Some(NOW)).look(&clock);
        assert_eq!(look, Look::Trusted(clock.now()), "its first turn came late");
        let clock = Clock::held(NOW);
        let mut wall = WallClock::trust(&clock).beyond(None);
        assert_eq!(wall.look(&clock), Look::Trusted(NOW), "nothing was there before");
    }

    #[test]
    fn a_correction_after_the_start_needs_nobody_and_another_step_begins_anew() {
        let clock = Clock::held(NOW.plus(YEAR));
        let mut wall = WallClock::trust(&clock).beyond(Some(NOW));
        passes(&clock, &mut wall, SETTLE / 2);
        clock.set(NOW.plus(Span::from_days(30)));
        let look = passes(&clock, &mut wall, SETTLE - Duration::from_secs(1));
        assert_eq!(look, Look::Unsettled(clock.now()), "another step");
        clock.set(NOW.plus(Span::from_seconds(600)));
        assert_eq!(wall.look(&clock), Look::Trusted(clock.now()), "set right");
    }
}
