//! Streams end with their token: streams of events between two events, everything else by being cut.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::Duration;

use http::Request;
use serde_json::json;

use crate::support::client::Client;
use crate::support::gateway::Gateway;
use crate::support::http2::Client as Client2;
use crate::support::steps::Steps;
use crate::support::upstream::{Step, Upstream};
use crate::support::{PATIENCE, wait_until};

/// How long a stream may outlive its token, by the time that the machine gives ([`Steps`]).
pub(crate) const BOUND: Duration = Duration::from_secs(1);

/// One API before an upstream, whose paths are all open to anybody's token.
pub(crate) fn gateway(upstream: SocketAddr, more: &str) -> Gateway {
    let gateway = Gateway::start(&format!(
        "{more}\n[[apis]]\nname = \"a\"\nupstream = \"http://{upstream}\"\n\
         rules = [{{ path = \"/{{*rest}}\" }}]\n"
    ));
    gateway.owner("somebody");
    gateway
}

fn chunk(data: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat()
}

/// A server that sends events for as long as somebody reads, each in two halves.
pub(crate) fn ticker() -> SocketAddr {
    endless(
        "text/event-stream; charset=utf-8",
        ["data: the first half ", "and the second\n\n"].map(str::as_bytes),
    )
}

/// A server that sends these two halves again and again, for as long as somebody reads.
pub(crate) fn endless(kind: &str, halves: [&'static [u8]; 2]) -> SocketAddr {
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, head) = (stream.unwrap(), head.clone());
            thread::spawn(move || {
                let mut sent =
                    stream.read(&mut [0; 4_096]).and_then(|_| stream.write_all(head.as_bytes()));
                for half in halves.iter().cycle() {
                    sent = sent.and_then(|()| stream.write_all(&chunk(half)));
                    if sent.is_err() {
                        return;
                    }
                    thread::sleep(Duration::from_millis(20));
                }
            });
        }
    });
    address
}

#[test]
fn a_stream_of_events_ends_between_two_events() {
    let gateway = gateway(ticker(), "");
    for _ in 0..3 {
        let made = gateway.token(json!({ "owner": "somebody", "name": "any", "flags": -1 }));
        let mut client = Client::connect(gateway.public());
        client.send(gateway.get("/events", &made.secret));
        client.wait_for("second\n\n");
        gateway.revoke(made.id);
        let begun = Steps::begin();
        let answer = client.answer();
        assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
        assert!(answer.whole, "it ends in good order");
        let text = answer.text();
        assert!(text.len() > 70 && text.ends_with("and the second\n\n"), "{text}");
        // The connection stays, and its next request is refused.
        assert_eq!(client.ask(gateway.get("/events", &made.secret)).status, 401);
    }
    assert_eq!(gateway.counted(|core| core.cut_by_token.value()), 3);
}

/// The same over HTTP/2, where the stream ends and not the connection.
#[test]
fn a_stream_of_events_over_http2_ends_too() {
    let gateway = gateway(ticker(), "");
    let made = gateway.token(json!({ "owner": "somebody", "name": "any", "flags": -1 }));
    let mut client = Client2::connect(gateway.public());
    let request = |path: &str| {
        Request::get(format!("http://a.example{path}"))
            .header("authorization", format!("Bearer {}", made.secret))
            .body(http_body_util::Full::default())
            .unwrap()
    };
    let begun = Steps::begin();
    let answer = thread::scope(|scope| {
        let asks = scope.spawn(|| client.try_ask(request("/events")));
        wait_until("it never began", PATIENCE, || {
            gateway.counted(|core| core.connected.value()) > 0
        });
        gateway.revoke(made.id);
        asks.join().unwrap()
    });
    let answer = answer.unwrap();
    assert!(answer.text().ends_with("and the second\n\n"), "{}", answer.text());
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
    assert_eq!(client.try_ask(request("/events")).unwrap().status, 401);
}

#[test]
fn a_download_whose_token_ends_does_not_look_complete() {
    let upstream = Upstream::scripted(|_| {
        vec![
            Step::Send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec()),
            Step::Send(chunk(b"some")),
            Step::Stall,
        ]
    });
    let gateway = gateway(upstream.address(), "");
    let made = gateway.token(json!({ "owner": "somebody", "name": "any", "flags": -1 }));
    let mut client = Client::connect(gateway.public());
    client.send(gateway.get("/file", &made.secret));
    client.wait_for("some");
    gateway.revoke(made.id);
    let begun = Steps::begin();
    let answer = client.answer();
    assert!(!answer.whole);
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
}

/// A long poll that has no answer yet is answered as any request with that token.
#[test]
fn a_request_that_waits_is_refused_when_its_token_ends() {
    let upstream = Upstream::scripted(|_| vec![Step::Stall]);
    let gateway = gateway(upstream.address(), "");
    let made = gateway.token(json!({ "owner": "somebody", "name": "any", "flags": -1 }));
    let mut client = Client::connect(gateway.public());
    client.send(gateway.get("/poll", &made.secret));
    wait_until("it never came", PATIENCE, || upstream.seen().len() == 1);
    gateway.revoke(made.id);
    let begun = Steps::begin();
    let answer = client.answer();
    assert_eq!(answer.status, 401);
    assert!(answer.value("www-authenticate").unwrap().contains("invalid_token"));
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
}
