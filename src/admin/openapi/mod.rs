//! `/api/v1/openapi.json`: the API as an OpenAPI 3.1 document, made of the types that the handlers read and write.
//! `tests/openapi.rs` proves that it tells of every route, and that it is what docs/openapi.json says.

mod call;
mod headers;
mod records;
mod samples;
mod shapes;
mod system;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use axum::http::header;
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};
use utoipa::{PartialSchema as _, ToSchema as _};

use crate::admin::access::CSRF;
use crate::admin::problem::{Mistake, Problem};
use crate::web::sessions::COOKIE;

use call::{Call, Schemas, keep};

/// Made once, when somebody asks first.
static TEXT: LazyLock<String> = LazyLock::new(|| format!("{:#}\n", document()));

/// The document, for anybody who reaches the address: it says nothing that this source does not.
pub(super) async fn show() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str())
}

/// The document as it is checked in.
pub fn text() -> &'static str {
    &TEXT
}

fn calls() -> Vec<Call> {
    let mut calls = records::calls();
    calls.extend(system::calls());
    calls
}

fn document() -> Value {
    let mut schemas = Schemas::new();
    let mut paths = Map::new();
    for call in calls() {
        let (path, method) = (format!("/api/v1{}", call.path), call.method);
        let (operation, found) = call.finish();
        keep(&mut schemas, found);
        let methods = paths.entry(path).or_insert_with(|| json!({}));
        methods[method] = operation;
    }
    schemas.insert("Problem".to_owned(), Problem::schema());
    schemas.insert("Mistake".to_owned(), Mistake::schema());
    let mut found = Vec::new();
    Problem::schemas(&mut found);
    keep(&mut schemas, found);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tollgate",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What administrators do with tokens, users and companies. Acts are told in docs/api.md.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}, {"session": [], "csrf": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "headers": headers::all(),
            "responses": headers::refusals(),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer",
                    "description": "A token with the flags -1. It acts as its owner."},
                "session": {"type": "apiKey", "in": "cookie", "name": COOKIE,
                    "description": "Set by `POST /api/v1/session`."},
                "csrf": {"type": "apiKey", "in": "header", "name": CSRF,
                    "description": "`csrf_token` of the session, with every act that changes something."},
            },
        },
    })
}
