//! What goes on when the other half of it is over: uploads behind their answers, conversations that one side has ended, and
//! what waits on a stream that nobody gives room. All of it ends with its token, and in its time.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustls::{ServerConnection, StreamOwned};
use socket2::SockRef;

use crate::endpoints;
use crate::files::Files;
use crate::streams::{BOUND, gateway};
use crate::support::client::Client;
use crate::support::frames::{DATA, END_HEADERS, END_STREAM, Frames, HEADERS, RST_STREAM, field};
use crate::support::gateway::Gateway;
use crate::support::relay::Relay;
use crate::support::steps::Steps;
use crate::support::tls::{authority, config};
use crate::support::upstream::{Step, Upstream, ok};
use crate::support::{PATIENCE, wait_until};
use crate::tls::connect;
use crate::websockets::{frame, handshake, open, talker};
use crate::windows::{HTTP2, Server, whole};

/// Longer than anything that is told at once takes, and shorter than the time that a side has when the other has ended.
const AT_ONCE: Duration = Duration::from_secs(5);

/// Sends on, so that it never stands still, until it `is` so; how long that took.
fn drips(client: &mut Client, mut is: impl FnMut() -> bool) -> Duration {
    let begun = Steps::begin();
    wait_until("it drips for ever", PATIENCE, || {
        client.send("x");
        is()
    });
    begun.elapsed()
}

/// An upstream answers before it has read the request (RFC 9110 section 10.1.1 has one that refuses): nobody waits for the
/// answer any more, and the body goes on by the same token.
#[test]
fn an_upload_behind_its_answer_ends_with_its_token() {
    let upstream = Upstream::scripted(|_| {
        let whole = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly";
        vec![Step::Send(whole.as_bytes().to_vec()), Step::TakeBody]
    });
    let gateway = gateway(upstream.address(), "");
    let made = gateway.token(serde_json::json!({ "owner": "somebody", "name": "any" }));
    let mut client = gateway.begin_post("/x", &made.secret, 1 << 30);
    assert_eq!(client.answer_to("POST").unwrap().text(), "early");
    let begun = Steps::begin();
    drips(&mut client, || begun.elapsed() > 2 * BOUND);
    assert_eq!(upstream.open(), 1, "as long as its token is good it goes on");
    gateway.revoke(made.id);
    let took = drips(&mut client, || upstream.open() == 0);
    assert!(took < BOUND, "{took:?}");
    assert!(client.closes_within(PATIENCE));
}

#[test]
fn an_upload_behind_its_answer_over_http2_ends_with_its_token() {
    let server = Server::start(&[], |_, head| whole(head));
    let (gateway, secret) = endpoints::gateway(&server.url(), HTTP2);
    let mut client = gateway.begin_post("/x", &secret, 1 << 20);
    assert_eq!(client.answer_to("POST").unwrap().status, 200);
    drips(&mut client, || server.heard(DATA).len() > 3);
    assert!(server.heard(RST_STREAM).is_empty());
    gateway.block("somebody");
    let took = drips(&mut client, || !server.heard(RST_STREAM).is_empty());
    assert!(took < BOUND, "{took:?}");
}

/// RFC 6455 section 7.1.1: it is the server that closes, and its client waits for that.
#[test]
fn a_websocket_that_its_upstream_ends_is_over_for_its_client_at_once() {
    let (address, talks) = talker(b"");
    let gateway = gateway(address, "");
    let secret = gateway.any_token();
    let (mut client, talk) = open(&gateway, &talks, &secret);
    let begun = Steps::begin();
    drop(talk);
    assert_eq!(client.rest(), b"");
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
    // One side alone: what the client says still goes on.
    let (mut client, mut talk) = open(&gateway, &talks, &secret);
    client.send("one");
    talk.stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.rest(), b"");
    client.send(" and two");
    assert_eq!(talk.read(11), b"one and two");
    client.finish();
    assert_eq!(talk.rest(), b"");
    wait_until("something is open", PATIENCE, || gateway.counted(|core| core.tunnels.value()) == 0);
}

