//! What a real server writes down and keeps: no secret anywhere (sec-L1, F1, X4), no line that a client
//! made up (sec-L2), and no memory without bound (the flood of unknown tokens).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "leaks/heard.rs"]
mod heard;
#[path = "leaks/life.rs"]
mod life;
#[path = "leaks/odd.rs"]
mod odd;
#[path = "leaks/searched.rs"]
mod searched;
mod support;

use std::fs;
use std::path::Path;

use serde_json::Value;

use support::client::{Client, ask};
use support::frames::{self, Frames};
use support::gateway::FREELY;
use support::program::Program;
use support::upstream::{Step, Upstream, answer, ok};
use support::{PATIENCE, position, wait_until};

fn apis(upstream: &Upstream, format: &str) -> String {
    format!(
        r#"
telemetry = {{ format = "{format}", filter = "trace", access_log = true }}
limits = {{ stall_timeout = "1s" }}
[flags]
view = 0x200
[contexts.stock]
[contexts.telegram.params.bot_token]
secret = true
header = "X-Bot"
[[apis]]
name = "a"
upstream = "http://{address}"
upstream_response_timeout = "1s"
rules = [
    {{ path = "/any/{{*rest}}" }},
    {{ path = "/stock", context = "stock" }},
    {{ path = "/view", flags = ["view"] }},
    {{ path = "/bot", context = "telegram" }},
]
[[apis]]
name = "down"
host = "down.example"
upstream = "http://127.0.0.1:1"
rules = [{{ path = "/{{*rest}}" }}]
"#,
        address = upstream.address()
    )
}

fn create(program: &Program, more: &[&str], input: &str) -> String {
    let arguments =
        [&["token", "create", "--owner", "alice", "--name", "x", "--json"], more].concat();
    program.succeed(&arguments, input)
}

fn field(json: &str, name: &str) -> String {
    let json: Value = serde_json::from_str(json).unwrap();
    let found = json.get(name).or_else(|| json["token"].get(name));
    found.and_then(Value::as_str).unwrap_or_else(|| panic!("no `{name}` in {json}")).to_owned()
}

/// Asks in every way that is refused, and in some that are not.
fn ask_everything(program: &Program, secret: &str) {
    let auth = format!("Authorization: Bearer {secret}\r\n");
    for (first_line, lines) in [
        ("GET /any/x HTTP/1.1", "Host: a"),
        ("GET /stock HTTP/1.1", "Host: a"),
        ("GET /view HTTP/1.1", "Host: a"),
        ("GET /bot HTTP/1.1", "Host: a"),
        ("GET /nowhere HTTP/1.1", "Host: a"),
        ("GET /any/../x HTTP/1.1", "Host: a"),
        ("GET /any/hang HTTP/1.1", "Host: a"),
        ("GET /any/nonsense HTTP/1.1", "Host: a"),
        ("GET /x HTTP/1.1", "Host: down.example"),
        ("GET /any/x HTTP/1.1", "Host: a, b"),
        ("GET /any/x HTTP/1.1", "Host: a\r\nExpect: x"),
        ("get /any/x HTTP/1.1", "Host: a"),
        ("GET /any/x HTTP/1.1", "Host: a\r\nTransfer-Encoding: gzip"),
        ("GET /any/x HTTP/1.1", "Host: a\r\nbad line"),
        ("GET /any/x HTTP/7.0", "Host: a"),
    ] {
        let mut client = Client::connect(program.public());
        client.send(format!("{first_line}\r\n{lines}\r\n{auth}\r\n"));
        let found = client.answer_to("GET");
        if let Some(found) = found {
            let told = [found.head, found.body].concat();
            assert!(position(&told, secret.as_bytes()).is_none(), "{first_line} told the secret");
        }
    }
    for target in ["/any/", "/nowhere/", "/%00/"] {
        let head = format!("GET {target}{secret} HTTP/1.1\r\nHost: a\r\n{auth}\r\n");
        ask(program.public(), head);
    }
    // Without the credential, a token of our own form is known in the path; a UUID there is an id like
    // any other.
    let in_path = secret.starts_with("tg_").then_some(["/any/", "/nowhere/"]);
    for target in
        ["/any/x?access_token=", "/stock?"].into_iter().chain(in_path.into_iter().flatten())
    {
        ask(
            program.public(),
            format!(
                "GET {target}{secret} HTTP/1.1\r\nHost: a\r\nReferer: http://a/?t={secret}\r\nCookie: t={secret}\r\n\r\n"
            ),
        );
    }
    for credential in
        [format!("Bearer {secret}, {secret}"), format!("Basic {secret}"), secret.to_owned()]
    {
        ask(
            program.public(),
            format!("GET /any/x HTTP/1.1\r\nHost: a\r\nAuthorization: {credential}\r\n\r\n"),
        );
    }
}

