//! What was used of limits, and what is left of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::limits::{Limit, Limits};
use super::period::Period;
use super::time::Timestamp;

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
    /// What is said of each limit to people, with what is left of it.
    pub fn words(&self, limits: &Limits) -> Vec<String> {
        let mut words = Vec::new();
        if let Some(rate) = limits.rate {
            let (requests, per, burst) = (rate.requests, rate.per.name(), rate.burst());
            words.push(match self.rate.map(|room| room.requests) {
                None => format!("{requests} each {per}, {burst} at once after a pause"),
                Some(now) => {
                    format!("{requests} each {per}, {burst} at once after a pause, {now} now")
                }
            });
        }
        for (period, most) in &limits.quotas {
            words.push(match self.quotas.get(period) {
                None => format!("{most} in each {period}"),
                Some(Room { requests, seconds }) => {
                    format!("{most} in each {period}, {requests} left, all again in {seconds} s")
                }
            });
        }
        if let Some(most) = limits.uses {
            words.push(match self.uses {
                None => format!("{most} in all"),
                Some(left) => format!("{most} in all, {left} left"),
            });
        }
        if let Some(most) = limits.concurrent {
            words.push(match self.concurrent {
                None => format!("{most} under way at once"),
                Some(more) => format!("{most} under way at once, {more} more now"),
            });
        }
        words
    }

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
