//! New configuration for a running server: taken as one or not at all, with every connection kept.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

#[path = "reload/beginning.rs"]
mod beginning;
#[path = "reload/changing.rs"]
mod changing;
#[path = "reload/named.rs"]
mod named;
#[path = "reload/restart.rs"]
mod restart;
#[path = "reload/stopping.rs"]
mod stopping;

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;
use support::PATIENCE;
use support::client::{Answer, Client, ask};
use support::gateway::Gateway;
use support::program::Program;
use support::upstream::Upstream;
use tollgate::clock::instant;
use tollgate::domain::time::Span;

fn rules(upstream: &Upstream, path: &str) -> String {
    format!(
        "[[apis]]\nname = \"shop\"\nupstream = \"http://{}\"\n\n\
         [[apis.rules]]\npath = \"{path}\"\n",
        upstream.address()
    )
}

fn request(path: &str, secret: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {secret}\r\n\r\n")
}

/// Changes the one rule of a configuration, as an editor would: by another file of the same name.
fn rewrite(source: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(source).unwrap();
    assert!(text.contains(from), "{text}");
    let fresh = source.with_extension("new");
    fs::write(&fresh, text.replace(from, to)).unwrap();
    fs::rename(fresh, source).unwrap();
}

struct Shop {
    upstream: Upstream,
    program: Program,
    secret: String,
}

impl Shop {
    fn start() -> Self {
        Self::start_before(Upstream::start())
    }

    fn start_before(upstream: Upstream) -> Self {
        let program = Program::start(&rules(&upstream, "/old"));
        Self::of(upstream, program)
    }

    fn of(upstream: Upstream, program: Program) -> Self {
        program.succeed(&["user", "add", "alice", "--name", "Alice"], "");
        let made = program.succeed(
            &["token", "create", "--owner", "alice", "--name", "one", "--secret-only"],
            "",
        );
        Self { upstream, program, secret: made.trim().to_owned() }
    }

    fn status(&self, client: &mut Client, path: &str) -> u16 {
        client
            .ask(format!(
                "GET {path} HTTP/1.1\r\nHost: a.example\r\nAuthorization: Bearer {}\r\n\r\n",
                self.secret
            ))
            .status
    }

    /// Asks until the answer is `wanted`; every answer on the way must be `before`.
    fn until(&self, client: &mut Client, path: &str, before: u16, wanted: u16) {
        let until = instant() + PATIENCE;
        loop {
            let status = self.status(client, path);
            if status == wanted {
                return;
            }
            assert_eq!(status, before, "neither the old nor the new configuration");
            assert!(instant() < until, "the new configuration never came into force");
            // A connection has so many requests and no more.
            thread::sleep(Duration::from_millis(2));
        }
    }

    fn failures(&self) -> u64 {
        let metrics = ask(self.program.admin(), "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let text = metrics.text();
        let line = text.lines().find(|line| line.starts_with("tollgate_config_reload_failures"));
        line.and_then(|line| line.rsplit(' ').next()).unwrap().parse().unwrap()
    }
}

#[test]
fn a_changed_file_takes_effect_on_an_open_connection() {
    let shop = Shop::start();
    let mut client = Client::connect(shop.program.public());
    assert_eq!(shop.status(&mut client, "/old"), 200);
    assert_eq!(shop.status(&mut client, "/new"), 403);
    rewrite(shop.program.source(), "/old", "/new");
    shop.until(&mut client, "/new", 403, 200);
    assert_eq!(shop.status(&mut client, "/old"), 403);
    assert_eq!(shop.upstream.seen().len(), 2, "what was refused never reached the upstream");
}

#[test]
fn a_file_with_mistakes_changes_nothing() {
    let shop = Shop::start();
    let mut client = Client::connect(shop.program.public());
    rewrite(shop.program.source(), "[[apis.rules]]", "[[apis.rulez]]");
    let until = instant() + PATIENCE;
    while shop.failures() == 0 {
        assert!(instant() < until, "the mistake was never noticed");
    }
    assert_eq!(shop.status(&mut client, "/old"), 200);
    assert_eq!(shop.status(&mut client, "/new"), 403);
    // Lines are written by a thread of their own, some moments later.
    let told = || String::from_utf8(shop.program.printed()).unwrap();
    while !told().contains("did you mean `rules`?") {
        assert!(instant() < until, "the mistake was never told: {}", told());
    }
    rewrite(
        shop.program.source(),
        "[[apis.rulez]]\npath = \"/old\"",
        "[[apis.rules]]\npath = \"/new\"",
    );
    shop.until(&mut client, "/new", 403, 200);
}

#[test]
fn a_hang_up_signal_reloads() {
    let mut shop = Shop::start();
    let mut client = Client::connect(shop.program.public());
    // In place, so that only the signal tells for sure.
    let text = fs::read_to_string(shop.program.source()).unwrap();
    fs::write(shop.program.source(), text.replace("/old", "/new")).unwrap();
    shop.program.signal(Signal::HUP);
    shop.until(&mut client, "/new", 403, 200);
}

/// The status of a request with this many fields of this length, on a connection of its own.
fn with_fields(shop: &Shop, count: usize, length: usize) -> u16 {
    let fields: String =
        (0..count).map(|number| format!("X-{number}: {}\r\n", "y".repeat(length))).collect();
    let mut client = Client::connect(shop.program.public());
    client
        .ask(format!(
            "GET /old HTTP/1.1\r\nHost: a.example\r\n{fields}Authorization: Bearer {}\r\n\r\n",
            shop.secret
        ))
        .status
}

#[test]
fn limits_of_connections_and_heads_take_effect_for_those_that_come_next() {
    let shop = Shop::start();
    let mut before = Client::connect(shop.program.public());
    assert_eq!(shop.status(&mut before, "/old"), 200);
    assert_eq!((with_fields(&shop, 60, 1), with_fields(&shop, 4, 5_000)), (200, 431));
    let limits = |text: &str| {
        let source = shop.program.source();
        let rest = fs::read_to_string(source).unwrap();
        let rest = rest.lines().filter(|line| !line.starts_with("limits"));
        let text = format!("{text}\n{}\n", rest.collect::<Vec<_>>().join("\n"));
        fs::write(source, text).unwrap();
        shop.program.succeed(&["reload"], "");
    };
    limits("limits = { headers = 50, head = \"64KiB\" }");
    assert_eq!((with_fields(&shop, 60, 1), with_fields(&shop, 4, 5_000)), (431, 200));
    assert_eq!(shop.status(&mut before, "/old"), 200);

    limits("limits = { connections = 1 }");
    assert!(Client::connect(shop.program.public()).is_closed(), "one is open already");
    assert_eq!(shop.status(&mut before, "/old"), 200);
    // One address has half of them.
    limits("limits = { connections = 3 }");
    assert!(Client::connect(shop.program.public()).is_closed());
    limits("limits = { connections = 4 }");
    assert_eq!(with_fields(&shop, 1, 1), 200);
}

/// A gateway with sessions that last so long, and one who signs in.
struct Desk(Gateway);

impl Desk {
    const PASSWORD: &str = "correct horse battery";

