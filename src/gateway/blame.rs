//! What is made of it that an endpoint gave an answer, or none.

use std::fmt;

use http::StatusCode;

use crate::config::settings::Ejection;

use super::load::Busy;
use super::plan::ApiPlan;
use super::targets::Target;

/// Takes note of an exchange without a usable answer, and tells of it.
pub(super) fn blame(api: &ApiPlan, target: &Target, cause: &dyn fmt::Display) {
    fails(api, target);
    tell(api, target, cause);
}

/// The same of one who has done nothing wrong by that.
pub(super) fn tell(api: &ApiPlan, target: &Target, cause: &dyn fmt::Display) {
    if let Some(withheld) = target.broken.ready() {
        tracing::warn!(
            api = %api.name, upstream = %target, error = %cause, withheld,
            "an upstream gives no usable answer"
        );
    }
}

/// Takes note of an answer, where there are other endpoints that could have given it.
pub(super) fn judge(api: &ApiPlan, target: &Target, status: StatusCode) {
    match status {
        _ if api.targets.len() == 1 => {}
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
            if api.ejection.on_errors =>
        {
            fails(api, target);
        }
        _ => target.standing.succeeds(),
    }
}

/// Takes note that an endpoint broke an answer off. After some times it is left out, as if it had given none.
pub(super) fn breaks_off(busy: &Busy, limits: &Ejection) {
    if let Some(time) = busy.standing().breaks_off(limits) {
        tracing::warn!(
            upstream = %busy, seconds = time.as_secs_f64(),
            "an upstream breaks its answers off again and again, and is left out for a while"
        );
    }
}

/// Takes note that an endpoint failed. After some times it is left out, where there are others.
pub(super) fn fails(api: &ApiPlan, target: &Target) {
    if api.targets.len() == 1 {
        return;
    }
    if let Some(time) = target.standing.fails(&api.ejection) {
        tracing::warn!(
            api = %api.name, upstream = %target, seconds = time.as_secs_f64(),
            "an upstream fails again and again, and is left out for a while"
        );
    }
}
