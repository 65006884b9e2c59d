//! What is remembered of a token never decides for another request, and never outlives a change
//! (sec-C1, sec-C3, sec-C4, sec-C6; sec-C5 is shown beside the cache).

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use serde_json::json;

use super::table::{Reaches, Refused, Stage};
use crate::support::client::Client;

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

#[test]
fn sec_c3_no_request_passes_after_a_revocation_was_answered() {
    let stage = Stage::new();
    let address = stage.gateway.public();
    let passed_before = AtomicUsize::new(0);
    for round in 0..40 {
        let made = json!({ "owner": "alice", "name": "short-lived", "contexts": ["read"] });
        let token = stage.gateway.token(made);
        let (stop, revoked) = (AtomicBool::new(false), AtomicBool::new(false));
        let late = thread::scope(|scope| {
            let users: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        let mut client = Client::connect(address);
                        let mut late = 0;
                        while !stop.load(Ordering::SeqCst) {
                            // Read before the request is sent: only then is it a later one.
                            let after = revoked.load(Ordering::SeqCst);
                            let status = client.ask(request("/public/x", &token.secret)).status;
                            assert!(matches!(status, 200 | 401), "{status}");
                            late += usize::from(after && status == 200);
                            passed_before.fetch_add(usize::from(!after), Ordering::Relaxed);
                        }
                        late
                    })
                })
                .collect();
            while passed_before.load(Ordering::Relaxed) < (round + 1) * 20 {
                thread::yield_now();
            }
            match round % 3 {
                0 => stage.gateway.revoke(token.id),
                1 => stage.gateway.disable(token.id),
                _ => stage.gateway.update(token.id, &json!({ "not_before": "2100-01-01" })),
            }
            revoked.store(true, Ordering::SeqCst);
            for _ in 0..20 {
                let status =
                    crate::support::client::ask(address, request("/public/x", &token.secret));
                assert_eq!(status.status, 401, "round {round}");
            }
            stop.store(true, Ordering::SeqCst);
            users.into_iter().map(|user| user.join().unwrap()).sum::<usize>()
        });
        assert_eq!(late, 0, "requests passed after the answer, round {round}");
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
