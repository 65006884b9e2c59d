//! One gateway takes the place of another: no connection closes, no request is lost, and nothing outlives its token.

use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::json;
use tollgate::domain::time::Span;

use crate::files::Files;
use crate::streams::{BOUND, gateway};
use crate::support::client::Client;
use crate::support::gateway::Gateway;
use crate::support::http2::Client as Client2;
use crate::support::steps::Steps;
use crate::support::upstream::{Step, Upstream, ok};
use crate::support::{PATIENCE, wait_until};
use crate::tls;

/// A gateway before an upstream that keeps connections, without HTTP/2, of which clients would have to be told.
fn plain(upstream: &Upstream) -> Gateway {
    with("h2c = false", "", upstream)
}

fn with(listen: &str, more: &str, upstream: &Upstream) -> Gateway {
    let gateway = Gateway::start_with(
        listen,
        &format!(
            "{more}[[apis]]\nname = \"a\"\nupstream = \"http://{}\"\n\
             rules = [{{ path = \"/{{*rest}}\" }}]\n",
            upstream.address()
        ),
    );
    gateway.owner("somebody");
    gateway
}

#[test]
fn connections_between_two_requests_go_on_with_the_successor() {
    let upstream = Upstream::start();
    let mut gateway = plain(&upstream);
    let secret = gateway.any_token();
    let get = gateway.get("/", &secret);
    let (half, rest) = get.split_at(get.len() / 2);
    let mut used = Client::connect(gateway.public());
    assert_eq!(used.ask(&get).status, 200);
    let mut fresh = Client::connect(gateway.public());
    let mut begun = Client::connect(gateway.public());
    begun.send(half);
    let mut pipelined = Client::connect(gateway.public());
    pipelined.send(format!("{get}{half}"));
    assert_eq!(pipelined.answer().status, 200);
    wait_until("all are accepted", PATIENCE, || gateway.counted(|core| core.accepted.value()) == 4);
    gateway.succeed().join().unwrap().unwrap();
    assert_eq!(used.ask(&get).status, 200);
    assert_eq!(fresh.ask(&get).status, 200);
    for client in [&mut begun, &mut pipelined] {
        client.send(rest);
        assert_eq!(client.answer().status, 200);
        assert_eq!(client.ask(&get).status, 200, "and the one after it");
    }
    let answered = gateway.counted(|core| core.accepted.value());
    assert_eq!(answered, 4, "the successor has all of them, and they are the same connections");
}

#[test]
fn one_that_moved_may_lie_idle_as_long_as_before() {
    let upstream = Upstream::start();
    let mut gateway = with("h2c = false", "limits.head_timeout = \"300ms\"\n", &upstream);
    let get = gateway.get("/", &gateway.any_token());
    let mut client = Client::connect(gateway.public());
    assert_eq!(client.ask(&get).status, 200);
    gateway.succeed().join().unwrap().unwrap();
    assert!(!client.closes_within(Duration::from_millis(1_500)), "it has begun no head");
    assert_eq!(client.ask(&get).status, 200);
}

#[test]
fn what_is_under_way_is_finished_and_its_connection_goes_on() {
    let upstream = Upstream::scripted(|seen| match seen.line().contains("/slow") {
        true => [vec![Step::TakeBody, Step::Wait], ok("late")].concat(),
        false => ok("soon"),
    });
    let mut gateway = plain(&upstream);
    let secret = gateway.any_token();
    let mut client = Client::connect(gateway.public());
    client.send(gateway.get("/slow", &secret));
    upstream.wait_for(1);
    let before = gateway.succeed();
    let other = Client::connect(gateway.public()).ask(gateway.get("/", &secret));
    assert_eq!((other.status, other.text().as_str()), (200, "soon"), "the successor serves");
    assert!(!before.is_finished(), "an answer is awaited");
    upstream.go_on();
    assert_eq!(client.answer().text(), "late");
    before.join().unwrap().unwrap();
    assert_eq!(client.ask(gateway.get("/", &secret)).text(), "soon", "on the same connection");
}

