//! Bodies of requests that come too slowly without ever standing still (slowhttptest -B, sec-D2).

use std::time::Duration;

use tollgate::clock::instant;
use tollgate::domain::refusal::Refusal;
use tollgate::telemetry::counters::CoreCounters;

use crate::support::client::Client;
use crate::support::frames::{self, DATA, END_HEADERS, Frames, HEADERS, RST_STREAM};
use crate::support::gateway::Gateway;
use crate::support::upstream::{Step, Upstream, ok};

const STEP: Duration = Duration::from_millis(100);
/// The limit is a second, and is kept if the request ends within this; the machine may be busy.
const GRACE: Duration = Duration::from_secs(9);

struct Stage {
    upstream: Upstream,
    gateway: Gateway,
    secret: String,
}

/// A body may stand still for a second, and has to bring `rate`.
fn stage(rate: &str) -> Stage {
    let upstream = Upstream::scripted(|seen| match seen.line() {
        line if line.contains("/early") => vec![
            Step::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nearly".to_vec()),
            Step::TakeBody,
            Step::Send(b" late".to_vec()),
        ],
        _ => ok("ok"),
    });
    let limits = format!("stall_timeout = \"1s\", {rate}");
    let gateway = Gateway::limited(&limits, upstream.address());
    let secret = gateway.any_token();
    Stage { upstream, gateway, secret }
}

impl Stage {
    fn begin(&self, path: &str, length: usize) -> Client {
        self.gateway.begin_post(path, &self.secret, length)
    }

    fn refused(&self) -> u64 {
        self.gateway.counted(|core| core.refusals.of(Refusal::BodyTimeout))
    }

    fn others_are_served(&self) {
        let found = self.gateway.ask(self.gateway.get("/honest", &self.secret));
        assert_eq!(found.status, 200);
    }
}

/// Sends a piece in each step until the other side has had enough.
fn drip(client: &mut Client, piece: &str, mut enough: impl FnMut(&mut Client) -> bool) {
    let begun = instant();
    while !enough(client) {
        client.send(piece);
        assert!(begun.elapsed() < GRACE, "it drips for ever");
    }
}

#[test]
fn sec_d2_a_body_that_drips_is_ended_with_408() {
    let stage = stage("body_rate = 500");
    let mut client = stage.begin("/x", 1_000);
    drip(&mut client, "x", |_| {
        stage.others_are_served();
        std::thread::sleep(STEP);
        stage.refused() > 0
    });
    let found = client.answer_to("POST").unwrap();
    assert_eq!((found.status, found.value("connection").as_deref()), (408, Some("close")));
    let seen = stage.upstream.take();
    assert!(!seen.iter().any(|seen| seen.line().starts_with("POST") && seen.complete));
}

#[test]
fn sec_d2_a_body_that_drips_over_http2_is_ended_too() {
    let stage = stage("body_rate = 500");
    let mut frames = Frames::connect(stage.gateway.public(), 1_000);
    frames.send(HEADERS, END_HEADERS, 1, &frames::block("POST", "/x", &stage.secret, &[]));
    let begun = instant();
    while stage.refused() == 0 {
        frames.send(DATA, 0, 1, b"x");
        std::thread::sleep(STEP);
        assert!(begun.elapsed() < GRACE, "it drips for ever");
    }
    // The stream is over, and the connection as good as before.
    while !matches!(frames.next_on(1), frame if frame.kind == RST_STREAM || frame.ends()) {}
    frames.get(3, "/x", &stage.secret);
    assert_eq!(frames.next_on(3).status(), Some(200));
}

#[test]
fn sec_d2_a_body_that_drips_beside_its_answer_ends_it() {
    let stage = stage("body_rate = 500");
    let mut client = stage.begin("/early", 1_000);
    client.wait_for("early");
    let cut = || {
        let counted = |of: fn(&CoreCounters) -> u64| stage.gateway.counted(of);
        (counted(|core| core.cut_by_client.value()), counted(|core| core.cut_by_upstream.value()))
    };
    drip(&mut client, "x", |_| {
        std::thread::sleep(STEP);
        cut() != (0, 0)
    });
    assert_eq!(cut(), (1, 0), "the client broke off, not the upstream");
    assert!(!client.answer_to("POST").unwrap().whole);
}

#[test]
fn a_slow_body_that_keeps_the_rate_is_taken() {
    let stage = stage("body_rate = 200");
    let mut client = stage.begin("/x", 1_600);
    // For longer than its credit lasts.
    for _ in 0..16 {
        client.send("x".repeat(100));
        std::thread::sleep(STEP);
    }
    assert_eq!(client.answer_to("POST").unwrap().text(), "ok");
}

#[test]
fn without_a_rate_a_body_may_drip() {
    let stage = stage("body_rate = 0");
    let mut client = stage.begin("/x", 16);
    for _ in 0..16 {
        client.send("x");
        std::thread::sleep(STEP);
    }
    assert_eq!(client.answer_to("POST").unwrap().text(), "ok");
}
