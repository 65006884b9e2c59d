//! Clients who have come and not asked yet when the gateway is told to stop: each has a second to ask, is answered, and told
//! that its connection ends.

use std::io::{Read, Result, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::files::Files;
use crate::support::client::{Client, connected_from};
use crate::support::frames::{self, END_HEADERS, END_STREAM, GOAWAY, HEADERS};
use crate::support::gateway::Gateway;
use crate::support::steps::Steps;
use crate::support::upstream::{Step, Upstream, ok};
use crate::support::{PATIENCE, wait_until};
use crate::tls::Stream;

/// How soon each has asked. A machine that is slower than that has not shown anything.
const SOON: Duration = Duration::from_millis(700);

/// In the order in which it is dropped.
struct Stage {
    gateway: Gateway,
    secret: String,
    files: Files,
    _upstream: Upstream,
}

impl Stage {
    fn new() -> Self {
        let (files, upstream) = (Files::new(), Upstream::scripted(|_| ok("ok")));
        files.make("a", &["a.example"]);
        let gateway = Gateway::start_with(
            "h2c = true, plain = \"127.0.0.1:0\"",
            &format!(
                "limits.drain_timeout = \"2m\"\nproxies.proxy_protocol = [\"127.0.0.2\"]\n\
                 tls.certificates = [{{ chain = {:?}, key = {:?} }}]\n\
                 [[apis]]\nname = \"a\"\nupstream = \"http://{}\"\nrules = [{{ path = \"/{{*rest}}\" }}]\n",
                files.path("a.pem"),
                files.path("a.key"),
                upstream.address(),
            ),
        );
        gateway.owner("somebody");
        let secret = gateway.any_token();
        Self { gateway, secret, files, _upstream: upstream }
    }

    fn client(&self, protocol: &str) -> Arc<ClientConfig> {
        let mut config = self.files.client();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        Arc::new(config)
    }

    fn request(&self) -> Vec<u8> {
        self.gateway.get("/x", &self.secret).into_bytes()
    }

    /// The preface of HTTP/2 and a request (RFC 9113 section 3.4).
    fn request_of_http2(&self) -> Vec<u8> {
        let block = frames::block("GET", "/x", &self.secret, &[]);
        let head = frames::frame(HEADERS, END_HEADERS | END_STREAM, 1, &block);
        [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &frames::frame(4, 0, 0, b"")[..], &head].concat()
    }

    /// Tells it to stop, and has `speak` say what it has to once nobody is let in any more. None if it took too long.
    fn stopped<T>(&mut self, speak: impl FnOnce() -> T) -> Option<T> {
        let plain = self.gateway.plain();
        let gateway = &mut self.gateway;
        thread::scope(|scope| {
            let begun = Steps::begin();
            scope.spawn(move || gateway.stop());
            wait_until("nobody comes in", PATIENCE, || TcpStream::connect(plain).is_err());
            let said = speak();
            (begun.elapsed() < SOON).then_some(said)
        })
    }
}

/// A client's side of TLS on a connection on which nothing was said.
fn within(socket: TcpStream, config: &Arc<ClientConfig>) -> Stream {
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let name = "a.example".try_into().unwrap();
    StreamOwned::new(ClientConnection::new(Arc::clone(config), name).unwrap(), socket)
}

fn shaken(mut stream: Stream) -> Stream {
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock).unwrap();
    }
    stream
}

/// Says this, and takes what comes until the end, which has to be in order; over HTTP/2 an answer is enough.
fn exchange(mut stream: impl Read + Write, said: &[u8]) -> Result<Vec<u8>> {
    stream.write_all(said)?;
    let (mut all, mut some) = (Vec::new(), [0; 4_096]);
    loop {
        let length = stream.read(&mut some)?;
        all.extend_from_slice(&some[..length]);
        if length == 0 || !all.starts_with(b"HTTP") && all.ends_with(b"ok") {
            return Ok(all);
        }
    }
}

/// Speaks until it is slow no more.
fn until_soon<T>(tries: impl Fn() -> Option<T>) -> T {
    (0..20).find_map(|_| tries()).expect("this machine is too slow")
}

