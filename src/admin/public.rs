//! What the administrative address answers to everybody who reaches it: metrics and health. No act
//! is served here.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use serde::Serialize;
use tokio::net::TcpListener;

use crate::admin::api::no_such_method;
use crate::admin::bounded::Bounded;
use crate::admin::problem::Problem;
use crate::admin::proxied::InForce;
use crate::admin::serving::{self, Clients, Secure, Way};
use crate::gateway::host;

/// The media type and the text of all metrics (OpenMetrics).
pub type Exposition = (&'static str, String);
/// All metrics, asked anew each time; none while there is nothing to tell of.
pub type Metrics = Arc<dyn Fn() -> Option<Exposition> + Send + Sync>;
/// Whether requests can be served, asked anew each time.
pub type Ready = Arc<dyn Fn() -> Readiness + Send + Sync>;

/// Whether requests can be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// Why not.
    pub refused: Option<String>,
    /// How the store stands; one that only takes no changes refuses nothing.
    pub store: &'static str,
    /// How far the wall clock is believed; one that only ends no tokens refuses nothing. None while
    /// that is not known yet.
    pub clock: Option<&'static str>,
}

/// The same as monitors read it.
#[derive(Serialize)]
struct ReadyBody {
    ready: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    store: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    clock: Option<&'static str>,
}

/// What the answers are made from.
#[derive(Clone)]
pub struct Watch {
    /// Metrics.
    pub metrics: Metrics,
    /// Readiness.
    pub ready: Ready,
    /// Names under which this address may be asked, beside `localhost` and IP addresses.
    pub hosts: Arc<[String]>,
    /// What handshakes of TLS are made with, where this address speaks it.
    pub tls: Option<Secure>,
    /// What is in force of proxies before it.
    pub settings: InForce,
    /// What people and programs administrate by, once the store is open.
    pub desk: Desk,
}

/// What is served beside metrics and health, as soon as it is there.
pub type Desk = Arc<OnceLock<Router>>;

/// Answers on `most` connections at a time until `stop` is done.
pub async fn serve(
    listener: TcpListener,
    most: usize,
    watch: Watch,
    stop: impl Future<Output = ()> + Send,
) {
    let listener = Bounded::new(listener, most);
    let (tls, settings) = (watch.tls.clone(), Some(Arc::clone(&watch.settings)));
    let way = Way { clients: Clients::Anybody, tls, settings };
    serving::serve(listener, way, router(watch), stop).await;
}

fn router(watch: Watch) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/health", get(async || "alive\n"))
        .route("/ready", get(ready))
        .fallback(desk)
        .method_not_allowed_fallback(no_such_method)
        .layer(from_fn_with_state(watch.clone(), known_host))
        .with_state(watch)
}

async fn desk(State(watch): State<Watch>, request: Request) -> Response {
    match watch.desk.get() {
        Some(router) => match TowerToHyperService::new(router.clone()).call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        },
        None => {
            let detail = "tokens can be administrated once the store is open";
            let status = StatusCode::SERVICE_UNAVAILABLE;
            Problem::new(status, "opening", "Not yet", detail).into_response()
        }
    }
}

async fn metrics(State(watch): State<Watch>) -> Response {
    let Some((media_type, text)) = (watch.metrics)() else {
        let detail = "there are metrics once the store is open";
        return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "opening", "Not yet", detail)
            .into_response();
    };
    ([(header::CONTENT_TYPE, media_type)], text).into_response()
}

async fn ready(State(watch): State<Watch>) -> Response {
    let Readiness { refused, store, clock } = (watch.ready)();
    let ready = refused.is_none();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(ReadyBody { ready, reason: refused, store, clock })).into_response()
}

/// Refuses a name that nobody gave to this address: a page of another site whose name suddenly
/// points here must not read it (sec-W2). An address cannot be pointed elsewhere. What a host is, is
/// read as at the gate, so that nothing has two readings.
async fn known_host(State(watch): State<Watch>, request: Request, next: Next) -> Response {
    let mut fields = request.headers().get_all(header::HOST).iter();
    let asked = match (fields.next(), fields.next()) {
        (Some(field), None) => host::plain(field.as_bytes()),
        _ => None,
    };
    if asked.is_some_and(|name| is_known(&name, &watch.hosts)) {
        return next.run(request).await;
    }
    let detail = "this address is asked as `localhost`, by its IP address, or by a name in \
                  `listen.admin_hosts`";
    Problem::new(StatusCode::MISDIRECTED_REQUEST, "unknown-host", "Unknown host", detail)
        .into_response()
}

/// Names are in lower case, without a trailing dot.
fn is_known(name: &str, hosts: &[String]) -> bool {
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    address.parse::<IpAddr>().is_ok()
        || name == "localhost"
        || hosts.iter().any(|known| known.eq_ignore_ascii_case(name))
}
