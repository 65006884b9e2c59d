//! The second station: what did the request meet?

use std::borrow::Cow;

use http::request::Parts;
use http::{HeaderValue, Method, header};

use crate::config::settings::KeepInPath;
use crate::domain::refusal::{BadRequest, Refusal};

use super::host;
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
/// A spelling of the path that this API does not take, or that another reader takes for a path of
/// another rule.
pub(super) fn find<'s>(inbound: &Inbound, snapshot: &'s Snapshot) -> Result<Matched<'s>, Refusal> {
    let (host, path, method) = (&*inbound.host, inbound.path(), &inbound.parts.method);
    let matched = locate(host, path, method, snapshot);
    check_spelling(inbound.ambiguities, matched.api.keep)?;
    if inbound.ambiguities != Ambiguities::default() {
        check_readings(&matched, inbound.ambiguities, (host, path, method), snapshot)?;
    }
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

/// The API that a request was meant for whose head has no one reading, so that it has met none: by what of host and
/// path can be read. Nothing but the words of its refusal comes of it.
pub(super) fn meant<'s>(head: &Parts, snapshot: &'s Snapshot) -> Option<&'s ApiPlan> {
    let named = head.uri.authority().map(|authority| authority.as_str().as_bytes());
    let named = named.or_else(|| head.headers.get(header::HOST).map(HeaderValue::as_bytes));
    let host = named.and_then(host::plain).unwrap_or_else(|| "".into());
    let raw = head.uri.path();
    let path = path::normalize(raw).map_or(Cow::Borrowed(raw), |normal| normal.path);
    let api = |path: &str| snapshot.routes.find(&host, path, &head.method).map(|found| found.0);
    // The usual mistake: a base address with a slash at its end, and a path behind it.
    api(&path).or_else(|| api(&format!("/{}", path.trim_start_matches('/'))))
}

/// Refuses a path that can be read in two ways, unless the API asks for it.
///
/// # Errors
/// What two servers could read in two ways (sec-P3, sec-P5, sec-P6).
pub(super) fn check_spelling(ambiguities: Ambiguities, keep: KeepInPath) -> Result<(), Refusal> {
    for (holds, kept, bad) in kinds(ambiguities, keep) {
        if holds && !kept {
            return Err(Refusal::BadRequest(bad));
        }
    }
    Ok(())
}

/// Refuses a path, kept as it is, that an upstream which reads it in another way would take for one
/// of another rule: `//admin` under a wide rule, where `/admin` asks for more.
///
/// # Errors
/// There is such a way to read it.
pub(super) fn check_readings(
    matched: &Matched<'_>,
    ambiguities: Ambiguities,
    (host, path, method): (&str, &str, &Method),
    snapshot: &Snapshot,
) -> Result<(), Refusal> {
    let same = |other: &Matched<'_>| {
        std::ptr::eq(matched.api, other.api)
            && matched.rule.map(std::ptr::from_ref) == other.rule.map(std::ptr::from_ref)
    };
    let mut others = path::other_readings(path);
    if others.all(|other| same(&locate(host, &other, method, snapshot))) {
        return Ok(());
    }
    let kept = kinds(ambiguities, KeepInPath::default());
    let bad = kept.into_iter().find(|(holds, ..)| *holds).map_or(BadRequest::Slash, |kind| kind.2);
    Err(Refusal::BadRequest(bad))
}

const fn kinds(ambiguities: Ambiguities, keep: KeepInPath) -> [(bool, bool, BadRequest); 3] {
    [
        (ambiguities.encoded_slash, keep.encoded_slash, BadRequest::Slash),
        (ambiguities.empty_segment, keep.empty_segment, BadRequest::EmptySegment),
        (ambiguities.path_parameter, keep.path_parameter, BadRequest::PathParameter),
    ]
}
