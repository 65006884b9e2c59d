//! What is made of it that an endpoint gave an answer, or none.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use crate::config::settings::Ejection;

use super::load::Busy;
use super::plan::ApiPlan;
use super::targets::Target;

/// One try to get an answer from an endpoint.
#[derive(Clone, Copy)]
pub(super) struct Try<'a> {
    pub(super) api: &'a ApiPlan,
    pub(super) target: &'a Arc<Target>,
    /// How often the endpoint had been out when it began.
    spells: u64,
    /// How long its request might still take then.
    pub(super) left: Duration,
}

impl<'a> Try<'a> {
    /// One that begins, of a request that may still take as long as `left`.
    pub(super) fn begin(api: &'a ApiPlan, target: &'a Arc<Target>, left: Duration) -> Self {
        Self { api, target, spells: target.standing.spells(), left }
    }

    /// Whether it says something of its endpoint that this took too long. Where it was `cut` short by the time of its request,
    /// most of that must have been left when it began: what went before, in a queue or at others, is no fault of this one.
    /// Not all of it: where everybody queues for a moment, one that hangs is still found.
    pub(super) fn may_blame(self, cut: bool) -> bool {
        !cut || self.api.timeout.is_none_or(|timeout| self.left >= timeout * 3 / 4)
    }
}

/// Takes note of an exchange without a usable answer, and tells of it.
pub(super) fn blame(tried: Try<'_>, cause: &dyn fmt::Display) {
    fails(tried);
    tell(tried, cause);
}

/// The same of one that took too long, [`Try::may_blame`] says of whose time.
pub(super) fn is_late(tried: Try<'_>, cut: bool) {
    let notes = if tried.may_blame(cut) { blame } else { tell };
    notes(tried, &"it took too long");
}

/// The same of one who has done nothing wrong by that.
pub(super) fn tell(Try { api, target, .. }: Try<'_>, cause: &dyn fmt::Display) {
    if let Some(withheld) = target.broken.ready() {
        tracing::warn!(
            api = %api.name, upstream = %target, error = %cause, withheld,
            "an upstream gives no usable answer"
        );
    }
}

/// Takes note of an answer, where there are other endpoints that could have given it, or were.
pub(super) fn judge(tried: Try<'_>, status: StatusCode) {
    let Try { api, target, .. } = tried;
    match status {
        // It may have been one of several.
        _ if api.targets.len() == 1 && target.standing.is_whole() => {}
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
            if api.ejection.on_errors =>
        {
            fails(tried);
        }
        _ => target.standing.succeeds(tried.spells),
    }
}

/// Takes note that an endpoint broke an answer off. After some times it is left out, as if it had given none.
pub(super) fn breaks_off(busy: &Busy, limits: &Ejection) {
    if let Some(time) = busy.standing().breaks_off(busy.spells(), limits) {
        tracing::warn!(
            upstream = %busy, seconds = time.as_secs_f64(),
            "an upstream breaks its answers off again and again, and is left out for a while"
        );
    }
}

/// Takes note that an endpoint failed. After some times it is left out, where there are others.
pub(super) fn fails(Try { api, target, spells, .. }: Try<'_>) {
    if api.targets.len() == 1 {
        return;
    }
    if let Some(time) = target.standing.fails(spells, &api.ejection) {
        tracing::warn!(
            api = %api.name, upstream = %target, seconds = time.as_secs_f64(),
            "an upstream fails again and again, and is left out for a while"
        );
    }
}
