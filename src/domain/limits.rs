//! How much a token may be used: requests in a time, in a period of the calendar, in all, and at
//! once. Pure: what was used so far is an argument.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::period::Period;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_grants_more_requests_than_they_have() {
        let limits = |text: &str| serde_json::from_str::<Limits>(text).unwrap();
        let bound = limits(
            r#"{"rate":{"requests":60,"per":"minute"},"quotas":{"day":100},"uses":9,"concurrent":2}"#,
        );
        for (text, within) in [
            (
                r#"{"rate":{"requests":1,"per":"second","burst":60},"quotas":{"day":100},"uses":9,"concurrent":2}"#,
                true,
            ),
            (
                r#"{"rate":{"requests":2,"per":"second","burst":60},"quotas":{"day":100},"uses":9,"concurrent":2}"#,
                false,
            ),
            (
                r#"{"rate":{"requests":1,"per":"second","burst":61},"quotas":{"day":100},"uses":9,"concurrent":2}"#,
                false,
            ),
            (
                r#"{"rate":{"requests":1,"per":"second"},"quotas":{"day":101},"uses":9,"concurrent":2}"#,
                false,
            ),
            (
                r#"{"rate":{"requests":1,"per":"second"},"quotas":{"hour":1},"uses":9,"concurrent":2}"#,
                false,
            ),
            (r#"{"rate":{"requests":1,"per":"second"},"quotas":{"day":1},"concurrent":2}"#, false),
            (
                r#"{"rate":{"requests":1,"per":"second"},"quotas":{"day":1},"uses":1,"concurrent":3}"#,
                false,
            ),
            ("{}", false),
        ] {
            assert_eq!(limits(text).within(&bound), within, "{text}");
            assert!(limits(text).within(&Limits::NONE));
        }
    }
}