#[test]
fn who_has_come_is_answered_whatever_is_spoken() {
    let answers = until_soon(|| {
        let mut stage = Stage::new();
        let (plain, public) = (stage.gateway.plain(), stage.gateway.public());
        let (http1, http2) = (stage.client("http/1.1"), stage.client("h2"));
        let (request, request_of_http2) = (stage.request(), stage.request_of_http2());
        let socket = |address| connected_from("127.0.0.1", address);
        let (fresh, mut half, of_http2) = (socket(plain), socket(plain), socket(plain));
        let refused = socket(plain);
        // Half of a request that came in the same breath as another.
        let mut behind = Client::over(socket(plain));
        behind.send([&request[..], &request[..9]].concat());
        assert_eq!(behind.answer().status, 200);
        let behind = behind.stream().try_clone().unwrap();
        // One who was answered just now, and asks again.
        let mut kept = Client::over(socket(plain));
        assert_eq!(kept.ask(&request).status, 200);
        let kept = kept.stream().try_clone().unwrap();
        let announced = connected_from("127.0.0.2", plain);
        half.write_all(&request[..9]).unwrap();
        let silent = within(socket(public), &http1);
        let agreed = shaken(within(socket(public), &http1));
        let agreed_http2 = shaken(within(socket(public), &http2));
        stage.stopped(move || {
            let header = b"PROXY TCP4 203.0.113.9 127.0.0.1 4711 80\r\n";
            let announcement = [header, &request[..]].concat();
            let nobody = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
            let said = [&request[..], &request[9..], &request_of_http2, &announcement, nobody];
            let rest = exchange(behind, &request[9..]);
            let again = exchange(kept, &request);
            let plain = [fresh, half, of_http2, announced, refused].into_iter().zip(said);
            let plain = plain.map(|(socket, said)| exchange(socket, said));
            let said = [&request, &request, &request_of_http2];
            let secure = [silent, agreed, agreed_http2].into_iter().zip(said);
            let secure = secure.map(|(stream, said)| exchange(stream, said));
            plain.chain(secure).chain([rest, again]).collect::<Vec<_>>()
        })
    });
    assert_eq!(answers.len(), 10);
    for (nth, answer) in answers.into_iter().enumerate() {
        let answer = answer.unwrap_or_else(|error| panic!("{nth}: {error}"));
        let shown = String::from_utf8_lossy(&answer);
        if [2, 7].contains(&nth) {
            let kinds = kinds(&answer);
            assert!(
                kinds.contains(&(HEADERS, 1)) && kinds.contains(&(GOAWAY, 0)),
                "{nth}: {kinds:?}"
            );
        } else {
            let status = if nth == 4 { "401" } else { "200" };
            assert!(shown.starts_with(&format!("HTTP/1.1 {status}")), "{nth}: {shown}");
            assert!(shown.to_ascii_lowercase().contains("connection: close"), "{nth}: {shown}");
        }
    }
}

/// The kinds of all frames, and their streams.
fn kinds(mut bytes: &[u8]) -> Vec<(u8, u32)> {
    let mut kinds = Vec::new();
    while let [a, b, c, kind, _, stream @ ..] = bytes {
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        kinds.push((*kind, u32::from_be_bytes(stream[..4].try_into().unwrap())));
        bytes = &stream[4 + length..];
    }
    kinds
}

#[test]
fn who_says_nothing_is_waited_for_a_second() {
    let mut stage = Stage::new();
    let mut fresh = Client::connect(stage.gateway.plain());
    let mut kept = Client::connect(stage.gateway.plain());
    let mut half = Client::connect(stage.gateway.plain());
    let mut secure = shaken(within(
        connected_from("127.0.0.1", stage.gateway.public()),
        &stage.client("http/1.1"),
    ));
    let request = stage.request();
    half.send(&request[..9]);
    assert_eq!(kept.ask(&request).status, 200);
    let begun = Steps::begin();
    stage.stopped(|| kept.closes_within(PATIENCE));
    assert!(begun.elapsed() < Duration::from_secs(60), "no client holds it up");
    let mut plain = [&mut kept, &mut fresh, &mut half];
    assert!(plain.iter_mut().all(|client| client.closes_within(PATIENCE)));
    assert_eq!(secure.read(&mut [0]).unwrap(), 0, "RFC 8446 section 6.1: it is told");
}

/// What the system took for us a moment ago, and nobody may have looked at.
#[test]
fn who_stands_in_the_queue_is_let_in() {
    let answers = until_soon(|| {
        let mut stage = Stage::new();
        let (plain, request) = (stage.gateway.plain(), stage.request());
        let connect = |_| TcpStream::connect(plain).unwrap();
        let sockets: Vec<_> = (0..200).map(connect).collect();
        stage.stopped(move || {
            let exchange = |socket| exchange(socket, &request);
            sockets.into_iter().map(exchange).collect::<Vec<_>>()
        })
    });
    for answer in answers {
        let answer = answer.unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    }
}

/// Long enough that no socket holds all of it.
const LONG: usize = 8_000_000;

