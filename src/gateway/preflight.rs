//! Behind the second station, for APIs that say whose scripts may use them: what a browser asks in front of a script's
//! request is answered here, without anybody's token, and each other answer says whose scripts may read it (CORS; Fetch
//! standard section 3.2).

use http::header::{self, HeaderMap};
use http::request::Parts;
use http::{HeaderValue, Method};

use crate::domain::refusal::Refusal;

use super::cors::Cors;
use super::intake::Inbound;
use super::leak;
use super::route::Matched;

/// What a request says of the page that it is from.
#[derive(Debug)]
pub(super) struct Across<'s> {
    pub(super) cors: &'s Cors,
    /// The origin of the page, if it is one of those that may.
    origin: Option<HeaderValue>,
    /// Whether a browser asks what a script may do, in front of its request.
    pub(super) preflight: bool,
}

/// Looks at the page that a request is from, where its API cares, and says whether it is a preflight that is answered with
/// leave. That is the same for every path of the API, so that nobody learns which there are; methods and fields are the
/// browser's to compare, which tells the author of the page of one that is missing.
///
/// # Errors
/// A preflight of a page whose scripts may not use the API.
pub(super) fn is_granted<'s>(
    inbound: &Inbound,
    matched: &mut Matched<'s>,
    across: &mut Option<Box<Across<'s>>>,
) -> Result<bool, Refusal> {
    let Some(cors) = &matched.api.cors else { return Ok(false) };
    let across = across.insert(Across::of(cors, &inbound.parts));
    if !across.preflight {
        return Ok(false);
    }
    // It met none: what it asks about concerns all of them.
    matched.rule = None;
    let target = inbound.parts.uri.path_and_query();
    target.map_or(Ok(()), |target| leak::check_target(target.as_str(), None))?;
    if across.origin.is_some() { Ok(true) } else { Err(Refusal::OriginNotAllowed) }
}

impl<'s> Across<'s> {
    pub(super) fn of(cors: &'s Cors, head: &Parts) -> Box<Self> {
        let mut lines = head.headers.get_all(header::ORIGIN).iter();
        let (origin, second) = (lines.next(), lines.next());
        let preflight = head.method == Method::OPTIONS
            && origin.is_some()
            && head.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        let known = |origin: &&HeaderValue| cors.origins.takes(origin.as_bytes());
        let origin = origin.filter(|_| second.is_none()).filter(known).cloned();
        Box::new(Self { cors, origin, preflight })
    }

    /// Writes into the head of any answer who may read it.
    pub(super) fn tell(&self, headers: &mut HeaderMap) {
        if self.cors.varies() {
            headers.append(header::VARY, HeaderValue::from_static("origin"));
        }
        let origin = match &self.origin {
            // Also where nobody asked: a cache may have the answer for who does (Fetch standard, CORS and HTTP caches).
            _ if !self.cors.varies() => HeaderValue::from_static("*"),
            Some(origin) => origin.clone(),
            None => return,
        };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        if self.cors.credentials {
            let yes = HeaderValue::from_static("true");
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
        }
        if self.preflight {
            for (name, value) in [
                (header::ACCESS_CONTROL_ALLOW_METHODS, &self.cors.methods),
                (header::ACCESS_CONTROL_ALLOW_HEADERS, &self.cors.headers),
                (header::ACCESS_CONTROL_MAX_AGE, &self.cors.max_age),
            ] {
                headers.insert(name, value.clone());
            }
        } else {
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, self.cors.expose.clone());
        }
    }
}
