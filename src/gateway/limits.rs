//! The last check of a decision, for tokens that have limits: whether there is something left of them. And
//! how a client is told that there is not: `RateLimit` and `RateLimit-Policy`
//! (draft-ietf-httpapi-ratelimit-headers-11), `Retry-After` (RFC 9110 section 10.2.3).

use std::fmt::Write as _;
use std::rc::Rc;

use http::HeaderValue;
use http::header::{self, HeaderMap, HeaderName};

use crate::cache::{At, Limited, Seat, Taken};
use crate::clock::Clock;
use crate::domain::left::{Left, Room};
use crate::domain::limits::{Limit, Limits};
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;

use super::authenticate;
use super::authorize::Permit;
use super::core::Core;

const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// When to come again where a request that is under way has to end first.
const SOON: u64 = 1;
/// When to come again with a token that is used up: time does not help, but somebody may.
const TOMORROW: u64 = 86_400;

/// The moment `now` of the wall clock, with that of the clock that is never set.
pub(super) fn at(now: Timestamp, clock: &Clock) -> At {
    At { now, uptime_ns: u64::try_from(clock.uptime().as_nanos()).unwrap_or(u64::MAX) }
}

/// Counts a request that nothing else stands against; none of a token without limits.
///
/// # Errors
/// One of the limits is reached, or the store cannot tell; then nothing is counted.
pub(super) async fn take(permit: &Permit<'_>, core: &Core) -> Result<Option<Rc<Seat>>, Refusal> {
    match permit.entry().and_then(|entry| entry.limited.as_ref()) {
        None => Ok(None),
        // Boxed, so that the way of all others stays small.
        Some(limited) => {
            let seat = Box::pin(count(limited, permit.at(), core)).await?;
            Ok(Some(Rc::new(seat)))
        }
    }
}

async fn count(limited: &Limited, now: Timestamp, core: &Core) -> Result<Seat, Refusal> {
    let at = at(now, &core.shared.clock);
    let taken = match limited.take(at) {
        Taken::Unreserved => {
            let taken = core.shared.cache.take(limited, at).await;
            taken.map_err(|error| authenticate::undecided(core, &error))?
        }
        taken => taken,
    };
    match taken {
        Taken::Seat(seat) => Ok(seat),
        Taken::Refused(limit) => Err(Refusal::Limited(limit)),
        Taken::Unreserved => Err(Refusal::CannotDecide),
    }
}

/// Tells of all limits, and when it is worth to come again for one that is reached.
pub(super) fn tell(headers: &mut HeaderMap, limit: Limit, limits: &Limits, left: &Left) {
    for (name, text) in [(POLICY, policies(limits)), (LIMIT, service_limits(left))] {
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(name, value);
        }
    }
    headers.insert(header::RETRY_AFTER, HeaderValue::from(retry_after(limit, left)));
}

/// In seconds, at least one. What was left a moment ago may be there again by now.
fn retry_after(limit: Limit, left: &Left) -> u64 {
    let none = |room: &&Room| room.requests == 0;
    let seconds = match limit {
        Limit::Rate => left.rate.map(|room| room.seconds),
        Limit::Quota => left.quotas.values().filter(none).map(|room| room.seconds).max(),
        Limit::Uses => Some(TOMORROW),
        Limit::Concurrent => Some(SOON),
    };
    seconds.unwrap_or(SOON).max(SOON)
}

/// The limits (section 3). A rate whose burst is another one than its requests says so in a parameter of
/// ours (section 3.1).
fn policies(limits: &Limits) -> String {
    let mut text = String::new();
    if let Some(rate) = limits.rate {
        let (requests, seconds, burst) = (rate.requests, rate.per.seconds(), rate.burst());
        item(&mut text, "rate", format_args!(";q={requests};w={seconds}"));
        if burst != requests {
            let _ = write!(text, ";tollgate-burst={burst}");
        }
    }
    for (period, most) in &limits.quotas {
        item(&mut text, period.name(), format_args!(";q={most};w={}", period.seconds()));
    }
    if let Some(uses) = limits.uses {
        item(&mut text, "uses", format_args!(";q={uses}"));
    }
    if let Some(concurrent) = limits.concurrent {
        let unit = format_args!(";q={concurrent};qu=\"concurrent-requests\"");
        item(&mut text, "concurrent", unit);
    }
    text
}

/// What is left of them (section 4).
fn service_limits(left: &Left) -> String {
    let mut text = String::new();
    let rate = left.rate.iter().map(|room| ("rate", room));
    let quotas = left.quotas.iter().map(|(period, room)| (period.name(), room));
    for (name, Room { requests, seconds }) in rate.chain(quotas) {
        item(&mut text, name, format_args!(";r={requests};t={seconds}"));
    }
    if let Some(uses) = left.uses {
        item(&mut text, "uses", format_args!(";r={uses}"));
    }
    if let Some(concurrent) = left.concurrent {
        item(&mut text, "concurrent", format_args!(";r={concurrent}"));
    }
    text
}

fn item(list: &mut String, name: &str, parameters: std::fmt::Arguments<'_>) {
    let comma = if list.is_empty() { "" } else { ", " };
    let _ = write!(list, "{comma}\"{name}\"{parameters}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_is_told_as_the_draft_has_it() {
        let limits: Limits = serde_json::from_str(
            r#"{"rate":{"requests":10,"per":"minute","burst":3},"quotas":{"hour":5,"month":50},
                "uses":7,"concurrent":2}"#,
        )
        .unwrap();
        let left: Left = serde_json::from_str(
            r#"{"rate":{"requests":0,"seconds":6},"uses":4,"concurrent":1,
                "quotas":{"hour":{"requests":0,"seconds":90},"month":{"requests":0,"seconds":9000}}}"#,
        )
        .unwrap();
        for (limit, seconds) in [
            (Limit::Rate, "6"),
            (Limit::Quota, "9000"),
            (Limit::Uses, "86400"),
            (Limit::Concurrent, "1"),
        ] {
            let mut headers = HeaderMap::new();
            tell(&mut headers, limit, &limits, &left);
            assert_eq!(headers["retry-after"], seconds);
            assert_eq!(
                headers["ratelimit-policy"],
                "\"rate\";q=10;w=60;tollgate-burst=3, \"hour\";q=5;w=3600, \
                 \"month\";q=50;w=2592000, \"uses\";q=7, \
                 \"concurrent\";q=2;qu=\"concurrent-requests\""
            );
            assert_eq!(
                headers["ratelimit"],
                "\"rate\";r=0;t=6, \"hour\";r=0;t=90, \"month\";r=0;t=9000, \"uses\";r=4, \
                 \"concurrent\";r=1"
            );
        }
    }
}
