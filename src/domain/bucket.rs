//! A bucket of requests that drains at a steady rate: how fast requests may come, and how many of
//! them at once. Pure: the moment is an argument, in nanoseconds of a clock that is never set.

use super::limits::Rate;

/// One request, in the unit in which a bucket is filled: small enough that what drains between two
/// requests is never rounded to nothing.
const REQUEST: u64 = 1_000_000_000;

/// How full it is. Empty before the first request. It holds requests and no times, so that what was
/// used still counts after the rate was changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// In parts of a request.
    level: u64,
    at_ns: u64,
}

impl Bucket {
    /// How full it is at `now_ns`. A moment before the last one counts as that.
    fn level(self, rate: Rate, now_ns: u64) -> u64 {
        let elapsed = u128::from(now_ns.saturating_sub(self.at_ns));
        // In nanoseconds on both sides, so that they fall out.
        let drained = elapsed * u128::from(rate.requests) / u128::from(rate.per.seconds());
        self.level.saturating_sub(u64::try_from(drained).unwrap_or(u64::MAX))
    }

    /// The bucket with one request more.
    ///
    /// # Errors
    /// It is full: how many nanoseconds there is no room for one.
    pub fn add(self, rate: Rate, now_ns: u64) -> Result<Self, u64> {
        let level = self.level(rate, now_ns).saturating_add(REQUEST);
        let over = level.saturating_sub(u64::from(rate.burst()) * REQUEST);
        if over == 0 {
            return Ok(Self { level, at_ns: now_ns.max(self.at_ns) });
        }
        Err(time_of(rate, over))
    }

    /// How many requests it has room for.
    pub fn room(self, rate: Rate, now_ns: u64) -> u64 {
        (u64::from(rate.burst()) * REQUEST).saturating_sub(self.level(rate, now_ns)) / REQUEST
    }

    /// When nothing is left of what was used.
    pub fn empty_at_ns(self, rate: Rate) -> u64 {
        self.at_ns.saturating_add(time_of(rate, self.level))
    }
}

/// How many nanoseconds it takes until so much has drained.
fn time_of(rate: Rate, level: u64) -> u64 {
    let time = u128::from(level) * u128::from(rate.per.seconds());
    u64::try_from(time.div_ceil(u128::from(rate.requests.max(1)))).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::limits::Per;

    const SECOND: u64 = 1_000_000_000;

    fn rate(requests: u32, per: Per, burst: u32) -> Rate {
        Rate { requests, per, burst: Some(burst) }
    }

    #[test]
    fn after_a_burst_requests_come_at_the_rate() {
        let rate = rate(3, Per::Second, 5);
        let mut bucket = Bucket::default();
        for left in (0..5).rev() {
            bucket = bucket.add(rate, 7).unwrap();
            assert_eq!(bucket.room(rate, 7), left);
        }
        let wait = bucket.add(rate, 7).unwrap_err();
        assert_eq!(wait, SECOND.div_ceil(3));
        assert!(bucket.add(rate, 7 + wait - 1).is_err());
        assert!(bucket.add(rate, 7 + wait).is_ok());
        assert!(bucket.add(rate, 0).is_err(), "a clock that went back gives nothing");
    }

    #[test]
    fn in_a_long_time_there_are_exactly_as_many_as_the_rate_and_the_burst_give() {
        for (requests, per, burst) in
            [(7, Per::Second, 1), (1_000, Per::Minute, 13), (59, Per::Hour, 59)]
        {
            let rate = rate(requests, per, burst);
            let (mut bucket, mut permitted) = (Bucket::default(), 0_u64);
            let whole = 10 * per.seconds() * SECOND;
            // A client that asks twelve times as often as it may.
            let steps = 12 * 10 * u64::from(requests);
            for step in 0..=steps {
                let now = u64::try_from(u128::from(step) * u128::from(whole) / u128::from(steps));
                if let Ok(more) = bucket.add(rate, now.unwrap()) {
                    (bucket, permitted) = (more, permitted + 1);
                }
            }
            let most = 10 * u64::from(requests) + u64::from(burst);
            assert!((most - 1..=most).contains(&permitted), "{permitted} of {most}");
        }
    }

    #[test]
    fn the_longest_waits_are_still_numbers() {
        let rate = rate(1, Per::Hour, 1_000_000);
        let mut bucket = Bucket { level: 1_000_000 * REQUEST, at_ns: 0 };
        assert_eq!(bucket.add(rate, 0), Err(3_600 * SECOND));
        assert_eq!(bucket.empty_at_ns(rate), 3_600_000_000 * SECOND);
        bucket = bucket.add(rate, u64::MAX).unwrap();
        assert_eq!((bucket.room(rate, u64::MAX), bucket.empty_at_ns(rate)), (999_999, u64::MAX));
    }
}
