//! Periods of the calendar, for limits that begin anew with each.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::time::Timestamp;

/// A period of the calendar, in UTC. A week begins on Monday (ISO 8601).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// From minute 0 to the next.
    Hour,
    /// From midnight.
    Day,
    /// From midnight between Sunday and Monday.
    Week,
    /// From midnight before its first day.
    Month,
}

const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;
const WEEK: u64 = 7 * DAY;
/// The first Monday since the epoch, which was a Thursday.
const MONDAY: u64 = 4 * DAY;

impl Period {
    /// Every one, the shortest first.
    pub const ALL: [Self; 4] = [Self::Hour, Self::Day, Self::Week, Self::Month];

    /// The name, as it is written everywhere.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// The first second of the period that `now` lies in.
    pub fn begin(self, now: Timestamp) -> Timestamp {
        let unix = now.unix();
        Timestamp::from_unix(match self {
            Self::Hour => unix - unix % HOUR,
            Self::Day => unix - unix % DAY,
            // Counted from the Monday before the epoch, three days earlier.
            Self::Week => unix.saturating_sub((unix + WEEK - MONDAY) % WEEK),
            Self::Month => first_of_month(now, 0).unwrap_or(0),
        })
    }

    /// The first second of the next one.
    pub fn end(self, now: Timestamp) -> Timestamp {
        let begin = self.begin(now).unix();
        Timestamp::from_unix(match self {
            Self::Hour => begin + HOUR,
            Self::Day => begin + DAY,
            // The week of the epoch began before it.
            Self::Week if begin == 0 => MONDAY,
            Self::Week => begin + WEEK,
            // No end that anybody waits for, rather than one that is too early.
            Self::Month => first_of_month(now, 1).unwrap_or(Timestamp::MAX.unix()),
        })
    }

    /// About how long it is, in seconds: a month is told as 30 days.
    pub const fn seconds(self) -> u64 {
        match self {
            Self::Hour => HOUR,
            Self::Day => DAY,
            Self::Week => WEEK,
            Self::Month => 30 * DAY,
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The first second of the month of `now`, or of the month so many later.
fn first_of_month(now: Timestamp, later: i64) -> Option<u64> {
    let instant = jiff::Timestamp::from_second(i64::try_from(now.unix()).ok()?).ok()?;
    let first = instant.to_zoned(jiff::tz::TimeZone::UTC).date().first_of_month();
    let wanted = first.checked_add(jiff::Span::new().try_months(later).ok()?).ok()?;
    let begin = wanted.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    u64::try_from(begin.timestamp().as_second()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn periods_are_those_of_the_calendar_in_utc() {
        for (period, now, begin, end) in [
            (Period::Hour, "2026-03-01T12:59:59Z", "2026-03-01T12:00:00Z", "2026-03-01T13:00:00Z"),
            (Period::Day, "2026-03-01T00:00:00Z", "2026-03-01", "2026-03-02"),
            // A Sunday, and the Monday after it.
            (Period::Week, "2026-03-01T23:59:59Z", "2026-02-23", "2026-03-02"),
            (Period::Week, "2026-03-02T00:00:00Z", "2026-03-02", "2026-03-09"),
            (Period::Month, "2028-02-29T23:59:59Z", "2028-02-01", "2028-03-01"),
            (Period::Month, "2026-12-31T23:59:59Z", "2026-12-01", "2027-01-01"),
        ] {
            let now = at(now);
            assert_eq!(
                (period.begin(now), period.end(now)),
                (at(begin), at(end)),
                "{period} {now}"
            );
        }
        for period in Period::ALL {
            assert_eq!(period.begin(Timestamp::EPOCH), Timestamp::EPOCH);
            let end = period.end(Timestamp::EPOCH);
            assert_eq!(period.begin(end), end, "{period}");
        }
    }
}
