//! How fast requests may come, and how many may be under way (design of the answers: rate, concurrency).

use std::time::Duration;

use http::Request;
use serde_json::{Value, json};
use socket2::SockRef;
use tollgate::domain::time::Span;

use crate::Stage;
use crate::support::client::{Answer, Client};
use crate::support::gateway::{Gateway, Made};
use crate::support::http2;
use crate::support::upstream::{Step, Upstream, ok};
use crate::support::{PATIENCE, wait_until};

/// A gateway in front of `upstream` with a token that has these limits.
pub(crate) fn limited(upstream: &Upstream, limits: &Value) -> (Gateway, Made) {
    let gateway = Gateway::limited("", upstream.address());
    let made = gateway.token(json!({ "owner": "somebody", "name": "limited", "limits": limits }));
    (gateway, made)
}

/// The status of a request, and what goes with a refusal.
pub(crate) fn told(answer: &Answer) -> (u16, String, String) {
    let value = |name: &str| answer.value(name).unwrap_or_default();
    (answer.status, value("ratelimit"), value("retry-after"))
}

#[test]
fn requests_come_at_a_rate_after_a_burst() {
    let stage = Stage::new();
    let limits = json!({ "rate": { "requests": 2, "per": "minute", "burst": 4 } });
    let token = stage.token(&json!({ "limits": limits }));
    let mut line = stage.open();
    // Each asks on both connections, and the cores count together.
    assert_eq!(line.status("/any", &token.secret), 200);
    assert_eq!(line.status("/any", &token.secret), 200);
    let said = line.get("/any", &format!("Authorization: Bearer {}\r\n", token.secret));
    assert_eq!((said.status, said.retry_after.as_deref()), (429, Some("30")));
    assert_eq!(said.cache_control.as_deref(), Some("no-store"));
    assert_eq!(said.challenge, None);
    assert_eq!(said.json()["status"], 429);
    let answer = stage.gateway.ask(get("/any", &token.secret));
    assert_eq!(told(&answer), (429, "\"rate\";r=0;t=30".to_owned(), "30".to_owned()));
    let policy = "\"rate\";q=2;w=60;tollgate-burst=4";
    assert_eq!(answer.value("ratelimit-policy").as_deref(), Some(policy));
    stage.gateway.clock().advance(Span::from_seconds(30));
    assert_eq!(stage.gateway.ask(get("/any", &token.secret)).status, 200);
    assert_eq!(stage.gateway.ask(get("/any", &token.secret)).status, 429);
    // The wall clock is nothing to it.
    stage.gateway.clock().set(stage.gateway.clock().now().plus(Span::from_seconds(50)));
    assert_eq!(stage.gateway.ask(get("/any", &token.secret)).status, 429);
    assert_eq!(stage.upstream.seen().len(), 5);
}

fn get(path: &str, secret: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: erp.example\r\nAuthorization: Bearer {secret}\r\n\r\n")
}

#[test]
fn a_refusal_by_another_check_consumes_nothing() {
    let stage = Stage::new();
    let limits = json!({ "rate": { "requests": 2, "per": "hour" }, "uses": 2, "concurrent": 1 });
    let token = stage.token(&json!({ "contexts": ["sales"], "limits": limits }));
    for _ in 0..20 {
        assert_eq!(stage.gateway.ask(get("/stock", &token.secret)).status, 403);
    }
    assert_eq!(stage.gateway.ask(get("/any", &token.secret)).status, 200);
    assert_eq!(stage.gateway.ask(get("/any", &token.secret)).status, 200);
    assert_eq!(stage.gateway.ask(get("/any", &token.secret)).status, 429);
    // Nor does a limit hide what else is wrong.
    assert_eq!(stage.gateway.ask(get("/stock", &token.secret)).status, 403);
}

#[test]
fn what_was_used_outlives_a_change_of_the_record_and_of_the_rate() {
    let upstream = Upstream::start();
    let limits = json!({ "rate": { "requests": 10, "per": "hour", "burst": 3 } });
    let (gateway, token) = limited(&upstream, &limits);
    let ask = || gateway.ask(gateway.get("/x", &token.secret)).status;
    assert_eq!((ask(), ask()), (200, 200));
    gateway.update(token.id, &json!({ "name": "another" }));
    assert_eq!((ask(), ask()), (200, 429));
    let rate = json!({ "requests": 10, "per": "hour", "burst": 4 });
    gateway.update(token.id, &json!({ "limits": { "rate": rate } }));
    assert_eq!((ask(), ask()), (200, 429), "a wider burst has room for one more");
    gateway.update(token.id, &json!({ "limits": { "rate": null } }));
    assert_eq!((0..20).filter(|_| ask() == 200).count(), 20);
}

/// A stage on which one request of a token may be under way.
fn one_at_once(upstream: &Upstream) -> (Gateway, Made) {
    limited(upstream, &json!({ "concurrent": 1 }))
}

/// Waits until a request goes through again.
fn wait_for_room(gateway: &Gateway, token: &Made) {
    let free = || gateway.ask(gateway.get("/free", &token.secret)).status == 200;
    wait_until("the place was never free again", PATIENCE, free);
}

/// An upstream that holds the answers to `/held` until it is told to go on.
fn holding() -> Upstream {
    Upstream::scripted(|seen| match seen.line() {
        line if line.contains("/held") => {
            let head = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf".to_vec();
            vec![Step::TakeBody, Step::Send(head), Step::Wait, Step::Send(b"more".to_vec())]
        }
        line if line.contains("/early") => {
            let Some(Step::Send(answer)) = ok("early").pop() else { return Vec::new() };
            vec![Step::Send(answer), Step::TakeBody]
        }
        line if line.contains("/silent") => vec![Step::TakeBody, Step::Stall],
        line if line.contains("/broken") => vec![Step::TakeBody, Step::Close],
        _ => ok("free"),
    })
}

