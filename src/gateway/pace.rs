//! How fast the body of a request must come (the slow body of sec-D2). A client may be silent for
//! as long as any body may; one that sends a byte just before each such time is over uses its
//! credit up.

use std::cell::Cell;
use std::time::Duration;

const NOT_WAITING: u64 = u64::MAX;

/// The credit of a client: it is spent while an upstream waits for its body, and earned by what
/// comes.
#[derive(Debug)]
pub(super) struct Pace {
    bytes_per_second: Cell<u64>,
    /// What may be left at the most, in thousandths of a byte: that many milliseconds at the rate.
    most: u64,
    left: Cell<u64>,
    waiting_since_ms: Cell<u64>,
}

impl Pace {
    /// Begins with credit for `window`, and never has more, so that a fast beginning does not pay
    /// for a slow end. A rate of zero asks for nothing.
    pub(super) fn new(bytes_per_second: u64, window: Duration) -> Self {
        let window_ms = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
        let most = window_ms.saturating_mul(bytes_per_second);
        Self {
            bytes_per_second: Cell::new(bytes_per_second),
            most,
            left: Cell::new(most),
            waiting_since_ms: Cell::new(NOT_WAITING),
        }
    }

    /// From here on no rate is asked for.
    pub(super) fn end(&self) {
        self.bytes_per_second.set(0);
    }

    /// The upstream would take more, and the client has sent none.
    pub(super) fn wait(&self, now_ms: u64) {
        if !self.is_waiting() {
            self.waiting_since_ms.set(now_ms);
        }
    }

    pub(super) const fn is_waiting(&self) -> bool {
        self.waiting_since_ms.get() != NOT_WAITING
    }

    /// Something came; false if that was too slow.
    pub(super) fn came(&self, bytes: usize, now_ms: u64) -> bool {
        let since_ms = self.waiting_since_ms.replace(NOT_WAITING).min(now_ms);
        let rate = self.bytes_per_second.get();
        if rate == 0 {
            return true;
        }
        let spent = now_ms.saturating_sub(since_ms).saturating_mul(rate);
        let Some(left) = self.left.get().checked_sub(spent) else { return false };
        let earned = (bytes as u64).saturating_mul(1_000);
        self.left.set(left.saturating_add(earned).min(self.most));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(60);

    /// Sends pieces of `bytes` at these seconds of waiting; the second at which that is too slow.
    fn refused_at(
        pace: &Pace,
        bytes: usize,
        seconds: impl IntoIterator<Item = u64>,
    ) -> Option<u64> {
        let mut before = 0;
        seconds.into_iter().find(|second| {
            pace.wait(before * 1_000);
            before = *second;
            !pace.came(bytes, second * 1_000)
        })
    }

    #[test]
    fn a_byte_just_within_each_silence_is_too_slow() {
        assert_eq!(refused_at(&Pace::new(500, WINDOW), 1, (59..).step_by(59)), Some(118));
        assert_eq!(refused_at(&Pace::new(500, WINDOW), 1, 1..), Some(61));
    }

    #[test]
    fn what_comes_at_the_rate_may_go_on_for_ever() {
        let pace = Pace::new(500, WINDOW);
        assert_eq!(refused_at(&pace, 500, 1..100_000), None);
        let pace = Pace::new(500, WINDOW);
        assert_eq!(refused_at(&pace, 30_000, (60..100_000).step_by(60)), None);
    }

    #[test]
    fn a_fast_beginning_does_not_pay_for_a_slow_end() {
        let pace = Pace::new(500, WINDOW);
        assert!(pace.came(1 << 30, 0));
        assert_eq!(refused_at(&pace, 1, 1..), Some(61));
    }

    #[test]
    fn time_in_which_the_upstream_takes_nothing_is_not_spent() {
        let pace = Pace::new(500, WINDOW);
        for hour in 0..24 {
            assert!(pace.came(1, hour * 3_600_000));
        }
    }

    #[test]
    fn without_a_rate_nothing_is_too_slow() {
        assert_eq!(refused_at(&Pace::new(0, WINDOW), 0, (0..1_000_000).step_by(1_000)), None);
        let pace = Pace::new(500, WINDOW);
        pace.end();
        assert_eq!(refused_at(&pace, 0, (0..1_000_000).step_by(1_000)), None);
    }
}
