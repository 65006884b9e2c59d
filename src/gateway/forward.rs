//! The last station: what the upstream gets. It uses a permit up, and there is no other way there.

use std::rc::Rc;
use std::sync::Arc;

use http::header::{self, HeaderMap};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method};
use hyper::body::Body as _;

use crate::config::settings::Retry;
use crate::domain::refusal::Refusal;
use crate::wire::trailers;

use super::authorize::Permit;
use super::body::{RequestBody, Upload, may_trail};
use super::client::Client;
use super::dialect;
use super::identity;
use super::intake::Inbound;
use super::plan::ApiPlan;
use super::route::Sought;
use super::snapshot::Snapshot;
use super::upstream::{Coding, Outgoing, Wanted, Without};
use super::websocket;

/// Room for the head of a request as most are.
const HEAD_BYTES: usize = 1_024;

/// Makes of a permitted request the one that the upstream gets, and says what its body may still
/// do. Nothing is held afterwards of what came from the client's connection, but for a while what led to its rule.
///
/// # Errors
/// A body that is too long, or an expectation that nobody meets.
pub(super) fn prepare(
    permit: &Permit<'_>,
    mut inbound: Inbound,
    request: &mut Outgoing,
    client: &Client,
    snapshot: &Arc<Snapshot>,
) -> Result<(Option<Rc<Upload>>, Sought), Refusal> {
    let held = inbound.notes.expect && expectation(&inbound.parts.headers)?;
    let mut head = Vec::with_capacity(HEAD_BYTES);
    begin(&mut head, &inbound.parts, permit.api());
    if let Some(host) = &permit.api().host {
        rename(&mut head, host, &inbound);
    }
    identity::lines(&mut head, permit, &inbound, client, snapshot)?;
    let Inbound { parts, body, notes, gone, taken, .. } = &mut inbound;
    let (api, headers) = (permit.api(), &parts.headers);
    pass_on(&mut head, (headers, gone), (api, snapshot), client);
    if notes.te {
        pass_trailers_on(&mut head, headers);
    }
    let mut accept = None;
    if notes.websocket {
        head.extend_from_slice(b"connection: upgrade\r\nupgrade: websocket\r\n");
        if client.is_http2() {
            let key = websocket::key();
            accept = websocket::accept(key.as_bytes()).as_bytes().try_into().ok();
            for part in ["sec-websocket-key: ", &key, "\r\n"] {
                head.extend_from_slice(part.as_bytes());
            }
        }
    }
    let (mut coding, mut upload) = (Coding::Length(0), None);
    let body = body.take().filter(|body| !body.is_end_stream());
    if body.is_some() {
        check_length(headers, api)?;
        coding = self::coding(headers, (api, snapshot));
        if matches!(coding, Coding::Chunked(_)) {
            head.extend_from_slice(b"transfer-encoding: chunked\r\n");
        }
        let of = (snapshot, api.dialect);
        upload = Some(Upload::new(of, api.body_bytes, api.response_timeout, held));
    } else if client.is_http2() && says_none(&parts.method, headers) {
        head.extend_from_slice(b"content-length: 0\r\n");
    }
    head.extend_from_slice(b"\r\n");
    let body = body.zip(upload.as_ref().map(Rc::clone));
    let body = body.map(|(body, upload)| {
        RequestBody::new(body, (upload, client.unsettled()), client.is_http2())
    });
    let (bodiless, lines) = (parts.method == Method::HEAD, !client.is_http2());
    let without = Without { cors: api.cors.is_some(), caching: taken.is_some() };
    let wanted = Wanted { bodiless, lines, without, websocket: notes.websocket, accept };
    let spare = std::mem::take(&mut parts.headers);
    request.fill(head, body, coding, wanted, spare);
    if is_repeatable(&parts.method, api.retry) {
        request.repeats();
    }
    let sought = Sought::take(&mut inbound.parts, inbound.host, inbound.ambiguities);
    Ok((upload, sought))
}

/// Whether a request over HTTP/2 ended with its head where a body is usual, so that another version has to say that there is none
/// (RFC 9110 section 8.6).
fn says_none(method: &Method, headers: &HeaderMap) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH)
        && !headers.contains_key(header::CONTENT_LENGTH)
}

/// Whether a request that was sent may be sent again (RFC 9110 section 9.2.2), if it has no body.
fn is_repeatable(method: &Method, retry: Retry) -> bool {
    match *method {
        Method::GET | Method::HEAD | Method::OPTIONS => retry != Retry::Never,
        Method::PUT | Method::DELETE => retry == Retry::Idempotent,
        _ => false,
    }
}

/// The first line of a head (RFC 9112 section 3).
fn begin(head: &mut Vec<u8>, parts: &Parts, api: &ApiPlan) {
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let (base, target) = elsewhere(target, api);
    for part in [parts.method.as_str(), " ", base, target, " HTTP/1.1\r\n"] {
        head.extend_from_slice(part.as_bytes());
    }
}

/// A target as the upstream has it: what stands before it there, and what is left of it. The path was checked to lie
/// under the API's.
fn elsewhere<'t>(target: &'t str, api: &'t ApiPlan) -> (&'t str, &'t str) {
    let Some((own, base)) = &api.base else { return ("", target) };
    let rest = target.get(*own..).unwrap_or_default();
    match rest.starts_with('/') {
        true => (base, rest),
        // The API's own path, perhaps with a query.
        false if base.is_empty() => ("/", rest),
        false => (base, rest),
    }
}

