//! The second station: what did the request meet?

use std::borrow::Cow;
use std::rc::Rc;

use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, header};

use crate::config::settings::KeepInPath;
use crate::domain::refusal::{BadRequest, Refusal};

use super::host;
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

/// What of a request leads to its rule, kept for as long as it lasts.
#[derive(Clone, Debug)]
pub(super) struct Sought {
    pub(super) host: Rc<str>,
    target: PathAndQuery,
    method: Method,
    ambiguities: Ambiguities,
    /// Whether the target is a copy.
    own: bool,
}

impl Sought {
    /// Takes it out of a head of which nothing else is needed any more.
    pub(super) fn take(head: &mut Parts, host: Rc<str>, ambiguities: Ambiguities) -> Self {
        let target = std::mem::take(&mut head.uri).into_parts().path_and_query;
        let target = target.unwrap_or_else(|| PathAndQuery::from_static("/"));
        let method = std::mem::take(&mut head.method);
        Self { host, target, method, ambiguities, own: false }
    }

    /// A `GET` of this path, for unit tests.
    #[cfg(test)]
    pub(super) fn sample(path: &'static str) -> Self {
        Self {
            host: "a.example".into(),
            target: PathAndQuery::from_static(path),
            method: Method::GET,
            ambiguities: Ambiguities::default(),
            own: false,
        }
    }

    /// Lets go of what the request was read into, for one that lasts; of the query too, which never chooses.
    pub(super) fn settle(&mut self) {
        if !self.own {
            self.own = true;
            if let Ok(copy) = PathAndQuery::try_from(self.target.path()) {
                self.target = copy;
            }
        }
    }

    /// What the same request meets by these settings.
    ///
    /// # Errors
    /// As [`find`].
    pub(super) fn find<'s>(&self, snapshot: &'s Snapshot) -> Result<Matched<'s>, Refusal> {
        find((&self.host, self.target.path(), &self.method), self.ambiguities, snapshot)
    }
}

/// Finds what a request met.
///
/// # Errors
/// A spelling of the path that this API does not take, or that another reader takes for a path of
/// another rule.
pub(super) fn find<'s>(
    (host, path, method): (&str, &str, &Method),
    ambiguities: Ambiguities,
    snapshot: &'s Snapshot,
) -> Result<Matched<'s>, Refusal> {
    let matched = locate(host, path, method, snapshot);
    check_spelling(ambiguities, matched.api.keep)?;
    if ambiguities != Ambiguities::default() {
        check_readings(&matched, ambiguities, (host, path, method), snapshot)?;
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
