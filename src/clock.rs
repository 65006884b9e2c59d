//! The only reader of time.
//!
//! [`Clock`] gives the wall clock in whole seconds and a monotonic clock for durations. Tests set
//! the wall clock; nothing else in the crate reads one (`clippy.toml` refuses it).

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::domain::time::{Span, Timestamp};

/// A clock that every part of one gateway shares. Cloning it is cheap and gives the same clock.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// None in a real gateway.
    held: Option<Arc<Held>>,
}

/// A clock in the hands of a test, in milliseconds.
#[derive(Debug)]
struct Held {
    wall_ms: AtomicU64,
    uptime_ms: AtomicU64,
}

impl Clock {
    /// The machine's clock.
    pub const fn system() -> Self {
        Self { held: None }
    }

    /// A clock that stands still at `at` until [`Clock::advance`] or [`Clock::set`] moves it.
    pub fn held(at: Timestamp) -> Self {
        let wall_ms = AtomicU64::new(at.unix().saturating_mul(1_000));
        Self { held: Some(Arc::new(Held { wall_ms, uptime_ms: AtomicU64::new(0) })) }
    }

    /// The wall clock, in whole seconds.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_unix(self.unix_ms() / 1_000)
    }

    /// The wall clock in milliseconds, for ids and for evidence.
    pub fn unix_ms(&self) -> u64 {
        match &self.held {
            Some(held) => held.wall_ms.load(Ordering::SeqCst),
            None => {
                let since = system_time().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
                u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
            }
        }
    }

    /// A clock that is never set and runs on while the machine sleeps: what the wall clock is held
    /// against. Only differences mean something.
    pub fn uptime(&self) -> Duration {
        match &self.held {
            Some(held) => Duration::from_millis(held.uptime_ms.load(Ordering::SeqCst)),
            None => boot_time(),
        }
    }

    /// Lets time pass on a held clock; does nothing to the machine's clock.
    pub fn advance(&self, by: Span) {
        if let Some(held) = &self.held {
            let by_ms = by.seconds().saturating_mul(1_000);
            held.wall_ms.fetch_add(by_ms, Ordering::SeqCst);
            held.uptime_ms.fetch_add(by_ms, Ordering::SeqCst);
        }
    }

    /// Sets a held clock, also back, as an operator or a time server would: no time passes by it.
    /// Does nothing to the machine's clock.
    pub fn set(&self, to: Timestamp) {
        if let Some(held) = &self.held {
            held.wall_ms.store(to.unix().saturating_mul(1_000), Ordering::SeqCst);
        }
    }
}

/// How far the wall clock is believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum ClockState {
    /// Requests are decided and tokens ended by it.
    #[default]
    Trusted,
    /// It began far beyond the last time that was noted: nothing is ended until it has settled.
    Settling,
    /// It was set while the gateway ran: nothing is ended until it is right, or said to be.
    Stepped,
    /// It is far behind what it has shown before: requests that need a token are answered 503.
    Behind,
}

impl ClockState {
    /// Every state, with its name.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Trusted, "trusted"),
        (Self::Settling, "settling"),
        (Self::Stepped, "stepped"),
        (Self::Behind, "behind"),
    ];

    /// As monitors read it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trusted => "trusted",
            Self::Settling => "settling",
            Self::Stepped => "stepped",
            Self::Behind => "behind",
        }
    }
}

/// A state that one thread notes and others read.
#[derive(Debug, Default)]
pub struct NotedState(AtomicU8);

impl NotedState {
    /// Notes it.
    pub fn note(&self, state: ClockState) {
        self.0.store(state as u8, Ordering::Relaxed);
    }

    /// What was noted last; at first that the clock is trusted.
    pub fn read(&self) -> ClockState {
        let noted = self.0.load(Ordering::Relaxed);
        let mut known = ClockState::ALL.into_iter().map(|(state, _)| state);
        known.find(|state| *state as u8 == noted).unwrap_or_default()
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
fn system_time() -> SystemTime {
    SystemTime::now()
}

/// Time since the machine was started. Linux's `CLOCK_MONOTONIC`, which [`Instant`] reads, stands
/// still while the machine is suspended; then the wall clock would seem to have been set.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
fn boot_time() -> Duration {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let since = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let since = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::try_from(since).unwrap_or_default()
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
        assert_eq!((clock.unix_ms(), clock.uptime().as_secs()), (7_000, 8_640_000));
    }

    #[test]
    fn every_state_is_noted_and_named() {
        let noted = NotedState::default();
        assert_eq!(noted.read(), ClockState::Trusted);
        for (state, name) in ClockState::ALL {
            noted.note(state);
            assert_eq!((noted.read(), noted.read().name()), (state, name));
        }
    }

    /// The kernel's own account of the time since the start, with sleep: the first number. Also
    /// under `unshare --time --boottime 86400 --fork`, which moves that clock and no other.
    #[cfg(target_os = "linux")]
    #[test]
    fn time_that_the_machine_sleeps_through_counts() {
        let told = std::fs::read_to_string("/proc/uptime").unwrap();
        let told: f64 = told.split(' ').next().unwrap().parse().unwrap();
        let apart = (Clock::system().uptime().as_secs_f64() - told).abs();
        assert!(apart < 60.0, "{apart} s apart from /proc/uptime");
    }

    #[test]
    fn the_machines_clock_cannot_be_set() {
        let before = Clock::system().now();
        Clock::system().set(Timestamp::EPOCH);
        assert!(Clock::system().now() >= before && before > Timestamp::EPOCH);
    }
}
