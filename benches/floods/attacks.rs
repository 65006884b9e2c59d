//! The floods: each as what one connection does, or some, until it is closed or the time is over.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::support::client::Client;
use crate::support::frames::{
    self, ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, Frames, HEADERS, PING, PRIORITY,
    RST_STREAM, SETTINGS, WINDOW_UPDATE,
};

/// Whom it is for.
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) secret: String,
}

impl Target {
    /// The bytes of a `GET` over HTTP/1.1.
    pub(crate) fn request(&self, path: &str, secret: &str) -> String {
        format!("GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {secret}\r\n\r\n")
    }
}

/// One kind of flood.
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    /// Whether it is one of those that sec-D1 names.
    pub(crate) is_of_http2: bool,
    /// What one connection does; says how many requests or frames it sent.
    pub(crate) once: fn(&Target, &AtomicBool) -> u64,
}

/// All of them, behind the crowd that they are held against.
pub(crate) const ALL: &[Attack] = &[
    Attack { name: "an ordinary crowd", is_of_http2: false, once: crowd },
    Attack {
        name: "malformed heads",
        is_of_http2: false,
        once: |target, stop| heads(target, stop, &malformed),
    },
    Attack {
        name: "10 kB in one field",
        is_of_http2: false,
        once: |target, stop| large(target, stop, 1),
    },
    Attack {
        name: "10 kB in 95 fields",
        is_of_http2: false,
        once: |target, stop| large(target, stop, 95),
    },
    Attack {
        name: "heads of 20 kB",
        is_of_http2: false,
        once: |target, stop| heads(target, stop, &oversized),
    },
    Attack {
        name: "tokens that are none",
        is_of_http2: false,
        once: |target, stop| tokens(target, stop, &garbage),
    },
    Attack {
        name: "distinct unknown tokens",
        is_of_http2: false,
        once: |target, stop| tokens(target, stop, &unknown),
    },
    Attack { name: "300 heads that drip", is_of_http2: false, once: drips },
    Attack { name: "rapid reset", is_of_http2: true, once: |t, s| resets(t, s, "nobody's") },
    Attack {
        name: "rapid reset, permitted",
        is_of_http2: true,
        once: |t, s| resets(t, s, &t.secret),
    },
    Attack {
        name: "CONTINUATION",
        is_of_http2: true,
        once: |t, s| behind_head(t, s, 0, CONTINUATION, b""),
    },
    Attack {
        name: "empty DATA",
        is_of_http2: true,
        once: |t, s| behind_head(t, s, END_HEADERS, DATA, b""),
    },
    Attack { name: "PING", is_of_http2: true, once: |t, s| pester(t, s, PING, 0, 0, &[7; 8]) },
    Attack {
        name: "PING that answers",
        is_of_http2: true,
        once: |t, s| pester(t, s, PING, ACK, 0, &[7; 8]),
    },
    Attack {
        name: "SETTINGS",
        is_of_http2: true,
        once: |t, s| pester(t, s, SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 9]),
    },
    Attack {
        name: "PRIORITY",
        is_of_http2: true,
        once: |t, s| pester(t, s, PRIORITY, 0, 1, &[0, 0, 0, 0, 16]),
    },
    Attack {
        name: "WINDOW_UPDATE",
        is_of_http2: true,
        once: |t, s| pester(t, s, WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]),
    },
    Attack {
        name: "an unknown kind",
        is_of_http2: true,
        once: |t, s| pester(t, s, 0x20, 0, 0, b""),
    },
];

const BATCH: u64 = 100;

fn crowd(target: &Target, stop: &AtomicBool) -> u64 {
    pipelined(target, stop, 200, |_| target.request("/crowd", &target.secret))
}

/// Permitted requests whose heads have 10 kB beside what others have, in so many fields.
fn large(target: &Target, stop: &AtomicBool, fields: usize) -> u64 {
    let value = "y".repeat(10_000 / fields - "X-10: \r\n".len());
    let more: String = (0..fields).map(|nth| format!("X-{nth:02}: {value}\r\n")).collect();
    let request = target.request("/large", &target.secret).replace("Host", &format!("{more}Host"));
    pipelined(target, stop, 200, |_| request.clone())
}

