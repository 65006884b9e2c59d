//! Days, and how many requests they saw.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::echo::shown;
use super::time::{BadTimestamp, Span, Timestamp};

/// Seconds of a day in UTC, which knows no other length.
const SECONDS: u64 = 86_400;

/// A day in UTC, written as `2030-01-31`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(
    /// Days since 1970-01-01.
    u32,
);

impl Day {
    /// The day of a moment.
    pub const fn of(at: Timestamp) -> Self {
        // A moment has fewer days than this: `Timestamp::MAX`.
        #[expect(clippy::cast_possible_truncation, reason = "the last day is number 2,932,895")]
        Self((at.unix() / SECONDS) as u32)
    }

    /// Its first second.
    pub fn begin(self) -> Timestamp {
        Timestamp::EPOCH.plus(Span::from_days(u64::from(self.0)))
    }

    /// The day that is `days` earlier; the first of all if there is none.
    #[must_use]
    pub const fn back(self, days: u32) -> Self {
        Self(self.0.saturating_sub(days))
    }

    /// Every day from this one to `last`, both included.
    pub fn to(self, last: Self) -> impl DoubleEndedIterator<Item = Self> + ExactSizeIterator {
        (self.0..last.0.saturating_add(1)).map(Self)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.begin().to_string();
        f.pad(text.get(..10).unwrap_or(&text))
    }
}

impl FromStr for Day {
    type Err = BadTimestamp;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let day = Self::of(text.parse()?);
        let same = day.to_string() == text;
        same.then_some(day).ok_or_else(|| BadTimestamp::Form(shown(text)))
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// How many requests there were. It stops at the largest number rather than begin anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requests {
    /// Those that were permitted.
    pub permitted: u32,
    /// Those that were refused, whatever for.
    pub refused: u32,
}

impl Requests {
    /// None at all.
    pub const NONE: Self = Self { permitted: 0, refused: 0 };

    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            permitted: self.permitted.saturating_add(other.permitted),
            refused: self.refused.saturating_add(other.refused),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_back_as_it_is_written_and_holds_its_seconds() {
        for (text, number) in [("1970-01-01", 0), ("2030-01-31", 21_945), ("9999-12-30", 2_932_895)]
        {
            let day: Day = text.parse().unwrap();
            assert_eq!((day, day.to_string().as_str()), (Day(number), text));
            let begin = day.begin();
            assert_eq!(Day::of(begin), day);
            assert_eq!(Day::of(begin.plus(Span::from_seconds(SECONDS - 1))), day);
            assert_eq!(begin.to_string(), format!("{text}T00:00:00Z"));
        }
        assert_eq!(Day::of(Timestamp::MAX), Day(2_932_895));
        for text in ["2030-02-30", "2030-01-31T00:00:00Z", "", "1969-12-31"] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
    }

    #[test]
    fn days_are_counted_back_and_forth() {
        let today = Day(10);
        assert_eq!(today.back(3).to(today).collect::<Vec<_>>(), [7, 8, 9, 10].map(Day));
        assert_eq!((today.back(11), today.to(Day(9)).len()), (Day(0), 0));
    }
}
