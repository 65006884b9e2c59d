//! The first station: a request as it came in becomes one with a single reading, or is refused.
//!
//! What one connection has to itself, what only we may say, and every claim about the caller are
//! taken out here, before anybody looks at the request.

use std::rc::Rc;

use http::header::{self, HeaderName, HeaderValue};
use http::request::Parts;
use http::uri::{PathAndQuery, Scheme};
use http::{Method, Uri, Version};
use hyper::body::Incoming;
use zeroize::Zeroizing;

use crate::config::settings::Limits;
use crate::domain::refusal::{BadRequest, Refusal};
use crate::telemetry::access::RequestId;
use crate::tls::ClientCertificate;
use crate::wire;

use super::client::Client;
use super::origin::Origin;
use super::path::{self, Ambiguities};
use super::snapshot::Snapshot;
use super::websocket;

/// A request with one reading.
#[derive(Debug)]
pub(super) struct Inbound {
    pub(super) parts: Box<Parts>,
    /// Until it is on its way.
    pub(super) body: Option<Incoming>,
    /// Its number.
    pub(super) request: RequestId,
    pub(super) origin: Origin,
    /// The certificate that its client showed within TLS.
    pub(super) certificate: Option<Rc<ClientCertificate>>,
    /// What its client spoke: `http` or `https`.
    pub(super) scheme: &'static str,
    /// The secret that stood in another place than a field of its own, where its API lets it.
    pub(super) taken: Option<Zeroizing<Vec<u8>>>,
    /// The host in lower case, without port and trailing dot.
    pub(super) host: Rc<str>,
    pub(super) ambiguities: Ambiguities,
    pub(super) notes: Notes,
    /// The fields that end here. To take one out of the map would move another into its place.
    pub(super) gone: Vec<HeaderName>,
}

/// Which fields a request has that most have not, so that nobody looks for them in vain.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Notes {
    /// `Transfer-Encoding` or `Content-Length`.
    framed: bool,
    /// `TE`.
    pub(super) te: bool,
    /// `Expect`.
    pub(super) expect: bool,
    /// The fields of a handshake of WebSocket, all of them.
    pub(super) websocket: bool,
}

impl Inbound {
    /// The path in its normal form; the one that is checked and passed on.
    pub(super) fn path(&self) -> &str {
        self.parts.uri.path()
    }

    /// What leads to its rule: host, path and method.
    pub(super) fn way(&self) -> (&str, &str, &Method) {
        (&self.host, self.path(), &self.parts.method)
    }
}

/// Takes a request in.
///
/// # Errors
/// A request with no reading, or with two; with its head, as far as that was read.
pub(super) fn receive(
    mut parts: Box<Parts>,
    body: Incoming,
    (number, origin): (RequestId, Origin),
    client: &Client,
    snapshot: &Snapshot,
) -> Result<Inbound, (Refusal, Box<Parts>)> {
    let (host, ambiguities, notes, gone) = match settle(&mut parts, client, snapshot) {
        Ok(settled) => settled,
        Err(refusal) => return Err((refusal, parts)),
    };
    let body = Some(body);
    let (request, certificate) = (number, client.certificate(snapshot).map(Rc::clone));
    let scheme = origin.scheme(client);
    Ok(Inbound {
        parts,
        body,
        request,
        origin,
        certificate,
        scheme,
        taken: None,
        host,
        ambiguities,
        notes,
        gone,
    })
}

/// What is found out of a head that gets its one reading.
type Settled = (Rc<str>, Ambiguities, Notes, Vec<HeaderName>);

fn settle(parts: &mut Parts, client: &Client, snapshot: &Snapshot) -> Result<Settled, Refusal> {
    let websocket = websocket::is_asked_over_http2(parts);
    if websocket {
        // For rules it is what it is over HTTP/1.1.
        parts.method = Method::GET;
    }
    check_method(&parts.method)?;
    check_length(&parts.uri, &snapshot.limits)?;
    // HTTP/1 is held to both by hyper, which answers by itself.
    let limits = &snapshot.limits;
    let large = parts.version == Version::HTTP_2 && list_bytes(parts) > limits.head_bytes;
    if large || parts.headers.len() > limits.headers {
        return Err(Refusal::HeadTooLarge);
    }
    let host = settle_host(parts, client)?;
    let ambiguities = settle_path(parts)?;
    let (mut notes, gone) = screen(parts, snapshot)?;
    notes.websocket |= websocket;
    if notes.framed {
        check_framing(parts, client)?;
    }
    join_cookies(parts);
    Ok((host, ambiguities, notes, gone))
}

/// sec-P15: a method is an upper-case word; `TRACE` would show the credential to a script, and
/// `CONNECT` asks for a tunnel that nobody can check.
pub(super) fn check_method(method: &Method) -> Result<(), Refusal> {
    if matches!(*method, Method::TRACE | Method::CONNECT) {
        return Err(Refusal::MethodNotAllowed);
    }
    let upper = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
    if method.as_str().bytes().all(upper) {
        Ok(())
    } else {
        Err(Refusal::BadRequest(BadRequest::Method))
    }
}

