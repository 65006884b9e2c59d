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
use crate::support::upstream::{Upstream, ok};
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
            let plain = [fresh, half, of_http2, announced, refused].into_iter().zip(said);
            let plain = plain.map(|(socket, said)| exchange(socket, said));
            let said = [&request, &request, &request_of_http2];
            let secure = [silent, agreed, agreed_http2].into_iter().zip(said);
            let secure = secure.map(|(stream, said)| exchange(stream, said));
            plain.chain(secure).chain([rest]).collect::<Vec<_>>()
        })
    });
    assert_eq!(answers.len(), 9);
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
    let kept_ends = stage.stopped(|| kept.closes_within(PATIENCE));
    assert!(kept_ends.unwrap_or(true), "between two requests nobody is waited for");
    assert!(begun.elapsed() < Duration::from_secs(60), "no client holds it up");
    assert!(fresh.closes_within(PATIENCE) && half.closes_within(PATIENCE));
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
