//! Secrets of tokens in the address of a page, as where somebody pastes one into the search of a list: it is found,
//! and the address goes on without it. What an address holds, browsers and proxies keep. (sec-L1)

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::fault::Fault;
use super::visit::Visit;
use super::{Handle, seen_at};
use crate::admin::Handles;
use crate::domain::secret::{self, Secret};
use crate::service::Caller;
use crate::service::tokens::Presented;

/// A query without the parts that hold a secret of our own form, also a damaged one, and without what was just done.
pub(super) fn clean(query: &str) -> String {
    let kept = query.split('&').filter(|pair| {
        let is_done = pair.split('=').next() == Some("done");
        !pair.is_empty() && !is_done && !holds_secret(&decoded(pair))
    });
    kept.collect::<Vec<_>>().join("&")
}

fn decoded(pair: &str) -> String {
    let spaced = pair.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

fn holds_secret(text: &str) -> bool {
    secret::redact(text) != text
}

/// Whether a secret stands in a query.
pub(super) fn is_in(query: &str) -> bool {
    query.split('&').any(|pair| holds_secret(&decoded(pair)))
}

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
async fn place_of(handles: &Handles, by: &Caller, text: &str) -> Result<(String, bool), Fault> {
    let secret = Secret::new(text.to_owned());
    let hint = secret.hint();
    let held = handles.service.presented(by, &Presented::Secret(secret)).await?;
    Ok(match held {
        Some(held) => (format!("/tokens/{}", held.token.id), true),
        None => (format!("/tokens?hint={}", utf8_percent_encode(&hint, NON_ALPHANUMERIC)), false),
    })
}

/// Finds the token of a secret that the script of a page kept out of the address.
pub(super) async fn find(State(handles): Handle, visit: Visit) -> Result<Response, Fault> {
    let Visit { by, typed, .. } = visit;
    Ok(match secret::own_in(typed.one("text")).next() {
        Some(found) => {
            let (place, known) = place_of(&handles, &by, found).await?;
            seen_at(&place, Some(if known { "secret-found" } else { "secret-unknown" }))
        }
        None => seen_at("/tokens", Some("secret-unknown")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "tg_0123456789abcdefghijklmnopqrstuvwxyz";

    #[test]
    fn sec_l1_what_leads_back_holds_no_secret_in_any_spelling() {
        let in_hex: String = SECRET.bytes().map(|byte| format!("%{byte:02x}")).collect();
        for query in [
            format!("a=1&text={SECRET}&b=%26"),
            format!("a=1&{SECRET}=x&b=%26&done=nothing"),
            format!("a=1&text=see+{in_hex}+there&b=%26"),
        ] {
            assert!(is_in(&query));
            assert_eq!(clean(&query), "a=1&b=%26");
        }
        for plain in ["", "text=tg_short", "state=active&order=newest"] {
            assert!(!is_in(plain));
            assert_eq!(clean(plain), plain);
        }
    }
}
