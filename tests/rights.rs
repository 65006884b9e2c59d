//! Every call of `/api/v1` and every page, by everybody: a session of each role, a program token of each kind, the
//! machine at its local socket, and nobody, through the real program. A route without a row fails, so that none can be
//! added without saying who may ask it. Whom each may do it *to* is the table of the library (`service/tests/rights.rs`).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "rights/askers.rs"]
mod askers;
#[path = "rights/calls.rs"]
mod calls;
#[path = "rights/pages.rs"]
mod pages;
mod support;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use askers::{Asker, World};
use support::routes::Route;

/// What an act is about: made anew for each who asks, so that none finds what another left.
#[derive(Clone, Copy, Debug)]
enum About {
    /// Nothing, or everything.
    All,
    /// A token of this user.
    Token(&'static str),
    /// One of the first that the second has paused.
    Paused(&'static str, &'static str),
    /// A user of the company `acme` with nobody above.
    User,
    /// One whom its company's administrator has blocked.
    Blocked,
    /// `alice`, who asks herself too.
    Alice,
    /// The company `acme`.
    Acme,
    /// Another company.
    Other,
    /// The webhook `chat`.
    Webhook,
}

/// A route and how it ends for each who asks, in their order: `y` it is done, `-` forbidden, `0` not there, `1` not
/// signed in, `>` to be signed in first, `x` refused for what is asked.
struct Row {
    line: &'static str,
    about: About,
    sent: Value,
    ends: &'static str,
}

fn row(line: &'static str, about: About, sent: Value, ends: &'static str) -> Row {
    Row { line, about, sent, ends }
}

/// Asks each row as everybody, and tells of all that end otherwise.
fn hold(
    world: &World,
    rows: &[Row],
    routes: Vec<Route>,
    judge: impl Fn(&World, &Asker, &Row) -> char,
) {
    let known: BTreeSet<_> = rows.iter().map(|row| row.line.to_owned()).collect();
    let routes: BTreeSet<_> =
        routes.into_iter().map(|(method, path)| format!("{method} {path}")).collect();
    let missing: Vec<_> = routes.symmetric_difference(&known).collect();
    assert!(missing.is_empty(), "routes without a row, or rows without a route: {missing:?}");
    let mut faults = Vec::new();
    for row in rows {
        let found: String = world.askers.iter().map(|asker| judge(world, asker, row)).collect();
        if found != row.ends {
            let names: Vec<_> = world.askers.iter().map(|asker| asker.name).collect();
            faults
                .push(format!("{} {}: {found}, not {} ({names:?})", row.line, row.sent, row.ends));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The letter of a status.
fn letter(status: u16, what: &str) -> char {
    match status {
        200..=204 => 'y',
        400 | 409 | 410 => 'x',
        401 => '1',
        403 => '-',
        404 => '0',
        other => panic!("{what}: {other}"),
    }
}
