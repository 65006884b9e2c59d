//! The service that the demo protects: it answers with what it was sent.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use axum::http::request::Parts;
use axum::{Json, Router};
use serde_json::{Map, Value, json};

use crate::cli::failure::Failure;

/// Starts it on a thread of its own, on a port that the system chooses. It ends with the process.
///
/// # Errors
/// What the operating system reports.
pub(super) fn start() -> Result<SocketAddr, Failure> {
    let failed = |error| Failure::io("starting the upstream of the demo", error);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(failed)?;
    let serve = move || {
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            axum::serve(listener, Router::new().fallback(echo)).await
        })
    };
    std::thread::Builder::new().name("demo-upstream".to_owned()).spawn(serve).map_err(failed)?;
    Ok(address)
}

/// Method, target and header fields: whoever tries the demo sees the identity headers that the
/// gateway set, and that the credential is gone.
async fn echo(parts: Parts, body: String) -> Json<Value> {
    let mut headers = Map::new();
    for (name, value) in &parts.headers {
        headers.insert(name.to_string(), json!(String::from_utf8_lossy(value.as_bytes())));
    }
    Json(json!({
        "method": parts.method.as_str(),
        "path": parts.uri.path(),
        "query": parts.uri.query(),
        "headers": headers,
        "body": body,
    }))
}
