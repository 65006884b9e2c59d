//! Points in time and spans, as whole seconds. Nothing here reads a clock: `now` is an argument.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::echo::shown;

/// The last second that the calendar library can write: 9999-12-30T22:00:00Z.
const MAX_UNIX: u64 = 253_402_207_200;

/// A point in time, in whole seconds since 1970-01-01T00:00:00Z, written as RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(
    /// One more than the seconds, so that `Option` takes no memory: every token in memory has one.
    NonZeroU64,
);

impl Timestamp {
    /// The first second of 1970; earlier times cannot be written.
    pub const EPOCH: Self = Self(NonZeroU64::MIN);
    /// The last second that can be written.
    pub const MAX: Self = Self::from_unix(MAX_UNIX);

    /// From seconds since the epoch; later than [`Timestamp::MAX`] becomes that.
    pub const fn from_unix(seconds: u64) -> Self {
        let seconds = if seconds > MAX_UNIX { MAX_UNIX } else { seconds };
        Self(NonZeroU64::MIN.saturating_add(seconds))
    }

    /// Seconds since the epoch.
    pub const fn unix(self) -> u64 {
        self.0.get() - 1
    }

    /// This point moved later by `span`, at most [`Timestamp::MAX`].
    #[must_use]
    pub const fn plus(self, span: Span) -> Self {
        Self::from_unix(self.unix().saturating_add(span.0))
    }

    /// This point moved earlier by `span`, not before the epoch.
    #[must_use]
    pub const fn minus(self, span: Span) -> Self {
        Self::from_unix(self.unix().saturating_sub(span.0))
    }

    /// How long after `earlier` this is; zero when it is not after it.
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.unix().saturating_sub(earlier.unix()))
    }
}

impl Default for Timestamp {
    fn default() -> Self {
        Self::EPOCH
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = i64::try_from(self.unix()).map_err(|_| fmt::Error)?;
        let instant = jiff::Timestamp::from_second(seconds).map_err(|_| fmt::Error)?;
        write!(f, "{instant}")
    }
}

/// Text that is neither RFC 3339 nor a date that [`Timestamp`] can hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTimestamp {
    /// Neither of the two.
    #[error("`{0}` is not a time such as `2030-01-31T12:00:00Z` or a date such as `2030-01-31`")]
    Form(String),
    /// A time of day that could be that of any country.
    #[error("`{0}` does not say how far it is from UTC: write `{0}Z`, or `{0}+03:00`")]
    NoOffset(String),
}

impl FromStr for Timestamp {
    type Err = BadTimestamp;

    /// Reads RFC 3339, or a bare date, which means its first second in UTC.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || BadTimestamp::Form(shown(text));
        let instant = match text.parse::<jiff::Timestamp>() {
            Ok(instant) => instant,
            Err(_) if is_date(text) => text
                .parse::<jiff::civil::Date>()
                .and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC))
                .map_err(|_| bad())?
                .timestamp(),
            // The calendar library would read a date from it, and drop the time of day.
            Err(_) if text.parse::<jiff::civil::DateTime>().is_ok() && text.contains(':') => {
                return Err(BadTimestamp::NoOffset(shown(text)));
            }
            Err(_) => return Err(bad()),
        };
        u64::try_from(instant.as_second()).map(Self::from_unix).map_err(|_| bad())
    }
}

/// Whether this is `YYYY-MM-DD` by its form.
fn is_date(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A length of time in whole seconds; stored as a number, read from people as `90s`, `15m`, `36h`,
/// `100d` or `2w`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Span(u64);

impl Span {
    /// No time at all; as an idle limit or a lifetime it means "never ends".
    pub const ZERO: Self = Self(0);

    /// From whole seconds.
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds)
    }

    /// From days of 86,400 seconds.
    pub const fn from_days(days: u64) -> Self {
        Self(days.saturating_mul(86_400))
    }

    /// The length in seconds.
    pub const fn seconds(self) -> u64 {
        self.0
    }

    /// Whether this is [`Span::ZERO`].
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
        for (size, unit) in units {
            if self.0 != 0 && self.0.is_multiple_of(size) {
                return write!(f, "{}{unit}", self.0 / size);
            }
        }
        write!(f, "{}s", self.0)
    }
}

