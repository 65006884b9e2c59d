//! Clients and servers that we did not write, through the gateway: gRPC with the library of its own project, and WebSocket.

use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::files::Files;
use crate::support::gateway::Gateway;
use crate::support::process::Process;
use crate::support::steps::Steps;
use crate::support::upstream::Upstream;

/// How long a stream may outlive its token.
const BOUND: Duration = Duration::from_secs(1);

/// A program of `tests/support`, and what it says.
struct Peer {
    lines: Lines<BufReader<ChildStdout>>,
    _process: Process,
}

impl Peer {
    fn start(program: &str, words: &[&str]) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        let python = python.join("tests/clients/bin/python");
        assert!(python.exists(), "`{}` is missing; run tests/prepare.sh", python.display());
        let mut command = Command::new(python);
        command.arg(root.join("tests/support").join(program)).args(words);
        // A proxy of this machine is none of ours.
        command.env("no_proxy", "127.0.0.1").stdin(Stdio::null()).stdout(Stdio::piped());
        let mut process = Process::spawn(&mut command);
        let lines = BufReader::new(process.child().stdout.take().unwrap()).lines();
        Self { lines, _process: process }
    }

    fn line(&mut self) -> String {
        self.lines.next().expect("it says more").unwrap()
    }

    fn json(&mut self) -> Value {
        let line = self.line();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in {line:?}"))
    }

    fn rest(self) -> Vec<String> {
        self.lines.map(Result::unwrap).collect()
    }
}

fn gateway(upstream: &str, more: &str) -> Gateway {
    gateway_with("", upstream, more)
}

/// The same with these lines for all of it.
fn gateway_with(first: &str, upstream: &str, more: &str) -> Gateway {
    let gateway = Gateway::start(&format!(
        "{first}\n[[apis]]\nname = \"a\"\nupstream = \"{upstream}\"\n{more}\n\
         rules = [{{ path = \"/test.Echo/{{method}}\", methods = [\"POST\"] }}, {{ path = \"/talk\" }}]\n"
    ));
    gateway.owner("somebody");
    gateway
}

fn grpc(tls: Option<&Files>) -> (Peer, Gateway) {
    let mut server = Peer::start("grpc_peer.py", &["serve"]);
    let upstream = format!("http://127.0.0.1:{}", server.line());
    let certificates = tls.map(|files| {
        files.make("server", &["a.example"]);
        let (chain, key) = (files.path("server.pem"), files.path("server.key"));
        format!("tls.certificates = [{{ chain = {chain:?}, key = {key:?} }}]")
    });
    let gateway =
        gateway_with(&certificates.unwrap_or_default(), &upstream, "upstream_http2 = true");
    (server, gateway)
}

/// All kinds of call; what the server tells of those whose clients go away.
fn every_kind(server: &mut Peer, gateway: &Gateway, more: &[&str]) {
    let secret = gateway.any_token();
    let address = gateway.public().to_string();
    let words = [&["call", &address, &secret], more].concat();
    let mut client = Peer::start("grpc_peer.py", &words);
    let wanted = json!({
        "unary": ["hello", "somebody"],
        "long": 3_000_000,
        "down": ["0", "1", "2", "3"],
        "up": "1000000",
        "both": ["A", "BBB"],
        "fails": { "code": "FAILED_PRECONDITION", "details": "as asked, with \u{fc}mlaut" },
        "leaves": "0",
        "late": { "code": "DEADLINE_EXCEEDED", "details": "Deadline Exceeded" },
        "unknown": { "code": "UNIMPLEMENTED", "details": "Method not found!" },
    });
    for _ in wanted.as_object().unwrap() {
        let said = client.json();
        let (name, result) = said.as_object().unwrap().iter().next().unwrap();
        assert_eq!(result, &wanted[name], "{name}");
    }
    assert!(client.rest().is_empty());
    assert_eq!(gateway.counted(|core| core.connected.value()), 1, "all in one session");
    // The server knows how long its client waits, and hears that it does so no more.
    // The library rounds up what it tells.
    for (name, longest) in [("late", 0.35), ("leaves", 20.1)] {
        let told = server.json();
        assert_eq!(told["over"], name, "{told}");
        let left = told["left"].as_f64().unwrap_or(f64::MAX);
        assert!(left > 0.0 && left <= longest && left > longest - 10.0, "{told}");
    }
}

#[test]
fn grpc_calls_of_every_kind_go_through_with_trailers_and_deadlines() {
    let (mut server, gateway) = grpc(None);
    every_kind(&mut server, &gateway, &[]);
}

#[test]
fn grpc_calls_of_every_kind_go_through_within_tls() {
    let files = Files::new();
    let (mut server, gateway) = grpc(Some(&files));
    every_kind(&mut server, &gateway, &[files.path("ca.pem").to_str().unwrap()]);
}

