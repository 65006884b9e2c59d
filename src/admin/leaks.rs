//! `/api/v1/leaks`: secrets that somebody found in the open. Administrators are told what became of each;
//! strangers, at `/api/v1/leaks/report`, nothing at all: not even how long it took, since the answer does not
//! wait for the work.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};

use crate::admin::Handles;
use crate::admin::extract::{Body, By, Peer};
use crate::admin::problem::Problem;
use crate::domain::secret::Secret;
use crate::service::leaks::{self, LeakLine};

/// Secrets that were found. What is wrong with them is told without their text, also if it is no list.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(
    untagged,
    expecting = "this is `{\"secrets\": [\"...\"]}`, or a list of objects with a `token`"
)]
pub(super) enum Report {
    /// Ours.
    Listed {
        secrets: Vec<String>,
        #[serde(default)]
        reason: String,
        /// Nothing is ended: it is told what would be. Administrators alone are told.
        #[serde(default)]
        dry_run: bool,
    },
    /// As secret scanners send it: an object for each, with more about it.
    Found(Vec<Found>),
}

/// One finding of a secret scanner.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct Found {
    token: String,
}

impl Report {
    fn read(self) -> (Vec<Secret>, String, bool) {
        let (texts, reason, dry_run) = match self {
            Self::Listed { secrets, reason, dry_run } => (secrets, reason, dry_run),
            Self::Found(found) => {
                (found.into_iter().map(|one| one.token).collect(), String::new(), false)
            }
        };
        (texts.into_iter().map(Secret::new).collect(), reason, dry_run)
    }
}

/// What became of a report.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LeakLines {
    /// In the order of the secrets.
    pub secrets: Vec<LeakLine>,
}

type Handle = State<Arc<Handles>>;

/// For administrators.
pub(super) async fn end(
    State(handles): Handle,
    By(by): By,
    Body(report): Body<Report>,
) -> Result<Json<LeakLines>, Problem> {
    let (secrets, reason, dry_run) = report.read();
    let secrets = handles.service.leaked(&by, &reason, &secrets, dry_run).await?;
    Ok(Json(LeakLines { secrets }))
}

/// For strangers.
pub(super) async fn report(
    State(handles): Handle,
    Extension(peer): Extension<Peer>,
    Body(report): Body<Report>,
) -> Result<StatusCode, Response> {
    let address = peer.address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let reports = &handles.people.reports;
    if let Err(wait) = reports.admit(address, handles.service.now()) {
        let detail = format!("too many reports came from there; wait for {} s", wait.seconds());
        let problem =
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many", "Try again later", detail);
        let after = [(header::RETRY_AFTER, wait.seconds().to_string())];
        return Err((after, problem).into_response());
    }
    let (secrets, _, dry_run) = report.read();
    leaks::few(&secrets, leaks::OF_A_STRANGER)
        .map_err(|error| Problem::from(error).into_response())?;
    if dry_run {
        // A stranger is told nothing, so that there is nothing to try.
        return Ok(StatusCode::ACCEPTED);
    }
    let Some(place) = reports.place() else {
        let detail = "other reports are being read; try again in a moment";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        return Err(Problem::new(status, "busy", "Not now", detail).into_response());
    };
    let service = Arc::clone(&handles.service);
    tokio::spawn(async move {
        if let Err(error) = service.leaked_to(address, &secrets).await {
            tracing::error!(%error, %address, "a report of leaked secrets could not be acted on");
        }
        drop(place);
    });
    Ok(StatusCode::ACCEPTED)
}
