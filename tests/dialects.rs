//! The rows of ELMA365 (E1 to E11) and of FoccoERP (F1 to F9), one by one and word by word: the real program
//! with the examples that are shipped, its desk, and clients as those products have them. F1 is `leaks.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "dialects/erp.rs"]
mod erp;
#[path = "dialects/erp_ends.rs"]
mod erp_ends;
#[path = "dialects/portal.rs"]
mod portal;
mod support;

use std::fs;

use serde_json::Value;

use support::client::{Answer, Client};
use support::desk::people;
use support::program::Program;
use support::upstream::Upstream;

/// An example from its first table that is no matter of the machine, before this upstream.
fn example(name: &str, from: &str, upstream: &Upstream) -> String {
    let text = fs::read_to_string(format!("config/examples/{name}.toml")).unwrap();
    let (_, tables) = text.split_once(from).unwrap();
    let line = |line: &str| match line.starts_with("upstream = ") {
        true => format!("upstream = \"http://{}\"\n", upstream.address()),
        false => format!("{line}\n"),
    };
    from.lines().chain(tables.lines()).map(line).collect()
}

struct Stage {
    upstream: Upstream,
    program: Program,
    client: Client,
}

impl Stage {
    /// An example before an upstream, with an administrator `root`.
    fn new(name: &str, from: &str) -> Self {
        Self::before(Upstream::start(), |upstream| Program::start(&example(name, from, upstream)))
    }

    fn before(upstream: Upstream, start: impl Fn(&Upstream) -> Program) -> Self {
        let program = start(&upstream);
        people(&program, &[("root", &["--role", "administrator"])]);
        let client = Client::connect(program.public());
        Self { upstream, program, client }
    }

    /// The id and the secret of a new token of `owner`.
    fn token(&self, owner: &str, more: &[&str], secret: &str) -> (String, String) {
        let arguments = ["token", "create", "--owner", owner, "--name", "t", "--json"];
        let made = self.program.succeed(&[&arguments, more].concat(), secret);
        let made: Value = serde_json::from_str(&made).unwrap();
        let shown = made["secret"].as_str().unwrap_or(secret).to_owned();
        (made["token"]["id"].as_str().unwrap().to_owned(), shown)
    }

    /// One request on the connection that stays open.
    fn ask(&mut self, method: &str, host: &str, path: &str, lines: &str) -> Answer {
        self.client.send(format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n"));
        self.client.answer_to(method).unwrap()
    }
}