/// It says so by what it takes, whatever it says itself. Within TLS something is always taken from us.
#[test]
fn a_websocket_within_tls_that_its_upstream_does_not_read_ends() {
    let (files, (address, talks)) = (Files::new(), talker(b""));
    let (_relay, port) = Relay::within_tls(&files.ca, "http/1.1", address);
    let gateway = Gateway::start(&format!(
        "limits.stall_timeout = \"1s\"\n[[apis]]\nname = \"a\"\nupstream = \"https://localhost:{port}\"\n\
         upstream_ca = {:?}\nrules = [{{ path = \"/{{*rest}}\" }}]\n",
        files.path("ca.pem")
    ));
    gateway.owner("somebody");
    let (client, mut talk) = open(&gateway, &talks, &gateway.any_token());
    let (mut says, mut hears) = (client.stream().try_clone().unwrap(), client);
    // Until nobody takes any more.
    let says = thread::spawn(move || while says.write_all(&[0; 65_536]).is_ok() {});
    wait_until("it never ends", PATIENCE, || {
        let _ = talk.stream.write_all(&frame("here I am"));
        gateway.counted(|core| core.tunnels.value()) == 0
    });
    hears.rest();
    says.join().unwrap();
}

fn extended(secret: &str) -> Vec<u8> {
    let bearer = format!("Bearer {secret}");
    let fields = [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "http"),
        (":authority", "a.example"),
        (":path", "/talk"),
        ("authorization", &bearer),
        ("sec-websocket-version", "13"),
    ];
    fields.iter().flat_map(|(name, value)| field(name, value)).collect()
}

/// The library sends what waits there, and would wait for room for ever.
#[test]
fn a_websocket_over_http2_without_room_ends_with_its_token_and_in_time() {
    for limits in ["", "limits.stall_timeout = \"1s\"\n"] {
        let (address, talks) = talker(b"");
        let gateway = gateway(address, limits);
        let mut client = Frames::connect(gateway.public(), 0);
        client.send(HEADERS, END_HEADERS, 1, &extended(&gateway.any_token()));
        assert_eq!(client.next_on(1).status(), Some(200));
        let mut talk = talks.recv_timeout(PATIENCE).unwrap();
        talk.send(&[0; 100_000]);
        if limits.is_empty() {
            gateway.block("somebody");
        }
        let begun = Steps::begin();
        let frame = client.next_on(1);
        assert_eq!(frame.kind, RST_STREAM);
        let bound = if limits.is_empty() { BOUND } else { 3 * BOUND };
        assert!(begun.elapsed() < bound, "{:?}", begun.elapsed());
        talk.rest();
    }
}

/// Whoever leaves no room for the last word has as long for it as a side whose other has ended.
#[test]
fn a_websocket_over_http2_that_is_over_does_not_wait_for_room_for_ever() {
    let (address, talks) = talker(b"");
    let gateway = gateway(address, "");
    let mut client = Frames::connect(gateway.public(), 0);
    client.send(HEADERS, END_HEADERS, 1, &extended(&gateway.any_token()));
    assert_eq!(client.next_on(1).status(), Some(200));
    let mut talk = talks.recv_timeout(PATIENCE).unwrap();
    talk.send(&frame("the last word"));
    drop(talk);
    client.send(DATA, END_STREAM, 1, b"");
    let begun = Steps::begin();
    assert_eq!(client.next_on(1).kind, RST_STREAM);
    assert!(begun.elapsed() < 3 * AT_ONCE, "{:?}", begun.elapsed());
}

/// What it said before is its client's, over HTTP/2 as over HTTP/1.1.
#[test]
fn the_last_word_of_an_upstream_that_breaks_off_arrives() {
    let (address, talks) = talker(b"");
    let gateway = gateway(address, "");
    let secret = gateway.any_token();
    for _ in 0..20 {
        let mut client = Frames::connect(gateway.public(), 1 << 16);
        client.send(HEADERS, END_HEADERS, 1, &extended(&secret));
        assert_eq!(client.next_on(1).status(), Some(200));
        let mut talk = talks.recv_timeout(PATIENCE).unwrap();
        talk.send(&frame("the last word"));
        SockRef::from(&talk.stream).set_linger(Some(Duration::ZERO)).unwrap();
        drop(talk);
        let came = client.next_on(1);
        assert_eq!((came.kind, came.payload), (DATA, frame("the last word")));
    }
}

/// RFC 9110 section 7.8: to ask for another protocol commits nobody. hyper leaves it to others to close such a connection.
#[test]
fn a_connection_that_has_asked_for_another_protocol_closes_as_others_do() {
    const LONG: usize = 48 << 20;
    let (files, upstream) = (Files::new(), Upstream::scripted(|_| ok("ok")));
    files.make("a", &["a.example"]);
    let plain = gateway(upstream.address(), "");
    // It reads once it has written everything (RFC 9112 section 9.6).
    let mut client = Client::connect(plain.public());
    client.send(format!(
        "POST /x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer nobody\r\nConnection: Upgrade, HTTP2-Settings\r\n\
         Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nContent-Length: {LONG}\r\n\r\n"
    ));
    client.stream().write_all(&vec![b'x'; LONG]).unwrap();
    assert_eq!(client.answer_to("POST").unwrap().status, 401);
    // RFC 8446 section 6.1: the end is told.
    let (secure, secret) = files.gateway(&["a"], "", &upstream);
    let mut stream = connect(secure.public(), &Arc::new(files.client()), "a.example").unwrap();
    let asks =
        handshake(&secret).replace("websocket", "h2c").replace("Upgrade\r\n", "Upgrade, close\r\n");
    stream.write_all(asks.as_bytes()).unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).expect("it is told that nothing more comes");
    assert!(all.starts_with(b"HTTP/1.1 200 ") && all.ends_with(b"ok"));
}

