//! How much a token was used, day by day.

use serde::{Deserialize, Serialize};

use crate::domain::day::{Day, Requests};
use crate::domain::id::TokenId;
use crate::domain::time::Timestamp;
use crate::service::Service;
use crate::service::caller::Caller;
use crate::service::error::ServiceError;

/// How many days are kept, today included.
pub const KEPT_DAYS: u32 = 90;

/// How many days are told of, unless the question says otherwise.
pub const USUAL_DAYS: u32 = 30;

/// The first day that is kept at `now`.
pub const fn first_kept(now: Timestamp) -> Day {
    Day::of(now).back(KEPT_DAYS - 1)
}

/// How far back.
#[derive(Clone, Copy, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UsageQuestion {
    /// How many days, today included: 1 to 90, 30 unless said.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 90)]
    pub days: Option<u32>,
}

/// The requests of a token. They are for people to look at: what its limits count is counted apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TokenUsage {
    /// Whose.
    pub token: TokenId,
    /// How many were permitted in these days.
    pub permitted: u64,
    /// How many were refused in these days, whatever for.
    pub refused: u64,
    /// Every day in UTC, the earliest first and today last; none before the token was made.
    pub days: Vec<DayUsage>,
}

/// The requests of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DayUsage {
    /// In UTC.
    pub day: Day,
    /// How many were permitted.
    pub permitted: u32,
    /// How many were refused.
    pub refused: u32,
}

impl Service {
    /// How much a token was used on each of the last days, up to this moment.
    ///
    /// # Errors
    /// No such token, a number of days that is out of bounds, or a store that cannot be read.
    pub async fn token_usage(
        &self,
        by: &Caller,
        id: TokenId,
        asked: UsageQuestion,
    ) -> Result<TokenUsage, ServiceError> {
        let days = asked.days.unwrap_or(USUAL_DAYS);
        if !(1..=KEPT_DAYS).contains(&days) {
            let problem = format!("`{days}` is not from 1 to {KEPT_DAYS}: no other days are kept");
            return Err(ServiceError::field("days", problem));
        }
        let token = self.token_seen(by, id).await?;
        let today = Day::of(self.at().await?);
        let first = today.back(days - 1).max(Day::of(token.created_at)).min(today);
        let requests = self.cache.requests(id, first..=today).await?;
        let of_day = |(day, Requests { permitted, refused })| DayUsage { day, permitted, refused };
        let days: Vec<_> = first.to(today).zip(requests).map(of_day).collect();
        let sum = |of: fn(&DayUsage) -> u32| days.iter().map(|day| u64::from(of(day))).sum();
        let (permitted, refused) = (sum(|day| day.permitted), sum(|day| day.refused));
        Ok(TokenUsage { token: id, permitted, refused, days })
    }
}
