//! What a client gets for a token in each state, over HTTP/1.1 and over HTTP/2; that every change holds
//! from the next request on, also on an open connection and after a restart; and what the upstream is
//! told.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

#[path = "answers/changes.rs"]
mod changes;
#[path = "answers/elma365.rs"]
mod elma365;
#[path = "answers/exchanges.rs"]
mod exchanges;
#[path = "answers/explained.rs"]
mod explained;
#[path = "answers/focco.rs"]
mod focco;
#[path = "answers/half_closed.rs"]
mod half_closed;
#[path = "answers/identity.rs"]
mod identity;
#[path = "answers/counted.rs"]
mod counted;
#[path = "answers/daily.rs"]
mod daily;
#[path = "answers/idle.rs"]
mod idle;
#[path = "answers/limits.rs"]
mod limits;
#[path = "answers/licences.rs"]
mod licences;
#[path = "answers/retries.rs"]
mod retries;
#[path = "answers/silences.rs"]
mod silences;
#[path = "answers/states.rs"]
mod states;
#[path = "answers/stepped.rs"]
mod stepped;
#[path = "answers/time.rs"]
mod time;
#[path = "answers/uploads.rs"]
mod uploads;
#[path = "answers/upstreams.rs"]
mod upstreams;

use serde_json::{Value, json};

use support::client::Client;
use support::gateway::{Gateway, Made};
use support::http2;
use support::upstream::Upstream;

/// A rule for each kind of demand.
const APIS: &str = r#"
[flags]
online = 0x100
view = 0x200
edit = 0x400

[contexts.stock]
title = "Stock"
[contexts.stock.params.desk]
title = "Desk"
header = "x-desk"
[contexts.sales]
title = "Sales"

[[apis]]
name = "erp"
host = "erp.example"
upstream = "http://UPSTREAM"
body_limit = "1 KiB"
rules = [
    { path = "/any" },
    { path = "/stock", context = "stock" },
    { path = "/view", flags = ["online", "view"] },
    { path = "/clerk", roles = ["clerk"] },
    { path = "/acme", company = "acme" },
    { path = "/item/{id}", item = "id" },
    { path = "/closed" },
    { path = "/list", items = "upstream" },
    { path = "/both", context = "stock", flags = ["edit"] },
    { path = "/public", public = true },
]

[[apis]]
name = "kept"
host = "kept.example"
upstream = "http://UPSTREAM"
keep_credential = true
rules = [{ path = "/{*rest}" }]
"#;

/// A gateway, an upstream that records, and an owner `alice` with a token that opens most rules.
struct Stage {
    upstream: Upstream,
    gateway: Gateway,
}

impl Stage {
    fn new() -> Self {
        Self::with(APIS)
    }

    /// The same with other APIs.
    fn with(apis: &str) -> Self {
        let upstream = Upstream::start();
        let gateway = Gateway::start(&apis.replace("UPSTREAM", &upstream.address().to_string()));
        let alice = json!({ "id": "alice", "company": "acme", "roles": ["clerk"], "ceiling": -1 });
        gateway.try_owner(alice).unwrap();
        Self { upstream, gateway }
    }

    /// A token of `alice` with everything that the rules ask, changed by `more`.
    fn token(&self, more: &Value) -> Made {
        let mut body = json!({
            "owner": "alice", "name": "caf\u{e9} \u{20ac}5",
            "contexts": ["stock", "sales"], "flags": 0x700, "idle_ttl": "100d",
        });
        for (key, value) in more.as_object().unwrap() {
            body[key] = value.clone();
        }
        self.gateway.token(body)
    }

    /// Changes the configuration of the running gateway.
    fn reconfigure(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.gateway.source()).unwrap();
        assert!(text.contains(from), "{text}");
        std::fs::write(self.gateway.source(), text.replacen(from, to, 1)).unwrap();
        self.gateway.app().reloader().reload().unwrap();
    }

    /// A connection that stays open.
    fn open(&self) -> Line {
        let address = self.gateway.public();
        Line { http1: Client::connect(address), http2: http2::Client::connect(address) }
    }
}

/// One connection of each version, to ask the same on both.
struct Line {
    http1: Client,
    http2: http2::Client,
}

/// What both connections said.
#[derive(Debug)]
struct Said {
    status: u16,
    challenge: Option<String>,
    cache_control: Option<String>,
    content_type: Option<String>,
    retry_after: Option<String>,
    text: String,
}

impl Said {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Line {
    /// The status of a `GET`, which must be the same on both.
    fn status(&mut self, path: &str, secret: &str) -> u16 {
        self.get(path, &format!("Authorization: Bearer {secret}\r\n")).status
    }

    /// A `GET` with lines of its own, which must be answered alike on both.
    fn get(&mut self, path: &str, lines: &str) -> Said {
        self.ask(["GET", "erp.example", path], lines)
    }

    /// The same of another method or host.
    fn ask(&mut self, [method, host, path]: [&str; 3], lines: &str) -> Said {
        self.http1.send(format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n"));
        let first = self.http1.answer_to(method).unwrap();
        let uri = format!("http://{host}{path}");
        let mut request = http::Request::builder().method(method).uri(uri);
        for line in lines.lines() {
            let (name, value) = line.split_once(':').unwrap();
            request = request.header(name, value.trim());
        }
        let second = self.http2.ask(request.body(Default::default()).unwrap());
        let said = Said {
            status: first.status,
            challenge: first.value("www-authenticate"),
            cache_control: first.value("cache-control"),
            content_type: first.value("content-type"),
            retry_after: first.value("retry-after"),
            text: first.text(),
        };
        assert_eq!(said.status, second.status, "{path} {lines}");
        assert_eq!(said.text, second.text(), "{path} {lines}");
        for (name, value) in [
            ("www-authenticate", &said.challenge),
            ("cache-control", &said.cache_control),
            ("content-type", &said.content_type),
            ("retry-after", &said.retry_after),
        ] {
            assert_eq!(second.value(name), *value, "{path} {lines}: {name}");
        }
        if first.value("connection").as_deref() == Some("close") {
            self.http1 = Client::connect(self.http1.stream().peer_addr().unwrap());
        }
        said
    }
}
