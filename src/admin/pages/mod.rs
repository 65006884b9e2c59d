//! The pages over TCP: their paths, the fields of every answer, and what is said where there is none.
//!
//! Each asks `service` as whoever has signed in; what it shows is `web`'s.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{get, post};

use crate::admin::Handles;
use crate::web::assets::Asset;

mod account;
mod all;
mod address;
mod astray;
mod block;
mod bulk;
mod companies;
mod company;
mod contexts;
mod create;
mod example;
mod explain;
mod fault;
mod form;
mod history;
mod leaks;
mod look;
mod new_token;
mod notices;
mod overview;
mod reader;
mod rotate;
mod sign;
mod token_body;
mod token_change;
mod token_form;
mod tokens;
mod transfer;
mod unsent;
mod user_body;
mod user_form;
mod users;
mod visit;

/// What a page may load, and where its forms may lead: nothing that is not of this server (sec-W5).
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// How long browsers keep what has its digest in its name.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// All pages.
pub(super) fn router(handles: Arc<Handles>) -> Router {
    let signed_in = Router::new()
        .route("/", get(overview::show))
        .route("/now", get(overview::now))
        .route("/tokens", get(tokens::list))
        .route("/tokens/find", post(tokens::find))
        .route("/tokens/new", get(create::form).post(create::make))
        .route("/tokens/import", get(transfer::form).post(transfer::attempt))
        .route("/tokens/import/go", post(transfer::go))
        .route("/tokens/export", get(transfer::export))
        .route("/tokens/leaked", get(leaks::form).post(leaks::end))
        .route("/tokens/revoke", get(bulk::ask).post(bulk::revoke))
        .route("/tokens/{id}", get(tokens::show))
        .route("/tokens/{id}/secret", get(create::secret))
        .route("/tokens/{id}/edit", get(token_form::edit).post(token_form::change))
        .route("/tokens/{id}/disable", post(tokens::disable))
        .route("/tokens/{id}/enable", post(tokens::enable))
        .route("/tokens/{id}/rotate", get(rotate::form).post(rotate::rotate))
        .route("/tokens/{id}/revoke", get(tokens::ask_revoke).post(tokens::revoke))
        .route("/owners", get(users::suggest))
        .route("/users", get(users::list))
        .route("/users/new", get(user_form::form).post(user_form::make))
        .route("/users/{id}", get(users::show))
        .route("/users/{id}/edit", get(user_form::edit).post(user_form::change))
        .route("/users/{id}/block", get(users::ask_block).post(users::block))
        .route("/users/{id}/unblock", get(users::ask_block).post(users::unblock))
        .route("/users/{id}/password", post(users::set_password))
        .route("/companies", get(companies::list))
        .route("/companies/new", get(companies::form).post(companies::make))
        .route("/companies/{id}", get(companies::show))
        .route("/companies/{id}/edit", get(companies::edit).post(companies::change))
        .route("/companies/{id}/block", get(companies::ask_block).post(companies::block))
        .route("/companies/{id}/unblock", get(companies::ask_block).post(companies::unblock))
        .route("/contexts", get(contexts::list))
        .route("/notices", get(notices::list))
        .route("/notices/{name}", get(notices::show))
        .route("/notices/{name}/test", post(notices::test))
        .route("/account", get(account::show))
        .route("/account/password", post(account::set_password))
        .route("/history", get(history::list))
        .route("/history/check", get(history::check))
        .route("/explain", get(explain::form).post(explain::answer))
        .route("/sign-out", post(sign::out))
        .layer(from_fn_with_state(Arc::clone(&handles), visit::known));
    let anybody = Router::new()
        .route("/sign-in", get(sign::form).post(sign::sign_in))
        .route("/look", post(look::choose))
        .route("/assets/{name}", get(asset))
        .fallback(nowhere);
    signed_in
        .merge(anybody)
        .layer(from_fn(visit::same_origin))
        .layer(from_fn_with_state(Arc::clone(&handles), fault::told))
        .layer(map_response(dressed))
        .with_state(handles)
}

async fn asset(uri: Uri) -> Response {
    match Asset::at(uri.path()) {
        Some(asset) => {
            let fields =
                [(header::CONTENT_TYPE, asset.media_type), (header::CACHE_CONTROL, FOR_EVER)];
            (fields, asset.text).into_response()
        }
        None => fault::Fault::of(StatusCode::NOT_FOUND, "not-found").into_response(),
    }
}

async fn nowhere() -> Response {
    fault::Fault::of(StatusCode::NOT_FOUND, "not-found").into_response()
}

/// What every answer has: nobody keeps it unless it says so, nobody frames it, nobody guesses its type.
async fn dressed(mut response: Response) -> Response {
    let fields = response.headers_mut();
    let no_store = HeaderValue::from_static("no-store");
    fields.entry(header::CACHE_CONTROL).or_insert(no_store);
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Not `no-referrer`: with that browsers name no origin where a form is sent (Fetch standard,
        // "append a request Origin header"), which is what tells our own forms from another site's.
        // Other sites are told as little by this one.
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "interest-cohort=()"),
    ] {
        fields.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// A page as an answer.
fn page(template: &impl Template) -> Response {
    page_with(StatusCode::OK, template)
}

/// The same with another status.
fn page_with(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The answer to a form that did something: another page, which can be loaded again (303).
fn seen_at(path: &str, done: Option<&str>) -> Response {
    let joint = if path.contains('?') { '&' } else { '?' };
    let place = done.map_or_else(|| path.to_owned(), |done| format!("{path}{joint}done={done}"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, place)]).into_response()
}

/// The same for an act that may have found things as it wants them.
fn done_at(path: &str, changed: bool, done: &str) -> Response {
    seen_at(path, Some(if changed { done } else { "nothing" }))
}

/// The value of one of our small cookies, such as that of the language.
fn small_cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

type Handle = State<Arc<Handles>>;
type Next = axum::middleware::Next;
type Asked = Request;
