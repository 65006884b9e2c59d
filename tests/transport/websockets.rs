//! WebSockets over HTTP/1.1 and HTTP/2: they pass as they are, end with their token, and nothing is one before the upstream
//! says so.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use tollgate::domain::time::Span;

use crate::streams::{BOUND, gateway};
use crate::support::client::Client;
use crate::support::gateway::Gateway;
use crate::support::steps::Steps;
pub(crate) use crate::support::upstream::agrees;
use crate::support::upstream::{SWITCHES, Step, Upstream, answer};
use crate::support::{PATIENCE, wait_until};

pub(crate) fn handshake(secret: &str) -> String {
    format!(
        "GET /talk?room=1 HTTP/1.1\r\nHost: a.example\r\nAuthorization: Bearer {secret}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: chat\r\n\r\n"
    )
}

/// An unmasked frame of a server, with short text.
pub(crate) fn frame(text: &str) -> Vec<u8> {
    [&[0x81, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
}

/// The upstream's side of one WebSocket.
pub(crate) struct Talk {
    pub(crate) head: String,
    pub(crate) stream: TcpStream,
}

impl Talk {
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    pub(crate) fn read(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// Everything up to the end, however it comes.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let _ = self.stream.read_to_end(&mut bytes);
        bytes
    }
}

/// A server that agrees to every WebSocket, with `first` behind its answer.
pub(crate) fn talker(first: &[u8]) -> (SocketAddr, Receiver<Talk>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, talks): (Sender<Talk>, _) = channel();
    let first = first.to_vec();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") {
                stream.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            let head = String::from_utf8(head).unwrap();
            stream.write_all(&[agrees(&head).as_bytes(), &first].concat()).unwrap();
            if tell.send(Talk { head, stream }).is_err() {
                return;
            }
        }
    });
    (address, talks)
}

/// Opens a WebSocket with a secret.
pub(crate) fn open(gateway: &Gateway, talks: &Receiver<Talk>, secret: &str) -> (Client, Talk) {
    let mut client = Client::connect(gateway.public());
    client.send(handshake(secret));
    let head = String::from_utf8(client.read_to("\r\n\r\n")).unwrap();
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    (client, talks.recv_timeout(PATIENCE).unwrap())
}

pub(crate) fn code(frame: &[u8]) -> Option<u16> {
    let [0x88, _, high, low, ..] = frame else { return None };
    Some(u16::from_be_bytes([*high, *low]))
}

#[test]
fn rfc_6455_a_websocket_goes_both_ways_as_it_is() {
    let (address, talks) = talker(&frame("welcome"));
    let gateway = gateway(address, "");
    let secret = gateway.any_token();
    let mut client = Client::connect(gateway.public());
    client.send(handshake(&secret));
    let head = String::from_utf8(client.read_to("\r\n\r\n")).unwrap().to_ascii_lowercase();
    for line in [
        "upgrade: websocket",
        "connection: upgrade",
        "sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=",
    ] {
        assert_eq!(head.matches(line).count(), 1, "{head}");
    }
    assert_eq!(client.read_to("welcome"), frame("welcome"), "what came with the answer");
    let mut talk = talks.recv_timeout(PATIENCE).unwrap();
    let seen = talk.head.to_ascii_lowercase();
    for line in [
        "connection: upgrade",
        "upgrade: websocket",
        "sec-websocket-protocol: chat",
        "x-tollgate-owner: somebody",
    ] {
        assert_eq!(seen.matches(line).count(), 1, "{seen}");
    }
    assert!(seen.starts_with("get /talk?room=1 http/1.1\r\n"), "{seen}");
    assert!(!seen.contains("authorization") && !talk.head.contains(&secret), "{seen}");
    let long: Vec<_> = (0..3_000_000_u32).map(|at| (at % 251) as u8).collect();
    let (up, down) = (long.clone(), long.clone());
    let writes = thread::spawn(move || {
        talk.send(&down);
        let came = talk.read(up.len());
        assert!(came == up);
        talk
    });
    let mut reader = client.stream().try_clone().unwrap();
    let sent = thread::spawn(move || {
        client.send(&long);
        client
    });
    let mut came = vec![0; 3_000_000];
    reader.read_exact(&mut came).unwrap();
    assert!(came.iter().enumerate().all(|(at, byte)| usize::from(*byte) == at % 251));
    let (mut client, talk) = (sent.join().unwrap(), writes.join().unwrap());
    assert_eq!(gateway.counted(|core| core.tunnels.value()), 1);
    drop(talk);
    assert_eq!(client.rest(), b"");
    drop(client);
    wait_until("it is still open", PATIENCE, || gateway.counted(|core| core.tunnels.value()) == 0);
}

