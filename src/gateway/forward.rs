//! The last station: to the upstream and back. It uses a permit up, and there is no other way there.

use std::fmt;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;

use http::header::{self, HeaderMap, HeaderValue};
use http::{Request, Response, StatusCode, Version};
use hyper::body::{Body as _, Incoming};

use crate::domain::refusal::{Fault, Refusal};

use super::authorize::Permit;
use super::body::{RequestBody, Upload};
use super::client::Client;
use super::core::Core;
use super::expect::Hold;
use super::identity;
use super::intake::Inbound;
use super::plan::ApiPlan;
use super::pool::Connection;
use super::relay::Relay;
use super::snapshot::Snapshot;
use super::upstream;

/// How often a request is tried on connections that turn out to be closed before any of it was sent.
const TRIES: usize = 4;

/// What came of one try.
enum Tried {
    Answered(Response<Relay>),
    /// Nothing was sent, so that it is safe to try again.
    Unsent(Request<RequestBody>),
    Failed(Refusal),
}

/// A request as the upstream gets it.
struct Prepared {
    request: Request<RequestBody>,
    upload: Option<Rc<Upload>>,
    /// The lines of its head that are ours.
    lines: Vec<u8>,
}

/// Passes a permitted request on and gives the head of the answer, with the body to follow.
///
/// # Errors
/// A body that the client sends wrong, or an upstream that gives no usable answer.
pub(super) async fn send(
    permit: Permit<'_>,
    inbound: Inbound,
    client: &Rc<Client>,
    snapshot: &Arc<Snapshot>,
) -> Result<Response<Relay>, Refusal> {
    let (core, api) = (client.core(), permit.api());
    let Prepared { mut request, upload, lines } = prepare(&permit, inbound, client, snapshot)?;
    let mut refusal = Refusal::UpstreamUnreachable;
    // Taken once: other requests take theirs while this one waits for a connection.
    let turn = core.turn.get().wrapping_add(1);
    core.turn.set(turn);
    for attempt in 0..TRIES.max(api.targets.len()) {
        let (connection, reused) = match connection(core, api, turn, attempt).await {
            Ok(found) => found,
            Err(refused) if attempt + 1 < api.targets.len() => {
                refusal = refused;
                continue;
            }
            Err(refused) => return Err(refused),
        };
        connection.say(&lines, &client.asked());
        match exchange(client, api, connection, request, upload.as_ref()).await {
            Tried::Answered(response) => return Ok(response),
            Tried::Failed(refusal) => return Err(refusal),
            Tried::Unsent(_) if !reused => return Err(Refusal::UpstreamUnreachable),
            Tried::Unsent(unsent) => request = unsent,
        }
    }
    Err(refusal)
}

/// A connection to the upstream whose turn it is, and whether it was used before.
async fn connection(
    core: &Rc<Core>,
    api: &ApiPlan,
    turn: usize,
    attempt: usize,
) -> Result<(Box<Connection>, bool), Refusal> {
    let place = turn
        .wrapping_add(attempt)
        .checked_rem(api.targets.len())
        .ok_or(Refusal::UpstreamUnreachable)?;
    let target = api.targets.get(place).ok_or(Refusal::UpstreamUnreachable)?;
    // After some that were closed unseen, a fresh one: the upstream may have closed all of them.
    if attempt + 1 < TRIES
        && let Some(connection) = upstream::reuse(core, target, api.idle_timeout)
    {
        return Ok((connection, true));
    }
    match Box::pin(upstream::connect(core, target, api.connect_timeout)).await {
        Ok(connection) => {
            if target.unreachable.over() {
                tracing::info!(api = %api.name, upstream = %target, "an upstream is reached again");
            }
            Ok((connection, false))
        }
        Err(error) => {
            if let Some(withheld) = target.unreachable.ready() {
                tracing::warn!(
                    api = %api.name, upstream = %target, %error, withheld,
                    "an upstream cannot be reached"
                );
            }
            let slow = error.kind() == std::io::ErrorKind::TimedOut;
            Err(if slow { Refusal::UpstreamTimeout } else { Refusal::UpstreamUnreachable })
        }
    }
}