/// Every file under `folder` that holds `secret`.
fn files_with(folder: &Path, secret: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_with(&path, secret, found);
        } else if fs::read(&path).is_ok_and(|bytes| position(&bytes, secret.as_bytes()).is_some()) {
            found.push(path.display().to_string());
        }
    }
}

fn upstream() -> Upstream {
    Upstream::scripted(|seen| match seen.line() {
        line if line.contains("/hang") => vec![Step::TakeBody, Step::Stall],
        line if line.contains("/nonsense") => answer("nonsense\r\n\r\n"),
        _ => ok("ok"),
    })
}

#[test]
fn sec_l1_f1_no_secret_is_written_anywhere() {
    let upstream = upstream();
    let mut program = Program::start(&apis(&upstream, "json"));
    program.succeed(&["user", "add", "alice"], "");
    let brought = "7b1d0a52-52a7-4d4d-9f0e-2f5b8a1c9e77";
    let bot = "8123456789:AAE-a-very-secret-bot-token";
    let live = field(&create(&program, &["--contexts", "stock"], ""), "secret");
    let ended = create(&program, &[], "");
    create(&program, &["--secret-stdin"], brought);
    let key = program.folder().join("bot.txt");
    fs::write(&key, bot).unwrap();
    let from_file = format!("telegram.bot_token={}", key.display());
    let with_bot = create(&program, &["--contexts", "telegram", "--param-file", &from_file], "");
    fs::remove_file(&key).unwrap();
    let (ended_id, ended) = (field(&ended, "id"), field(&ended, "secret"));
    program.succeed(&["token", "revoke", &ended_id], "");

    let with_bot_secret = field(&with_bot, "secret");
    let nobodys = "tg_0123456789abcdefghijklmnopqrstuvwxyz";
    let all = [&live, &ended, &with_bot_secret, brought, nobodys, bot];
    for secret in [&live, &ended, &with_bot_secret, brought, nobodys] {
        ask_everything(&program, secret);
        // In the wrong place, and in the right one.
        for arguments in [
            &["token", "show", secret][..],
            &["token", "revoke", secret],
            &["explain", "GET", "http://a/any/x"],
            &["explain", "--secret-stdin", "GET", "http://a/bot"],
            &["explain", "--secret-stdin", "--json", "GET", "http://a/bot"],
        ] {
            let told = program.run(arguments, secret);
            let told = [told.stdout, told.stderr].concat();
            // A brought one that looks like an id is repeated as one, in the place of an id alone.
            let as_id = arguments[0] == "token" && secret == brought;
            for secret in [secret, bot].into_iter().skip(usize::from(as_id)) {
                let found = position(&told, secret.as_bytes());
                assert!(found.is_none(), "{arguments:?}: {}", String::from_utf8_lossy(&told));
            }
        }
        let explain = ["explain", "--secret-stdin", "--json", "GET", "http://a/bot"];
        let told: Value = serde_json::from_str(&program.succeed(&explain, secret)).unwrap();
        assert_eq!(told["token"].is_null(), secret == nobodys, "it was not read: {told}");
    }
    assert!(
        upstream.seen().iter().any(|seen| seen.value("x-bot").as_deref() == Some(bot)),
        "F7: it never got there"
    );

    let backup = program.folder().join("backup.tollgate");
    program.succeed(&["backup", backup.to_str().unwrap()], "");
    let lists = program.succeed(&["token", "list", "--json"], "")
        + &program.succeed(&["token", "show", &ended_id, "--json"], "")
        + &program.succeed(&["history", "--json"], "");
    let metrics = ask(program.admin(), "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").text();
    program.stop();
    let printed = String::from_utf8(program.printed()).unwrap();
    assert!(printed.matches("/stock").count() >= 5, "the access log is missing: {printed}");
    assert!(metrics.contains("tollgate_"), "the metrics are missing");
    for secret in all {
        assert!(!lists.contains(secret) && !metrics.contains(secret), "{secret}");
        let mut found = Vec::new();
        files_with(program.folder(), secret, &mut found);
        assert!(found.is_empty(), "`{secret}` stands in {found:?}");
    }
}

