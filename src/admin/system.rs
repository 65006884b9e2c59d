//! `/api/v1/status`, `/api/v1/reload` and `/api/v1/backup`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};

use crate::admin::Handles;
use crate::admin::extract::{Body, By};
use crate::admin::pipe;
use crate::admin::problem::Problem;
use crate::domain::time::Timestamp;
use crate::gateway::core::Shared;
use crate::service::ServiceError;
use crate::store::Health;

/// What there is to know about a gateway from outside.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Status {
    /// Of the program.
    pub version: String,
    /// Whether a server answers, or the command line by itself.
    pub server: Option<ServerStatus>,
    /// The folder.
    #[schema(value_type = String)]
    pub data: PathBuf,
    /// `ready`, or why not.
    pub store: String,
    /// The number of the newest event.
    pub position: u64,
    /// Where requests go; none without a server.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub upstreams: Vec<UpstreamStatus>,
}

/// How an endpoint of an API stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UpstreamStatus {
    /// The API.
    pub api: String,
    /// Host and port, or a socket.
    pub upstream: String,
    /// `up`; `returning`: it failed, and gets some requests again; `left_out`: it failed, and gets none for a while; `down`: its
    /// health check says so.
    pub state: String,
    /// How many requests are under way there; none where its API has no other.
    pub under_way: Option<u64>,
    /// How often it was left out for its failures.
    pub ejections: u64,
}

/// A running server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ServerStatus {
    /// Its process.
    pub pid: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// Where clients come in.
    #[schema(value_type = String)]
    pub public: SocketAddr,
    /// Where they come in without TLS, beside that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub plain: Option<SocketAddr>,
    /// Where pages, the REST API, metrics and health are answered.
    #[schema(value_type = String)]
    pub admin: SocketAddr,
    /// The file that it was configured from.
    #[schema(value_type = Option<String>)]
    pub config: Option<PathBuf>,
}

type Handle = State<Arc<Handles>>;

pub(super) async fn status(State(handles): Handle, By(by): By) -> Result<Json<Status>, Problem> {
    by.watches()?;
    let service = &handles.service;
    let newest = service.newest().await.map_err(ServiceError::from)?;
    Ok(Json(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        server: handles.server.clone(),
        data: service.settings().store.path.clone(),
        store: match service.health() {
            Health::Ready => "ready".to_owned(),
            Health::ReadOnly(why) | Health::ReadOnlyForGood(why) => format!("read-only: {why}"),
            Health::Broken(why) => format!("broken: {why}"),
        },
        position: newest.map_or(0, |(position, _)| position.0),
        upstreams: handles.shared.as_ref().map_or_else(Vec::new, |shared| upstreams(shared)),
    }))
}

/// The endpoints of all APIs.
pub(super) fn upstreams(shared: &Shared) -> Vec<UpstreamStatus> {
    let snapshot = shared.snapshot.load();
    let alone = |api: &str| snapshot.endpoints().filter(|(other, _)| *other == api).count() == 1;
    let all = snapshot.endpoints().map(|(api, target)| UpstreamStatus {
        api: api.to_owned(),
        upstream: target.to_string(),
        state: target.course().as_str().to_owned(),
        under_way: (!alone(api)).then(|| target.under_way()),
        ejections: target.left_out(),
    });
    all.collect()
}

pub(super) async fn reload(
    State(handles): Handle,
    By(by): By,
    Body(Empty {}): Body<Empty>,
) -> Result<StatusCode, Problem> {
    by.operates()?;
    let Some(reload) = handles.reload.clone() else {
        return Err(Problem::no_server("reloading the configuration"));
    };
    let outcome = tokio::task::spawn_blocking(move || reload()).await;
    match outcome {
        Ok(outcome) => outcome.map_err(|problem| *problem)?,
        Err(error) => {
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            return Err(Problem::new(status, "failed", "Failed", error));
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Empty {}

/// Streams a backup to whoever asked, who writes it: the path means what it means there, and the
/// file is theirs. A failure on the way is said at its end (`store::backup`).
pub(super) async fn backup(
    State(handles): Handle,
    By(by): By,
    Body(Empty {}): Body<Empty>,
) -> Result<Response, Problem> {
    by.operates()?;
    let (pipe, body) = pipe::new();
    tokio::spawn(async move {
        if let Err(error) = handles.service.backup(Box::new(pipe)).await {
            tracing::error!(%error, "a backup could not be taken");
        }
    });
    let binary = HeaderValue::from_static("application/octet-stream");
    Ok(([(header::CONTENT_TYPE, binary)], axum::body::Body::new(body)).into_response())
}