/// Sets `Host`, and tells the client's unless a proxy that is trusted has told another.
fn rename(head: &mut Vec<u8>, host: &str, inbound: &Inbound) {
    let client =
        inbound.parts.headers.get(header::HOST).filter(|_| inbound.origin.host().is_none());
    let told = client.map_or(&b""[..], HeaderValue::as_bytes);
    let name: &[u8] = if client.is_some() { b"\r\nx-forwarded-host: " } else { b"" };
    for part in [b"host: ", host.as_bytes(), name, told, b"\r\n"] {
        head.extend_from_slice(part);
    }
}

/// The client's fields, spelled as it spelled them, without its credential unless the API keeps
/// that. `Transfer-Encoding` and `TE` are between two ends of a connection, and said anew.
fn pass_on(
    head: &mut Vec<u8>,
    (headers, gone): (&HeaderMap, &[HeaderName]),
    (api, snapshot): (&ApiPlan, &Snapshot),
    client: &Client,
) {
    let (start, keep) = (head.len(), api.keep_credential);
    for (name, value) in headers {
        match *name {
            header::AUTHORIZATION if !keep => continue,
            header::HOST if api.host.is_some() => continue,
            header::TE | header::TRANSFER_ENCODING => continue,
            // RFC 9112 section 6.3: with both, the length is not to be believed.
            header::CONTENT_LENGTH if headers.contains_key(header::TRANSFER_ENCODING) => continue,
            _ if gone.contains(name) => continue,
            _ if dialect::withholds(api.dialect, name.as_str(), keep) => continue,
            header::TRAILER => {
                announce(head, value.as_bytes(), (api, snapshot));
                continue;
            }
            _ => {}
        }
        // Leading zeros mean nothing, but an upstream may take them for another base (sec-S3).
        let value = match *name {
            header::CONTENT_LENGTH => without_zeros(value.as_bytes()),
            _ => value.as_bytes(),
        };
        for part in [name.as_str().as_bytes(), b": ", value, b"\r\n"] {
            head.extend_from_slice(part);
        }
    }
    client.respell(head.get_mut(start..).unwrap_or_default());
}

/// Announces the fields behind the body that go on; nothing where none does.
fn announce(head: &mut Vec<u8>, line: &[u8], (api, snapshot): (&ApiPlan, &Snapshot)) {
    let goes_on = |name: &HeaderName| may_trail(name, api.dialect, snapshot);
    if let Some(left) = trailers::left(line, goes_on) {
        for part in [b"trailer: ", &*left, b"\r\n"] {
            head.extend_from_slice(part);
        }
    }
}

fn without_zeros(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    digits.get(zeros.min(digits.len().saturating_sub(1))..).unwrap_or_default()
}

/// A length that is known to be too much is refused before a byte of it is read.
fn check_length(headers: &HeaderMap, api: &ApiPlan) -> Result<(), Refusal> {
    let (Some(limit), Some(length)) = (api.body_bytes, headers.get(header::CONTENT_LENGTH)) else {
        return Ok(());
    };
    let length = length.to_str().ok().and_then(|text| text.parse::<u64>().ok());
    if length.is_some_and(|length| length <= limit) { Ok(()) } else { Err(Refusal::BodyTooLarge) }
}

/// Whether the body waits for a go-ahead (RFC 9110 section 10.1.1).
fn expectation(headers: &HeaderMap) -> Result<bool, Refusal> {
    let mut lines = headers.get_all(header::EXPECT).iter();
    match (lines.next(), lines.next()) {
        (None, _) => Ok(false),
        (Some(one), None) if one.as_bytes().eq_ignore_ascii_case(b"100-continue") => Ok(true),
        _ => Err(Refusal::ExpectationFailed),
    }
}

/// `TE` belongs to one connection; what is said to the upstream is that trailers are welcome, if
/// they are to the client.
fn pass_trailers_on(head: &mut Vec<u8>, headers: &HeaderMap) {
    let lines = headers.get_all(header::TE).iter();
    let mut codings = lines.flat_map(|te| te.as_bytes().split(|b| *b == b','));
    if codings.any(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"trailers")) {
        head.extend_from_slice(b"te: trailers\r\nconnection: te\r\n");
    }
}

/// How the end of a body is told. HTTP/2 may leave its length unsaid.
fn coding(headers: &HeaderMap, of: (&ApiPlan, &Snapshot)) -> Coding {
    let length = headers.get(header::CONTENT_LENGTH);
    let length = length.filter(|_| !headers.contains_key(header::TRANSFER_ENCODING));
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    length.map_or_else(|| Coding::Chunked(declared_trailers(headers, of)), Coding::Length)
}

/// The fields that may follow a chunked body (RFC 9110 section 6.6.2).
fn declared_trailers(
    headers: &HeaderMap,
    (api, snapshot): (&ApiPlan, &Snapshot),
) -> Vec<HeaderName> {
    let lines = headers.get_all(header::TRAILER).iter();
    let names = lines.flat_map(|line| trailers::announced(line.as_bytes()));
    names.filter(|name| may_trail(name, api.dialect, snapshot)).collect()
}
