//! How much a token may be used, and when, in the reader's language.

use crate::domain::conditions::Window;
use crate::domain::left::Left;
use crate::domain::limits::Limits;
use crate::service::view::TokenView;
use crate::web::frame::Frame;

/// A limit.
#[derive(Clone, Debug)]
pub struct LimitRow {
    /// What it is.
    pub text: String,
    /// What is left of it, where somebody can tell.
    pub left: Option<String>,
}

/// Every limit of a token.
pub fn limits(frame: &Frame, token: &TokenView) -> Vec<LimitRow> {
    sentences(frame, &token.limits, token.left.as_ref())
}

/// Limits as sentences, with what is left of them.
pub fn sentences(frame: &Frame, limits: &Limits, left: Option<&Left>) -> Vec<LimitRow> {
    let says = |count: Option<u64>| count.map(|count| frame.n("limit-left", count));
    let mut rows = Vec::new();
    if let Some(rate) = limits.rate {
        let count = u64::from(rate.requests);
        rows.push(LimitRow {
            text: frame.n(&format!("limit-rate-{}", rate.per.name()), count),
            left: Some(frame.n("limit-burst", u64::from(rate.burst()))),
        });
    }
    for (period, most) in &limits.quotas {
        let room = left.and_then(|left| left.quotas.get(period)).map(|room| room.requests);
        let text = frame.n(&format!("limit-quota-{}", period.name()), *most);
        rows.push(LimitRow { text, left: says(room) });
    }
    if let Some(most) = limits.uses {
        let text = frame.n("limit-uses", most);
        rows.push(LimitRow { text, left: says(left.and_then(|left| left.uses)) });
    }
    if let Some(most) = limits.concurrent {
        rows.push(LimitRow { text: frame.n("limit-concurrent", u64::from(most)), left: None });
    }
    rows
}

/// A time of the week: `Mon, Tue · 09:00–18:00 · UTC+03:00`.
pub fn window(frame: &Frame, window: &Window) -> String {
    let days: Vec<_> = window.days().iter().map(|day| frame.of("day", &day.to_string())).collect();
    let (from, until) = window.minutes();
    let (from, until) = (clock(from), clock(until));
    format!("{} · {from}–{until} · {}", days.join(", "), offset(window.utc_offset_minutes()))
}

/// `09:30` of minutes since midnight.
pub fn clock(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// `UTC+03:00` of minutes east of it.
pub fn offset(minutes: i16) -> String {
    let sign = if minutes < 0 { '−' } else { '+' };
    match minutes.unsigned_abs() {
        0 => "UTC".to_owned(),
        east => format!("UTC{sign}{}", clock(east)),
    }
}