async fn exchange(
    client: &Rc<Client>,
    api: &ApiPlan,
    mut connection: Box<Connection>,
    request: Request<RequestBody>,
    upload: Option<&Rc<Upload>>,
) -> Tried {
    let (bell, target) = (Rc::clone(&connection.alarm), connection.target);
    match upload {
        Some(upload) if upload.hold.is_some() => {
            upload.watch(&bell, connection.seat());
            upload.be_patient();
        }
        Some(upload) => upload.watch(&bell, connection.seat()),
        None => bell.set(api.response_timeout),
    }
    let mut answer = pin!(connection.sender.try_send_request(request));
    let answered = loop {
        match connection.bring(&bell, answer.as_mut()).await {
            Some(answered) => break answered,
            None => match upload.filter(|upload| upload.let_go()) {
                Some(upload) => upload.go_on(),
                None => {
                    let stalled = upload.map_or(Refusal::UpstreamTimeout, |up| up.stalled());
                    return failed(api, target, stalled, &"it took too long");
                }
            },
        }
    };
    match answered {
        Ok(response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
            failed(api, target, Refusal::UpstreamBroken, &"it changed the protocol unasked")
        }
        Ok(response) => {
            bell.clear();
            if let Some(mut answer) = client.answer() {
                connection.heard(&mut answer);
            }
            let upload = upload.filter(|upload| !upload.is_done());
            if let Some(upload) = upload {
                let (limit, under_way) = (client.core().alarms.add(), client.begin_body());
                connection.leave(upload.is_answered(api.stall_timeout, limit), under_way);
            }
            let stall_timeout = api.stall_timeout;
            Tried::Answered(
                response.map(|body| Relay::new(body, connection, upload, stall_timeout, client)),
            )
        }
        Err(mut error) => match error.take_message() {
            Some(unsent) => Tried::Unsent(unsent),
            None => {
                let own = upload.and_then(|upload| upload.refused.get());
                failed(api, target, own.unwrap_or(Refusal::UpstreamBroken), error.error())
            }
        },
    }
}

/// An exchange without a usable answer; told of where that is the upstream's fault.
fn failed(api: &ApiPlan, number: usize, refusal: Refusal, cause: &dyn fmt::Display) -> Tried {
    let target = api.targets.iter().find(|target| target.number == number);
    if refusal.fault() == Fault::Upstream
        && let Some(target) = target
        && let Some(withheld) = target.broken.ready()
    {
        tracing::warn!(
            api = %api.name, upstream = %target, error = %cause, withheld,
            "an upstream gives no usable answer"
        );
    }
    Tried::Failed(refusal)
}

/// Turns an inbound request into the one that the upstream gets.
fn prepare(
    permit: &Permit<'_>,
    inbound: Inbound,
    client: &Client,
    snapshot: &Arc<Snapshot>,
) -> Result<Prepared, Refusal> {
    let Inbound { mut parts, body, request: number, notes, .. } = inbound;
    let api = permit.api();
    check_length(&parts.headers, api)?;
    if !api.keep_credential {
        parts.headers.remove(header::AUTHORIZATION);
    }
    let held = notes.expect && expectation(&parts.headers)?;
    if notes.te {
        pass_trailers_on(&mut parts.headers);
    }
    let lines = identity::lines(permit, number, client, snapshot)?;
    if body.is_end_stream() {
        parts.version = Version::HTTP_11;
        let request = Request::from_parts(parts, RequestBody::empty());
        return Ok(Prepared { request, upload: None, lines });
    }
    frame(&mut parts.headers, parts.version, &body);
    parts.version = Version::HTTP_11;
    let hold = held.then(Arc::<Hold>::default);
    let upload = Upload::new(snapshot, api.body_bytes, api.response_timeout, hold.clone());
    let mut request = Request::from_parts(parts, RequestBody::new(body, Rc::clone(&upload)));
    if let Some(hold) = hold {
        hyper::ext::on_informational(&mut request, move |answer| {
            if answer.status() == StatusCode::CONTINUE {
                hold.release();
            }
        });
    }
    Ok(Prepared { request, upload: Some(upload), lines })
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

/// `TE` belongs to one connection; what is said to the upstream is that trailers are welcome, if they
/// are to the client.
fn pass_trailers_on(headers: &mut HeaderMap) {
    let Some(te) = headers.remove(header::TE) else { return };
    let mut codings = te.as_bytes().split(|b| *b == b',').map(<[u8]>::trim_ascii);
    if codings.any(|coding| coding.eq_ignore_ascii_case(b"trailers")) {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("te"));
    }
}

/// Says how the body is framed where HTTP/2 left it unsaid; hyper writes no body for some methods
/// otherwise.
fn frame(headers: &mut HeaderMap, version: Version, body: &Incoming) {
    let said = headers.contains_key(header::CONTENT_LENGTH)
        || headers.contains_key(header::TRANSFER_ENCODING);
    if version == Version::HTTP_2 && !said && body.size_hint().exact().is_none() {
        headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
}
