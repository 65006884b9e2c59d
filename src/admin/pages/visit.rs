//! Who visits a page: the session of their cookie, the form that they send, and the frame around what
//! they are shown.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::fault::Fault;
use super::{Asked, Handle, Next, address, astray, reader, seen_at, unsent};
use crate::admin::limits::{BODY, BODY_BYTES};
use crate::admin::{Handles, access};
use crate::domain::owner::Owner;
use crate::domain::secret;
use crate::domain::token::Revision;
use crate::service::Caller;
use crate::web::frame::{DONE, Frame};
use crate::web::sessions::Session;
use crate::web::typed::Typed;

/// A person before a page.
#[derive(Clone)]
pub(super) struct Visit {
    /// As whom they ask.
    pub(super) by: Caller,
    /// Who they are.
    pub(super) owner: Arc<Owner>,
    /// Their session.
    pub(super) session: Session,
    /// What is around their page.
    pub(super) frame: Frame,
    /// What they sent: of a form, else of the query.
    pub(super) typed: Typed,
    /// What they typed into the form of this page while they had no session.
    pub(super) unsent: Option<Typed>,
}

impl<S: Send + Sync> FromRequestParts<S> for Visit {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        // Put there by `known`, without which no page of this kind is reached.
        let missing = || Fault::of(StatusCode::SERVICE_UNAVAILABLE, "unavailable");
        parts.extensions.remove::<Self>().ok_or_else(missing)
    }
}

/// The one id in the path. What cannot be one leads nowhere.
pub(super) struct Id<T>(pub(super) T);

impl<S: Send + Sync, T: std::str::FromStr> FromRequestParts<S> for Id<T> {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        let text = Path::<String>::from_request_parts(parts, state).await;
        let id = text.ok().and_then(|Path(text)| text.parse().ok());
        id.map(Self).ok_or_else(Fault::nothing)
    }
}

impl Visit {
    /// Why they do something, in their words.
    pub(super) fn reason(&self) -> &str {
        self.typed.one("reason").trim()
    }

    /// Who they are, for an act on the record that their page showed: it is refused if that is another one by
    /// now. What only stops something asks for no revision, so that nothing delays it.
    pub(super) fn by_what_they_saw(&self) -> Caller {
        match self.typed.one("revision").parse() {
            Ok(revision) => self.by.clone().only_at(vec![Revision(revision)]),
            Err(_) => self.by.clone(),
        }
    }
}

/// A form that is sent by somebody who need not have signed in.
pub(super) struct Form(pub(super) Typed);

impl<S: Send + Sync> axum::extract::FromRequest<S> for Form {
    type Rejection = Fault;

    async fn from_request(request: Asked, _: &S) -> Result<Self, Fault> {
        let (parts, body) = request.into_parts();
        read(&parts.headers, body).await.map(Self)
    }
}

/// Lets through those who have signed in, with what they sent. Every form of theirs must hold the word
/// of their session (sec-W1): it is looked at here, so that no act can forget to.
pub(super) async fn known(State(handles): Handle, request: Asked, next: Next) -> Response {
    match visit(&handles, request).await {
        Ok(request) => next.run(request).await,
        Err(response) => response,
    }
}

async fn visit(handles: &Handles, request: Asked) -> Result<Asked, Response> {
    let (mut parts, body) = request.into_parts();
    let (session, owner) = match reader::person(handles, &parts.headers).await {
        Ok(Some(person)) => person,
        Ok(None) => return Err(sign_in_first(handles, &parts, body).await),
        Err(error) => return Err(Fault::from(error).into_response()),
    };
    let by = Caller::person(&owner);
    if is_look(&parts.method) && address::is_in(parts.uri.query().unwrap_or_default()) {
        let away = astray::away(handles, &by, &parts.uri).await;
        return Err(away.unwrap_or_else(Fault::into_response));
    }
    let mut frame = reader::plain_frame(handles, &parts.headers, &parts.uri);
    frame.reader = Some(reader::reader(handles, &by, &owner, &session));
    let (path, mut unsent) = (parts.uri.path(), None);
    let typed = if is_look(&parts.method) {
        let typed = Typed::parse(parts.uri.query().unwrap_or_default());
        let typed = typed.ok_or_else(|| Fault::unreadable().into_response())?;
        frame.query = address::clean(parts.uri.query().unwrap_or_default());
        frame.done = DONE.into_iter().find(|done| *done == typed.one("done"));
        unsent = unsent::look(handles, &session, path, &typed);
        typed
    } else {
        let typed = read(&parts.headers, body).await.map_err(Fault::into_response)?;
        if !access::same(typed.one("csrf").as_bytes(), session.csrf.as_bytes()) {
            let refused = || Fault::of(StatusCode::FORBIDDEN, "no-csrf-token").into_response();
            return Err(unsent::again(handles, &session, path, &typed).unwrap_or_else(refused));
        }
        frame.is_form = true;
        typed
    };
    parts.extensions.insert(Visit { by, owner, session, frame, typed, unsent });
    Ok(Asked::from_parts(parts, Body::empty()))
}

fn is_look(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// Refuses acts that another site has a browser do (sec-W1).
pub(super) async fn same_origin(request: Asked, next: Next) -> Response {
    if access::is_by_other_site(request.method(), request.headers()) {
        return Fault::of(StatusCode::FORBIDDEN, "other-origin").into_response();
    }
    next.run(request).await
}

/// To the form for signing in, and back then. A form that was sent is not sent again: it comes back with what was
/// typed, or whoever sent it is told that nothing was done.
async fn sign_in_first(handles: &Handles, parts: &Parts, body: Body) -> Response {
    let (uri, path) = (&parts.uri, parts.uri.path());
    if is_look(&parts.method) {
        let query = address::clean(uri.query().unwrap_or_default());
        let joint = if query.is_empty() { "" } else { "?" };
        let back = format!("{}{joint}{query}", secret::redact(path));
        return to_sign_in(&back, "sign-in-first");
    }
    if path == "/sign-out" {
        return to_sign_in("/", "signed-out");
    }
    if let Ok(typed) = read(&parts.headers, body).await {
        let frame = reader::plain_frame(handles, &parts.headers, uri);
        if let Some(page) = unsent::carried(handles, frame, path, typed) {
            return page;
        }
    }
    to_sign_in(&secret::redact(unsent::page_of(path)), "sign-in-lost")
}

fn to_sign_in(back: &str, why: &str) -> Response {
    if back == "/" && why == "sign-in-first" {
        return seen_at("/sign-in", None);
    }
    let back = percent_encoding::utf8_percent_encode(back, percent_encoding::NON_ALPHANUMERIC);
    seen_at(&format!("/sign-in?next={back}"), Some(why))
}

async fn read(headers: &HeaderMap, body: Body) -> Result<Typed, Fault> {
    let form = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|value| {
            value.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
        });
    if !form {
        return Err(Fault::of(StatusCode::UNSUPPORTED_MEDIA_TYPE, "bad-request"));
    }
    let read = tokio::time::timeout(BODY, to_bytes(body, BODY_BYTES)).await;
    let late = |_| Fault::of(StatusCode::REQUEST_TIMEOUT, "bad-request");
    let large = |_| Fault::of(StatusCode::PAYLOAD_TOO_LARGE, "bad-request");
    let bytes = read.map_err(late)?.map_err(large)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| Fault::unreadable())?;
    Typed::parse(text).ok_or_else(Fault::unreadable)
}
