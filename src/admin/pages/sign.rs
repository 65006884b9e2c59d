//! Signing in and out.

use std::net::{IpAddr, Ipv4Addr};

use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::Response;

use super::address::own_path;
use super::fault::Fault;
use super::visit::{Form, Visit};
use super::{Handle, address, page, page_with, reader, seen_at, unsent};
use crate::admin::access;
use crate::admin::extract::Peer;
use crate::admin::session::{self, NotSignedIn};
use crate::service::ServiceError;
use crate::web::frame::DONE;
use crate::web::pages::sign::SignIn;
use crate::web::typed::Typed;
use crate::web::wrongs::{Wrong, Wrongs};

pub(super) async fn form(
    State(handles): Handle,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Fault> {
    let asked = Typed::parse(uri.query().unwrap_or_default()).ok_or_else(Fault::unreadable)?;
    let next = own_path(asked.one("next")).filter(|next| !address::is_in(next));
    let next = next.unwrap_or("/").to_owned();
    let mut frame = reader::frame(&handles, &headers, &uri).await;
    if frame.reader.is_some() {
        return Ok(seen_at(&next, None));
    }
    if next != "/" {
        let next = percent_encoding::utf8_percent_encode(&next, percent_encoding::NON_ALPHANUMERIC);
        frame.query = format!("next={next}");
    }
    frame.done = DONE.into_iter().find(|done| *done == asked.one("done"));
    let wrongs = Wrongs::default();
    let (user, kept) = (String::new(), String::new());
    Ok(page(&SignIn { frame, wrongs, user, next, kept }))
}

pub(super) async fn sign_in(
    State(handles): Handle,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Form(typed): Form,
) -> Result<Response, Fault> {
    let address = peer.address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let (user, next) = (typed.one("user").trim(), own_path(typed.one("next")).unwrap_or("/"));
    let frame = reader::plain_frame(&handles, &headers, &Uri::from_static("/sign-in"));
    let mut after = None;
    let (status, words) =
        match session::sign_in(&handles, address, user, typed.one("password")).await {
            Ok(owner) => {
                let opened = session::open(&handles, &headers, &owner);
                let (session, cookie) = opened.ok_or(ServiceError::NoEntropy)?;
                let place = unsent::goes_on(&handles, &session, typed.one("kept"), next);
                return with_cookie(place, &cookie);
            }
            Err(NotSignedIn::Failed(error)) => return Err(error.into()),
            Err(NotSignedIn::Wrong) => (StatusCode::UNAUTHORIZED, frame.t("sign-in-wrong")),
            Err(NotSignedIn::Wait(wait)) => {
                after = Some(HeaderValue::from(wait.seconds()));
                (StatusCode::TOO_MANY_REQUESTS, frame.n("sign-in-wait", wait.seconds()))
            }
        };
    // Of no field: nobody is told which of the two was wrong.
    let wrongs = Wrongs { all: vec![Wrong { place: String::new(), words, exact: None }] };
    let (user, next) = (user.to_owned(), next.to_owned());
    let kept = typed.one("kept").to_owned();
    let mut response = page_with(status, &SignIn { frame, wrongs, user, next, kept });
    if let Some(after) = after {
        response.headers_mut().insert(header::RETRY_AFTER, after);
    }
    Ok(response)
}

/// Ends the session at once.
pub(super) async fn out(
    State(handles): Handle,
    headers: HeaderMap,
    _visit: Visit,
) -> Result<Response, Fault> {
    if let Some((word, _)) = access::session(&handles, &headers) {
        handles.people.sessions.end(word);
    }
    with_cookie(seen_at("/sign-in", Some("signed-out")), &session::cookie("", "; Max-Age=0"))
}

/// An answer that sets the cookie of a session.
pub(super) fn with_cookie(mut response: Response, cookie: &str) -> Result<Response, Fault> {
    let line = HeaderValue::try_from(cookie).map_err(|_| ServiceError::NoEntropy)?;
    response.headers_mut().append(header::SET_COOKIE, line);
    Ok(response)
}
