//! Behind the second station, for APIs that let a token come in a cookie or in the query (sec-A3; RFC 6750 section 2.3): for
//! what a browser asks for without a field of the page's making, such as `EventSource` and `WebSocket`. It is taken out of
//! the request, whoever it is of, so that it reaches neither the upstream nor a log.

use http::header::{self, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, Uri};
use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use crate::config::settings::{Dialect, TokenPlaces};
use crate::domain::refusal::{BadRequest, Refusal};
use crate::domain::secret;

use super::dialect::{self, Carried};
use super::intake::Inbound;
use super::leak;
use super::plan::ApiPlan;
use super::route::Matched;

/// A secret that was taken out of a request.
type Taken = Zeroizing<Vec<u8>>;

/// Where a token stood that did not stand in a field of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Cookie,
    Query,
}

/// Takes the token out of the cookie or the query of a request, where its API lets it stand there, and leaves it with the
/// request. What a page's script can ask for in another way it asks for with a field: only `GET` and `HEAD` are listened
/// to here, so that no page of another site changes anything.
///
/// # Errors
/// Tokens in two places (sec-A3), one that cannot be read, or a cookie that a page of another site made its browser send
/// where somebody asks whose it is.
pub(super) fn take(inbound: &mut Inbound, matched: &Matched<'_>) -> Result<Option<Place>, Refusal> {
    let api = matched.api;
    let Some(places) = &api.places else {
        if !api.keep_credential {
            drop_referer(inbound, None);
        }
        return Ok(None);
    };
    let TokenPlaces { cookie, query } = &**places;
    let cookie = cookie.as_ref().and_then(|name| take_cookie(inbound, name));
    let query = match query {
        Some(name) => take_from_query(inbound, name)?,
        None => None,
    };
    drop_referer(inbound, query.as_deref().or(cookie.as_deref()).map(Vec::as_slice));
    let target = inbound.parts.uri.path_and_query().map_or("", |target| target.as_str());
    for secret in [&cookie, &query].into_iter().flatten() {
        leak::check_target(target, Some(secret.as_slice()))?;
    }
    if !matches!(inbound.parts.method, Method::GET | Method::HEAD) {
        return if query.is_some() { Err(Refusal::CredentialInTarget) } else { Ok(None) };
    }
    let beside = dialect::read(api.dialect, &inbound.parts.headers)?.secret;
    let (secret, place) = match (cookie, query, beside) {
        (None, None, _) => return Ok(None),
        // A cookie comes with whatever a page asks for, also where its script sends the token itself.
        (Some(cookie), None, Some(same)) if **cookie == *same => return Ok(None),
        (Some(cookie), None, None) => (cookie, Place::Cookie),
        (None, Some(query), None) => (query, Place::Query),
        _ => return Err(Refusal::CredentialMalformed),
    };
    if !secret::is_b64token(&secret) {
        return Err(Refusal::CredentialMalformed);
    }
    let is_public = matched.rule.is_some_and(|rule| rule.public);
    if place == Place::Cookie && !is_public {
        check_page(inbound, api)?;
    }
    inbound.taken = Some(secret);
    Ok(Some(place))
}

/// What a request carries, wherever its token stood.
///
/// # Errors
/// As of the dialect.
pub(super) fn carried(inbound: &Inbound, dialect: Dialect) -> Result<Carried<'_>, Refusal> {
    let read = dialect::read(dialect, &inbound.parts.headers)?;
    let taken = inbound.taken.as_deref().map(Vec::as_slice);
    Ok(Carried { secret: taken.or(read.secret), ..read })
}

