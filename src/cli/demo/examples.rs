//! Requests to try, and what each one shows.

use std::net::SocketAddr;

use serde::Serialize;
use serde_json::{Map, json};

use super::seed::Seeded;

/// A request and the status that it is answered with.
#[derive(Serialize)]
pub(super) struct Example {
    /// What it shows.
    pub(super) name: &'static str,
    method: &'static str,
    url: String,
    headers: Map<String, serde_json::Value>,
    /// The status.
    pub(super) expect: u16,
}

impl Example {
    /// A line for a shell.
    pub(super) fn curl(&self) -> String {
        let method = match self.method {
            "GET" => String::new(),
            method => format!(" -X {method}"),
        };
        let headers: String = self
            .headers
            .iter()
            .map(|(name, value)| format!(" -H '{name}: {}'", value.as_str().unwrap_or_default()))
            .collect();
        format!("curl -i{method}{headers} {}", self.url)
    }
}

/// One of each kind of answer.
pub(super) fn all(seeded: &Seeded, public: SocketAddr) -> Vec<Example> {
    let example = |name, method, path: &str, bearer: Option<&str>, expect| {
        let mut headers = Map::new();
        if let Some(bearer) = bearer {
            headers.insert("Authorization".to_owned(), json!(format!("Bearer {bearer}")));
        }
        Example { name, method, url: format!("http://{public}{path}"), headers, expect }
    };
    let get = |name, path, bearer, expect| example(name, "GET", path, bearer, expect);
    let reader = Some(seeded.reader.as_str());
    let one_item = Some(seeded.one_item.as_str());
    vec![
        get("the token allows this", "/orders/1", reader, 200),
        get("no token", "/orders/1", None, 401),
        get("a token that nobody made", "/orders/1", Some("no-such-token-0123456789"), 401),
        get("the token has expired", "/orders/1", Some(&seeded.expired), 401),
        get("the token lay unused for too long", "/orders/1", Some(&seeded.idle), 401),
        get("the token begins tomorrow", "/orders/1", Some(&seeded.pending), 401),
        get("the token is paused", "/orders/1", Some(&seeded.disabled), 401),
        get("the token was revoked", "/orders/1", Some(&seeded.revoked), 401),
        get("the user is blocked", "/orders/1", Some(&seeded.blocked), 401),
        get("the token lacks the context `stock`", "/stock/7", reader, 403),
        example("the token lacks the flag `edit`", "POST", "/orders/1", reader, 403),
        example(
            "a token with the flag `edit`",
            "POST",
            "/orders/1",
            Some(seeded.editor.as_str()),
            200,
        ),
        get("the token is limited to item 7", "/stock/7", one_item, 200),
        get("and item 8 is another", "/stock/8", one_item, 403),
        get("no rule opens this path", "/elsewhere", reader, 403),
        get("a public path needs no token", "/public/hello", None, 200),
        get("two words are not a token", "/orders/1", Some("two words"), 400),
    ]
}
