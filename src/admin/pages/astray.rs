//! Secrets of tokens in the address of a page, as where somebody pastes one into the search of a list: it is found,
//! and the address goes on without it. What an address holds, browsers and proxies keep. (sec-L1)

use axum::http::Uri;
use axum::response::Response;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::address::{clean, decoded};
use super::fault::Fault;
use super::seen_at;
use crate::admin::Handles;
use crate::domain::secret::{self, Secret};
use crate::service::Caller;
use crate::service::tokens::Presented;

/// The same path without the secret, or the token that it belongs to where a list of tokens was searched for it.
pub(super) async fn away(handles: &Handles, by: &Caller, uri: &Uri) -> Result<Response, Fault> {
    let query = uri.query().unwrap_or_default();
    let text = decoded(query);
    let found = secret::own_in(&text).next().filter(|_| uri.path() == "/tokens");
    let place = match found {
        Some(found) => place_of(handles, by, found).await?.0,
        None => match clean(query) {
            rest if rest.is_empty() => secret::redact(uri.path()).into_owned(),
            rest => format!("{}?{rest}", secret::redact(uri.path())),
        },
    };
    Ok(seen_at(&place, Some("secret-away")))
}

/// The page of the token that has this secret, and whether there is one that the reader sees; else the list of those
/// whose secrets end alike.
pub(super) async fn place_of(
    handles: &Handles,
    by: &Caller,
    text: &str,
) -> Result<(String, bool), Fault> {
    let secret = Secret::new(text.to_owned());
    let hint = secret.hint();
    let held = handles.service.presented(by, &Presented::Secret(secret)).await?;
    Ok(match held {
        Some(held) => (format!("/tokens/{}", held.token.id), true),
        None => (format!("/tokens?hint={}", utf8_percent_encode(&hint, NON_ALPHANUMERIC)), false),
    })
}
