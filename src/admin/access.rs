//! Who asks over TCP: a person with a session, or a program with a token. On the local socket the kernel
//! says it (`extract`).

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::admin::Handles;
use crate::admin::extract::Peer;
use crate::admin::problem::Problem;
use crate::cache::Seat;
use crate::domain::left::Left;
use crate::domain::limits::{Limit, Limits};
use crate::domain::refusal::Refusal;
use crate::gateway::limits;
use crate::service::Caller;
use crate::service::program::{NotLetIn, Program};
use crate::web::sessions::{COOKIE, Session};

/// What a page sends back with every act of a session.
pub(super) const CSRF: &str = "x-csrf-token";

/// Lets through those who are known, with who they are.
pub(super) async fn known(
    State(handles): State<Arc<Handles>>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<Peer>().and_then(|peer| peer.address);
    let address = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let (method, headers) = (request.method().clone(), request.headers().clone());
    match caller(&handles, address, &method, &headers).await {
        Ok((caller, seat)) => {
            request.extensions_mut().insert(caller);
            let response = next.run(request).await;
            drop(seat);
            response
        }
        Err(response) => *response,
    }
}

/// Refuses acts that another site has a browser do (sec-W1): whatever changes something names no other
/// origin than this one.
pub(super) async fn same_origin(request: Request, next: Next) -> Response {
    if is_by_other_site(request.method(), request.headers()) {
        let detail = "this was asked by a page of another site";
        let title = "Not from another site";
        return Problem::new(StatusCode::FORBIDDEN, "other-origin", title, detail).into_response();
    }
    next.run(request).await
}

/// Whether a request would change something, and is made by a page of another site.
pub(super) fn is_by_other_site(method: &Method, headers: &HeaderMap) -> bool {
    !matches!(*method, Method::GET | Method::HEAD) && !is_own(headers)
}

/// Whether the origin of a request, where it has one, is the host that it asks.
fn is_own(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or("?"));
    let host = text(header::HOST).unwrap_or_default();
    let by_site = text(header::HeaderName::from_static("sec-fetch-site"))
        .is_none_or(|site| matches!(site, "same-origin" | "none"));
    let by_origin = text(header::ORIGIN).is_none_or(|origin| {
        origin.split_once("://").is_some_and(|(_, origin)| origin.eq_ignore_ascii_case(host))
    });
    by_site && by_origin
}

async fn caller(
    handles: &Handles,
    address: IpAddr,
    method: &Method,
    headers: &HeaderMap,
) -> Result<(Caller, Option<Seat>), Box<Response>> {
    if !headers.contains_key(header::AUTHORIZATION) {
        let person = person(handles, method, headers).await;
        return person
            .map(|caller| (caller, None))
            .map_err(|problem| Box::new(challenge(*problem)));
    }
    let Some(credential) = bearer(headers) else {
        let problem = Problem::bad_request("one `Authorization: Bearer TOKEN` is needed");
        return Err(Box::new(problem.into_response()));
    };
    match handles.service.program(credential, address).await {
        Ok(Program { caller, seat }) => Ok((caller, seat)),
        Err(NotLetIn::Failed(error)) => Err(Box::new(Problem::from(error).into_response())),
        Err(NotLetIn::Refused(refusal)) => Err(Box::new(challenge(refused(refusal)))),
        Err(NotLetIn::Limited(limit, told)) => Err(Box::new(limited(limit, &told))),
    }
}

async fn person(
    handles: &Handles,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Caller, Box<Problem>> {
    let Some((_, session)) = session(handles, headers) else {
        return Err(Box::new(not_signed_in()));
    };
    let sent = headers.get(CSRF).map(HeaderValue::as_bytes);
    let reads = matches!(*method, Method::GET | Method::HEAD);
    if !reads && !sent.is_some_and(|sent| same(sent, session.csrf.as_bytes())) {
        let detail = format!("an act of a session needs the field `{CSRF}`");
        return Err(Box::new(forbidden("no-csrf-token", &detail)));
    }
    let owner = handles.service.signed_in_still(&session.owner).await.map_err(Problem::from)?;
    match owner.filter(|owner| session.holds_for(owner)) {
        Some(owner) => Ok(Caller::person(&owner)),
        None => Err(Box::new(not_signed_in())),
    }
}

/// The session that a request is of, with the word of its cookie. Whether its owner may still go on is
/// another matter.
pub(super) fn session<'h>(handles: &Handles, headers: &'h HeaderMap) -> Option<(&'h str, Session)> {
    let word = cookie(headers)?;
    let (settings, now) = (handles.service.settings(), handles.service.now());
    Some((word, handles.people.sessions.find(word, &settings.sessions, now)?))
}

/// The word of our cookie, if there is exactly one.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    let mut words = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='));
    let word = words.next();
    word.filter(|_| words.next().is_none())
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut lines = headers.get_all(header::AUTHORIZATION).iter();
    let (line, second) = (lines.next()?, lines.next());
    let (scheme, credential) = line.to_str().ok()?.split_once(' ')?;
    (second.is_none() && scheme.eq_ignore_ascii_case("bearer")).then_some(credential)
}

/// In a time that says nothing of where they differ.
pub(super) fn same(one: &[u8], other: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(one, other).is_ok()
}

/// With the same fields as at the gate.
fn limited(limit: Limit, (limits, left): &(Limits, Left)) -> Response {
    let mut response = used_up().into_response();
    limits::tell(response.headers_mut(), limit, limits, left);
    response
}

pub(super) fn used_up() -> Problem {
    let (status, title) = (StatusCode::TOO_MANY_REQUESTS, "Used as much as it may be");
    Problem::new(status, "limited", title, "this token has met one of its limits")
}

fn refused(refusal: Refusal) -> Problem {
    match refusal.status() {
        403 => forbidden("forbidden", "only a token with the flags -1 may manage tokens"),
        503 => {
            let detail = "whether this token holds cannot be found out now";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not now", detail)
        }
        _ => Problem::new(
            StatusCode::UNAUTHORIZED,
            "not-signed-in",
            "Not signed in",
            "this token is not valid, or no longer",
        ),
    }
}

pub(super) fn not_signed_in() -> Problem {
    let detail =
        "sign in, or send `Authorization: Bearer TOKEN` with a token that has the flags -1";
    Problem::new(StatusCode::UNAUTHORIZED, "not-signed-in", "Not signed in", detail)
}

pub(super) fn forbidden(kind: &str, detail: &str) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, kind, "Not yours to do", detail)
}

fn challenge(problem: Problem) -> Response {
    let unknown = problem.status == StatusCode::UNAUTHORIZED.as_u16();
    let mut response = problem.into_response();
    if unknown {
        let value = HeaderValue::from_static("Bearer realm=\"Tollgate\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
    response
}