/// What was sent behind another request does not move, and memory may be behind by then.
#[test]
fn one_that_was_sent_behind_another_is_decided_by_what_the_successor_has_on_record() {
    let upstream = Upstream::scripted(|seen| match seen.line().contains("/slow") {
        true => [vec![Step::TakeBody, Step::Wait], ok("late")].concat(),
        false => ok("soon"),
    });
    for (what, limits, statuses) in [
        ("kept", json!({ "rate": { "requests": 100, "per": "second" } }), [200, 200]),
        ("revoked", json!({}), [401, 401]),
        ("blocked", json!({}), [401, 401]),
        // Nobody could write its count down.
        ("counted", json!({ "quotas": { "hour": 2 } }), [503, 200]),
    ] {
        let mut gateway = plain(&upstream);
        let slow = gateway.get("/slow", &gateway.any_token());
        gateway.owner("another");
        let made = gateway
            .token(json!({ "owner": "another", "name": "any", "flags": -1, "limits": limits }));
        let get = gateway.get("/", &made.secret);
        // Each core that is asked remembers it.
        let mut client = Client::connect(gateway.public());
        assert_eq!(client.ask(&get).status, 200);
        upstream.take();
        client.send(format!("{slow}{get}"));
        upstream.wait_for(1);
        let before = gateway.succeed();
        match what {
            "revoked" => gateway.revoke(made.id),
            "blocked" => gateway.block("another"),
            _ => gateway.update(made.id, &json!({ "name": "another name" })),
        }
        assert!(!before.is_finished(), "{what}");
        upstream.go_on();
        assert_eq!(client.answer().text(), "late", "{what}");
        assert_eq!(client.answer().status, statuses[0], "{what}");
        before.join().unwrap().unwrap();
        assert_eq!(client.ask(&get).status, statuses[1], "{what}: on the same connection");
        let then = if what == "counted" { 429 } else { statuses[1] };
        assert_eq!(client.ask(&get).status, then, "{what}: counts go on, without what was refused");
    }
}

#[test]
fn a_stream_that_the_gateway_before_finishes_ends_with_its_token() {
    let events = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n";
    let upstream = Upstream::scripted(move |_| vec![Step::Send(events.into()), Step::Stall]);
    for ends in ["token", "owner", "company"] {
        let mut gateway = plain(&upstream);
        gateway.company(&json!({ "id": "acme" }));
        gateway.try_owner(json!({ "id": "leaver", "company": "acme" })).unwrap();
        let body = json!({ "owner": "leaver", "name": "any", "flags": -1, "company": "acme" });
        let made = gateway.token(body);
        let mut client = Client::connect(gateway.public());
        client.send(gateway.get("/events", &made.secret));
        client.wait_for("data: 1\n\n");
        let before = gateway.succeed();
        // A change of something else leaves it alone.
        gateway.owner("newcomer");
        assert!(!client.closes_within(BOUND / 4), "{ends}");
        assert!(!before.is_finished());
        let begun = Steps::begin();
        match ends {
            "token" => gateway.revoke(made.id),
            "owner" => gateway.block("leaver"),
            _ => gateway.block_company("acme"),
        }
        // In good order, and its connection goes on with the successor.
        assert!(client.answer().whole, "{ends}");
        assert_eq!(client.ask(gateway.get("/", &made.secret)).status, 401, "{ends}");
        // The gateway before hears of it from the one after.
        assert!(begun.elapsed() < BOUND * 3 / 2, "{ends}: {:?}", begun.elapsed());
        before.join().unwrap().unwrap();
    }
}

/// A stream is a use of its token, whoever finishes it.
#[test]
fn a_token_does_not_lie_idle_while_the_gateway_before_finishes_its_stream() {
    let events = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n";
    let upstream = Upstream::scripted(move |_| vec![Step::Send(events.into()), Step::Stall]);
    let mut gateway = plain(&upstream);
    let made = gateway
        .token(json!({ "owner": "somebody", "name": "any", "flags": -1, "idle_ttl": "100s" }));
    let mut client = Client::connect(gateway.public());
    client.send(gateway.get("/events", &made.secret));
    client.wait_for("data: 1\n\n");
    let before = gateway.succeed();
    for _ in 0..3 {
        gateway.clock().advance(Span::from_seconds(60));
        let now = gateway.clock().now().to_string();
        let shown = || gateway.read(&format!("/tokens/{}", made.id)).1;
        wait_until("its use is never known there", PATIENCE, || shown()["last_use"]["at"] == now);
    }
    assert!(!before.is_finished());
    gateway.revoke(made.id);
    assert!(client.answer().whole);
    before.join().unwrap().unwrap();
}