/// An upstream within TLS that answers first gets all of the body, and nobody's request in the midst of it.
#[test]
fn an_upload_within_tls_that_is_answered_early_comes_whole() {
    const LONG: usize = 4 << 20;
    let (ca, folder) = (authority(), tempfile::tempdir().unwrap());
    let roots = folder.path().join("ca.pem");
    std::fs::write(&roots, ca.pem()).unwrap();
    let (listener, config) = (TcpListener::bind("127.0.0.1:0").unwrap(), Arc::new(config(&ca)));
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let upstream = thread::spawn(move || {
        let asked = || {
            let session = ServerConnection::new(Arc::clone(&config)).unwrap();
            let stream = StreamOwned::new(session, listener.accept().unwrap().0);
            let mut stream = BufReader::new(stream);
            let lines = (&mut stream).lines().map(Result::unwrap);
            let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
            stream.get_mut().write_all(answer).unwrap();
            let mut body = Vec::new();
            let _ = stream.take(LONG as u64).read_to_end(&mut body);
            (head[0].clone(), body)
        };
        [asked(), asked()]
    });
    let (gateway, secret) =
        endpoints::gateway(&format!("{url:?}"), &format!("upstream_ca = {roots:?}"));
    let mut client = gateway.begin_post("/x", &secret, LONG);
    let writes = thread::spawn({
        let stream = client.stream().try_clone().unwrap();
        move || (&stream).write_all(&vec![b'x'; LONG]).unwrap()
    });
    assert_eq!(client.answer_to("POST").unwrap().status, 200);
    writes.join().unwrap();
    wait_until("the connection is not given back", PATIENCE, || {
        gateway.counted(|core| core.under_way.value()) == 0
    });
    assert_eq!(gateway.ask(gateway.get("/next", &secret)).status, 200);
    drop(gateway);
    let [(post, body), (get, _)] = upstream.join().unwrap();
    assert!(post.starts_with("POST /x ") && get.starts_with("GET /next "), "{post} {get}");
    assert_eq!(body.len(), LONG);
    assert!(body.iter().all(|byte| *byte == b'x'), "nothing else is in it");
}

/// It is still with the upstream, which may have so many at a time and no more.
#[test]
fn an_upload_behind_its_answer_keeps_its_place_among_those_of_its_upstream() {
    let upstream = Upstream::scripted(|seen| match seen.line().starts_with("POST") {
        true => {
            let whole = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly";
            vec![Step::Send(whole.as_bytes().to_vec()), Step::TakeBody]
        }
        false => ok("ok"),
    });
    let (gateway, secret) = endpoints::gateway(
        &endpoints::urls(&[&upstream]),
        "upstream_concurrency = 1\nupstream_queue = 1\nupstream_queue_timeout = \"100ms\"",
    );
    let mut client = gateway.begin_post("/x", &secret, 1 << 30);
    assert_eq!(client.answer_to("POST").unwrap().text(), "early");
    client.send("x");
    assert_eq!(gateway.ask(gateway.get("/y", &secret)).status, 503);
    drop(client);
    wait_until("its place stays taken", PATIENCE, || {
        gateway.ask(gateway.get("/y", &secret)).status == 200
    });
}

/// RFC 9112 section 2.2: some clients send an empty line behind a body, which begins no request.
#[test]
fn an_empty_line_behind_a_request_does_not_begin_the_next() {
    let upstream = Upstream::scripted(|_| ok("ok"));
    let gateway = gateway(upstream.address(), "limits.head_timeout = \"500ms\"\n");
    let secret = gateway.any_token();
    let mut client = gateway.begin_post("/x", &secret, 4);
    client.send("body\r\n");
    assert_eq!(client.answer_to("POST").unwrap().status, 200);
    assert!(!client.closes_within(Duration::from_secs(3)), "it lies idle");
    assert_eq!(client.ask(gateway.get("/x", &secret)).status, 200);
}
