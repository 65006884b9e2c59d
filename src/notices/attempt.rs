//! One attempt to tell somebody something, how it ended, and when the next one is due.

use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::domain::id::{OwnerId, TokenId};
use crate::domain::notice::NoticeKind;
use crate::domain::time::{Span, Timestamp};
use crate::egress::EgressError;

/// How long after each attempt that failed the next one is made, in seconds: three days in all, and then
/// no more.
const DELAYS: [u64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// The most characters of what went wrong.
const ERROR_CHARS: usize = 300;

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was taken.
    Delivered,
    /// It was not, and is tried again.
    Retry,
    /// It was not, and is not tried again.
    GivenUp,
}

/// An attempt that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Attempt {
    /// When it was made.
    pub at: Timestamp,
    /// The id of the notice, the same in all attempts.
    pub notice: String,
    /// What it tells of.
    pub kind: NoticeKind,
    /// The event that it tells of; none for a test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<u64>,
    /// The token that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenId>,
    /// The user that it is about, or whose token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<OwnerId>,
    /// Which one it was, the first is 1.
    pub attempt: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// What was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why there was no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// When the next one is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
}

/// What came of a call: what goes into an [`Attempt`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) outcome: Outcome,
    pub(super) status: Option<u16>,
    pub(super) error: Option<String>,
    pub(super) next_at: Option<Timestamp>,
}

/// Judges attempt number `attempt`, which was over at `now`. Whoever answers 410 wants no more of it.
pub(super) fn judge(
    answer: Result<StatusCode, EgressError>,
    attempt: u32,
    now: Timestamp,
) -> Verdict {
    let (status, error) = match answer {
        Ok(status) => (Some(status), None),
        Err(error) => (None, Some(error.to_string().chars().take(ERROR_CHARS).collect())),
    };
    let nth = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
    let next_at = DELAYS.get(nth).map(|delay| now.plus(Span::from_seconds(*delay)));
    let (outcome, next_at) = match (status, next_at) {
        (Some(status), _) if status.is_success() => (Outcome::Delivered, None),
        (Some(StatusCode::GONE), _) | (_, None) => (Outcome::GivenUp, None),
        (_, next_at) => (Outcome::Retry, next_at),
    };
    Verdict { outcome, status: status.map(|status| status.as_u16()), error, next_at }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_taken_is_tried_for_three_days_and_what_is_gone_no_more() {
        let now = Timestamp::from_unix(1_000);
        let outcome = |status, attempt| judge(Ok(status), attempt, now);
        for status in [StatusCode::OK, StatusCode::ACCEPTED, StatusCode::NO_CONTENT] {
            assert_eq!(outcome(status, 1).outcome, Outcome::Delivered, "{status}");
        }
        let mut at = now;
        for attempt in 1..=9 {
            for status in [StatusCode::FOUND, StatusCode::NOT_FOUND, StatusCode::BAD_GATEWAY] {
                let verdict = judge(Ok(status), attempt, at);
                assert_eq!(verdict.outcome, Outcome::Retry, "{status}");
            }
            let verdict = judge(Err(EgressError::Slow), attempt, at);
            at = verdict.next_at.unwrap();
        }
        let hours = at.since(now).seconds() / 3_600;
        assert!((75..=76).contains(&hours), "{hours}");
        let last = judge(Err(EgressError::Slow), 10, at);
        assert_eq!((last.outcome, last.next_at), (Outcome::GivenUp, None));
        assert!(last.error.unwrap().contains("15 s"));
        assert_eq!(outcome(StatusCode::GONE, 1).outcome, Outcome::GivenUp);
    }
}