#[test]
fn a_successor_that_gives_up_changes_nothing() {
    let upstream = Upstream::start();
    let mut gateway = plain(&upstream);
    let secret = gateway.any_token();
    let place = gateway.folder().join("data/tollgate.successor");
    let mut client = Client::connect(gateway.public());
    for word in [&b""[..], b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\x02{}"] {
        use std::io::Write as _;
        let mut stranger = UnixStream::connect(&place).unwrap();
        stranger.write_all(word).unwrap();
        drop(stranger);
        assert_eq!(client.ask(gateway.get("/", &secret)).status, 200);
    }
    gateway.succeed().join().unwrap().unwrap();
    assert_eq!(client.ask(gateway.get("/", &secret)).status, 200, "and the next one is heard");
}

#[test]
fn clients_of_http2_are_told_to_come_again() {
    let upstream = Upstream::start();
    let mut gateway = gateway(upstream.address(), "");
    let secret = gateway.any_token();
    let get = |client: &mut Client2| client.get("http://a.example/", Some(&secret)).status;
    let mut client = Client2::connect(gateway.public());
    assert_eq!(get(&mut client), 200);
    gateway.succeed().join().unwrap().unwrap();
    wait_until("it is told, and nothing is under way", PATIENCE, || client.is_closed());
    assert_eq!(get(&mut Client2::connect(gateway.public())), 200);
}

#[test]
fn nobody_waits_for_those_who_administrate_slowly() {
    let upstream = Upstream::start();
    let mut gateway = plain(&upstream);
    let get = gateway.get("/", &gateway.any_token());
    let mut half = Client::connect(gateway.admin());
    half.send("GET /metrics HTTP/1.1\r\nX: ");
    let (public, over) = (gateway.public(), AtomicBool::new(false));
    thread::scope(|scope| {
        let longest = scope.spawn(|| {
            let mut longest = Duration::ZERO;
            while !over.load(Ordering::Relaxed) {
                let begun = Steps::begin();
                assert_eq!(Client::connect(public).ask(&get).status, 200);
                longest = longest.max(begun.elapsed());
            }
            longest
        });
        gateway.succeed().join().unwrap().unwrap();
        over.store(true, Ordering::Relaxed);
        let longest = longest.join().unwrap();
        assert!(longest < 2 * BOUND, "{longest:?}");
    });
}

#[test]
fn one_whose_proxy_has_told_of_it_is_not_asked_again() {
    let upstream = Upstream::start();
    let senders = "proxies = { proxy_protocol = [\"127.0.0.0/8\"] }\n";
    let mut gateway = with("h2c = true", senders, &upstream);
    let get = gateway.get("/", &gateway.any_token());
    let mut client = Client::connect(gateway.public());
    // What a proxy says of its own connections leaves them the address of a sender.
    client.send("PROXY UNKNOWN\r\n");
    wait_until("it is read", PATIENCE, || gateway.counted(|core| core.accepted.value()) == 1);
    gateway.succeed().join().unwrap().unwrap();
    assert_eq!(client.ask(&get).status, 200);
}

