//! The table of `/api/v1`: every path, and what answers it.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::response::Response;
use axum::routing::{any, get, post};

use crate::admin::limits::BODY_BYTES;
use crate::admin::problem::Problem;
use crate::admin::repeat::{self, Once};
use crate::admin::{
    Handles, access, bulk, clock, companies, contexts, explain, history, leaks, openapi, overview,
    pages, session, system, tokens, transfer, users, webhooks,
};

/// All administrative acts, for the administrator of the machine. Served on the local socket, and called
/// directly by a command line that has no server beside it.
pub fn router(handles: Arc<Handles>) -> Router {
    finish(acts(&handles).merge(document()))
        .fallback(async |uri: Uri| Problem::no_such_path(uri.path()))
        .layer(map_response(no_store))
        .with_state(handles)
}

/// The same over TCP, for those who sign in or show a token, and the pages for people.
pub fn over_tcp(handles: Arc<Handles>) -> Router {
    let known = from_fn_with_state(Arc::clone(&handles), access::known);
    let session = Router::new().route("/session", post(session::begin).delete(session::end));
    let strangers = Router::new().route("/leaks/report", post(leaks::report));
    let paths = acts(&handles)
        .layer(known)
        .merge(session)
        .merge(strangers)
        .merge(document())
        .layer(from_fn(access::same_origin));
    let acts = finish(paths)
        .route("/api/{*rest}", any(async |uri: Uri| Problem::no_such_path(uri.path())))
        .layer(map_response(no_store))
        .with_state(Arc::clone(&handles));
    acts.merge(pages::router(handles))
}

fn finish(paths: Router<Arc<Handles>>) -> Router<Arc<Handles>> {
    let nowhere = async |uri: Uri| Problem::no_such_path(uri.path());
    Router::new()
        .nest("/api/v1", paths.fallback(nowhere))
        .method_not_allowed_fallback(no_such_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES))
}

/// For anybody, as the source is.
fn document() -> Router<Arc<Handles>> {
    Router::new().route("/openapi.json", get(openapi::show))
}

fn acts(handles: &Arc<Handles>) -> Router<Arc<Handles>> {
    let once = from_fn_with_state(Once::new(handles), repeat::once);
    Router::new()
        .route("/tokens", post(tokens::create).layer(once.clone()).get(tokens::list))
        .route("/tokens/import", post(transfer::import))
        .route("/tokens/export", post(transfer::export))
        .route("/tokens/{id}", get(tokens::show).patch(tokens::update).delete(tokens::delete))
        .route("/tokens/{id}/usage", get(tokens::usage))
        .route("/tokens/{id}/rotate", post(tokens::rotate).layer(once.clone()))
        .route("/tokens/{id}/revoke", post(tokens::revoke))
        .route("/tokens/{id}/disable", post(tokens::disable))
        .route("/tokens/{id}/enable", post(tokens::enable))
        .route("/bulk/revoke", post(bulk::revoke))
        .route("/bulk/revoke/preview", post(bulk::preview))
        .route("/leaks", post(leaks::end))
        .route("/users", post(users::create).layer(once.clone()).get(users::list))
        .route("/users/{id}", get(users::show).patch(users::update))
        .route("/users/{id}/block", post(users::block))
        .route("/users/{id}/unblock", post(users::unblock))
        .route("/users/{id}/password", post(users::set_password))
        .route("/companies", post(companies::create).layer(once).get(companies::list))
        .route("/companies/{id}", get(companies::show).patch(companies::update))
        .route("/companies/{id}/block", post(companies::block))
        .route("/companies/{id}/unblock", post(companies::unblock))
        .route("/contexts", get(contexts::list))
        .route("/history", get(history::list))
        .route("/history/head", get(history::head))
        .route("/history/verify", get(history::verify))
        .route("/explain", post(explain::show))
        .route("/clock", get(clock::show))
        .route("/clock/mark", post(clock::lower))
        .route("/clock/trust", post(clock::trust))
        .route("/webhooks", get(webhooks::list))
        .route("/webhooks/{name}/deliveries", get(webhooks::deliveries))
        .route("/webhooks/{name}/test", post(webhooks::test))
        .route("/overview", get(overview::show))
        .route("/status", get(system::status))
        .route("/reload", post(system::reload))
        .route("/backup", post(system::backup))
}

/// What a path answers to a method that it does not have; axum adds which it has.
pub(super) async fn no_such_method(method: Method, uri: Uri) -> Problem {
    let detail = format!("`{method}` cannot be done to `{}`", uri.path());
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "no-such-method",
        "This method has no meaning here",
        detail,
    )
}

/// Answers may hold a new secret: nobody keeps them.
async fn no_store(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
