//! Slow, silent and endless clients: each is ended in its time, and others are served meanwhile
//! (the bounds of sec-D2 and sec-D3 that an ordinary test can show).

use std::io::{ErrorKind, Read};
use std::time::Duration;

use tollgate::clock::instant;

use crate::support::client::Client;
use crate::support::frames::{
    END_HEADERS, END_STREAM, Frames, HEADERS, PING, SETTINGS, WINDOW_UPDATE, block, frame,
};
use crate::support::gateway::Gateway;
use crate::support::upstream::{Step, Upstream};

const LIMIT: Duration = Duration::from_secs(1);
/// A limit is kept if the connection ends within this; the machine may be busy.
const GRACE: Duration = Duration::from_secs(8);

struct Stage {
    upstream: Upstream,
    gateway: Gateway,
    secret: String,
}

fn stage() -> Stage {
    let large =
        format!("HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n{}", "x".repeat(50_000_000));
    let upstream = Upstream::scripted(move |seen| {
        if seen.line().contains("/chunked") {
            let length = 50_000_000;
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            let text = format!("{head}{length:x}\r\n{}\r\n0\r\n\r\n", "x".repeat(length));
            return vec![Step::TakeBody, Step::Send(text.into_bytes())];
        }
        if seen.line().contains("/large") {
            return vec![Step::TakeBody, Step::Send(large.clone().into_bytes())];
        }
        crate::support::upstream::ok("ok")
    });
    let limits = "head_timeout = \"1s\", idle_timeout = \"1s\", stall_timeout = \"1s\"";
    let gateway = Gateway::limited(limits, upstream.address());
    let secret = gateway.any_token();
    Stage { upstream, gateway, secret }
}

impl Stage {
    /// Asks as an honest client would, and says how it went.
    fn others_are_served(&self) {
        let found = self.gateway.ask(self.gateway.get("/honest", &self.secret));
        assert_eq!(found.status, 200);
    }

    /// Whether a client is ended within the limit and its grace.
    fn is_ended(&self, row: &str, client: &mut Client) {
        let begun = instant();
        self.others_are_served();
        while !client.closes_within(Duration::from_millis(200)) {
            self.others_are_served();
            assert!(begun.elapsed() < LIMIT + GRACE, "{row}: still open");
        }
    }
}

#[test]
fn a_silent_client_is_ended() {
    let stage = stage();
    let mut client = Client::connect(stage.gateway.public());
    stage.is_ended("silent from the start", &mut client);
}

#[test]
fn a_client_that_drips_its_head_is_ended() {
    let stage = stage();
    let mut client = Client::connect(stage.gateway.public());
    let begun = instant();
    client.send("GET /x HTTP/1.1\r\nHost: a\r\n");
    let mut number = 0;
    while !client.closes_within(Duration::from_millis(100)) {
        client.send(format!("X-{number}: y\r\n"));
        number += 1;
        assert!(begun.elapsed() < LIMIT + GRACE, "still dripping after {:?}", begun.elapsed());
    }
    stage.others_are_served();
    assert!(!stage.upstream.take().iter().any(|seen| seen.line().contains("/x ")));
}

#[test]
fn an_idle_connection_is_ended() {
    let stage = stage();
    let mut client = Client::connect(stage.gateway.public());
    assert_eq!(client.ask(stage.gateway.get("/", &stage.secret)).status, 200);
    stage.is_ended("idle", &mut client);
}

#[test]
fn a_body_that_stalls_is_ended_with_408() {
    let stage = stage();
    let mut client = Client::connect(stage.gateway.public());
    let auth = &stage.secret;
    client.send(format!("POST /x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {auth}\r\nContent-Length: 100\r\n\r\nten bytes."));
    let begun = instant();
    let found = client.answer_to("POST");
    assert!(begun.elapsed() < LIMIT + GRACE);
    assert!(found.is_none_or(|found| found.status == 408));
    assert!(client.is_closed());
    stage.others_are_served();
    assert!(
        !stage.upstream.take().iter().any(|seen| seen.line().starts_with("POST") && seen.complete)
    );
}