#[test]
fn a_place_is_free_again_when_the_answer_ends() {
    let upstream = holding();
    let (gateway, token) = one_at_once(&upstream);
    let mut held = Client::connect(gateway.public());
    held.send(gateway.get("/held", &token.secret));
    held.wait_for("half");
    let refused = gateway.ask(gateway.get("/free", &token.secret));
    assert_eq!(told(&refused), (429, "\"concurrent\";r=0".to_owned(), "1".to_owned()));
    let policy = "\"concurrent\";q=1;qu=\"concurrent-requests\"";
    assert_eq!(refused.value("ratelimit-policy").as_deref(), Some(policy));
    // A record that was read anew knows of it.
    gateway.update(token.id, &json!({ "name": "another" }));
    assert_eq!(gateway.ask(gateway.get("/free", &token.secret)).status, 429);
    upstream.go_on();
    assert_eq!(held.answer().text(), "halfmore");
    wait_for_room(&gateway, &token);
}

#[test]
fn a_place_is_free_again_when_the_client_leaves() {
    let upstream = holding();
    let (gateway, token) = one_at_once(&upstream);
    for (path, mark) in [("/held", Some("half")), ("/silent", None)] {
        let seen = upstream.seen().len();
        let mut held = Client::connect(gateway.public());
        held.send(gateway.get(path, &token.secret));
        match mark {
            Some(mark) => held.wait_for(mark),
            None => drop(upstream.wait_for(seen + 1)),
        }
        assert_eq!(gateway.ask(gateway.get("/free", &token.secret)).status, 429, "{path}");
        if mark.is_some() {
            // Amid an answer a client that only sends no more is still there.
            SockRef::from(held.stream()).set_linger(Some(Duration::ZERO)).unwrap();
        }
        drop(held);
        wait_for_room(&gateway, &token);
    }
}

#[test]
fn a_stream_of_http_2_has_a_place_until_it_ends() {
    let upstream = holding();
    let (gateway, token) = one_at_once(&upstream);
    let get = |path: &str| {
        let get = Request::get(format!("http://{}{path}", gateway.public()));
        let get = get.header("authorization", format!("Bearer {}", token.secret));
        get.body(Default::default()).unwrap()
    };
    std::thread::scope(|scope| {
        let held = scope.spawn(|| http2::Client::connect(gateway.public()).ask(get("/held")));
        upstream.wait_for(1);
        assert_eq!(gateway.ask(gateway.get("/free", &token.secret)).status, 429);
        upstream.go_on();
        assert_eq!(held.join().unwrap().text(), "halfmore");
    });
    wait_for_room(&gateway, &token);
    let seen = upstream.seen().len();
    let held = http2::Client::connect(gateway.public());
    held.begin(get("/silent"));
    upstream.wait_for(seen + 1);
    assert_eq!(gateway.ask(gateway.get("/free", &token.secret)).status, 429);
    drop(held);
    wait_for_room(&gateway, &token);
}

#[test]
fn a_place_is_free_again_when_the_upstream_fails() {
    let upstream = holding();
    let (gateway, token) = one_at_once(&upstream);
    for _ in 0..5 {
        assert_eq!(gateway.ask(gateway.get("/broken", &token.secret)).status, 502);
    }
    assert_eq!(gateway.ask(gateway.get("/free", &token.secret)).status, 200);
    // And when a request that is permitted does not get there.
    for _ in 0..5 {
        let mut client = gateway.begin_post("/free", &token.secret, 3);
        client.send("abc");
        assert_eq!(client.answer_to("POST").unwrap().status, 200);
        let odd = format!(
            "GET /free HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nExpect: odd\r\n\r\n",
            token.secret
        );
        assert_eq!(gateway.ask(odd).status, 417);
    }
    wait_for_room(&gateway, &token);
}

#[test]
fn a_place_is_kept_as_long_as_a_body_goes_on_beside_its_answer() {
    let upstream = holding();
    let (gateway, token) = one_at_once(&upstream);
    let auth = format!("Authorization: Bearer {}\r\n", token.secret);
    let mut client = Client::connect(gateway.public());
    let head = format!("POST /early HTTP/1.1\r\nHost: a\r\n{auth}Content-Length: 2000\r\n\r\n");
    client.send(format!("{head}{}", "x".repeat(1_000)));
    assert_eq!(client.answer().text(), "early");
    let refused = gateway.ask(gateway.get("/free", &token.secret));
    assert_eq!(refused.status, 429, "the first goes on");
    client.send("x".repeat(1_000));
    wait_for_room(&gateway, &token);
}

#[test]
fn never_more_are_under_way_than_may_be() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counts = (Arc::clone(&now), Arc::clone(&most));
    let upstream = Upstream::scripted(move |_| {
        let under_way = counts.0.fetch_add(1, Ordering::SeqCst) + 1;
        counts.1.fetch_max(under_way, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(1));
        counts.0.fetch_sub(1, Ordering::SeqCst);
        ok("free")
    });
    let (gateway, token) = limited(&upstream, &json!({ "concurrent": 3 }));
    let request = gateway.get("/x", &token.secret);
    let permitted = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let mut client = Client::connect(gateway.public());
                for _ in 0..40 {
                    match client.ask(&request).status {
                        200 => drop(permitted.fetch_add(1, Ordering::SeqCst)),
                        status => assert_eq!(status, 429),
                    }
                }
            });
        }
    });
    assert!(most.load(Ordering::SeqCst) <= 3, "{most:?} under way at once");
    assert!(permitted.load(Ordering::SeqCst) >= 3);
}