    fn start() -> Self {
        let gateway = Gateway::start("");
        gateway.owner("alice");
        let body = json!({ "password": Self::PASSWORD });
        assert_eq!(gateway.local("/users/alice/password", &body).0, 200);
        Self(gateway)
    }

    fn lasting(&self, sessions: &str) {
        let text = fs::read_to_string(self.0.source()).unwrap();
        let rest = text.lines().filter(|line| !line.starts_with("sessions"));
        let rest = rest.collect::<Vec<_>>().join("\n");
        fs::write(self.0.source(), format!("{rest}\nsessions = {{ {sessions} }}\n")).unwrap();
        assert_eq!(self.0.local("/reload", &json!({})).0, 204);
    }

    fn ask(&self, line: &str, fields: &str, body: &str) -> Answer {
        let host = self.0.admin();
        let length = body.len();
        ask(
            host,
            format!(
                "{line} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n{fields}\
                 Content-Length: {length}\r\n\r\n{body}"
            ),
        )
    }

    /// The cookie of a new session.
    fn sign_in(&self) -> String {
        let body = json!({"user": "alice", "password": Self::PASSWORD}).to_string();
        let answer = self.ask("POST /api/v1/session", "", &body);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.value("set-cookie").unwrap().split(';').next().unwrap().to_owned()
    }

    /// Whether a session goes on after so many minutes, for the API and for the pages.
    fn goes_on(&self, cookie: &str, minutes: u64) -> bool {
        self.0.clock().advance(Span::from_seconds(60 * minutes));
        let fields = format!("Cookie: {cookie}\r\n");
        let lives = self.ask("GET /api/v1/tokens", &fields, "").status == 200;
        let page = self.ask("GET /tokens", &fields, "").status;
        assert_eq!(page, if lives { 200 } else { 303 }, "the pages say the same");
        lives
    }
}

/// Sessions last as the configuration says, also those that had begun before it said so (sec-W3).
#[test]
fn the_lengths_of_sessions_take_effect_for_new_and_for_living_ones() {
    let desk = Desk::start();
    let (quiet, busy) = (desk.sign_in(), desk.sign_in());
    assert!(desk.goes_on(&busy, 59), "an hour by default");
    assert!(!desk.goes_on(&quiet, 1));

    desk.lasting("idle_ttl = \"10m\", lifetime = \"2h\"");
    let fresh = desk.sign_in();
    assert!(desk.goes_on(&busy, 8) && desk.goes_on(&fresh, 0));
    assert!(desk.goes_on(&busy, 9) && !desk.goes_on(&fresh, 1), "ten minutes for a new one");
    // It began 78 minutes ago.
    for minutes in [8, 9, 9, 9, 6] {
        assert!(desk.goes_on(&busy, minutes));
    }
    assert!(!desk.goes_on(&busy, 1), "two hours in all, for an old one too");

    let kept = desk.sign_in();
    let over = desk.sign_in();
    assert!(desk.goes_on(&kept, 8));
    desk.0.clock().advance(Span::from_seconds(3 * 60));
    desk.lasting("idle_ttl = \"7d\", lifetime = \"30d\"");
    assert!(!desk.goes_on(&over, 0), "what was over does not come back");
    assert!(desk.goes_on(&kept, 6 * 24 * 60), "a living one lasts longer");

    desk.lasting("lifetime = \"5m\"");
    let short = desk.sign_in();
    assert!(!desk.goes_on(&kept, 0));
    assert!(desk.goes_on(&short, 4) && !desk.goes_on(&short, 1), "and is quiet no longer");
}
