//! What handlers take from a request: who asks, a JSON body, a query, an id in the path. What
//! cannot be read is answered as a problem that names the field.

use std::net::IpAddr;

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::admin::etag;
use crate::admin::limits::BODY;
use crate::admin::problem::Problem;
use crate::service::{Caller, unread};

/// Who is at the other end of the local socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The user id, as the kernel tells it; none if it does not.
    pub uid: Option<u32>,
    /// Whence they come over TCP.
    pub address: Option<IpAddr>,
}

/// Whoever asks: known to `access` over TCP, else an administrator of this machine at the local socket. With
/// the revisions that `If-Match` names.
#[derive(Debug)]
pub struct By(pub Caller);

impl<S: Send + Sync> FromRequestParts<S> for By {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let wanted = etag::wanted(&parts.headers).map_err(Problem::bad_request)?;
        let asking = |by: Caller| match wanted {
            Some(revisions) => Self(by.only_at(revisions)),
            None => Self(by),
        };
        if let Some(known) = parts.extensions.get::<Caller>() {
            return Ok(asking(known.clone()));
        }
        let peer = parts.extensions.get::<Peer>();
        peer.and_then(|peer| peer.uid)
            .filter(|uid| *uid == 0 || *uid == rustix::process::geteuid().as_raw())
            .map(|uid| asking(Caller::local(uid)))
            .ok_or_else(|| {
                let detail = "only root and the user that Tollgate runs as may ask here";
                Problem::new(StatusCode::FORBIDDEN, "not-allowed", "Not allowed", detail)
            })
    }
}

/// A JSON body. An empty body is an empty object.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let is_json = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split(';').next())
            .is_some_and(|value| value.trim().eq_ignore_ascii_case("application/json"));
        let (title, kind) = ("The body cannot be read", "bad-body");
        let read = tokio::time::timeout(BODY, Bytes::from_request(request, state)).await;
        let read = read.map_err(|_| {
            let detail = format!("it was not there to its end after {} s", BODY.as_secs());
            Problem::new(StatusCode::REQUEST_TIMEOUT, kind, title, detail)
        })?;
        let bytes =
            read.map_err(|rejection| Problem::new(rejection.status(), kind, title, rejection))?;
        // Also where the body is empty, so that no form of another site can cause an act (sec-W1).
        if !is_json {
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            let detail = "the content type must be `application/json`";
            return Err(Problem::new(status, "not-json", "JSON is needed", detail));
        }
        let bytes = if bytes.is_empty() { Bytes::from_static(b"{}") } else { bytes };
        let mut reader = serde_json::Deserializer::from_slice(&bytes);
        let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let field = error.path().to_string();
            let error = error.into_inner();
            match field.as_str() {
                "." | "?" => Problem::bad_request(words(&error)),
                _ => Problem { field: Some(field.clone()), ..bad_field(&field, words(&error)) },
            }
        })?;
        reader.end().map_err(Problem::bad_request)?;
        Ok(Self(value))
    }
}

/// What is wrong with a body. Where in its text is told only if it is no JSON: whoever types a
/// command never sees the body that it makes, and a field has a name.
pub(super) fn words(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    match text.strip_suffix(&place) {
        Some(text) if error.is_data() => unread::plain(text),
        _ => text,
    }
}

fn bad_field(field: &str, problem: impl std::fmt::Display) -> Problem {
    let detail = format!("`{field}`: {problem}");
    Problem::new(StatusCode::BAD_REQUEST, "bad-field", "A value is missing or wrong", detail)
}

/// The parameters of a query.
#[derive(Debug)]
pub struct Params<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = form_urlencoded::parse(query.as_bytes());
        let reader = serde_urlencoded::Deserializer::new(pairs);
        let read = serde_path_to_error::deserialize(reader).map_err(|error| {
            let field = error.path().to_string();
            let problem = unread::plain(&error.into_inner().to_string());
            match field.as_str() {
                "." | "?" => Problem::bad_request(problem),
                _ => Problem { field: Some(field.clone()), ..bad_field(&field, problem) },
            }
        });
        read.map(Self)
    }
}

/// The one id in the path.
#[derive(Debug)]
pub struct Id<T>(pub T);

impl<S, T> FromRequestParts<S> for Id<T>
where
    S: Send + Sync,
    T: std::str::FromStr + Send,
    T::Err: std::fmt::Display,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(text) =
            Path::<String>::from_request_parts(parts, state).await.map_err(Problem::bad_request)?;
        text.parse()
            .map(Self)
            .map_err(|error| Problem { field: Some("id".to_owned()), ..bad_field("id", error) })
    }
}
