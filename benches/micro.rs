//! What the parts of a request cost: `cargo bench --bench micro`.
//!
//! The whole of a request is measured by `benches/peers/run`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "a benchmark fails by panicking"
)]

#[path = "micro/records.rs"]
mod records;
#[path = "micro/routes.rs"]
mod routes;
#[path = "micro/secrets.rs"]
mod secrets;
#[path = "micro/tally.rs"]
mod tally;
#[path = "micro/telemetry.rs"]
mod telemetry;

use criterion::{criterion_group, criterion_main};

criterion_group!(
    all,
    secrets::digest,
    secrets::plausible,
    secrets::decide,
    routes::find,
    routes::normalize,
    records::look,
    records::load,
    records::touch,
    tally::count,
    telemetry::count,
    telemetry::line,
    telemetry::scrape
);
criterion_main!(all);
