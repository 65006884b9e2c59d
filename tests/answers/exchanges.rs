//! Exchanges that do not go by the book: early answers, slow uploads, two lengths, one dead endpoint of
//! two, and a token that comes back although it lay idle for too long.

use std::net::TcpListener;
use std::thread;

use serde_json::json;
use tollgate::domain::time::Span;

use crate::support::client::Client;
use crate::support::gateway::Gateway;
use crate::support::upstream::{Step, Upstream, answer, ok};

fn in_front_of(upstreams: &str) -> (Gateway, String) {
    let gateway = Gateway::start(&format!(
        "[[apis]]\nname = \"a\"\nupstream = [{upstreams}]\nupstream_response_timeout = \"3s\"\n\
         rules = [{{ path = \"/{{*rest}}\" }}]\n"
    ));
    gateway.owner("somebody");
    let secret = gateway.any_token();
    (gateway, secret)
}

fn url(upstream: &Upstream) -> String {
    format!("\"http://{}\"", upstream.address())
}

#[test]
fn one_dead_endpoint_of_two_is_not_noticed() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let dead = nobody.local_addr().unwrap();
    drop(nobody);
    let alive = Upstream::start();
    let (gateway, secret) = in_front_of(&format!("\"http://{dead}\", {}", url(&alive)));
    let (address, request) = (gateway.public(), gateway.get("/x", &secret));
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let mut client = Client::connect(address);
                for _ in 0..25 {
                    assert_eq!(client.ask(&request).status, 200);
                }
            });
        }
    });
}

#[test]
fn sec_s9_an_answer_before_the_whole_upload_leaves_nothing_for_the_next() {
    let upstream = Upstream::scripted(|seen| match seen.line() {
        // The rest of the body is never taken, and the connection stays open.
        line if line.starts_with("POST") => vec![
            Step::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly".to_vec()),
            Step::Stall,
        ],
        _ => ok("fine"),
    });
    let (gateway, secret) = in_front_of(&url(&upstream));
    let mut head = format!(
        "POST /x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {secret}\r\nContent-Length: 8000000\r\n\r\n"
    )
    .into_bytes();
    head.extend(vec![b'x'; 100_000]);
    for _ in 0..4 {
        let mut client = Client::connect(gateway.public());
        client.send(&head);
        assert_eq!(client.answer_to("POST").unwrap().text(), "early");
        assert_eq!(gateway.ask(gateway.get("/x", &secret)).text(), "fine");
    }
}

#[test]
fn an_expected_body_has_all_the_time_of_a_body() {
    let upstream = Upstream::scripted(|seen| {
        let mut steps = ok("taken");
        if seen.line().contains("/wanted") {
            steps.insert(0, Step::Send(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec()));
        }
        steps
    });
    let (gateway, secret) = in_front_of(&url(&upstream));
    let upload = |path: &str| {
        let mut client = Client::connect(gateway.public());
        client.send(format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {secret}\r\n\
             Expect: 100-continue\r\nContent-Length: 4\r\n\r\n"
        ));
        client.read_to("100 Continue\r\n\r\n");
        client
    };
    let mut wanted = upload("/wanted");
    // Uploads of which their upstream says nothing are let go when the patience with it is over. Each
    // began after the first one had its word, so that its time is over too; the second one because each
    // core looks at its limits in a turn of its own.
    for _ in 0..2 {
        let mut unasked = upload("/unasked");
        unasked.send("body");
        assert_eq!(unasked.answer_to("POST").unwrap().text(), "taken");
    }
    wanted.send("body");
    assert_eq!(wanted.answer_to("POST").unwrap().text(), "taken");
}

#[test]
fn of_two_lengths_the_chunks_are_believed() {
    let upstream = Upstream::scripted(|_| {
        answer(
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n\
             a\r\n0123456789\r\n0\r\n\r\n",
        )
    });
    let (gateway, secret) = in_front_of(&url(&upstream));
    for nth in 1..=3 {
        let found = gateway.ask(gateway.get("/x", &secret));
        assert_eq!((found.status, found.text().as_str()), (200, "0123456789"));
        // RFC 9112 section 6.3: whoever says both may be speaking to somebody else behind it.
        assert_eq!(upstream.connections(), nth, "it is not used again");
    }
}

#[test]
fn an_idle_token_that_keeps_coming_is_read_once() {
    let upstream = Upstream::start();
    let (gateway, _) = in_front_of(&url(&upstream));
    let token = gateway.token(json!({ "owner": "somebody", "name": "idle", "idle_ttl": "60s" }));
    let mut client = Client::connect(gateway.public());
    assert_eq!(client.ask(gateway.get("/x", &token.secret)).status, 200);
    gateway.clock().advance(Span::from_seconds(100));
    assert_eq!(client.ask(gateway.get("/x", &token.secret)).status, 401);
    gateway.wait_for_upkeep();
    let loads = || gateway.app().shared().cache.counts.loads.read().count();
    let before = loads();
    for _ in 0..100 {
        assert_eq!(client.ask(gateway.get("/x", &token.secret)).status, 401);
    }
    assert!(loads() - before <= 4, "{} loads for one idle token", loads() - before);
}

#[test]
fn a_clock_that_stood_ahead_keeps_nobody_waiting_once_it_is_right() {
    let upstream = Upstream::start();
    let (mut gateway, secret) = in_front_of(&url(&upstream));
    assert_eq!(gateway.ask(gateway.get("/x", &secret)).status, 200);
    gateway.wait_for_upkeep();
    let right = gateway.clock().now();
    gateway.clock().set(right.plus(Span::from_days(365)));
    gateway.token(json!({ "owner": "somebody", "name": "made while the clock was wrong" }));
    gateway.clock().set(right.plus(Span::from_seconds(5)));
    assert_eq!(gateway.ask(gateway.get("/x", &secret)).status, 200);
    gateway.restart();
    assert_eq!(gateway.ask(gateway.get("/x", &secret)).status, 200, "after a restart");
}
