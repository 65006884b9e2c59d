//! What is remembered of a token never decides for another request, and never outlives a change
//! (sec-C1, sec-C3, sec-C4, sec-C6; sec-C5, and thousands of races, are shown beside the cache).

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use serde_json::json;

use super::table::{Outcome, Reaches, Refused, Stage};
use crate::support::client::Client;
use crate::support::frames::{Frames, block};
use crate::support::gateway::Made;

fn request(path: &str, secret: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a.example\r\nAuthorization: Bearer {secret}\r\n\r\n")
}

/// Checks a row over both versions, each of which may have put by what the other one asks for.
fn check(stage: &Stage, path: &str, secret: &str, outcome: Outcome) {
    stage.check("sec-C1", request(path, secret).as_bytes(), outcome);
    stage.check_http2("sec-C1", &block("GET", path, secret, &[]), outcome);
}

#[test]
fn sec_c1_a_token_that_is_remembered_opens_nothing_else() {
    let stage = Stage::new();
    let allowed = Reaches("GET /public/x HTTP/1.1");
    for _ in 0..3 {
        check(&stage, "/public/x", &stage.secret, allowed);
        check(&stage, "/admin/x", &stage.secret, Refused(403));
    }
    let other = json!({ "owner": "alice", "name": "other", "contexts": ["admin"] });
    let other = stage.gateway.token(other).secret;
    let admin = Reaches("GET /admin/x HTTP/1.1");
    for _ in 0..3 {
        check(&stage, "/admin/x", &other, admin);
        check(&stage, "/public/x", &other, Refused(403));
        check(&stage, "/admin/x", &stage.secret, Refused(403));
    }
}

/// A connection of either version that goes on.
enum Line {
    Http1(Client),
    Http2(Frames, u32),
}

impl Line {
    fn open(address: SocketAddr, http2: bool) -> Self {
        match http2 {
            true => Self::Http2(Frames::connect(address, 1 << 16), 1),
            false => Self::Http1(Client::connect(address)),
        }
    }

    fn status(&mut self, path: &str, secret: &str) -> u16 {
        match self {
            Self::Http1(client) => client.ask(request(path, secret)).status,
            Self::Http2(frames, stream) => {
                let head = block("GET", path, secret, &[]);
                let reply = frames.ask(*stream, &head, None, &[]);
                *stream += 2;
                // Nobody else sees to what the connection has room for.
                frames.give_room(0, u32::try_from(reply.body.len().max(1)).unwrap());
                reply.status.unwrap()
            }
        }
    }
}

/// The token that is in use, by its round, and the last round that was ended. What is behind belongs
/// to rounds that are over.
struct Ends {
    tokens: Vec<Made>,
    round: AtomicUsize,
    ended: AtomicUsize,
    passed: AtomicUsize,
    stop: AtomicBool,
}

impl Ends {
    /// A client that asks without a pause, with the token of the round and at times with the last.
    fn ask(&self, address: SocketAddr, http2: bool) {
        let (mut line, mut turn) = (Line::open(address, http2), 0_usize);
        while !self.stop.load(Ordering::SeqCst) {
            turn += 1;
            let round = self
                .round
                .load(Ordering::SeqCst)
                .saturating_sub(usize::from(turn.is_multiple_of(4)));
            // Read before the request is sent: only then is it a later one.
            let after = round < self.ended.load(Ordering::SeqCst);
            let status = line.status("/public/x", &self.tokens[round].secret);
            assert!(status == 401 || (status == 200 && !after), "{status} in round {round}");
            self.passed.fetch_add(usize::from(status == 200), Ordering::SeqCst);
        }
    }
}

