//! How much a token may be used: requests in a time, in a period of the calendar, in all, and at
//! once. Pure: what was used so far is an argument.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::time::Timestamp;

/// All limits of a token. What is missing is not limited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// How fast requests may come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// How many requests each hour, day, week or month may have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub quotas: BTreeMap<Period, u64>,
    /// How many requests there may be in all. What counts towards it is kept when it is changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<u64>,
    /// How many requests may be under way at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrent: Option<u32>,
}

impl Limits {
    /// No limit at all.
    pub const NONE: Self =
        Self { rate: None, quotas: BTreeMap::new(), uses: None, concurrent: None };

    /// Whether nothing is limited.
    pub fn is_empty(&self) -> bool {
        self.rate.is_none() && self.concurrent.is_none() && !self.is_counted()
    }

    /// Whether there is a limit whose count outlives the process.
    pub fn is_counted(&self) -> bool {
        self.uses.is_some() || !self.quotas.is_empty()
    }

    /// Whether each limit of `bound` is kept here too, and none is wider.
    pub fn within(&self, bound: &Self) -> bool {
        fn narrower<T: PartialOrd>(mine: Option<T>, bound: Option<T>) -> bool {
            bound.is_none_or(|bound| mine.is_some_and(|mine| mine <= bound))
        }
        let slower = bound.rate.is_none_or(|bound| self.rate.is_some_and(|it| it.within(bound)));
        let fewer = |(period, most): (&Period, &u64)| {
            self.quotas.get(period).is_some_and(|quota| quota <= most)
        };
        slower
            && bound.quotas.iter().all(fewer)
            && narrower(self.uses, bound.uses)
            && narrower(self.concurrent, bound.concurrent)
    }
}

/// So many requests in each second, minute or hour, spread evenly, and some of them at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// How many.
    pub requests: u32,
    /// In which time.
    pub per: Per,
    /// How many may come at once after a pause; as many as `requests` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<u32>,
}

impl Rate {
    /// How many may come at once after a pause.
    pub fn burst(self) -> u32 {
        self.burst.unwrap_or(self.requests)
    }

    fn within(self, bound: Self) -> bool {
        let in_an_hour = |rate: Self| u64::from(rate.requests) * (3_600 / rate.per.seconds());
        in_an_hour(self) <= in_an_hour(bound) && self.burst() <= bound.burst()
    }
}

/// The time that a rate is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// Each second.
    Second,
    /// Each minute.
    Minute,
    /// Each hour.
    Hour,
}

impl Per {
    /// How long it is.
    pub const fn seconds(self) -> u64 {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3_600,
        }
    }

    /// The name, as it is written everywhere.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
        }
    }
}

/// A period of the calendar, in UTC. A week begins on Monday (ISO 8601).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
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

/// Which limit a request met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Requests come too fast.
    Rate,
    /// A period has had all its requests.
    Quota,
    /// There were as many requests as there may be in all.
    Uses,
    /// Too many requests are under way.
    Concurrent,
}

/// How many requests count towards limits that outlive the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Towards `uses`.
    pub uses: u64,
    /// Towards the quota of each period, in the order of [`Period::ALL`].
    pub quotas: [InPeriod; 4],
}

/// How many requests count towards the quota of one period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InPeriod {
    /// The first second of the period.
    pub begin: Timestamp,
    /// How many.
    pub requests: u64,
}

/// What is left of each limit that a token has, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// How many requests may come at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Room>,
    /// How many requests each period still has.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub quotas: BTreeMap<Period, Room>,
    /// How many requests there may still be in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<u64>,
    /// How many more may be under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrent: Option<u32>,
}

/// What is left of a limit that time lifts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// How many requests.
    pub requests: u64,
    /// In how many seconds there is room for one more, at a rate, or for all of them, in a period.
    pub seconds: u64,
}

impl Left {
    /// The limit that the next request would meet, in the order in which they are asked.
    pub fn refusal(&self) -> Option<Limit> {
        let none = |room: &Room| room.requests == 0;
        let met = [
            (self.rate.as_ref().is_some_and(none), Limit::Rate),
            (self.quotas.values().any(none), Limit::Quota),
            (self.uses == Some(0), Limit::Uses),
            (self.concurrent == Some(0), Limit::Concurrent),
        ];
        met.into_iter().find(|(met, _)| *met).map(|(_, limit)| limit)
    }
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
            assert_eq!((period.begin(now), period.end(now)), (at(begin), at(end)), "{period} {now}");
        }
        for period in Period::ALL {
            assert_eq!(period.begin(Timestamp::EPOCH), Timestamp::EPOCH);
            let end = period.end(Timestamp::EPOCH);
            assert_eq!(period.begin(end), end, "{period}");
        }
    }

    #[test]
    fn nobody_grants_more_requests_than_they_have() {
        let limits = |text: &str| serde_json::from_str::<Limits>(text).unwrap();
        let bound = limits(
            r#"{"rate":{"requests":60,"per":"minute"},"quotas":{"day":100},"uses":9,"concurrent":2}"#,
        );
        for (text, within) in [
            (r#"{"rate":{"requests":1,"per":"second","burst":60},"quotas":{"day":100},"uses":9,"concurrent":2}"#, true),
            (r#"{"rate":{"requests":2,"per":"second","burst":60},"quotas":{"day":100},"uses":9,"concurrent":2}"#, false),
            (r#"{"rate":{"requests":1,"per":"second","burst":61},"quotas":{"day":100},"uses":9,"concurrent":2}"#, false),
            (r#"{"rate":{"requests":1,"per":"second"},"quotas":{"day":101},"uses":9,"concurrent":2}"#, false),
            (r#"{"rate":{"requests":1,"per":"second"},"quotas":{"hour":1},"uses":9,"concurrent":2}"#, false),
            (r#"{"rate":{"requests":1,"per":"second"},"quotas":{"day":1},"concurrent":2}"#, false),
            (r#"{"rate":{"requests":1,"per":"second"},"quotas":{"day":1},"uses":1,"concurrent":3}"#, false),
            ("{}", false),
        ] {
            assert_eq!(limits(text).within(&bound), within, "{text}");
            assert!(limits(text).within(&Limits::NONE));
        }
    }
}