#[test]
fn clients_of_either_protocol_that_come_meanwhile_lose_nothing() {
    let upstream = Upstream::start();
    let mut gateway = with("h2c = true", "", &upstream);
    let secret = gateway.any_token();
    let (public, get) = (gateway.public(), gateway.get("/", &secret));
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let (over, secret, get) = (&over, &secret, &get);
        let until_over = |mut ask: Box<dyn FnMut() -> u16 + Send>| {
            scope.spawn(move || {
                let mut count = 0;
                while !over.load(Ordering::Relaxed) {
                    assert_eq!(ask(), 200, "request {count}");
                    count += 1;
                }
                count
            })
        };
        let mut kept = Client::connect(public);
        let asking = [
            until_over(Box::new(move || kept.ask(get).status)),
            until_over(Box::new(move || Client::connect(public).ask(get).status)),
            until_over(Box::new(move || {
                loop {
                    let get = http::Request::get("http://a.example/")
                        .header("authorization", format!("Bearer {secret}"));
                    let get = get.body(http_body_util::Full::default()).unwrap();
                    match Client2::connect(public).try_ask(get) {
                        // It was told to come again before it had asked.
                        Err(error) if error.is_canceled() => {}
                        answer => return answer.unwrap().status,
                    }
                }
            })),
        ];
        for _ in 0..3 {
            gateway.succeed().join().unwrap().unwrap();
        }
        over.store(true, Ordering::Relaxed);
        let counts = asking.map(|asking| asking.join().unwrap());
        assert!(counts.iter().all(|count| *count > 3), "{counts:?}");
    });
}

#[test]
fn no_request_is_lost_and_none_wrongly_permitted_while_gateways_follow_one_another() {
    let upstream = Upstream::start();
    let mut gateway = plain(&upstream);
    let made =
        |name: &str| gateway.token(json!({ "owner": "somebody", "name": name, "flags": -1 }));
    let (kept, mut ended) = (made("kept").secret, Vec::new());
    let doomed: Vec<_> = (0..3).map(|turn| made(&format!("doomed {turn}"))).collect();
    let (public, get) = (gateway.public(), gateway.get("/", &kept));
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let asking: Vec<_> = (0..6)
            .map(|number| {
                let (over, get) = (&over, &get);
                scope.spawn(move || {
                    let (mut client, mut count) = (Client::connect(public), 0);
                    while !over.load(Ordering::Relaxed) {
                        if number % 2 == 0 {
                            client = Client::connect(public);
                        }
                        client.send(get);
                        let answer = client.answer_to("GET");
                        let answer = answer.unwrap_or_else(|| panic!("request {count} was lost"));
                        assert_eq!((answer.status, answer.whole), (200, true), "request {count}");
                        count += 1;
                    }
                    count
                })
            })
            .collect();
        for made in doomed {
            gateway.succeed().join().unwrap().unwrap();
            gateway.revoke(made.id);
            ended.push(made.secret);
            for secret in &ended {
                assert_eq!(gateway.ask(gateway.get("/", secret)).status, 401);
            }
        }
        over.store(true, Ordering::Relaxed);
        let counts: Vec<u32> = asking.into_iter().map(|asking| asking.join().unwrap()).collect();
        assert!(counts.iter().all(|count| *count > 3), "{counts:?}");
    });
}

#[test]
fn clients_within_tls_are_told_with_an_answer_and_lose_none() {
    let (files, upstream) = (Files::new(), Upstream::scripted(|_| ok("ok")));
    files.make("a", &["a.example"]);
    let (mut gateway, secret) = files.gateway(&["a"], "", &upstream);
    let (public, config) = (gateway.public(), Arc::new(files.client()));
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let asking: Vec<_> = (0..4)
            .map(|_| {
                let (over, secret, config) = (&over, &secret, &config);
                scope.spawn(move || {
                    let connect = || tls::connect(public, config, "a.example").unwrap();
                    let (mut stream, mut told) = (connect(), 0);
                    while !over.load(Ordering::Relaxed) {
                        let answer = tls::answer(&mut stream, secret);
                        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
                        if answer.contains("connection: close") {
                            (stream, told) = (connect(), told + 1);
                        }
                    }
                    told
                })
            })
            .collect();
        // A client that comes later is told nothing.
        let open = || gateway.counted(|core| core.open.value());
        wait_until("some have not begun", PATIENCE, || open() == 4);
        gateway.succeed().join().unwrap().unwrap();
        over.store(true, Ordering::Relaxed);
        let told: Vec<_> = asking.into_iter().map(|asking| asking.join().unwrap()).collect();
        assert_eq!(told, [1; 4], "each was told once");
    });
}
