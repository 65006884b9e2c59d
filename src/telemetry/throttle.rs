//! A rate for log lines: trouble that comes with every request is told once in a while, with how
//! often it came. Metrics have the exact numbers.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::clock;

/// The least time between two lines about the same trouble.
pub const EVERY: Duration = Duration::from_secs(10);

/// Lets one line in [`EVERY`] through and counts the others. It is asked when something has gone
/// wrong and never by a request that goes well, so that a lock is cheap enough.
#[derive(Debug, Default)]
pub struct Throttle(Mutex<Spell>);

#[derive(Debug, Default)]
struct Spell {
    told_at: Option<Instant>,
    withheld: u64,
    /// Whether a line was let through since the trouble was last over.
    open: bool,
}

impl Throttle {
    /// Whether to write a line now; then with how often it was not written since the last one.
    pub fn ready(&self) -> Option<u64> {
        self.ready_at(clock::instant())
    }

    fn ready_at(&self, now: Instant) -> Option<u64> {
        let mut spell = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if spell.told_at.is_some_and(|told_at| now.saturating_duration_since(told_at) < EVERY) {
            spell.withheld = spell.withheld.saturating_add(1);
            return None;
        }
        spell.told_at = Some(now);
        spell.open = true;
        Some(std::mem::take(&mut spell.withheld))
    }

    /// Whether trouble was told of that is over now: true once after each spell of it.
    pub fn over(&self) -> bool {
        let mut spell = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut spell.open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_in_ten_seconds_says_how_many_were_withheld() {
        let (throttle, start) = (Throttle::default(), clock::instant());
        let after = |seconds| throttle.ready_at(start + Duration::from_secs(seconds));
        assert_eq!(after(0), Some(0));
        assert_eq!((after(0), after(5), after(9)), (None, None, None));
        assert_eq!(after(10), Some(3));
        assert_eq!((after(19), after(20)), (None, Some(1)));
    }

    #[test]
    fn the_end_of_trouble_is_told_once_and_only_if_the_trouble_was() {
        let throttle = Throttle::default();
        assert!(!throttle.over());
        throttle.ready();
        throttle.ready();
        assert!(throttle.over() && !throttle.over());
        // Trouble that comes back within ten seconds is withheld, and so is its end.
        assert_eq!(throttle.ready(), None);
        assert!(!throttle.over());
    }
}
