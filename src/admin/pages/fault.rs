//! What cannot be shown or done, as a page in the reader's language.

use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::{Asked, Handle, Next, page_with, reader};
use crate::domain::secret;
use crate::service::ServiceError;
use crate::store::StoreError;
use crate::web::pages::oops::Oops;

/// Why there is no page.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    status: StatusCode,
    kind: &'static str,
    exact: Option<String>,
}

impl Fault {
    /// One that needs no more words.
    pub(super) fn of(status: StatusCode, kind: &'static str) -> Self {
        Self { status, kind, exact: None }
    }

    /// Something that is not there, or not for this reader.
    pub(super) fn nothing() -> Self {
        Self::of(StatusCode::NOT_FOUND, "not-found")
    }

    /// A request that no page of ours makes.
    pub(super) fn unreadable() -> Self {
        Self::of(StatusCode::BAD_REQUEST, "bad-request")
    }
}

impl From<ServiceError> for Fault {
    fn from(error: ServiceError) -> Self {
        let status = StatusCode::from_u16(error.status());
        Self {
            status: status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            // To a reader it is the same which of the two ways found it.
            kind: if error.revision().is_some() { "conflict" } else { error.kind() },
            exact: Some(secret::redact(&error.to_string()).into_owned()),
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        ServiceError::from(error).into()
    }
}

impl IntoResponse for Fault {
    /// Its status, with the fault beside it: [`told`] makes a page of it.
    fn into_response(self) -> Response {
        (self.status, Extension(self)).into_response()
    }
}

/// Puts a page in place of a fault.
pub(super) async fn told(State(handles): Handle, request: Asked, next: Next) -> Response {
    let (at, headers) = (request.uri().clone(), request.headers().clone());
    let response = next.run(request).await;
    let Some(Fault { status, kind, exact }) = fault(&response) else { return response };
    let frame = reader::frame(&handles, &headers, &at).await;
    page_with(status, &Oops::new(frame, kind, exact.as_deref()))
}

fn fault(response: &Response) -> Option<Fault> {
    if let Some(fault) = response.extensions().get::<Fault>() {
        return Some(fault.clone());
    }
    // What the router and the extractors refuse.
    match response.status() {
        StatusCode::METHOD_NOT_ALLOWED => {
            Some(Fault::of(StatusCode::METHOD_NOT_ALLOWED, "bad-request"))
        }
        _ => None,
    }
}
