//! Upstreams of HTTP/2 that say they have not looked at a request (RFC 9113 section 8.7): it goes out again, whatever it
//! is, and nobody is blamed.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::endpoints::{gateway, metric};
use crate::support::client::Client;
use crate::support::frames::{
    ACK, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, RST_STREAM, SETTINGS, field, frame,
};
use crate::support::gateway::Gateway;

const REFUSED_STREAM: u32 = 7;
const ENHANCE_YOUR_CALM: u32 = 11;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Act {
    Answer,
    /// A head in HPACK, a body of four bytes, and trailers.
    Say(&'static [u8], &'static [u8]),
    /// Its stream is reset for this reason, once it is there to its end.
    Reset(u32),
    /// The same as soon as it begins.
    ResetAtOnce(u32),
    /// The connection ends for this reason, without it.
    Leave(u32),
    /// The connection ends, with it and without an answer.
    LeaveBehind(u32),
    /// The same without a word.
    Close,
    /// It is answered as soon as it begins, and the connection ends in good order.
    SayAndLeave,
}

/// A request, or as much as came of it.
#[derive(Clone, Debug)]
struct Came {
    connection: usize,
    body: Vec<u8>,
}

/// A server that does with its first requests as it is told, and answers the others.
pub(crate) struct Server {
    address: SocketAddr,
    came: Arc<Mutex<Vec<Came>>>,
}

impl Server {
    pub(crate) fn start(acts: impl Fn(usize) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, came) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<_>>>::default());
        let (told, acts, turn) = (Arc::clone(&came), Arc::new(acts), Arc::<AtomicUsize>::default());
        thread::spawn(move || {
            for (connection, stream) in listener.incoming().enumerate() {
                let (told, acts, turn) = (Arc::clone(&told), Arc::clone(&acts), Arc::clone(&turn));
                let next = move || acts(turn.fetch_add(1, Ordering::SeqCst));
                thread::spawn(move || serve(stream.unwrap(), connection, &told, next));
            }
        });
        Self { address, came }
    }

    fn of(acts: &'static [Act]) -> Self {
        Self::start(move |turn| acts.get(turn).copied().unwrap_or(Act::Answer))
    }

    pub(crate) fn url(&self) -> String {
        format!("\"http://{}\"", self.address)
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    fn take(&self) -> Vec<Came> {
        std::mem::take(&mut self.came.lock().unwrap())
    }
}

/// Serves until the connection ends, which the other side may bring about.
fn serve(
    mut stream: TcpStream,
    connection: usize,
    told: &Mutex<Vec<Came>>,
    next: impl Fn() -> Act,
) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    stream.read_exact(&mut [0; 24]).ok()?;
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).ok()?;
    let mut act = Act::Answer;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).ok()?;
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        stream.read_exact(&mut payload).ok()?;
        let on = u32::from_be_bytes(head[5..].try_into().unwrap());
        match head[3] {
            SETTINGS | PING if head[4] & ACK == 0 => {
                let payload = if head[3] == PING { &payload[..] } else { &[] };
                stream.write_all(&frame(head[3], ACK, 0, payload)).ok()?;
            }
            HEADERS => {
                told.lock().unwrap().push(Came { connection, body: Vec::new() });
                act = next();
            }
            DATA => told.lock().unwrap().last_mut().unwrap().body.extend_from_slice(&payload),
            _ => {}
        }
        if !matches!(head[3], HEADERS | DATA) {
            continue;
        }
        let leaves = |last: u32, reason: u32| {
            frame(GOAWAY, 0, 0, &[last.to_be_bytes(), reason.to_be_bytes()].concat())
        };
        let reset = |reason: u32| frame(RST_STREAM, 0, on, &reason.to_be_bytes());
        let ends = head[4] & END_STREAM != 0;
        match act {
            Act::SayAndLeave => {
                let fields = [&[0x88][..], &field("content-length", "4")].concat();
                let head = frame(HEADERS, END_HEADERS, on, &fields);
                let body = frame(DATA, END_STREAM, on, b"body");
                return stream.write_all(&[head, body, leaves(on, 0)].concat()).ok();
            }
            Act::ResetAtOnce(reason) if head[3] == HEADERS => stream.write_all(&reset(reason)),
            _ if !ends => continue,
            Act::ResetAtOnce(_) => continue,
            // `:status: 200`, of the table of HPACK.
            Act::Answer => stream.write_all(&frame(HEADERS, END_HEADERS | END_STREAM, on, &[0x88])),
            Act::Say(fields, trailers) => {
                let head = frame(HEADERS, END_HEADERS, on, fields);
                let end = frame(HEADERS, END_HEADERS | END_STREAM, on, trailers);
                stream.write_all(&[head, frame(DATA, 0, on, b"body"), end].concat())
            }
            Act::Reset(reason) => stream.write_all(&reset(reason)),
            Act::Leave(reason) => stream.write_all(&leaves(on.saturating_sub(2), reason)),
            Act::Close => return None,
            Act::LeaveBehind(reason) => return stream.write_all(&leaves(on, reason)).ok(),
        }
        .ok()?;
    }
}

fn ask(gateway: &Gateway, secret: &str, line: &str, end: &str) -> u16 {
    let mut client = Client::connect(gateway.public());
    client.send(format!(
        "{line} /test.Echo/Unary HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {secret}\r\n{end}"
    ));
    client.answer_to(line).unwrap().status
}

fn retried(gateway: &Gateway) -> u64 {
    gateway.counted(|core| core.retried.value())
}

const HTTP2: &str = "upstream_http2 = true\nupstream_retry = \"never\"\nupstream_eject_after = 1\n\
                     upstream_eject_time = \"1h\"";