/// sec-D3: path and query together are as long as is allowed.
pub(super) fn check_length(target: &Uri, limits: &Limits) -> Result<(), Refusal> {
    if target_bytes(target) > limits.target_bytes { Err(Refusal::TargetTooLong) } else { Ok(()) }
}

/// How long path and query are together.
pub(super) fn target_bytes(target: &Uri) -> usize {
    target.path_and_query().map_or(0, |target| target.as_str().len())
}

/// How large a head of HTTP/2 is: each of its fields counts 32 bytes more than it has (RFC 9113 section 6.5.2).
fn list_bytes(parts: &Parts) -> usize {
    const EACH: usize = 32;
    let uri = &parts.uri;
    let pseudo = [
        (":method", parts.method.as_str()),
        (":scheme", uri.scheme_str().unwrap_or_default()),
        (":authority", uri.authority().map_or("", |authority| authority.as_str())),
        (":path", uri.path_and_query().map_or("", |target| target.as_str())),
    ];
    let pseudo = pseudo.iter().map(|(name, value)| name.len() + value.len() + EACH);
    let fields = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + EACH);
    pseudo.chain(fields).sum()
}

/// A target is a path, or an address of plain `http` or `https`: no other scheme, and not the form
/// of `CONNECT`, which names no path.
pub(super) fn check_form(target: &Uri) -> Result<(), Refusal> {
    let plain = match (target.scheme(), target.authority()) {
        (Some(scheme), _) => *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS,
        (None, authority) => authority.is_none(),
    };
    if plain { Ok(()) } else { Err(Refusal::BadRequest(BadRequest::Target)) }
}

/// sec-P11 to sec-P13: exactly one authority. It stands in the target (HTTP/2, absolute form) or in
/// `Host`; in HTTP/1.1 the target wins (RFC 9112 section 3.2.2), in HTTP/2 both must agree.
/// Afterwards it stands in `Host` alone, in the spelling that was checked.
fn settle_host(parts: &mut Parts, client: &Client) -> Result<Rc<str>, Refusal> {
    const BAD: Refusal = Refusal::BadRequest(BadRequest::Host);
    let mut lines = parts.headers.get_all(header::HOST).iter();
    let (line, second) = (lines.next(), lines.next());
    if second.is_some() || (line.is_none() && parts.version == Version::HTTP_11) {
        return Err(BAD);
    }
    check_form(&parts.uri)?;
    let Some(authority) = parts.uri.authority() else {
        let line = line.ok_or(BAD)?;
        let host = client.host(line.as_bytes()).ok_or(BAD)?;
        if let Some(told) = &host.told {
            parts.headers.insert(header::HOST, told.clone());
        }
        return Ok(Rc::clone(&host.name));
    };
    let host = client.host(authority.as_str().as_bytes()).ok_or(BAD)?;
    if parts.version == Version::HTTP_2
        && line.is_some_and(|line| {
            !line.as_bytes().eq_ignore_ascii_case(authority.as_str().as_bytes())
        })
    {
        return Err(BAD);
    }
    let value = match &host.told {
        Some(told) => told.clone(),
        None => HeaderValue::from_str(authority.as_str()).map_err(|_| BAD)?,
    };
    let target = origin_form(parts.uri.path_and_query())?;
    parts.headers.insert(header::HOST, value);
    parts.uri = Uri::from(target);
    Ok(Rc::clone(&host.name))
}

/// Path and query of a whole address, whose path may be left out there (RFC 9112 section 3.2.1). The `*` of HTTP/2
/// (RFC 9113 section 8.3.1) is refused as that of HTTP/1.1.
fn origin_form(target: Option<&PathAndQuery>) -> Result<PathAndQuery, Refusal> {
    match target {
        None => Ok(PathAndQuery::from_static("/")),
        Some(target) if target.as_str().starts_with('/') => Ok(target.clone()),
        Some(target) if target.as_str().starts_with('?') => {
            PathAndQuery::try_from(format!("/{}", target.as_str()))
                .map_err(|_| Refusal::BadRequest(BadRequest::Target))
        }
        Some(_) => Err(Refusal::BadRequest(BadRequest::Target)),
    }
}

fn settle_path(parts: &mut Parts) -> Result<Ambiguities, Refusal> {
    let normal = path::normalize(parts.uri.path()).map_err(Refusal::BadRequest)?;
    let ambiguities = normal.ambiguities;
    if let std::borrow::Cow::Owned(mut target) = normal.path {
        if let Some(query) = parts.uri.query() {
            target.push('?');
            target.push_str(query);
        }
        let bad = |_| Refusal::BadRequest(BadRequest::Encoding);
        parts.uri = Uri::from(PathAndQuery::try_from(target).map_err(bad)?);
    }
    Ok(ambiguities)
}

