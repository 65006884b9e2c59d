//! The same bytes go to an upstream directly and through the gateway: the answers must not differ
//! beyond the list below. The upstreams are httpbin and nginx, which we did not write, and one of our
//! own that gives odd answers.
//!
//! The list stands in docs/transparent.md too.

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
#[path = "transparent/second.rs"]
mod second;

#[test]
fn the_documented_list_is_the_one_that_is_tested() {
    let documented = include_str!("../docs/transparent.md");
    let refused = compare::REFUSED.iter().map(|(target, reason)| (*target, *reason));
    for (what, why) in refused.chain(compare::DIFFERENCES) {
        let row = format!("{what} | {why} |");
        let quoted = format!("`{what}` | {why} |");
        assert!(documented.contains(&row) || documented.contains(&quoted), "{row}");
    }
    for (from, to) in compare::NORMALISED {
        assert!(documented.contains(&format!("`{from}` becomes `{to}`")), "{from}");
    }
}