/// The value of the cookie `name`; of two that differ, one that cannot be a token. The others stay.
fn take_cookie(inbound: &mut Inbound, name: &str) -> Option<Taken> {
    let (mut found, mut kept): (Option<Taken>, Vec<&[u8]>) = (None, Vec::new());
    let lines = inbound.parts.headers.get_all(header::COOKIE).iter();
    for pair in lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';')) {
        let mut parts = pair.splitn(2, |byte| *byte == b'=').map(<[u8]>::trim_ascii);
        if parts.next() != Some(name.as_bytes()) {
            kept.push(pair.trim_ascii());
            continue;
        }
        // One that is empty was taken back.
        let value = parts.next().unwrap_or_default();
        let value = match &found {
            Some(other) if **other != *value => b" ",
            _ if value.is_empty() => continue,
            _ => value,
        };
        found = Some(Zeroizing::new(value.to_vec()));
    }
    let left = HeaderValue::from_bytes(&kept.join(&b"; "[..]));
    match left {
        _ if found.is_none() => {}
        Ok(left) if !left.is_empty() => {
            inbound.parts.headers.insert(header::COOKIE, left);
        }
        _ => inbound.gone.push(header::COOKIE),
    }
    found
}

/// The value of the parameter `name`, in whatever escapes. The others stay as they are.
fn take_from_query(inbound: &mut Inbound, name: &str) -> Result<Option<Taken>, Refusal> {
    let Some(query) = inbound.parts.uri.query() else { return Ok(None) };
    let (mut found, mut kept): (Option<Taken>, Vec<&str>) = (None, Vec::new());
    for pair in query.split('&') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        if !percent_decode_str(key).eq(name.bytes()) {
            kept.push(pair);
        } else if found.is_some() {
            return Err(Refusal::CredentialMalformed);
        } else {
            found = Some(Zeroizing::new(percent_decode_str(value).collect()));
        }
    }
    if found.is_some() {
        let mut target = inbound.parts.uri.path().to_owned();
        if !kept.is_empty() {
            target.push('?');
            target.push_str(&kept.join("&"));
        }
        let bad = |_| Refusal::BadRequest(BadRequest::Target);
        inbound.parts.uri = Uri::from(PathAndQuery::try_from(target).map_err(bad)?);
    }
    Ok(found)
}

/// A page whose address holds its token tells it with all that it loads. Tokens are ASCII, whatever bytes stand beside them.
fn drop_referer(inbound: &mut Inbound, secret: Option<&[u8]>) {
    let tells = |line: &HeaderValue| {
        let told = String::from_utf8_lossy(line.as_bytes());
        leak::check_target(&told, secret).is_err()
    };
    if inbound.parts.headers.get_all(header::REFERER).iter().any(tells) {
        inbound.gone.push(header::REFERER);
    }
}

/// Browsers send cookies with whatever any site makes them ask for. Where they say which page asks, it must be one of this
/// host, or one that `[apis.cors]` lists for cookies; what has no answer for a script to read passes only from no other site.
fn check_page(inbound: &Inbound, api: &ApiPlan) -> Result<(), Refusal> {
    let headers = &inbound.parts.headers;
    let mut lines = headers.get_all(header::ORIGIN).iter();
    let allowed = match (lines.next(), lines.next()) {
        (None, _) => headers.get("sec-fetch-site").is_none_or(|site| site != "cross-site"),
        (Some(page), None) => {
            let listed = api.cors.as_ref().filter(|cors| cors.credentials);
            is_own(page, inbound) || listed.is_some_and(|cors| cors.origins.takes(page.as_bytes()))
        }
        (Some(_), Some(_)) => false,
    };
    if allowed { Ok(()) } else { Err(Refusal::OriginNotAllowed) }
}

/// Whether a page is of the host that was asked, which a proxy before us may have told.
fn is_own(page: &HeaderValue, inbound: &Inbound) -> bool {
    let host = page.as_bytes().strip_prefix(inbound.scheme.as_bytes());
    let host = host.and_then(|rest| rest.strip_prefix(b"://"));
    let named = || inbound.parts.headers.get(header::HOST).map(HeaderValue::as_bytes);
    let asked = inbound.origin.host().or_else(named);
    host.zip(asked).is_some_and(|(host, asked)| host.eq_ignore_ascii_case(asked))
}