fn pipelined(
    target: &Target,
    stop: &AtomicBool,
    status: u16,
    request: impl Fn(u64) -> String,
) -> u64 {
    // Over all connections, so that what is unknown stays so.
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let mut client = Client::connect(target.address);
    let mut sent = 0;
    while !stop.load(Ordering::Relaxed) {
        let first = NUMBER.fetch_add(BATCH, Ordering::Relaxed);
        client.send((first..first + BATCH).map(&request).collect::<String>());
        for _ in 0..BATCH {
            assert_eq!(client.answer().status, status);
        }
        sent += BATCH;
    }
    sent
}

fn tokens(target: &Target, stop: &AtomicBool, token: &dyn Fn(u64) -> String) -> u64 {
    pipelined(target, stop, 401, |number| target.request("/x", &token(number)))
}

fn garbage(number: u64) -> String {
    format!("{number}")
}

fn unknown(number: u64) -> String {
    format!("7b1d0a52-52a7-4d4d-9f0e-{number:012x}")
}

/// A head on a connection of its own.
fn heads(target: &Target, _: &AtomicBool, head: &dyn Fn(&Target) -> (String, u16)) -> u64 {
    let (head, status) = head(target);
    let mut client = Client::connect(target.address);
    client.send(head);
    assert!(client.answer_to("GET").is_none_or(|found| found.status == status));
    1
}

fn malformed(target: &Target) -> (String, u16) {
    (target.request("/x", &target.secret).replace("Host", ": y\r\nHost"), 400)
}

fn oversized(target: &Target) -> (String, u16) {
    (target.request(&format!("/{}", "x".repeat(20_000)), &target.secret), 431)
}

fn drips(target: &Target, stop: &AtomicBool) -> u64 {
    let connect = || {
        let mut client = Client::connect(target.address);
        client.send("GET /x HTTP/1.1\r\nHost: a\r\n");
        client
    };
    let mut slow: Vec<_> = (0..300).map(|_| connect()).collect();
    let mut sent = 0;
    while !slow.is_empty() && !stop.load(Ordering::Relaxed) {
        slow.retain_mut(|client| {
            client.send("X: y\r\n");
            sent += 1;
            !client.closes_within(Duration::from_millis(1))
        });
    }
    sent
}

/// Each of the permitted ones has cost a connection to the upstream by the time it is reset.
fn resets(target: &Target, stop: &AtomicBool, secret: &str) -> u64 {
    let mut frames = Frames::connect(target.address, 1 << 16);
    let block = frames::block("GET", "/never", secret, &[]);
    until_closed(stop, |number| {
        let stream = u32::try_from(2 * number + 1).unwrap();
        let head = frames::frame(HEADERS, END_HEADERS | END_STREAM, stream, &block);
        let reset = frames::frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes());
        frames.send_bytes(&[head, reset].concat()).then_some(1)
    })
}

/// Frames behind a head that does not end its stream.
fn behind_head(target: &Target, stop: &AtomicBool, flags: u8, kind: u8, payload: &[u8]) -> u64 {
    let mut frames = Frames::connect(target.address, 1 << 16);
    frames.send(HEADERS, flags, 1, &frames::block("POST", "/x", &target.secret, &[]));
    let batch = frames::frame(kind, 0, 1, payload).repeat(100);
    until_closed(stop, |_| frames.send_bytes(&batch).then_some(BATCH))
}

/// Frames beside a request that is never answered.
fn pester(
    target: &Target,
    stop: &AtomicBool,
    kind: u8,
    flags: u8,
    stream: u32,
    payload: &[u8],
) -> u64 {
    let mut frames = Frames::connect(target.address, 1 << 16);
    frames.get(1, "/never", &target.secret);
    let batch = frames::frame(kind, flags, stream, payload).repeat(100);
    until_closed(stop, |turn| {
        // What is answered has to be taken now and then, or it would hold the flood back.
        let taken = turn % 20 != 19 || !frames.closes_within(Duration::from_micros(1));
        (taken && frames.send_bytes(&batch)).then_some(BATCH)
    })
}

/// Goes on while `send` says how much it sent.
fn until_closed(stop: &AtomicBool, mut send: impl FnMut(u64) -> Option<u64>) -> u64 {
    let (mut sent, mut turn) = (0, 0);
    while !stop.load(Ordering::Relaxed)
        && let Some(more) = send(turn)
    {
        sent += more;
        turn += 1;
    }
    sent
}