/// Lets the clients end, also where the test fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn sec_c3_no_request_passes_after_a_revocation_was_answered() {
    const ROUNDS: usize = 300;
    let stage = Stage::new();
    let address = stage.gateway.public();
    let made = |_| {
        let made = json!({ "owner": "alice", "name": "short-lived", "contexts": ["read"] });
        stage.gateway.token(made)
    };
    let ends = Ends {
        tokens: (0..ROUNDS).map(made).collect(),
        round: AtomicUsize::new(0),
        ended: AtomicUsize::new(0),
        passed: AtomicUsize::new(0),
        stop: AtomicBool::new(false),
    };
    let ends = &ends;
    thread::scope(|scope| {
        let _stop = Stop(&ends.stop);
        let users =
            [false, true, false, true].map(|http2| scope.spawn(move || ends.ask(address, http2)));
        for (round, token) in ends.tokens.iter().enumerate() {
            ends.round.store(round, Ordering::SeqCst);
            let passed = ends.passed.load(Ordering::SeqCst);
            // Every other token is being read for the first time when its end comes.
            while round.is_multiple_of(2) && ends.passed.load(Ordering::SeqCst) < passed + 8 {
                assert!(!users.iter().any(|user| user.is_finished()), "somebody passed too late");
                thread::yield_now();
            }
            // Most are revoked; what else ends a permission has the same promise.
            match round % 10 {
                8 => stage.gateway.disable(token.id),
                9 => stage.gateway.update(token.id, &json!({ "not_before": "2100-01-01" })),
                _ => stage.gateway.revoke(token.id),
            }
            ends.ended.store(round + 1, Ordering::SeqCst);
            for http2 in [false, true] {
                let status = Line::open(address, http2).status("/public/x", &token.secret);
                assert_eq!(status, 401, "round {round}, on a new connection, HTTP/2: {http2}");
            }
        }
    });
    assert!(ends.passed.load(Ordering::SeqCst) >= ROUNDS / 2 * 8);
    for token in &ends.tokens {
        let status = stage.gateway.ask(request("/public/x", &token.secret)).status;
        assert_eq!(status, 401, "once all is over");
    }
}

#[test]
fn sec_c4_unknown_tokens_push_no_good_one_out() {
    let stage = Stage::new();
    let mut client = Client::connect(stage.gateway.public());
    assert_eq!(client.ask(request("/public/x", &stage.secret)).status, 200);
    let misses = || stage.gateway.app().shared().cache.counts.loads.read().count();
    let begun = misses();
    let unknown = |number: usize| format!("0f8fad5b-d9cb-469f-a165-{number:012x}");
    for batch in 0..20 {
        let pipelined: String =
            (0..100).map(|n| request("/public/x", &unknown(batch * 100 + n))).collect();
        client.send(pipelined);
        for _ in 0..100 {
            assert_eq!(client.answer().status, 401);
        }
    }
    let flooded = misses();
    assert!(flooded - begun >= 2_000, "each was looked for once: {}", flooded - begun);
    for _ in 0..100 {
        assert_eq!(client.ask(request("/public/x", &stage.secret)).status, 200);
        assert_eq!(client.ask(request("/public/x", &unknown(1_999))).status, 401);
    }
    assert_eq!(misses(), flooded, "a good token or a known unknown one was read again");

    for (http2, number) in [(false, 1_999), (true, 1_998)] {
        let mut line = Line::open(stage.gateway.public(), http2);
        let (secret, before) = (unknown(number), misses());
        assert_eq!(line.status("/public/x", &secret), 401);
        let made = json!({ "owner": "alice", "name": "now known", "contexts": ["read"], "secret": secret });
        stage.gateway.token(made);
        // The first request after the answer: no time passes that a row could allow for.
        assert_eq!(line.status("/public/x", &secret), 200, "sec-C4, HTTP/2: {http2}");
        assert_eq!(misses(), before + 1, "it was read once");
    }
}

#[test]
fn sec_c6_an_expiry_that_cannot_be_read_makes_no_token() {
    let stage = Stage::new();
    for field in ["expires_at", "not_before", "lifetime", "idle_ttl"] {
        for value in [
            json!(""),
            json!("never"),
            json!("99999999999999999999999d"),
            json!(-1),
            json!(1.5),
            json!([]),
            json!("1e400"),
            json!("2030-02-30"),
            json!({}),
            json!(true),
        ] {
            let mut made = json!({ "owner": "alice", "name": "x" });
            made[field] = value.clone();
            assert!(stage.gateway.try_token(made).is_err(), "{field}: {value}");
        }
    }
    for made in [
        json!({ "owner": "alice", "name": "x", "expires_at": "2020-01-01" }),
        json!({ "owner": "alice", "name": "x", "not_before": "2030-01-01", "expires_at": "2029-01-01" }),
    ] {
        assert!(stage.gateway.try_token(made.clone()).is_err(), "{made}");
    }
}
