//! How many requests a core may send a second time: so few that an upstream which fails gets hardly more
//! of them than its clients send.

use std::cell::Cell;

/// One retry, in parts of itself: each request pays for one of them, and so a tenth of all may be retried.
const EACH: u64 = 10;

/// Retries that are paid for by a second, whatever else there is.
const PER_SECOND: u64 = 3;

/// The most that is saved up.
const MOST: u64 = 100 * EACH;

/// What a core may spend. It is counted when something is spent, so that a request which goes well pays
/// nothing.
#[derive(Debug)]
pub(super) struct Retries {
    saved: Cell<u64>,
    /// How many requests there had been, and when that was.
    requests: Cell<u64>,
    at_ms: Cell<u64>,
}

impl Retries {
    /// Of a core that begins to count its requests with this number.
    pub(super) const fn new(first_request: u64) -> Self {
        let (saved, requests, at_ms) =
            (Cell::new(PER_SECOND * EACH), Cell::new(first_request), Cell::new(0));
        Self { saved, requests, at_ms }
    }

    /// Whether there may be another one, which is then spent.
    pub(super) fn spend(&self, requests: u64, now_ms: u64) -> bool {
        let new_requests = requests.wrapping_sub(self.requests.replace(requests));
        let time_ms = now_ms.saturating_sub(self.at_ms.get());
        let by_time = time_ms.saturating_mul(PER_SECOND * EACH) / 1_000;
        if by_time > 0 {
            self.at_ms.set(now_ms);
        }
        let saved = self.saved.get().saturating_add(new_requests).saturating_add(by_time).min(MOST);
        let left = saved.checked_sub(EACH);
        self.saved.set(left.unwrap_or(saved));
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_of_all_requests_and_some_each_second_may_be_retried() {
        let retries = Retries::new(7);
        let spent = |rounds: u64, from: u64, now_ms: u64| {
            (1..=rounds).filter(|round| retries.spend(from + round, now_ms)).count()
        };
        assert_eq!(spent(1_000, 7, 0), 103, "and those of the first second");
        assert_eq!(spent(1_000, 1_007, 0), 100);
        let at_once = |now_ms| (0..1_000).filter(|_| retries.spend(2_007, now_ms)).count();
        assert_eq!((at_once(0), at_once(1_000), at_once(3_000)), (0, 3, 6));
        assert_eq!((at_once(3_001), at_once(3_033), at_once(3_340)), (0, 0, 1));
        assert!(retries.spend(1_000_000, 3_340));
        assert_eq!((0..1_000).filter(|_| retries.spend(1_000_000, 3_340)).count(), 99);
    }
}
