//! Requests that do not end well: who broke off, and when.

use std::net::TcpListener;
use std::time::Duration;

use serde_json::json;
use socket2::SockRef;
use tollgate::telemetry::Format;

use crate::Stage;
use crate::support::client::Client;
use crate::support::upstream::{Step, Upstream, agrees, ok};

const HALF: &str = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf!";

#[test]
fn an_upstream_that_breaks_off_is_told_from_a_client_that_leaves() {
    let upstream = Upstream::scripted(|seen| {
        if seen.line().contains("by-upstream") {
            vec![Step::Send(HALF.into()), Step::Wait, Step::Reset]
        } else {
            vec![Step::Send(HALF.into()), Step::Stall]
        }
    });
    let stage = Stage::before(upstream, Format::Json);
    let secret = stage.token().secret;
    let mut client = Client::connect(stage.gateway.public());
    client.send(stage.request("GET /any/by-upstream", &secret));
    client.wait_for("half!");
    stage.upstream.go_on();
    assert!(!client.answer().whole);
    let told = stage.kept.lines(1).remove(0);
    assert_eq!((&told["cut"], &told["status"]), (&json!("upstream"), &json!(200)));

    let mut client = Client::connect(stage.gateway.public());
    client.send(stage.request("GET /any/by-client", &secret));
    client.read_to("half!");
    // Closed in good order it could be a client that only sends no more (`answers/half_closed.rs`).
    SockRef::from(client.stream()).set_linger(Some(Duration::ZERO)).unwrap();
    drop(client);
    let told = stage.kept.lines(2).remove(1);
    assert_eq!((&told["cut"], &told["bytes"]), (&json!("client"), &json!(5)));
    assert_eq!(told["outcome"], "answered");
}

#[test]
fn a_websocket_that_its_upstream_breaks_off_is_told_from_one_that_its_client_does() {
    let upstream = Upstream::scripted(|seen| {
        let agrees = Step::Send(agrees(&String::from_utf8_lossy(&seen.head)).into_bytes());
        match seen.line().contains("by-upstream") {
            true => vec![agrees, Step::Wait, Step::Reset],
            false => vec![agrees, Step::Stall],
        }
    });
    let stage = Stage::before(upstream, Format::Json);
    let secret = stage.token().secret;
    for (number, by) in ["upstream", "client"].into_iter().enumerate() {
        let mut client = Client::connect(stage.gateway.public());
        let head = stage.request(&format!("GET /any/by-{by}"), &secret);
        client.send(head.replace(
            "\r\n\r\n",
            "\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        ));
        client.read_to("\r\n\r\n");
        match by {
            "upstream" => stage.upstream.go_on(),
            _ => SockRef::from(client.stream()).set_linger(Some(Duration::ZERO)).unwrap(),
        }
        drop(client);
        let told = stage.kept.lines(number + 1).remove(number);
        assert_eq!((&told["cut"], &told["status"]), (&json!(by), &json!(101)));
    }
}

#[test]
fn a_client_that_leaves_before_the_answer_is_told_and_counted() {
    let upstream = Upstream::scripted(|_| vec![Step::Stall]);
    let stage = Stage::before(upstream, Format::Json);
    let token = stage.token();
    let mut client = Client::connect(stage.gateway.public());
    client.send(stage.request("GET /any/x", &token.secret));
    stage.upstream.wait_for(1);
    drop(client);
    let told = stage.kept.lines(1).remove(0);
    assert_eq!((&told["outcome"], told.get("status")), (&json!("abandoned"), None));
    assert_eq!((&told["token"], &told["rule"]), (&json!(token.id), &json!("any")));
    let counters = &stage.gateway.app().shared().counters;
    assert_eq!(counters.rule("erp", "any").read(), [0, 0, 0, 0, 0, 0, 1]);
    assert_eq!(counters.cores.iter().map(|core| core.under_way.value()).sum::<u64>(), 0);
}

#[test]
fn answers_without_a_body_are_not_cut() {
    let upstream = Upstream::scripted(|seen| match seen.line().split('/').nth(2) {
        Some(line) if line.starts_with("head") => {
            vec![Step::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n".to_vec())]
        }
        Some(line) if line.starts_with("none") => {
            vec![Step::Send(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec())]
        }
        _ => ok("body"),
    });
    let stage = Stage::before(upstream, Format::Json);
    let secret = stage.token().secret;
    let mut client = Client::connect(stage.gateway.public());
    for (number, (method, path, secret, bytes)) in [
        ("HEAD", "/any/head", &*secret, 0),
        ("HEAD", "/any/head", "0f8fad5b-d9cb-469f-a165-70867728950e", 0),
        ("GET", "/any/none", &secret, 0),
        ("GET", "/any/body", &secret, 4),
    ]
    .into_iter()
    .enumerate()
    {
        client.send(stage.request(&format!("{method} {path}"), secret));
        client.answer_to(method).unwrap();
        let told = stage.kept.lines(number + 1).remove(number);
        assert_eq!((told.get("cut"), &told["bytes"]), (None, &json!(bytes)), "{told}");
    }
}

#[test]
fn an_upstream_that_is_not_there_is_a_failure_and_not_a_refusal() {
    let stage = Stage::new();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let file = stage.gateway.folder().join("tollgate.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let there = stage.upstream.address().to_string();
    std::fs::write(&file, text.replace(&there, &nobody.to_string())).unwrap();
    stage.gateway.app().reloader().reload().unwrap();
    assert_eq!(stage.gateway.ask(stage.request("GET /any/x", &stage.token().secret)).status, 502);
    let told = stage.kept.lines(1).remove(0);
    assert_eq!(
        (&told["outcome"], &told["reason"]),
        (&json!("failed"), &json!("upstream_unreachable"))
    );
    assert!(told["upstream_us"].is_u64(), "{told}");
}