/// sec-S1 to sec-S3: a body ends in one way, or the request goes nowhere. Where it is clear all the same, and coded in another
/// way, its client is told that (RFC 9112 section 6.1).
fn check_framing(parts: &Parts, client: &Client) -> Result<(), Refusal> {
    let Parts { version, headers, .. } = parts;
    if wire::is_plainly_framed(*version, headers) {
        return Ok(());
    }
    let coded = wire::is_coded_before_chunks(*version, headers) && client.sends_no_length();
    Err(if coded { Refusal::TransferCoding } else { Refusal::BadRequest(BadRequest::Framing) })
}

/// Finds what must not reach the upstream from this client: fields of the connection and those
/// that `Connection` names (sec-H1), what careless readers take for the message's framing (sec-H2), identity in any spelling (sec-H2, sec-H3), and claims about
/// where the request came from (sec-H4). `Transfer-Encoding`, `TE` and `Expect` stay for the
/// forwarder, which writes them anew; `Authorization` and `Host` stay even if `Connection` names
/// them.
fn screen(parts: &mut Parts, snapshot: &Snapshot) -> Result<(Notes, Vec<HeaderName>), Refusal> {
    let Parts { method, version, headers, .. } = parts;
    let (mut notes, mut named) = (Notes::default(), 0_usize);
    let (mut gone, mut of_connection) = (Vec::new(), Vec::new());
    // In HTTP/1 hyper takes them off.
    let spaced = *version == Version::HTTP_2
        && headers.values().any(|line| wire::is_spaced(line.as_bytes()));
    if spaced {
        return Err(Refusal::BadRequest(BadRequest::Value));
    }
    if *version == Version::HTTP_2 && headers.keys().any(|name| wire::is_quoted(name.as_str())) {
        return Err(Refusal::BadRequest(BadRequest::Head));
    }
    for (name, line) in headers.iter() {
        match *name {
            header::CONNECTION => {
                for name in wire::named_by_connection(line.as_bytes()) {
                    named = named.saturating_add(1);
                    if named > wire::NAMED_MAX {
                        return Err(Refusal::BadRequest(BadRequest::Connection));
                    }
                    of_connection.extend(Some(name).filter(is_removable));
                }
            }
            header::TRANSFER_ENCODING | header::CONTENT_LENGTH => notes.framed = true,
            header::TE => notes.te = true,
            header::EXPECT => notes.expect = true,
            header::UPGRADE => notes.websocket = websocket::is_asked(method, *version, headers),
            _ => {}
        }
        let text = name.as_str();
        if wire::is_hop_by_hop(text)
            || wire::is_framing_alias(text)
            || wire::is_claim(text)
            || snapshot.identity.is_identity(text)
        {
            gone.push(name.clone());
        }
    }
    if !of_connection.is_empty() {
        // For us they are not there either. The others keep their order.
        let kept = headers.iter().filter(|(name, _)| !of_connection.contains(name));
        *headers = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
    }
    Ok((notes, gone))
}

fn is_removable(name: &HeaderName) -> bool {
    !matches!(
        *name,
        header::HOST
            | header::AUTHORIZATION
            | header::CONTENT_LENGTH
            | header::TRANSFER_ENCODING
            | header::TE
            | header::TRAILER
            | header::EXPECT
    )
}

/// RFC 9113 section 8.2.3: cookies that HTTP/2 split into several fields are one field in HTTP/1.1.
fn join_cookies(parts: &mut Parts) {
    if parts.version != Version::HTTP_2 {
        return;
    }
    let lines: Vec<&[u8]> =
        parts.headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if lines.len() < 2 {
        return;
    }
    if let Ok(joined) = HeaderValue::from_bytes(&lines.join(&b"; "[..])) {
        parts.headers.insert(header::COOKIE, joined);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sec_p15_methods_are_upper_case_words() {
        assert_eq!(check_method(&Method::from_bytes(b"PROPFIND").unwrap()), Ok(()));
        assert_eq!(check_method(&Method::TRACE), Err(Refusal::MethodNotAllowed));
        assert_eq!(check_method(&Method::CONNECT), Err(Refusal::MethodNotAllowed));
        let lower = Method::from_bytes(b"get").unwrap();
        assert_eq!(check_method(&lower), Err(Refusal::BadRequest(BadRequest::Method)));
    }

    /// What a path is made of; over HTTP/2 all of it stands in `:path` (RFC 9113 section 8.3.1).
    #[test]
    fn a_word_for_all_is_no_path_and_an_empty_path_is_the_root() {
        let form = |target: &'static str| origin_form(Some(&PathAndQuery::from_static(target)));
        assert_eq!(form("*"), Err(Refusal::BadRequest(BadRequest::Target)));
        assert_eq!(form("/a?b").unwrap(), "/a?b");
        assert_eq!(form("?b").unwrap(), "/?b");
        assert_eq!(origin_form(None).unwrap(), "/");
    }
}