/// A method, what stands behind the head of a request, and the body that the upstream gets.
const REQUESTS: [(&str, &str, &str); 5] = [
    ("GET", "\r\n", ""),
    ("POST", "\r\n", ""),
    ("POST", "Content-Length: 0\r\n\r\n", ""),
    ("POST", "Content-Length: 10\r\n\r\n\0\0\0\0\x05hello", "\0\0\0\0\x05hello"),
    ("POST", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n", "abcdefg"),
];

const UNSEEN: [Act; 4] = [
    Act::Reset(REFUSED_STREAM),
    Act::ResetAtOnce(REFUSED_STREAM),
    Act::Leave(0),
    Act::Leave(ENHANCE_YOUR_CALM),
];

#[test]
fn rfc9113_8_7_the_only_endpoint_gets_what_it_has_not_looked_at_again() {
    for act in UNSEEN {
        for (method, end, body) in REQUESTS {
            let server = Server::start(move |turn| if turn == 1 { act } else { Act::Answer });
            let (gateway, secret) = gateway(&server.url(), HTTP2);
            // The session has been used, and is used for others afterwards unless it has ended.
            assert_eq!(ask(&gateway, &secret, "GET", "\r\n"), 200);
            assert_eq!(ask(&gateway, &secret, method, end), 200, "{act:?} {method} {end:?}");
            assert_eq!(retried(&gateway), 1);
            let came = server.take();
            assert_eq!(came.len(), 3, "{act:?} {came:?}");
            assert_eq!(came[2].body, body.as_bytes(), "{act:?} {method} {end:?}");
            let ends = matches!(act, Act::Leave(_));
            assert_eq!(came[2].connection > came[1].connection, ends, "{act:?} {came:?}");
        }
    }
}

#[test]
fn rfc9113_8_7_another_endpoint_gets_it_and_nobody_is_blamed() {
    for act in UNSEEN {
        for (method, end, body) in REQUESTS {
            let acts = Arc::new(AtomicUsize::new(0));
            // Whoever is asked first refuses, and the other does not.
            let all = [(); 2].map(|()| {
                let acts = Arc::clone(&acts);
                let first = move |_| acts.fetch_add(1, Ordering::SeqCst) == 0;
                Server::start(move |turn| if first(turn) { act } else { Act::Answer })
            });
            let urls = format!("{}, {}", all[0].url(), all[1].url());
            let (gateway, secret) = gateway(&urls, HTTP2);
            assert_eq!(ask(&gateway, &secret, method, end), 200, "{act:?} {method} {end:?}");
            let came = all.each_ref().map(Server::take);
            assert_eq!(came.each_ref().map(Vec::len), [1, 1], "{act:?} {came:?}");
            let bodies = came.concat();
            assert!(bodies.iter().any(|one| one.body == body.as_bytes()), "{act:?} {bodies:?}");
            assert_eq!(retried(&gateway), 1);
            for server in &all {
                assert_eq!(metric(&gateway, "upstream_ejections_total", server.address), "0");
            }
        }
    }
}

#[test]
fn what_an_upstream_may_have_looked_at_goes_out_once() {
    for act in [
        Act::LeaveBehind(0),
        Act::LeaveBehind(ENHANCE_YOUR_CALM),
        Act::Reset(0x2),
        Act::Reset(0x8),
        Act::ResetAtOnce(ENHANCE_YOUR_CALM),
    ] {
        for (method, end, _) in REQUESTS {
            let server = Server::start(move |turn| if turn == 0 { act } else { Act::Answer });
            let (gateway, secret) = gateway(&server.url(), HTTP2);
            assert_eq!(ask(&gateway, &secret, method, end), 502, "{act:?} {method}");
            assert_eq!((server.take().len(), retried(&gateway)), (1, 0), "{act:?} {method}");
        }
    }
}

#[test]
fn a_long_body_that_went_out_is_not_there_to_be_sent_again() {
    let server = Server::of(&[Act::Reset(REFUSED_STREAM)]);
    let (gateway, secret) = gateway(&server.url(), HTTP2);
    let (short, long) = ("x".repeat(16 << 10), "x".repeat((16 << 10) + 1));
    let with = |body: &str| format!("Content-Length: {}\r\n\r\n{body}", body.len());
    assert_eq!(ask(&gateway, &secret, "POST", &with(&long)), 502);
    assert_eq!((server.take().len(), retried(&gateway)), (1, 0));
    let server = Server::of(&[Act::Reset(REFUSED_STREAM), Act::Reset(REFUSED_STREAM)]);
    let (gateway, secret) = self::gateway(&server.url(), HTTP2);
    assert_eq!(ask(&gateway, &secret, "POST", &with(&short)), 200, "twice");
    let came = server.take();
    assert_eq!(came.len(), 3);
    assert!(came.iter().all(|one| one.body == short.as_bytes()));
    assert!(came[2].connection > came[1].connection, "the second time it is another connection");
}

#[test]
fn whoever_refuses_everything_is_asked_a_few_times_and_within_the_budget() {
    let server = Server::start(|_| Act::Reset(REFUSED_STREAM));
    let (gateway, secret) = gateway(&server.url(), HTTP2);
    assert_eq!(ask(&gateway, &secret, "POST", "\r\n"), 502);
    assert_eq!((server.take().len(), retried(&gateway)), (3, 2));
    let begun = tollgate::clock::instant();
    for _ in 0..300 {
        assert_eq!(ask(&gateway, &secret, "GET", "\r\n"), 502);
    }
    // A tenth, and three for each second that the machine took, over two cores at the most.
    let most = 30 + 6 * (begun.elapsed().as_secs() + 2);
    assert!((10..=most).contains(&retried(&gateway)), "{}", retried(&gateway));
}
