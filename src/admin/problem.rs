//! Errors as problem documents (RFC 9457).

use std::path::{Path, PathBuf};

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::admin::etag;
use crate::config::{Entry, Report};
use crate::domain::echo::shown;
use crate::domain::secret;
use crate::domain::time::Span;
use crate::domain::token::Revision;
use crate::notices::SetupError;
use crate::service::ServiceError;
use crate::store::sealed::KeyError;

const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");

/// A problem document, with the field at fault where there is one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
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
    /// The revision that a record is at, where another was wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// In how many seconds to ask again, told as a field of the answer.
    #[serde(skip)]
    pub wait: Option<u64>,
    /// All mistakes of a configuration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mistakes: Vec<Mistake>,
}

/// One mistake of a configuration, as programs read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Mistake {
    /// A word that stays the same while sentences change, such as `UnknownKey`.
    pub kind: String,
    /// The file; none if none was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub file: Option<PathBuf>,
    /// The line in it, from 1; none for what stands nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The character in that line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

/// All that is wrong with a configuration.
pub fn mistakes(report: &Report) -> Vec<Mistake> {
    let entries = report.entries().map(|Entry { kind, message, place, hint }| Mistake {
        kind,
        file: report.file().map(Path::to_owned),
        line: place.map(|(line, _)| line),
        column: place.map(|(_, column)| column),
        message,
        hint,
    });
    entries.collect()
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
            revision: None,
            wait: None,
            mistakes: Vec::new(),
        }
    }

    /// A configuration that is not taken while another is in force.
    pub fn bad_config(report: &Report) -> Self {
        let title = "The configuration has mistakes; the old one stays";
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Self { mistakes: mistakes(report), ..Self::new(status, "bad-config", title, report) }
    }

    /// A gateway that has no file to read anew.
    pub fn no_file() -> Self {
        let detail = "this gateway was started without a configuration file";
        let title = "There is nothing to read anew";
        Self::new(StatusCode::CONFLICT, "no-file", title, detail)
    }

    /// A configuration with secret parameters, and no key for them.
    pub fn no_master_key(status: StatusCode, error: &KeyError) -> Self {
        let detail = format!("secret parameters cannot be kept: {error}");
        let title = "The master key is missing";
        let hint = Some(error.remedy());
        Self { hint, ..Self::new(status, "no-master-key", title, detail) }
    }

    /// A configuration with webhooks that could not be called, and where it says so.
    pub fn no_webhooks(status: StatusCode, error: &SetupError, report: Option<&Report>) -> Self {
        let mistakes = report.map(mistakes).unwrap_or_default();
        Self {
            mistakes,
            ..Self::new(status, "bad-webhooks", "Webhooks could not be called", error)
        }
    }

    /// A request that cannot be read.
    pub fn bad_request(detail: impl ToString) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", "The request cannot be read", detail)
    }

    /// A path that leads nowhere.
    pub fn no_such_path(path: &str) -> Self {
        let detail = format!("there is nothing at `{}`", shown(path));
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
            hint: error.hint(),
            revision: error.revision().map(|revision| revision.0),
            wait: error.wait().map(Span::seconds),
            ..Self::new(status, error.kind(), error.title(), &error)
        }
    }
}

impl IntoResponse for Problem {
    /// Without secrets that somebody put in the place of something else, which errors repeat.
    fn into_response(mut self) -> Response {
        let texts = [Some(&mut self.detail), self.field.as_mut(), self.hint.as_mut()];
        for text in texts.into_iter().flatten() {
            *text = secret::redact(text).into_owned();
        }
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(&self)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, MEDIA_TYPE);
        if let Some(revision) = self.revision {
            response.headers_mut().insert(header::ETAG, etag::tag(Revision(revision)));
        }
        if let Some(wait) = self.wait {
            response.headers_mut().insert(header::RETRY_AFTER, wait.into());
        }
        response
    }
}