#[test]
fn grpc_calls_without_a_good_token_are_unauthenticated() {
    let (_server, gateway) = grpc(None);
    let client = Peer::start("grpc_peer.py", &["call", &gateway.public().to_string(), "tg_wrong"]);
    let said = client.rest();
    assert_eq!(said.len(), 9);
    for words in ["UNAUTHENTICATED", "The access token is invalid"] {
        assert!(said.iter().all(|line| line.contains(words)), "{words}: {said:?}");
    }
    assert_eq!(gateway.counted(|core| core.connected.value()), 0);
}

/// design.md section 7: gRPC is told status 16.
#[test]
fn a_grpc_call_ends_with_its_token() {
    let (_server, gateway) = grpc(None);
    let made = gateway.token(json!({ "owner": "somebody", "name": "any", "flags": -1 }));
    let words = ["watch", &gateway.public().to_string(), &made.secret];
    let mut client = Peer::start("grpc_peer.py", &words);
    assert_eq!(client.line(), "0");
    gateway.revoke(made.id);
    let begun = Steps::begin();
    let said = client.rest();
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
    let last: Value = serde_json::from_str(said.last().unwrap()).unwrap();
    assert_eq!(last["code"], "UNAUTHENTICATED", "{last}");
    assert_eq!(last["details"], "The access token is invalid", "{last}");
}

#[test]
fn an_upstream_that_does_not_speak_http2_is_told_from_one_that_does() {
    let mut server = Peer::start("websocket_peer.py", &["serve"]);
    let upstream = format!("http://127.0.0.1:{}", server.line());
    let gateway = gateway(&upstream, "upstream_http2 = true");
    let secret = gateway.any_token();
    let answer = gateway.ask(gateway.get("/talk", &secret));
    assert_eq!(answer.status, 502);
}

#[test]
fn a_websocket_client_that_we_did_not_write_talks_and_is_told_when_its_token_ends() {
    let mut server = Peer::start("websocket_peer.py", &["serve"]);
    let upstream = format!("http://127.0.0.1:{}", server.line());
    let gateway = gateway(&upstream, "");
    let made = gateway.token(json!({ "owner": "somebody", "name": "any", "flags": -1 }));
    let address = format!("ws://{}/talk", gateway.public());
    let refused = Peer::start("websocket_peer.py", &["talk", &address, "tg_wrong"]);
    assert_eq!(refused.rest(), ["401"]);
    let mut client = Peer::start("websocket_peer.py", &["talk", &address, &made.secret]);
    for _ in 0..3 {
        assert_eq!(client.json(), true);
    }
    gateway.revoke(made.id);
    let begun = Steps::begin();
    assert_eq!(client.json(), json!([1008, "The access token is invalid"]));
    assert_eq!(server.json(), json!([1001, "The access token is invalid"]), "its client goes away");
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
}

/// RFC 9113 section 3.3: HTTP/2 without TLS is spoken where it is permitted, and with nobody else.
#[test]
fn curl_speaks_http2_with_prior_knowledge_where_that_is_permitted() {
    let upstream = Upstream::start();
    for permitted in [true, false] {
        let gateway = Gateway::start_with(
            &format!("h2c = {permitted}"),
            &format!(
                "[[apis]]\nname = \"a\"\nupstream = \"http://{}\"\nrules = [{{ path = \"/x\" }}]\n",
                upstream.address()
            ),
        );
        gateway.owner("somebody");
        let curl = |version: &str, secret: &str| {
            let output = Command::new("curl")
                .args(["--silent", "--output", "/dev/null", "--max-time", "30", "--noproxy", "*"])
                .args(["--write-out", "%{http_code} %{http_version}", version])
                .args(["--header", &format!("Authorization: Bearer {secret}")])
                .arg(format!("http://{}/x", gateway.public()))
                .output()
                .unwrap();
            (output.status.success(), String::from_utf8(output.stdout).unwrap())
        };
        let secret = gateway.any_token();
        for (secret, status) in [(&*secret, 200), ("wrong", 401)] {
            let said = curl("--http2-prior-knowledge", secret);
            match permitted {
                true => assert_eq!(said, (true, format!("{status} 2"))),
                false => assert_eq!(said, (false, "000 0".to_owned())),
            }
            let reached = usize::from(permitted && status == 200);
            assert_eq!(upstream.take().len(), reached, "{permitted} {status}");
            // Whoever asks for HTTP/2 without knowing stays with HTTP/1.1.
            assert_eq!(curl("--http2", secret), (true, format!("{status} 1.1")));
            upstream.take();
        }
    }
}