/// design.md section 6, rows sec-S8 and X1.
#[test]
fn a_websocket_is_closed_with_1008_when_its_token_ends() {
    let (address, talks) = talker(b"");
    let gateway = gateway(address, "");
    gateway.owner("another");
    let made = |owner: &str, more: serde_json::Value| {
        let mut body = json!({ "owner": owner, "name": "any", "flags": -1 });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        gateway.token(body)
    };
    let (revoked, paused, blocked) =
        (made("somebody", json!({})), made("somebody", json!({})), made("another", json!({})));
    let expires = made("somebody", json!({ "lifetime": "3000s" }));
    let stays = made("somebody", json!({}));
    let (mut kept, mut kept_talk) = open(&gateway, &talks, &stays.secret);
    type End<'a> = (&'a str, String, Box<dyn Fn() + 'a>, &'a str);
    let ends: [End<'_>; 4] = [
        ("revoked", revoked.secret, Box::new(|| gateway.revoke(revoked.id)), "invalid"),
        ("paused", paused.secret, Box::new(|| gateway.disable(paused.id)), "invalid"),
        ("blocked", blocked.secret, Box::new(|| gateway.block("another")), "invalid"),
        (
            "expired",
            expires.secret,
            Box::new(|| gateway.clock().advance(Span::from_seconds(3_001))),
            "expired",
        ),
    ];
    for (what, secret, end, told) in ends {
        let (mut client, mut talk) = open(&gateway, &talks, &secret);
        talk.send(&frame("hello"));
        assert_eq!(client.read_to("hello"), frame("hello"));
        // Half of a frame is under way.
        talk.send(&frame("one and two")[..5]);
        client.wait_for("one");
        end();
        let begun = Steps::begin();
        thread::sleep(Duration::from_millis(100));
        talk.send(&frame("one and two")[5..]);
        let rest = client.rest();
        let took = begun.elapsed();
        assert_eq!(&rest[..13], &frame("one and two")[..], "{what}: the frame came whole");
        let close = &rest[13..];
        assert_eq!(code(close), Some(1008), "{what}: {close:?}");
        assert!(String::from_utf8_lossy(close).contains(told), "{what}: {close:?}");
        assert_eq!(close.len(), usize::from(close[1]) + 2, "{what}: nothing follows");
        assert!(took < BOUND, "{what}: {took:?}");
        talk.rest();
        println!("{what}: closed after {took:?}");
    }
    kept_talk.send(&frame("still"));
    assert_eq!(kept.read_to("still"), frame("still"), "others go on");
    assert_eq!(gateway.counted(|core| core.cut_by_token.value()), 4);
}

#[test]
fn a_websocket_that_stands_still_within_a_frame_is_cut() {
    let (address, talks) = talker(b"");
    let gateway = gateway(address, "");
    let made = gateway.token(json!({ "owner": "somebody", "name": "any", "flags": -1 }));
    let (mut client, mut talk) = open(&gateway, &talks, &made.secret);
    talk.send(&frame("never whole")[..5]);
    client.wait_for("nev");
    gateway.revoke(made.id);
    let begun = Steps::begin();
    assert_eq!(client.rest(), &frame("never whole")[..5]);
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
    talk.rest();
}

#[test]
fn a_change_that_leaves_the_token_good_ends_nothing() {
    let (address, talks) = talker(b"");
    let gateway = gateway(address, "");
    let made = gateway.token(json!({ "owner": "somebody", "name": "any", "flags": -1 }));
    let (mut client, mut talk) = open(&gateway, &talks, &made.secret);
    gateway.update(made.id, &json!({ "name": "another name" }));
    let loads = gateway.counted(|core| core.cache_misses.value());
    // Until the stream was looked at again, twice.
    thread::sleep(Duration::from_millis(1_600));
    talk.send(&frame("still"));
    assert_eq!(client.read_to("still"), frame("still"));
    assert_eq!(gateway.counted(|core| core.cache_misses.value()), loads);
}

/// An open stream is a use of its token.
#[test]
fn a_token_does_not_lie_idle_while_its_stream_is_open() {
    let (address, talks) = talker(b"");
    let gateway = gateway(address, "");
    let made = gateway
        .token(json!({ "owner": "somebody", "name": "any", "flags": -1, "idle_ttl": "100s" }));
    let (mut client, mut talk) = open(&gateway, &talks, &made.secret);
    for _ in 0..3 {
        gateway.clock().advance(Span::from_seconds(60));
        thread::sleep(Duration::from_millis(900));
    }
    talk.send(&frame("still"));
    assert_eq!(client.read_to("still"), frame("still"));
}