/// Text that is not a length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSpan {
    /// No number with a unit.
    #[error("`{0}` is not a length of time such as `90s`, `15m`, `36h`, `100d` or `0`")]
    Form(String),
    /// More seconds than can be counted.
    #[error("`{0}` is too long; `0` is for ever")]
    TooLong(String),
    /// A number alone, which some would read as seconds and some as days.
    #[error("`{0}` has no unit: write `{0}s`, `{0}m`, `{0}h`, `{0}d` or `{0}w`")]
    NoUnit(String),
}

impl FromStr for Span {
    type Err = BadSpan;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || BadSpan::Form(shown(text));
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at_checked(digits).ok_or_else(bad)?;
        let too_long = || BadSpan::TooLong(shown(text));
        let number = match number {
            "" => return Err(bad()),
            number => number.parse::<u64>().map_err(|_| too_long())?,
        };
        let size = match unit {
            "" if number == 0 => 1,
            "" => return Err(BadSpan::NoUnit(shown(text))),
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            "w" => 604_800,
            _ => return Err(bad()),
        };
        number.checked_mul(size).map(Self).ok_or_else(too_long)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_survives_its_text() {
        for unix in [0, 1, 1_700_000_000, MAX_UNIX] {
            let at = Timestamp::from_unix(unix);
            assert_eq!(at.to_string().parse(), Ok(at));
        }
        assert_eq!("2030-01-31".parse(), Ok(Timestamp::from_unix(1_896_048_000)));
        assert_eq!("2030-01-31T01:00:00+01:00".parse(), Ok(Timestamp::from_unix(1_896_048_000)));
    }

    #[test]
    fn a_bad_timestamp_is_named() {
        for text in ["", "tomorrow", "1969-12-31T23:59:59Z", "2030-13-01"] {
            let error = text.parse::<Timestamp>().unwrap_err();
            assert!(error.to_string().starts_with(&format!("`{text}` is not a time")));
        }
    }

    #[test]
    fn a_time_of_day_is_never_dropped() {
        for text in ["2027-01-01T18:00", "2027-01-01 18:00", "2027-01-01T18:00:30.5"] {
            let error = text.parse::<Timestamp>().unwrap_err().to_string();
            assert!(error.contains(&format!("`{text}Z`")), "{error}");
        }
        for text in ["2027-01-01T18:00Z", "2027-01-01 19:00+01:00"] {
            assert_eq!(text.parse(), Ok(Timestamp::from_unix(1_798_826_400)), "{text}");
        }
        for text in ["20270101", "2027-01-01T18", "+002027-01-01", "2027-01-01[UTC]", "2027-1-1"] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }

    #[test]
    fn spans_read_and_write_the_largest_whole_unit() {
        for (text, seconds) in [("0s", 0), ("90s", 90), ("2m", 120), ("36h", 129_600)] {
            let span: Span = text.parse().unwrap();
            assert_eq!((span.seconds(), span.to_string().as_str()), (seconds, text));
        }
        assert_eq!("2w".parse::<Span>().unwrap().to_string(), "14d");
        assert_eq!("0".parse(), Ok(Span::ZERO));
        assert_eq!("90".parse::<Span>(), Err(BadSpan::NoUnit("90".to_owned())));
        for text in ["", "d", "1y", "-1s", "1.5h", "99999999999999999999d"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }

    #[test]
    fn time_never_wraps() {
        assert_eq!(Timestamp::MAX.plus(Span::from_seconds(u64::MAX)), Timestamp::MAX);
        assert_eq!(Timestamp::EPOCH.since(Timestamp::MAX), Span::ZERO);
    }
}