#[test]
fn sec_l2_a_client_cannot_make_up_lines_or_steer_a_terminal() {
    for format in ["json", "human"] {
        let upstream = upstream();
        let mut program = Program::start_with("h2c = true", &apis(&upstream, format));
        program.succeed(&["user", "add", "alice"], "");
        let secret = field(&create(&program, &[], ""), "secret");
        over_http2(&program, &secret);
        let auth = format!("Host: a\r\nAuthorization: Bearer {secret}\r\n");
        for request in [
            format!("GET /a%0d%0aFAKE HTTP/1.1\r\n{auth}\r\n"),
            format!("GET /any/%1b[2J?%0aFAKE HTTP/1.1\r\n{auth}\r\n"),
            format!("GET /any/\u{1b}[2J HTTP/1.1\r\n{auth}\r\n"),
            format!("GET /any/x HTTP/1.1\r\n{auth}User-Agent: \u{1b}[2J\u{1b}]0;FAKE\u{7}\r\n\r\n"),
            format!("GET /any/x HTTP/1.1\r\n{auth}Referer: \u{9b}31mFAKE\r\n\r\n"),
            format!("GET /any/x HTTP/1.1\r\n{auth}X: a\rFAKE\r\n\r\n"),
            format!("G\u{1b}T /any/x HTTP/1.1\r\n{auth}\r\n"),
            format!("GET /any/x?\"}},FAKE{{\" HTTP/1.1\r\n{auth}\r\n"),
        ] {
            ask(program.public(), &request);
        }
        program.stop();
        let printed = program.printed();
        let text = String::from_utf8_lossy(&printed);
        assert!(text.matches("/any/").count() >= 2, "{format}: the access log is missing: {text}");
        let control = |c: char| c.is_control() && c != '\n';
        assert_eq!(text.find(control), None, "{format}: {text}");
        for line in text.lines() {
            assert!(!line.starts_with("FAKE"), "{format}: {line}");
        }
        let logged = String::from_utf8(program.logged()).unwrap();
        assert!(logged.contains("tollgate has stopped in order"), "{format}: {logged}");
        for line in logged.lines() {
            let is_json = serde_json::from_str::<Value>(line).is_ok();
            assert_eq!(is_json, format == "json", "{line}");
        }
    }
}

/// The same in frames, whose names and values no line end bounds.
fn over_http2(program: &Program, secret: &str) {
    for (method, path, name, value) in [
        ("GET", "/any/a%0d%0aFAKE", "user-agent", "plain"),
        ("GET", "/any/\u{1b}[2J", "user-agent", "plain"),
        ("GET", "/any/x\r\nFAKE", "user-agent", "plain"),
        ("GET", "/any/x", "user-agent", "\u{1b}[2J\u{1b}]0;FAKE\u{7}"),
        ("GET", "/any/x", "user-agent", "a\r\nFAKE: b"),
        ("GET", "/any/x", "x\nfake", "b"),
        ("G\u{1b}T", "/any/x", "user-agent", "plain"),
        ("GET / HTTP/1.1\r\nFAKE", "/any/x", "user-agent", "plain"),
    ] {
        let mut frames = Frames::connect(program.public(), 65_535);
        let block = frames::block(method, path, secret, &[(name, value)]);
        frames.send(frames::HEADERS, frames::END_HEADERS | frames::END_STREAM, 1, &block);
        // Answered, reset, or closed: whatever it is, it is over before the next.
        while let Some(frame) = frames.next() {
            if frame.ends() || matches!(frame.kind, frames::RST_STREAM | frames::GOAWAY) {
                break;
            }
        }
    }
}

