//! What is remembered of a token never decides for another request, and never outlives a change
//! (sec-C1, sec-C3, sec-C4, sec-C6; sec-C5, and thousands of races, are shown beside the cache).

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use serde_json::json;

use super::table::{Reaches, Refused, Stage};
use crate::support::client::Client;
use crate::support::gateway::Made;

fn request(path: &str, secret: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a.example\r\nAuthorization: Bearer {secret}\r\n\r\n")
}

#[test]
fn sec_c1_a_token_that_is_remembered_opens_nothing_else() {
    let stage = Stage::new();
    let allowed = Reaches("GET /public/x HTTP/1.1");
    for _ in 0..3 {
        stage.check("sec-C1", request("/public/x", &stage.secret).as_bytes(), allowed);
        stage.check("sec-C1", request("/admin/x", &stage.secret).as_bytes(), Refused(403));
    }
    let other = json!({ "owner": "alice", "name": "other", "contexts": ["admin"] });
    let other = stage.gateway.token(other).secret;
    let admin = Reaches("GET /admin/x HTTP/1.1");
    for _ in 0..3 {
        stage.check("sec-C1", request("/admin/x", &other).as_bytes(), admin);
        stage.check("sec-C1", request("/public/x", &other).as_bytes(), Refused(403));
        stage.check("sec-C1", request("/admin/x", &stage.secret).as_bytes(), Refused(403));
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
    fn ask(&self, address: SocketAddr) {
        let (mut client, mut turn) = (Client::connect(address), 0_usize);
        while !self.stop.load(Ordering::SeqCst) {
            turn += 1;
            let round = self
                .round
                .load(Ordering::SeqCst)
                .saturating_sub(usize::from(turn.is_multiple_of(4)));
            // Read before the request is sent: only then is it a later one.
            let after = round < self.ended.load(Ordering::SeqCst);
            let status = client.ask(request("/public/x", &self.tokens[round].secret)).status;
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
    thread::scope(|scope| {
        let _stop = Stop(&ends.stop);
        let users: Vec<_> = (0..4).map(|_| scope.spawn(|| ends.ask(address))).collect();
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
            let status = stage.gateway.ask(request("/public/x", &token.secret)).status;
            assert_eq!(status, 401, "round {round}, on a new connection");
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

    let secret = unknown(1_999);
    let made =
        json!({ "owner": "alice", "name": "now known", "contexts": ["read"], "secret": secret });
    stage.gateway.token(made);
    // The first request after the answer: no time passes that a row could allow for.
    assert_eq!(client.ask(request("/public/x", &secret)).status, 200, "sec-C4");
    assert_eq!(misses(), flooded + 1, "it was read once");
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
