//! The dialects through the real program, with the examples that are shipped: rows E3 to E11 and F4 to
//! F8 as clients of ELMA365 and FoccoERP meet them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

use std::fs;

use serde_json::{Value, json};

use support::client::{Answer, Client};
use support::program::Program;
use support::upstream::Upstream;

const UUID: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";
const LIST: &str = "/pub/v1/app/crm/deals/list";
const STOCK: &str = "/api/Entities/Manufatura.Estoque.Item";

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
    fn new(name: &str, from: &str) -> Self {
        let upstream = Upstream::start();
        let program = Program::start(&example(name, from, &upstream));
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

#[test]
fn e3_to_e11_a_portal() {
    let mut stage = Stage::new("elma365", "[identity]\n");
    stage.program.succeed(&["user", "add", "ivan", "--role", "editor"], "");
    let (id, _) = stage.token("ivan", &["--contexts", "all", "--secret-stdin"], UUID);
    let (_, second) = stage.token("ivan", &["--contexts", "all"], "");
    let mut post = |path: &str, lines: &str| stage.ask("POST", "portal.example.com", path, lines);

    let (bearer, token) =
        (format!("Authorization: Bearer {UUID}\r\n"), format!("X-Token: {UUID}\r\n"));
    let other = format!("X-Token: {second}\r\n");
    for lines in [&bearer, &token, &format!("{token}{bearer}X-User: root\r\nX_USER: root\r\n")] {
        assert_eq!(post(LIST, lines).status, 200, "e10: {lines}");
    }
    let refused = |answer: Answer, status: u16| {
        assert_eq!(answer.status, status, "e11: {}", answer.text());
        assert_eq!(answer.value("content-type").as_deref(), Some("application/json"));
        assert!(answer.value("www-authenticate").unwrap().starts_with("Bearer realm=\"portal\""));
        let body = answer.json();
        assert_eq!(body["success"], json!(false), "e11");
        assert!(body["error"].as_str().is_some_and(|error| !error.is_empty()), "e11");
    };
    refused(post(LIST, &format!("{bearer}{other}")), 400);
    refused(post("/pub/v1/user/list", &token), 403);
    for seen in stage.upstream.take() {
        assert_eq!(seen.values("x-user"), ["ivan"], "e4");
        assert!(!seen.holds(UUID) && !seen.holds("root"), "e4: {seen:?}");
    }
    stage.program.succeed(&["token", "revoke", &id], "");
    refused(stage.ask("POST", "portal.example.com", LIST, &token), 401);
    assert_eq!(stage.ask("POST", "portal.example.com", LIST, &other).status, 200, "e3, e8");
    stage.program.succeed(&["user", "block", "ivan"], "");
    refused(stage.ask("POST", "portal.example.com", LIST, &other), 401);
}

#[test]
fn f4_to_f8_an_erp() {
    let mut stage = Stage::new("focco", "[contexts.stock]\n");
    stage.program.succeed(&["user", "add", "robot", "--service", "--company", "1"], "");
    stage.program.succeed(&["user", "add", "stray", "--service"], "");
    let (id, general) = stage.token("robot", &["--contexts", "all"], "");
    let (_, some) = stage.token("robot", &["--contexts", "production"], "");
    let (_, none) = stage.token("stray", &["--contexts", "all"], "");
    for (row, secret, more, status) in [
        ("f4", &general, "", 200),
        ("f4", &some, "", 403),
        ("f6: the same", &general, "X-EMPR-ID: 1\r\n", 200),
        ("f6: another", &general, "X-EMPR-ID: 2\r\n", 403),
        ("f6: two", &general, "X-EMPR-ID: 1\r\nX-EMPR-ID: 2\r\n", 400),
        ("f6: none", &none, "", 403),
        ("f6: none", &none, "X-EMPR-ID: 1\r\n", 403),
    ] {
        let lines = format!("Authorization: Bearer {secret}\r\n{more}");
        // A connection of its own, for what has two readings closes it.
        stage.client = Client::connect(stage.program.public());
        assert_eq!(stage.ask("GET", "erp.example.com", STOCK, &lines).status, status, "{row}");
    }
    let seen = stage.upstream.take();
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|seen| seen.values("x-empr-id") == ["1"]), "f6: {seen:?}");
    let url = format!("http://erp.example.com{STOCK}");
    let question = ["explain", "--token", &id, "--company", "2", "GET", &url, "--json"];
    let told: Value = serde_json::from_str(&stage.program.succeed(&question, "")).unwrap();
    assert_eq!((&told["reason"], &told["dialect"]), (&json!("wrong_company"), &json!("focco")));
    let lines = format!("Authorization: Bearer {general}\r\n");
    assert_eq!(stage.ask("GET", "erp.example.com", STOCK, &lines).status, 200);
    stage.program.succeed(&["token", "revoke", &id], "");
    assert_eq!(stage.ask("GET", "erp.example.com", STOCK, &lines).status, 401, "f8");
}