/// How many unknown tokens are sent. `TOLLGATE_FLOOD=1000000 cargo test --release --test leaks flood`
/// sends a million.
fn flood_size() -> u64 {
    std::env::var("TOLLGATE_FLOOD").ok().and_then(|size| size.parse().ok()).unwrap_or(40_000)
}

#[test]
fn a_flood_of_unknown_tokens_takes_no_memory_and_harms_nobody() {
    const BATCH: u64 = 500;
    let upstream = upstream();
    let more = format!(
        "cache = {{ unknown = 10000 }}\nlimits = {{ requests_per_connection = 0, {FREELY} }}\n"
    );
    let mut program = Program::start(&format!(
        "{more}[[apis]]\nname = \"a\"\nupstream = \"http://{}\"\nrules = [{{ path = \"/any\" }}]\n",
        upstream.address()
    ));
    program.succeed(&["user", "add", "alice"], "");
    let secret = field(&create(&program, &[], ""), "secret");
    let request = |secret: &str| {
        format!("GET /any HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {secret}\r\n\r\n")
    };
    let mut flood = Client::connect(program.public());
    let mut honest = Client::connect(program.public());
    let mut batch = |number: u64| {
        let unknown =
            |n: u64| request(&format!("7b1d0a52-52a7-4d4d-9f0e-{:012x}", number * BATCH + n));
        flood.send((0..BATCH).map(unknown).collect::<String>());
        for _ in 0..BATCH {
            assert_eq!(flood.answer().status, 401);
        }
        assert_eq!(honest.ask(request(&secret)).status, 200);
    };
    let batches = flood_size() / BATCH;
    // The first part fills what is bounded.
    (0..batches / 4).for_each(&mut batch);
    let before = program.resident_bytes();
    (batches / 4..batches).for_each(&mut batch);
    let grown = program.resident_bytes().saturating_sub(before);
    println!("{} unknown tokens: {} KiB more", flood_size(), grown / 1_024);
    assert!(grown < 8 << 20, "{grown} bytes more");
}

/// What an idle connection costs in the end; without its coming to rest it is some 15 KiB.
#[test]
fn idle_connections_give_back_what_they_held() {
    const CLIENTS: usize = 900;
    const MOST: u64 = 6 << 10;
    let upstream = upstream();
    let mut program = Program::start(&format!(
        "[[apis]]\nname = \"a\"\nupstream = \"http://{}\"\nrules = [{{ path = \"/any\" }}]\n",
        upstream.address()
    ));
    program.succeed(&["user", "add", "alice"], "");
    let secret = field(&create(&program, &[], ""), "secret");
    let request = format!("GET /any HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {secret}\r\n\r\n");
    let public = program.public();
    let ask = |_| {
        let mut client = Client::connect(public);
        assert_eq!(client.ask(&request).status, 200);
        client
    };
    // The first ones fill what is kept for all.
    drop((0..20).map(ask).collect::<Vec<_>>());
    let before = program.resident_bytes();
    let mut clients: Vec<_> = (0..CLIENTS).map(ask).collect();
    let all = u64::try_from(CLIENTS).unwrap();
    wait_until("idle connections hold too much", PATIENCE, || {
        program.resident_bytes().saturating_sub(before) < all * MOST
    });
    for client in &mut clients {
        assert_eq!(client.ask(&request).status, 200);
    }
}
