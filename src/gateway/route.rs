//! The second station: what did the request meet?

use http::Method;

use crate::config::settings::KeepInPath;
use crate::domain::refusal::{BadRequest, Refusal};

use super::intake::Inbound;
use super::path::{self, Ambiguities};
use super::plan::{ApiPlan, RulePlan};
use super::snapshot::Snapshot;

/// What a request met.
#[derive(Clone, Debug)]
pub(super) struct Matched<'s> {
    /// The API.
    pub(super) api: &'s ApiPlan,
    /// The rule; none means that the request is refused, once its credential is known to be good.
    pub(super) rule: Option<&'s RulePlan>,
    /// The item that the path names, without escapes.
    pub(super) item: Option<Box<str>>,
}

/// Finds what a request met.
///
/// # Errors
/// A spelling of the path that this API does not take.
pub(super) fn find<'s>(inbound: &Inbound, snapshot: &'s Snapshot) -> Result<Matched<'s>, Refusal> {
    let matched = locate(&inbound.host, inbound.path(), &inbound.parts.method, snapshot);
    check_spelling(inbound.ambiguities, matched.api.keep)?;
    Ok(matched)
}

/// What host, path and method lead to. A request that no API answers to has met the gateway itself,
/// which has no rules.
pub(super) fn locate<'s>(
    host: &str,
    path: &str,
    method: &Method,
    snapshot: &'s Snapshot,
) -> Matched<'s> {
    let found = snapshot.routes.find(host, path, method);
    let (api, rule, item) = found.unwrap_or((&snapshot.nowhere, None, None));
    Matched { api, rule, item: item.map(|item| path::decode(item).into()) }
}

/// Refuses a path that can be read in two ways, unless the API asks for it.
///
/// # Errors
/// What two servers could read in two ways (sec-P3, sec-P5, sec-P6).
pub(super) fn check_spelling(ambiguities: Ambiguities, keep: KeepInPath) -> Result<(), Refusal> {
    for (holds, kept, bad) in [
        (ambiguities.encoded_slash, keep.encoded_slash, BadRequest::Slash),
        (ambiguities.empty_segment, keep.empty_segment, BadRequest::EmptySegment),
        (ambiguities.path_parameter, keep.path_parameter, BadRequest::PathParameter),
    ] {
        if holds && !kept {
            return Err(Refusal::BadRequest(bad));
        }
    }
    Ok(())
}
