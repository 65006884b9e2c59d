//! `/api/v1/session`: signing in and out.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};

use crate::admin::Handles;
use crate::admin::access::{self, CSRF};
use crate::admin::extract::{Body, Peer};
use crate::admin::problem::Problem;
use crate::domain::id::OwnerId;
use crate::domain::owner::Owner;
use crate::domain::time::Span;
use crate::service::view::OwnerChanged;
use crate::service::{Caller, ServiceError};
use crate::web::sessions::{COOKIE, Session};

/// What somebody signs in with.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignIn {
    user: String,
    password: String,
}

/// Who has signed in.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct SignedIn {
    user: OwnerId,
    /// To be sent back with every act.
    csrf_token: String,
}

type Handle = State<Arc<Handles>>;
type Cookie = [(HeaderName, String); 1];

/// Signs in: the answer sets the cookie of a new session, whatever session there was (sec-W3).
pub(super) async fn begin(
    State(handles): Handle,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Body(SignIn { user, password }): Body<SignIn>,
) -> Result<(Cookie, Json<SignedIn>), Response> {
    let address = peer.address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let owner = sign_in(&handles, address, &user, &password).await?;
    let (session, cookie) =
        open(&handles, &headers, &owner).ok_or(NotSignedIn::Failed(ServiceError::NoEntropy))?;
    let body = SignedIn { user: owner.id.clone(), csrf_token: session.csrf };
    Ok(([(header::SET_COOKIE, cookie)], Json(body)))
}

/// Begins a session of `owner` in place of the one that there was (sec-W3), with the cookie for it. None if
/// the machine has no random numbers.
pub(super) fn open(
    handles: &Handles,
    headers: &HeaderMap,
    owner: &Owner,
) -> Option<(Session, String)> {
    if let Some((word, _)) = access::session(handles, headers) {
        handles.people.sessions.end(word);
    }
    let (sessions, now) = (&handles.people.sessions, handles.service.now());
    let word = sessions.begin(owner, now)?;
    let session = sessions.find(&word, &handles.service.settings().sessions, now)?;
    Some((session, cookie(&word, "")))
}

/// Signs out: the session is dead at once.
pub(super) async fn end(
    State(handles): Handle,
    headers: HeaderMap,
) -> Result<(StatusCode, Cookie), Problem> {
    if let Some((word, session)) = access::session(&handles, &headers) {
        let sent = headers.get(CSRF).map(HeaderValue::as_bytes);
        if !sent.is_some_and(|sent| access::same(sent, session.csrf.as_bytes())) {
            let detail = format!("an act of a session needs the field `{CSRF}`");
            return Err(access::forbidden("no-csrf-token", &detail));
        }
        handles.people.sessions.end(word);
    }
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie("", "; Max-Age=0"))]))
}

/// Why somebody is not signed in.
pub(super) enum NotSignedIn {
    /// Too many have failed before; how long to wait.
    Wait(Span),
    /// This name and password do not go together; which of them is wrong is told to nobody.
    Wrong,
    /// It could not be found out.
    Failed(ServiceError),
}

impl From<NotSignedIn> for Response {
    fn from(why: NotSignedIn) -> Self {
        match why {
            NotSignedIn::Wait(wait) => {
                Problem::from(ServiceError::TooManyFailures(wait)).into_response()
            }
            NotSignedIn::Wrong => {
                let detail = "this user name and password are not right";
                let status = StatusCode::UNAUTHORIZED;
                Problem::new(status, "not-signed-in", "Not signed in", detail).into_response()
            }
            NotSignedIn::Failed(error) => Problem::from(error).into_response(),
        }
    }
}

/// Whoever has this name and password.
///
/// # Errors
/// Nobody, said in the same words whether it is the name or the password; or too many failures before.
pub(super) async fn sign_in(
    handles: &Handles,
    address: IpAddr,
    user: &str,
    password: &str,
) -> Result<Arc<Owner>, NotSignedIn> {
    let (throttle, now) = (&handles.people.throttle, handles.service.now());
    if let Some(wait) = throttle.wait(address, user, now) {
        return Err(NotSignedIn::Wait(wait));
    }
    // Counted before it is known, so that many at once are not more than one after another.
    throttle.failed(address, user, now);
    let owner = handles.service.signed_in(user, password).await;
    match owner.map_err(NotSignedIn::Failed)? {
        Some(owner) => {
            throttle.succeeded(address, user, now);
            Ok(owner)
        }
        None => Err(NotSignedIn::Wrong),
    }
}

/// Gives an owner another password, or takes it away. Whoever does that for themselves shows the present one,
/// which nobody guesses at in a session that is not theirs: it is throttled as signing in is, by the name.
///
/// # Errors
/// Too many that were wrong before, and those of the act.
pub(super) async fn set_password(
    handles: &Handles,
    by: &Caller,
    id: &OwnerId,
    present: Option<&str>,
    wanted: Option<&str>,
) -> Result<OwnerChanged, ServiceError> {
    if by.owner() != Some(id) {
        return handles.service.set_password(by, id, present, wanted).await;
    }
    let (throttle, now) = (&handles.people.throttle, handles.service.now());
    if let Some(wait) = throttle.wait_of_name(id.as_str(), now) {
        return Err(ServiceError::TooManyFailures(wait));
    }
    // Counted before it is known, as at signing in.
    throttle.failed_as(id.as_str(), now);
    let changed = handles.service.set_password(by, id, present, wanted).await;
    // A new one that is refused comes after the present one was right.
    if changed.as_ref().map_or_else(|error| error.at_field() == Some("password"), |_| true) {
        throttle.forget(id.as_str());
    }
    changed
}

/// The line that sets the cookie of a session.
pub(super) fn cookie(word: &str, more: &str) -> String {
    format!("{COOKIE}={word}; Path=/; Secure; HttpOnly; SameSite=Strict{more}")
}
