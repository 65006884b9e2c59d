//! What an operator can put in front and behind: TLS, with clients that we did not write.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

#[path = "transport/announced.rs"]
mod announced;
#[path = "transport/files.rs"]
mod files;
#[path = "transport/proxies.rs"]
mod proxies;
#[path = "transport/stage.rs"]
mod stage;
#[path = "transport/tls.rs"]
mod tls;
#[path = "transport/upstreams.rs"]
mod upstreams;
