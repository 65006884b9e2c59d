//! The second station: what did the request meet?

use crate::domain::refusal::{BadRequest, Refusal};

use super::intake::Inbound;
use super::plan::{ApiPlan, RulePlan};
use super::snapshot::Snapshot;

/// What a request met.
#[derive(Clone, Debug)]
pub(super) struct Matched<'s> {
    /// The API.
    pub(super) api: &'s ApiPlan,
    /// The rule; none means that the request is refused, once its credential is known to be good.
    pub(super) rule: Option<&'s RulePlan>,
    /// The item that the path names.
    pub(super) item: Option<Box<str>>,
}

/// Finds what a request met. A request that no API answers to has met the gateway itself, which has no
/// rules.
///
/// # Errors
/// A spelling of the path that this API does not take.
pub(super) fn find<'s>(inbound: &Inbound, snapshot: &'s Snapshot) -> Result<Matched<'s>, Refusal> {
    let path = inbound.path();
    let found = snapshot.routes.find(&inbound.host, path, &inbound.parts.method);
    let (api, rule, item) = found.unwrap_or((&snapshot.nowhere, None, None));
    let (odd, keep) = (inbound.odd, api.keep);
    for (holds, kept, bad) in [
        (odd.encoded_slash, keep.encoded_slash, BadRequest::Slash),
        (odd.empty_segment, keep.empty_segment, BadRequest::EmptySegment),
        (odd.path_parameter, keep.path_parameter, BadRequest::PathParameter),
    ] {
        if holds && !kept {
            return Err(Refusal::BadRequest(bad));
        }
    }
    Ok(Matched { api, rule, item: item.map(Into::into) })
}
