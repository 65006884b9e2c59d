//! Acts that are done once though they are asked for again: `Idempotency-Key`
//! (draft-ietf-httpapi-idempotency-key-header-07).
//!
//! Whoever heard no answer asks again with the same key. The act goes on to its end when its client leaves, and
//! what it was answered is told again. What was refused or failed has written nothing, so that the key is free.

use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::admin::Handles;
use crate::admin::answers::{Answers, Begun, Ticket};
use crate::admin::extract::By;
use crate::admin::limits::{BODY, BODY_BYTES};
use crate::admin::problem::Problem;
use crate::domain::secret::Digest;
use crate::service::Service;

/// The field.
const KEY: &str = "idempotency-key";
/// The most characters of a key.
const KEY_CHARS: usize = 255;
/// The most bytes of an answer that is kept: far more than any has.
const ANSWER_BYTES: usize = 4 << 20;
/// How often secrets whose time is over are looked for, while there are any.
const SWEEP: Duration = Duration::from_secs(60);

/// What it takes to do an act once.
#[derive(Clone)]
pub(super) struct Once {
    handles: Arc<Handles>,
    answers: Arc<Answers>,
}

impl Once {
    /// For the acts of one face.
    pub(super) fn new(handles: &Arc<Handles>) -> Self {
        Self { handles: Arc::clone(handles), answers: Answers::new() }
    }
}

/// Does an act that comes with a key once, and one without as it comes.
pub(super) async fn once(State(once): State<Once>, request: Request, next: Next) -> Response {
    if !request.headers().contains_key(KEY) {
        return next.run(request).await;
    }
    match keyed(once, request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn keyed(once: Once, request: Request, next: Next) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let key = key(&parts.headers).map_err(|problem| *problem)?;
    let By(by) = By::from_request_parts(&mut parts, &()).await?;
    let late = |_| unread(StatusCode::REQUEST_TIMEOUT);
    let body = tokio::time::timeout(BODY, to_bytes(body, BODY_BYTES)).await.map_err(late)?;
    let body = body.map_err(|_| unread(StatusCode::PAYLOAD_TOO_LARGE))?;
    // Programs of one owner are told apart by what they show.
    let credential = parts.headers.get(header::AUTHORIZATION);
    let credential = credential.map(|value| value.as_bytes()).unwrap_or_default();
    let caller = [by.actor.to_string().as_bytes(), b" ", credential].concat();
    let now = once.handles.service.now();
    match once.answers.begin((&caller, &key), *asked(&parts, &body).as_bytes(), now) {
        Begun::New(ticket) => {
            let request = Request::from_parts(parts, Body::from(body));
            // To its end, also when its client leaves meanwhile: that is who asks again.
            let act = tokio::spawn(act(once, ticket, request, next));
            act.await.map_err(|_| failed())
        }
        Begun::Done(status, headers, body) => Ok((status, headers, body).into_response()),
        Begun::Forgotten => Err(conflict(
            "answered-before",
            "this was done before, and its answer is not kept any more: look at what there is",
        )),
        Begun::UnderWay => Err(conflict("under-way", "the first of these is still under way")),
        Begun::Other => {
            let detail = "this idempotency key was sent with another request in the last 24 h";
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            Err(Problem::new(status, "other-request", "The key is another request's", detail))
        }
        Begun::Unable => Err(failed()),
    }
}

async fn act(once: Once, ticket: Ticket, request: Request, next: Next) -> Response {
    let (parts, body) = next.run(request).await.into_parts();
    if !parts.status.is_success() {
        return Response::from_parts(parts, body);
    }
    let Ok(body) = to_bytes(body, ANSWER_BYTES).await else { return failed().into_response() };
    let (head, now) = ((parts.status, parts.headers.clone()), once.handles.service.now());
    if ticket.done(head, &body, now) {
        let (service, answers) =
            (Arc::downgrade(&once.handles.service), Arc::downgrade(&once.answers));
        tokio::spawn(sweep(service, answers));
    }
    Response::from_parts(parts, Body::from(body))
}

/// Lets go of secrets in time where nobody asks for anything. Ends with the last of them, and with the face.
async fn sweep(service: Weak<Service>, answers: Weak<Answers>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let (Some(service), Some(answers)) = (service.upgrade(), answers.upgrade()) else { return };
        if !answers.sweep(service.now()) {
            return;
        }
    }
}

/// The key: a string of structured fields (RFC 9651 section 3.3.3), or the same without quotes.
fn key(headers: &HeaderMap) -> Result<String, Box<Problem>> {
    let mut lines = headers.get_all(KEY).iter();
    let line = lines.next().and_then(|line| line.to_str().ok()).unwrap_or_default().trim();
    let quoted = line.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let key = quoted.unwrap_or(line);
    let plain = key.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'));
    if plain && (1..=KEY_CHARS).contains(&key.len()) && lines.next().is_none() {
        return Ok(key.to_owned());
    }
    Err(Box::new(Problem::bad_request(format_args!(
        "one `Idempotency-Key` of 1 to {KEY_CHARS} visible characters without `\"` and `\\` is \
         needed, such as a UUID"
    ))))
}

/// What tells one request from another: what is done, on which condition, and with which words.
fn asked(parts: &Parts, body: &Bytes) -> Digest {
    let condition = parts.headers.get_all(header::IF_MATCH).iter();
    let condition: Vec<_> = condition.map(|value| value.as_bytes()).collect();
    let path = parts.uri.path();
    let parts =
        [parts.method.as_str().as_bytes(), path.as_bytes(), &condition.join(&b", "[..]), body];
    // None but the last can hold a line break.
    Digest::of(&parts.join(&b"\n"[..]))
}

fn unread(status: StatusCode) -> Problem {
    Problem::new(
        status,
        "bad-body",
        "The body cannot be read",
        "it is too long, or came too slowly",
    )
}

fn conflict(kind: &str, detail: &str) -> Problem {
    Problem::new(StatusCode::CONFLICT, kind, "It was asked for before", detail)
}

fn failed() -> Problem {
    let detail =
        "the act could not be done, or what became of it is not known: look at what there is";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not now", detail)
}
