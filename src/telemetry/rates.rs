//! How many requests there are just now, and in each minute of the last hour: for people who look on.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How far back "just now" goes, in seconds.
const NOW: u64 = 10;

/// How many minutes are told of, the present one included.
pub const MINUTES: u64 = 60;

/// Requests that met a rule, by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Flow {
    /// Passed on and answered, or given up by their client.
    pub answered: u64,
    /// Refused by the gateway.
    pub refused: u64,
    /// Passed on, without a usable answer.
    pub failed: u64,
}

/// Requests in a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PerSecond {
    /// Passed on and answered, or given up by their client.
    pub answered: f64,
    /// Refused by the gateway.
    pub refused: f64,
    /// Passed on, without a usable answer.
    pub failed: f64,
}

/// What the counters showed. Nothing of the proxied path reads or writes it.
#[derive(Debug, Default)]
pub struct Rates(Mutex<Past>);

#[derive(Debug, Default)]
struct Past {
    /// The counters at the last looks, by the second; the newest last.
    looks: VecDeque<(u64, Flow)>,
    /// By the number of the minute, those in which there was a look.
    minutes: VecDeque<(u64, Flow)>,
}

impl Flow {
    /// What came since `before`. Counters of a rule that was removed take their requests with them.
    const fn since(self, before: Self) -> Self {
        Self {
            answered: self.answered.saturating_sub(before.answered),
            refused: self.refused.saturating_sub(before.refused),
            failed: self.failed.saturating_sub(before.failed),
        }
    }

    const fn plus(self, more: Self) -> Self {
        Self {
            answered: self.answered.saturating_add(more.answered),
            refused: self.refused.saturating_add(more.refused),
            failed: self.failed.saturating_add(more.failed),
        }
    }
}

impl Rates {
    /// A look at the counters, `uptime` after the start; about once a second.
    pub fn look(&self, uptime: Duration, counted: Flow) {
        let mut past = self.past();
        let second = uptime.as_secs();
        let before = past.looks.back().map_or(counted, |(_, before)| *before);
        past.looks.push_back((second, counted));
        while past.looks.front().is_some_and(|(at, _)| at.saturating_add(NOW) < second) {
            past.looks.pop_front();
        }
        let more = counted.since(before);
        match past.minutes.back_mut().filter(|(minute, _)| *minute == second / 60) {
            Some((_, sum)) => *sum = sum.plus(more),
            None => past.minutes.push_back((second / 60, more)),
        }
        if past.minutes.len() as u64 > MINUTES {
            past.minutes.pop_front();
        }
    }

    /// Over the last ten seconds.
    pub fn per_second(&self) -> PerSecond {
        let past = self.past();
        let (Some((from, before)), Some((to, now))) = (past.looks.front(), past.looks.back())
        else {
            return PerSecond::default();
        };
        let (seconds, came) = (to.saturating_sub(*from).max(1), now.since(*before));
        // To a tenth: more than that nobody can tell of ten seconds.
        #[expect(
            clippy::cast_precision_loss,
            reason = "there are not so many requests in ten seconds"
        )]
        let rate = |count: u64| (count.saturating_mul(10) / seconds) as f64 / 10.0;
        PerSecond {
            answered: rate(came.answered),
            refused: rate(came.refused),
            failed: rate(came.failed),
        }
    }

    /// Each minute of the last hour, the present one last.
    pub fn minutes(&self, uptime: Duration) -> Vec<Flow> {
        let (past, now) = (self.past(), uptime.as_secs() / 60);
        let of = |ago: u64| {
            let minute = now.checked_sub(ago)?;
            past.minutes.iter().find(|(at, _)| *at == minute).map(|(_, sum)| *sum)
        };
        (0..MINUTES).rev().map(|ago| of(ago).unwrap_or_default()).collect()
    }

    fn past(&self) -> MutexGuard<'_, Past> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(answered: u64, refused: u64) -> Flow {
        Flow { answered, refused, failed: 0 }
    }

    #[test]
    fn the_last_ten_seconds_say_how_many_come_in_one() {
        let rates = Rates::default();
        assert_eq!(rates.per_second(), PerSecond::default());
        for second in 0_u64..=100 {
            // Twenty a second, and from the ninetieth on fifty.
            let counted = 20 * second + 30 * second.saturating_sub(90);
            rates.look(Duration::from_secs(second), flow(counted, second / 4));
        }
        let rate = rates.per_second();
        assert!(
            (rate.answered - 50.0).abs() < 1e-9 && (rate.refused - 0.3).abs() < 1e-9,
            "{rate:?}"
        );
        assert!(rates.past().looks.len() <= 11);
    }

    #[test]
    fn minutes_hold_what_came_in_them_for_an_hour() {
        let rates = Rates::default();
        let at = Duration::from_secs;
        rates.look(at(0), flow(1_000, 0));
        assert_eq!(
            rates.minutes(at(0)),
            [Flow::default(); 60],
            "what was counted before is of no minute"
        );
        rates.look(at(59), flow(1_007, 1));
        rates.look(at(60), flow(1_010, 1));
        // A machine that slept: nothing is known of the minutes between.
        rates.look(at(240), flow(1_011, 1));
        let minutes = rates.minutes(at(250));
        assert_eq!(minutes[55..], [flow(7, 1), flow(3, 0), flow(0, 0), flow(0, 0), flow(1, 0)]);
        // Some rule was removed, with what was counted of it.
        rates.look(at(300), flow(4, 0));
        rates.look(at(301), flow(6, 0));
        assert_eq!(rates.minutes(at(301))[59], flow(2, 0));
        assert_eq!(rates.minutes(at(301 + 3_600)), [Flow::default(); 60]);
        for minute in 0..200 {
            rates.look(at(4_000 + 60 * minute), flow(6 + minute, 0));
        }
        assert_eq!(rates.past().minutes.len(), 60);
    }
}
