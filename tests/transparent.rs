//! The same bytes go to an upstream directly and through the gateway: the answers must not differ
//! beyond the list below. The upstreams are httpbin and nginx, which we did not write, and one of our
//! own that gives odd answers.
//!
//! The list stands in README.md too.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

#[path = "transparent/compare.rs"]
mod compare;
#[path = "transparent/httpbin.rs"]
mod httpbin;
#[path = "transparent/nginx.rs"]
mod nginx;
#[path = "transparent/odd.rs"]
mod odd;