#[test]
fn a_client_that_does_not_read_is_ended() {
    let stage = stage();
    let mut client = Client::connect(stage.gateway.public());
    client.send(stage.gateway.get("/large", &stage.secret));
    // Nothing is read: buffers fill, and then nothing moves. What is left in them can be read later,
    // but it is not the whole.
    let begun = instant();
    while stage.gateway.counted(|core| core.cut_by_client.value()) == 0 {
        stage.others_are_served();
        assert!(begun.elapsed() < LIMIT + GRACE, "it was never ended");
    }
    let found = client.answer();
    assert!(!found.whole, "{} bytes came in the end", found.body.len());
}

#[test]
fn a_client_of_http_1_0_that_does_not_read_sees_that_the_answer_was_cut() {
    let stage = stage();
    let mut client = Client::connect(stage.gateway.public());
    client.send(stage.gateway.get("/chunked", &stage.secret).replace("HTTP/1.1", "HTTP/1.0"));
    let begun = instant();
    let cores = &stage.gateway.app().shared().counters.cores;
    while cores.iter().all(|core| core.cut_by_client.value() == 0) {
        stage.others_are_served();
        assert!(begun.elapsed() < LIMIT + GRACE, "it was never ended");
    }
    let ended = client.stream().read_to_end(&mut Vec::new()).map_err(|error| error.kind());
    assert_eq!(ended, Err(ErrorKind::ConnectionReset));
}

#[test]
fn sec_d3_oversized_heads_are_refused() {
    let stage = stage();
    let auth = format!("Authorization: Bearer {}\r\n", stage.secret);
    for (row, head, wanted) in [
        (
            "64 kB header",
            format!("GET / HTTP/1.1\r\nHost: a\r\n{auth}X: {}\r\n\r\n", "x".repeat(65_536)),
            431,
        ),
        (
            "1 MB header",
            format!("GET / HTTP/1.1\r\nHost: a\r\n{auth}X: {}\r\n\r\n", "x".repeat(1 << 20)),
            431,
        ),
        (
            "endless name",
            format!("GET / HTTP/1.1\r\nHost: a\r\n{auth}{}", "x".repeat(1 << 20)),
            431,
        ),
        (
            "101 headers",
            format!("GET / HTTP/1.1\r\nHost: a\r\n{auth}{}\r\n", "X: y\r\n".repeat(101)),
            431,
        ),
        (
            "10 kB target",
            format!("GET /{} HTTP/1.1\r\nHost: a\r\n{auth}\r\n", "x".repeat(10_000)),
            414,
        ),
        (
            "70 kB target",
            format!("GET /{} HTTP/1.1\r\nHost: a\r\n{auth}\r\n", "x".repeat(70_000)),
            431,
        ),
        ("endless method", "G".repeat(1 << 20), 431),
        (
            "64 kB token",
            format!(
                "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\r\n",
                "x".repeat(64_000)
            ),
            431,
        ),
    ] {
        let mut client = Client::connect(stage.gateway.public());
        client.send(head);
        let status = client.answer_to("GET").map(|found| found.status);
        assert_eq!(status, Some(wanted), "{row}");
        assert!(stage.upstream.take().is_empty(), "{row}");
        stage.others_are_served();
        stage.upstream.take();
    }
}

#[test]
fn a_client_that_stops_within_the_preface_of_http2_is_ended() {
    let stage = stage();
    for start in ["P", "PRI * HTTP/2.0\r\n\r\nSM"] {
        let mut client = Client::connect(stage.gateway.public());
        client.send(start);
        stage.is_ended(start, &mut client);
    }
    let auth = &stage.secret;
    let found = stage
        .gateway
        .ask(format!("PRIVATE /x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {auth}\r\n\r\n"));
    assert_eq!(found.status, 200, "a method that begins like the preface");
}