#[test]
fn sec_s6_sec_s8_only_the_upstreams_101_opens_a_tunnel() {
    let upstream = Upstream::scripted(|seen| match seen.line().as_str() {
        line if line.contains("/426") => {
            answer("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n")
        }
        line if line.contains("/other") => {
            vec![Step::Send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n".to_vec())]
        }
        line if line.contains("/unasked") => vec![Step::Send(SWITCHES.as_bytes().to_vec())],
        _ => answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    });
    let gateway = gateway(upstream.address(), "");
    let secret = gateway.any_token();
    // A request that stands behind the handshake is one, and needs a token of its own.
    let mut client = Client::connect(gateway.public());
    client.send(format!("{}GET /admin HTTP/1.1\r\nHost: a.example\r\n\r\n", handshake(&secret)));
    assert_eq!(client.answer().status, 200);
    assert_eq!(client.answer().status, 401);
    assert_eq!(upstream.seen().len(), 1);
    // Another version asks for nothing.
    let strange =
        handshake(&secret).replace("Version: 13", "Version: 1337").replace("/talk", "/426");
    assert_eq!(gateway.ask(strange).status, 426);
    let seen = upstream.seen().pop().unwrap();
    assert!(seen.values("upgrade").is_empty() && seen.values("connection").is_empty());
    assert_eq!(gateway.ask(handshake(&secret).replace("/talk", "/other")).status, 502);
    assert_eq!(gateway.ask(gateway.get("/unasked", &secret)).status, 502);
    // sec-S7.
    for upgrade in ["h2c", "websocket, h2c", "tls/1.2"] {
        let asks = handshake(&secret).replace("Upgrade: websocket", &format!("Upgrade: {upgrade}"));
        assert_eq!(gateway.ask(asks).status, 200, "{upgrade}");
        assert!(upstream.seen().pop().unwrap().values("upgrade").is_empty(), "{upgrade}");
    }
    let before = upstream.seen().len();
    assert_eq!(gateway.ask(handshake("tg_wrong")).status, 401);
    assert_eq!(upstream.seen().len(), before);
    assert_eq!(gateway.counted(|core| core.tunnels.value()), 0);
}

#[test]
fn whoever_talks_is_told_when_the_gateway_goes_away() {
    let (address, talks) = talker(b"");
    let mut gateway = gateway(address, "limits.drain_timeout = \"500ms\"");
    let secret = gateway.any_token();
    let (mut client, _talk) = open(&gateway, &talks, &secret);
    gateway.stop();
    assert_eq!(code(&client.rest()), Some(1001));
}

/// A `GET`, or over HTTP/2 the `CONNECT` that asks for a protocol.
pub(crate) fn over_http2(secret: &str, protocol: Option<&'static str>) -> Request<Empty<Bytes>> {
    let request = Request::builder()
        .method(if protocol.is_some() { "CONNECT" } else { "GET" })
        .uri("http://a.example/talk?room=1")
        .version(http::Version::HTTP_2)
        .header("authorization", format!("Bearer {secret}"))
        .header("sec-websocket-version", "13");
    let request = match protocol {
        Some(protocol) => request.extension(hyper::ext::Protocol::from_static(protocol)),
        None => request,
    };
    request.body(Empty::new()).unwrap()
}

/// RFC 8441: a WebSocket on a stream of HTTP/2, to an upstream that knows it from HTTP/1.1 alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rfc_8441_a_websocket_on_a_stream_goes_both_ways_and_ends_with_its_token() {
    let (address, talks) = talker(&frame("welcome"));
    let (gateway, made) = tokio::task::block_in_place(|| {
        let gateway = gateway(address, "");
        let made = gateway.token(json!({ "owner": "somebody", "name": "any", "flags": -1 }));
        (gateway, made)
    });
    let stream = tokio::net::TcpStream::connect(gateway.public()).await.unwrap();
    let shaken = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
    let (mut client, connection) = shaken.unwrap();
    tokio::spawn(connection);
    // With its answer it is known that the other side knows of such streams.
    let refused = client.send_request(over_http2("tg_wrong", None)).await.unwrap();
    assert_eq!(refused.status(), 401);
    for (secret, protocol, status) in
        [("tg_wrong", "websocket", 401), (&*made.secret, "connect-udp", 405)]
    {
        let answer = client.send_request(over_http2(secret, Some(protocol))).await.unwrap();
        assert_eq!(answer.status(), status, "{protocol}");
    }
    let answer = client.send_request(over_http2(&made.secret, Some("websocket"))).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(!answer.headers().contains_key("sec-websocket-accept"));
    let mut stream = TokioIo::new(hyper::upgrade::on(answer).await.unwrap());
    let mut came = vec![0; frame("welcome").len()];
    stream.read_exact(&mut came).await.unwrap();
    assert_eq!(came, frame("welcome"));
    let mut talk = talks.recv_timeout(PATIENCE).unwrap();
    let seen = talk.head.to_ascii_lowercase();
    assert!(seen.starts_with("get /talk?room=1 http/1.1\r\n"), "{seen}");
    for line in
        ["connection: upgrade", "upgrade: websocket", "sec-websocket-key: ", "host: a.example"]
    {
        assert_eq!(seen.matches(line).count(), 1, "{seen}");
    }
    assert!(!seen.contains("authorization"), "{seen}");
    stream.write_all(b"to the upstream").await.unwrap();
    assert_eq!(talk.read(15), b"to the upstream");
    talk.send(&frame("half of it")[..5]);
    let mut half = [0; 5];
    stream.read_exact(&mut half).await.unwrap();
    assert_eq!(half, frame("half of it")[..5]);
    tokio::task::block_in_place(|| gateway.revoke(made.id));
    let begun = Steps::begin();
    talk.send(&frame("half of it")[5..]);
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    assert_eq!(&rest[..7], &frame("half of it")[5..]);
    assert_eq!(code(&rest[7..]), Some(1008), "{rest:?}");
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
    tokio::task::block_in_place(|| drop(gateway));
}
