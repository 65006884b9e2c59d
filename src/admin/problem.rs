//! Errors as problem documents (RFC 9457).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::service::ServiceError;

const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");

/// A problem document, with the field at fault where there is one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What kind of problem it is.
    #[serde(rename = "type")]
    pub kind: String,
    /// The same for every problem of its kind.
    pub title: String,
    /// The status of the answer.
    pub status: u16,
    /// What is wrong this time.
    pub detail: String,
    /// Where it stands in the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Problem {
    /// A problem of a kind that is named by a word or two.
    pub fn new(status: StatusCode, kind: &str, title: &str, detail: impl ToString) -> Self {
        Self {
            kind: format!("urn:tollgate:problem:{kind}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.to_string(),
            field: None,
            hint: None,
        }
    }

    /// A request that cannot be read.
    pub fn bad_request(detail: impl ToString) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", "The request cannot be read", detail)
    }

    /// A path that leads nowhere.
    pub fn no_such_path(path: &str) -> Self {
        let detail = format!("there is nothing at `{}`", path.escape_debug());
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not found", detail)
    }

    /// Something that only a running server can do.
    pub fn no_server(what: &str) -> Self {
        let detail = format!("{what} needs a running server, and none is");
        Self::new(StatusCode::CONFLICT, "no-server", "No server is running", detail)
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        let status =
            StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self {
            field: error.at_field().map(str::to_owned),
            hint: error.hint().map(str::to_owned),
            ..Self::new(status, error.kind(), error.title(), &error)
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(&self)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, MEDIA_TYPE);
        response
    }
}