#[test]
fn a_preface_of_http2_may_come_in_pieces_and_may_break_off() {
    let stage = stage();
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let mut client = Client::connect(stage.gateway.public());
    client.stream().set_nodelay(true).unwrap();
    for piece in [0..1, 1..10, 10..23, 23..24] {
        client.send(&preface[piece]);
        // Others have their turn between two pieces.
        stage.gateway.ask(stage.gateway.get("/x", &stage.secret));
    }
    client.send(frame(SETTINGS, 0, 0, &[]));
    let first = client.read_to("\u{4}");
    assert_eq!(first.get(3), Some(&SETTINGS), "{first:?}");
    for end in [1, 10, 23] {
        let mut client = Client::connect(stage.gateway.public());
        client.send(&preface[..end]);
        stage.gateway.ask(stage.gateway.get("/x", &stage.secret));
        client.finish();
        let status = client.answer_to("GET").map(|answer| answer.status);
        assert!(matches!(status, None | Some(400)), "{end}: {status:?}");
    }
}

/// sec-D2 over HTTP/2: a head has its time however it comes, and whatever is sent meanwhile.
#[test]
fn a_head_over_http2_that_does_not_end_is_ended() {
    let upstream = Upstream::start();
    let limits = "head_timeout = \"1s\", idle_timeout = \"1h\"";
    let gateway = Gateway::limited(limits, upstream.address());
    let secret = gateway.any_token();
    let block = block("GET", "/x", &secret, &[]);
    let begun = &block[..9];
    let whole = frame(HEADERS, END_HEADERS | END_STREAM, 1, &block);
    let cut = &whole[..whole.len() - 1];
    let mut idle = Frames::connect(gateway.public(), 1 << 16);
    for bytes in [&frame(HEADERS, END_STREAM, 1, begun)[..], cut, &whole[..11]] {
        let mut client = Frames::connect(gateway.public(), 1 << 16);
        assert!(client.send_bytes(bytes));
        assert!(client.closes_within(LIMIT + GRACE), "{} bytes", bytes.len());
    }
    assert!(upstream.seen().is_empty());
    // Whoever has sent all of it is not bound by that, nor is a ping a head.
    assert!(idle.send_bytes(&whole));
    assert_eq!(idle.reply(1).status, Some(200));
    assert!(idle.send_bytes(&frame(PING, 0, 0, &[0; 8])[..12]));
    assert!(!idle.closes_within(2 * LIMIT));
}

/// However many come in one breath: what answers them is long then, and no answer.
#[test]
fn sec_d2_pings_in_bursts_keep_no_connection() {
    let stage = stage();
    let mut client = Frames::connect(stage.gateway.public(), 1 << 16);
    let pings = frame(PING, 0, 0, &[0; 8]).repeat(70);
    let begun = instant();
    while !client.closes_within(Duration::from_millis(400)) {
        client.send_bytes(&pings);
        assert!(begun.elapsed() < LIMIT + GRACE, "it stays");
    }
    assert_eq!(stage.gateway.counted(|core| core.floods.value()), 0);
}

/// What broke the protocol behind a request has two seconds to close its side, whatever became of the request.
#[test]
fn a_client_of_http2_that_is_sent_away_does_not_stay() {
    let stage = stage();
    let request =
        frame(HEADERS, END_HEADERS | END_STREAM, 1, &block("GET", "/x", &stage.secret, &[]));
    // RFC 9113 section 6.9: room for nothing is an error, here of the whole connection.
    let nothing = frame(WINDOW_UPDATE, 0, 0, &[0; 4]);
    let mut clients: Vec<_> = (0..4)
        .map(|_| {
            let mut client = Frames::connect(stage.gateway.public(), 1 << 16);
            assert!(client.send_bytes(&[&request[..], &nothing].concat()));
            client
        })
        .collect();
    assert!(clients.iter_mut().all(|client| client.closes_within(GRACE)));
    crate::support::wait_until("they stay", GRACE, || {
        stage.gateway.counted(|core| core.open.value()) == 0
    });
    drop(clients);
}