/// What begun before goes on to its end, and what came behind it in the same breath is answered, however long its client takes
/// to read: one is told with the last head that goes out.
#[test]
fn what_came_behind_a_long_answer_is_answered_too() {
    let upstream = Upstream::scripted(|seen| match seen.line().contains("/long") {
        true => ok(&"x".repeat(LONG)),
        false => ok("ok"),
    });
    let mut gateway = Gateway::limited("drain_timeout = \"2m\"", upstream.address());
    let secret = gateway.any_token();
    let (long, short) = (gateway.get("/long", &secret), gateway.get("/short", &secret));
    let said = [format!("{long}{short}"), format!("{long}{}", &short[..9])];
    let mut clients = said.map(|said| {
        let mut client = Client::connect(gateway.public());
        client.send(said);
        // Too late to be told with this one.
        client.wait_for("HTTP/1.1 200");
        client
    });
    let mut silent = Client::connect(gateway.public());
    thread::scope(|scope| {
        scope.spawn(|| gateway.stop());
        assert!(silent.closes_within(PATIENCE), "the time for who has not begun to ask is over");
        for client in &mut clients {
            assert_eq!(client.answer().body.len(), LONG);
        }
        let [whole, half] = &mut clients;
        let last = whole.answer();
        assert_eq!((last.status, last.value("connection").as_deref()), (200, Some("close")));
        assert!(whole.closes_within(PATIENCE) && half.closes_within(PATIENCE));
    });
}

/// Its answer began before everything ended, and does not say so; the next one does.
#[test]
fn whose_answer_is_over_late_has_a_second_to_ask_again() {
    let upstream = Upstream::scripted(|seen| match seen.line().contains("/slow") {
        true => vec![
            Step::TakeBody,
            Step::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n".to_vec()),
            Step::Wait,
            Step::Send(b"late".to_vec()),
        ],
        false => ok("ok"),
    });
    let mut gateway = Gateway::limited("drain_timeout = \"2m\"", upstream.address());
    let secret = gateway.any_token();
    let mut client = Client::connect(gateway.public());
    client.send(gateway.get("/slow", &secret));
    client.wait_for("\r\n\r\n");
    let mut silent = Client::connect(gateway.public());
    let again = gateway.get("/x", &secret).replace("GET ", "POST ");
    thread::scope(|scope| {
        scope.spawn(|| gateway.stop());
        assert!(silent.closes_within(PATIENCE), "the time for who has not begun to ask is over");
        upstream.go_on();
        let late = client.answer();
        assert_eq!((&*late.text(), late.value("connection")), ("late", None));
        let last = client.ask(again);
        assert_eq!((last.status, last.value("connection").as_deref()), (200, Some("close")));
        assert!(client.closes_within(PATIENCE));
    });
}

/// The library takes a part of an answer for which there is no room, so that nothing seems to be under way.
#[test]
fn who_reads_an_answer_over_http2_slowly_gets_all_of_it() {
    let upstream = Upstream::scripted(|_| ok(&"x".repeat(12_000)));
    let mut gateway = Gateway::limited("drain_timeout = \"2m\"", upstream.address());
    let secret = gateway.any_token();
    let mut slow = frames::Frames::connect(gateway.public(), 100);
    slow.get(1, "/x", &secret);
    assert_eq!(slow.next_on(1).status(), Some(200));
    assert_eq!(slow.next_on(1).payload.len(), 100);
    let [mut silent, mut done] = [(); 2].map(|()| frames::Frames::connect(gateway.public(), 100));
    let begun = Steps::begin();
    thread::scope(|scope| {
        scope.spawn(|| gateway.stop());
        // It answers, has nothing under way, and is told that it is over.
        while done.next().is_some() {}
        // The second one comes behind the answer to a ping.
        for _ in 0..2 {
            while slow.next().unwrap().kind != GOAWAY {}
        }
        while silent.next_unanswered().is_some() {}
        slow.give_room(1, 20_000);
        let mut came = 100;
        while came < 12_000 {
            came += slow.next_on(1).payload.len();
        }
    });
    // They have read all, and stay: nobody waits for that.
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}

/// What its client sent before it had read that everything ends is under way, and no longer idle.
#[test]
fn a_request_over_http2_that_crosses_the_word_of_the_end_has_its_time() {
    let upstream = Upstream::scripted(|seen| match seen.line().contains("/slow") {
        true => [vec![Step::TakeBody, Step::Wait], ok("late")].concat(),
        false => ok("ok"),
    });
    let limits = "drain_timeout = \"2m\", idle_timeout = \"6s\"";
    let mut gateway = Gateway::limited(limits, upstream.address());
    let secret = gateway.any_token();
    let asked = || {
        let mut client = frames::Frames::connect(gateway.public(), 1 << 16);
        client.get(1, "/x", &secret);
        assert_eq!(client.reply(1).status, Some(200));
        client
    };
    let (mut crosses, mut silent) = (asked(), asked());
    thread::scope(|scope| {
        scope.spawn(|| gateway.stop());
        let ping = loop {
            let frame = crosses.next_unanswered().unwrap();
            if frame.kind == frames::PING {
                break frame;
            }
        };
        crosses.get(3, "/slow", &secret);
        upstream.wait_for(3);
        crosses.send(frames::PING, frames::ACK, 0, &ping.payload);
        // Five seconds, and then longer than an idle connection has.
        while silent.next_unanswered().is_some() {}
        assert!(!crosses.closes_within(Duration::from_secs(2)));
        upstream.go_on();
        assert_eq!(crosses.reply(3).status, Some(200));
    });
}
