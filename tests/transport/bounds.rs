//! How long an exchange may take in all, and how many an upstream has at a time.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use tollgate::clock::instant;
use tollgate::domain::refusal::Refusal;
use tollgate::service::Caller;

use crate::endpoints::{gateway, metric, urls};
use crate::support::client::Client;
use crate::support::frames::{Frames, HEADERS};
use crate::support::gateway::Gateway;
use crate::support::upstream::{Step, Upstream, ok};
use crate::support::{PATIENCE, wait_until};
use crate::windows::{serve, whole};

/// What has a limit of a second ends within this; the machine may be busy.
const GRACE: Duration = Duration::from_secs(9);

fn under_way(gateway: &Gateway, count: u64) {
    wait_until("it never began or ended", PATIENCE, || {
        gateway.counted(|core| core.under_way.value()) == count
    });
}

/// Answers when it is told to.
fn waiting() -> Upstream {
    Upstream::scripted(|_| {
        let mut steps = ok("ok");
        steps.insert(1, Step::Wait);
        steps
    })
}

/// Whoever takes a body and says nothing is to blame, also where it is the whole of it that takes too long.
#[test]
fn an_endpoint_that_takes_uploads_and_never_answers_is_left_out() {
    let hung = Upstream::scripted(|_| vec![Step::TakeBody, Step::Stall]);
    let good = Upstream::scripted(|_| ok("ok"));
    let (gateway, secret) = gateway(
        &urls(&[&hung, &good]),
        "upstream_timeout = \"500ms\"\nupstream_eject_after = 2\nupstream_eject_time = \"1h\"",
    );
    let late = (0..12).filter(|_| {
        let mut client = gateway.begin_post("/x", &secret, 4);
        client.send("body");
        client.answer_to("POST").unwrap().status == 504
    });
    assert_eq!(late.count(), 2);
    assert_eq!(metric(&gateway, "upstream_ejections_total", hung.address()), "1");
}

#[test]
fn without_a_head_in_time_it_is_504_and_an_answer_that_takes_too_long_is_cut() {
    let upstream = Upstream::scripted(|seen| match seen.line() {
        line if line.contains("/silent") => vec![Step::TakeBody, Step::Stall],
        // It is never silent for long.
        line if line.contains("/long") => {
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            let chunk = [Step::Send(b"1\r\nx\r\n".to_vec()), Step::Wait];
            let chunks = chunk.into_iter().cycle().take(10_000);
            [Step::TakeBody, Step::Send(head.into())].into_iter().chain(chunks).collect()
        }
        _ => ok("ok"),
    });
    let (gateway, secret) = gateway(&urls(&[&upstream]), "upstream_timeout = \"1s\"");
    let upload = |target: &str, length: usize| {
        format!(
            "POST {target} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {secret}\r\n\
             Content-Length: {length}\r\n\r\nbody"
        )
    };
    for (request, status) in [
        (gateway.get("/silent", &secret), 504),
        (upload("/silent", 4), 504),
        // It is the client who is slow.
        (upload("/silent", 5), 408),
    ] {
        let begun = instant();
        assert_eq!(gateway.ask(&request).status, status, "{request}");
        let took = begun.elapsed();
        assert!(took > Duration::from_millis(700) && took < GRACE, "{request}: {took:?}");
    }
    let mut client = Client::connect(gateway.public());
    for _ in 0..3 {
        assert_eq!(client.ask(gateway.get("/", &secret)).status, 200);
    }
    let (begun, mut client) = (instant(), Client::connect(gateway.public()));
    client.send(gateway.get("/long", &secret));
    client.wait_for("200 OK");
    let over = AtomicBool::new(false);
    let found = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::SeqCst) {
                upstream.go_on();
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let found = client.answer();
        over.store(true, Ordering::SeqCst);
        found
    });
    assert!(!found.whole && found.text().len() > 10, "{found:?}");
    assert!(begun.elapsed() < GRACE, "{:?}", begun.elapsed());
    assert_eq!(gateway.counted(|core| core.cut_by_upstream.value()), 1);
}

#[test]
fn an_upstream_never_has_more_at_a_time_and_nobody_is_left_behind() {
    const BOUND: usize = 3;
    let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counted, highest) = (Arc::clone(&inside), Arc::clone(&most));
    let all = [(); 2].map(|()| {
        let (inside, most) = (Arc::clone(&counted), Arc::clone(&highest));
        Upstream::scripted(move |_| {
            most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(2));
            inside.fetch_sub(1, Ordering::SeqCst);
            ok("ok")
        })
    });
    let bound = format!("upstream_concurrency = {BOUND}\nupstream_queue_timeout = \"1m\"");
    let (gateway, secret) = gateway(&urls(&[&all[0], &all[1]]), &bound);
    let mut clients: Vec<_> = (0..30).map(|_| Client::connect(gateway.public())).collect();
    for _ in 0..5 {
        clients.iter_mut().for_each(|client| client.send(gateway.get("/", &secret)));
        clients.iter_mut().for_each(|client| assert_eq!(client.answer().status, 200));
    }
    assert_eq!(most.load(Ordering::SeqCst), BOUND);
}

#[test]
fn those_beyond_wait_in_order_and_more_are_503() {
    let upstream = waiting();
    let bound = "upstream_concurrency = 1\nupstream_queue = 2\nupstream_queue_timeout = \"1m\"";
    let (gateway, secret) = gateway(&urls(&[&upstream]), bound);
    let mut clients = [(); 3].map(|()| Client::connect(gateway.public()));
    for (client, number) in clients.iter_mut().zip(1..) {
        client.send(gateway.get(&format!("/{number}"), &secret));
        under_way(&gateway, number);
        // The first is there before others come.
        upstream.wait_for(1);
        wait_until("it never waited", PATIENCE, || {
            gateway.counted(|core| core.waiting.value()) == number - 1
        });
    }
    let found = gateway.ask(gateway.get("/4", &secret));
    assert_eq!((found.status, found.value("retry-after").as_deref()), (503, Some("1")));
    assert_eq!(found.json()["detail"], "The upstream has as many requests as it may have");
    assert_eq!(gateway.counted(|core| core.refusals.of(Refusal::UpstreamBusy)), 1);
    for client in &mut clients {
        upstream.go_on();
        assert_eq!(client.answer().status, 200);
    }
    let lines: Vec<_> = upstream.take().iter().map(|seen| seen.line()).collect();
    assert_eq!(lines, ["/1", "/2", "/3"].map(|target| format!("GET {target} HTTP/1.1")));
}

/// It costs its token neither a use nor a part of its quota.
#[test]
fn what_is_turned_away_by_a_full_queue_costs_its_token_nothing() {
    let upstream = waiting();
    let bound = "upstream_concurrency = 1\nupstream_queue = 1\nupstream_queue_timeout = \"1m\"";
    let (gateway, _) = gateway(&urls(&[&upstream]), bound);
    let limits = json!({ "uses": 9, "quotas": { "hour": 5, "day": 8 } });
    let token = gateway
        .token(json!({ "owner": "somebody", "name": "limited", "flags": -1, "limits": limits }));
    let mut clients = [(); 2].map(|()| Client::connect(gateway.public()));
    for (client, number) in clients.iter_mut().zip(1..) {
        client.send(gateway.get("/", &token.secret));
        under_way(&gateway, number);
        // The first is there before others come.
        upstream.wait_for(1);
        wait_until("it never waited", PATIENCE, || {
            gateway.counted(|core| core.waiting.value()) == number - 1
        });
    }
    for _ in 0..9 {
        assert_eq!(gateway.ask(gateway.get("/", &token.secret)).status, 503);
    }
    for client in &mut clients {
        upstream.go_on();
        assert_eq!(client.answer().status, 200);
    }
    let (app, by) = (gateway.app(), Caller::local(0));
    let view = app.control().block_on(app.service().token(&by, token.id)).unwrap();
    let left = &serde_json::to_value(view).unwrap()["left"];
    let quota = |period| &left["quotas"][period]["requests"];
    assert_eq!((&left["uses"], quota("hour"), quota("day")), (&json!(7), &json!(3), &json!(6)));
}

/// Nor one that waits for its turn for as long as all of it may take: nobody was asked.
#[test]
fn whoever_waits_for_all_of_its_time_is_503() {
    let (address, talks) = crate::websockets::talker(b"");
    let (gateway, secret) = gateway(
        &format!("\"http://{address}\""),
        "upstream_concurrency = 1\nupstream_queue_timeout = \"1m\"\nupstream_timeout = \"500ms\"",
    );
    let limits = json!({ "uses": 9 });
    let token = gateway
        .token(json!({ "owner": "somebody", "name": "limited", "flags": -1, "limits": limits }));
    let (_talks, _talk) = crate::websockets::open(&gateway, &talks, &secret);
    let answer = gateway.ask(gateway.get("/", &token.secret));
    assert_eq!((answer.status, answer.value("retry-after").is_some()), (503, true));
    let (app, by) = (gateway.app(), Caller::local(0));
    let view = app.control().block_on(app.service().token(&by, token.id)).unwrap();
    assert_eq!(serde_json::to_value(view).unwrap()["left"]["uses"], 9);
}

#[test]
fn whoever_leaves_frees_the_place_and_whoever_waits_too_long_is_503() {
    let upstream = waiting();
    let bound = "upstream_concurrency = 1\nupstream_queue = 1\nupstream_queue_timeout = \"1s\"";
    let (gateway, secret) = gateway(&urls(&[&upstream]), bound);
    let mut first = Client::connect(gateway.public());
    first.send(gateway.get("/first", &secret));
    upstream.wait_for(1);
    let begun = instant();
    assert_eq!(gateway.ask(gateway.get("/late", &secret)).status, 503);
    assert!(begun.elapsed() > Duration::from_millis(900) && begun.elapsed() < GRACE);
    let mut leaves = Client::connect(gateway.public());
    leaves.send(gateway.get("/leaves", &secret));
    under_way(&gateway, 2);
    drop(leaves);
    under_way(&gateway, 1);
    let mut second = Client::connect(gateway.public());
    second.send(gateway.get("/second", &secret));
    under_way(&gateway, 2);
    upstream.go_on();
    assert_eq!(first.answer().status, 200);
    upstream.go_on();
    assert_eq!(second.answer().status, 200);
    let lines: Vec<_> = upstream.take().iter().map(|seen| seen.line()).collect();
    assert_eq!(lines, ["/first", "/second"].map(|target| format!("GET {target} HTTP/1.1")));
}

/// A queue without room, where nobody answers: whoever connects waits.
fn black_hole() -> (socket2::Socket, Vec<TcpStream>) {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let mut held = Vec::new();
    while let Ok(one) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        held.push(one);
    }
    (socket, held)
}

/// It ends as any request that has no answer yet: with the refusal of its token, whatever it waits for.
#[test]
fn a_token_that_ends_while_its_request_waits_for_its_turn_is_refused() {
    let slow = waiting();
    let (hole, _held) = black_hole();
    let hole = hole.local_addr().unwrap().as_socket().unwrap();
    let gateway = Gateway::start(&format!(
        "[[apis]]\nname = \"a\"\nupstream = \"http://{}\"\nupstream_concurrency = 1\nupstream_queue = 9\n\
         upstream_queue_timeout = \"1h\"\nrules = [{{ path = \"/{{*rest}}\" }}]\n\
         [[apis]]\nname = \"hole\"\npath = \"/hole\"\nupstream = \"http://{hole}\"\n\
         upstream_connect_timeout = \"5m\"\nrules = [{{ path = \"/hole\" }}]\n",
        slow.address()
    ));
    gateway.owner("somebody");
    let mut first = Client::connect(gateway.public());
    first.send(gateway.get("/x", &gateway.any_token()));
    slow.wait_for(1);
    for path in ["/x", "/hole"] {
        let made = gateway.token(json!({ "owner": "somebody", "name": "any", "flags": -1 }));
        let mut client = Client::connect(gateway.public());
        client.send(gateway.get(path, &made.secret));
        under_way(&gateway, 2);
        gateway.revoke(made.id);
        let answer = client.answer();
        assert_eq!(answer.status, 401, "{path}");
        assert!(answer.text().contains(Refusal::Revoked.detail()), "{path}: {}", answer.text());
        under_way(&gateway, 1);
    }
    slow.go_on();
    assert_eq!(first.answer().status, 200);
}

/// Those who wait for one connection to an upstream of HTTP/2 have each failed where it has.
#[test]
fn an_upstream_of_http2_that_nobody_reaches_is_left_out_as_soon_as_another() {
    let (hole, _held) = black_hole();
    let hole = hole.local_addr().unwrap().as_socket().unwrap();
    let good = crate::unseen::Server::start(|_| crate::unseen::Act::Answer);
    let (gateway, secret) = gateway(
        &format!("\"http://{hole}\", {}", good.url()),
        "upstream_http2 = true\nupstream_connect_timeout = \"1s\"\nupstream_eject_after = 3\n\
         upstream_eject_time = \"1h\"",
    );
    let mut client = Frames::connect(gateway.public(), 1 << 16);
    let streams = (0..16).map(|nth| 2 * nth + 1);
    streams.clone().for_each(|stream| _ = client.get(stream, "/x", &secret));
    for _ in streams {
        let head = loop {
            let frame = client.next().unwrap();
            if frame.kind == HEADERS {
                break frame;
            }
        };
        assert_eq!(head.status(), Some(200));
    }
    assert_eq!(metric(&gateway, "upstream_ejections_total", hole), "1");
}

/// Those who wait for one connection have as long as their own API says.
#[test]
fn an_api_that_waits_long_for_an_upstream_of_http2_does_not_fail_with_one_that_is_hasty() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, held) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&held);
    std::thread::spawn(move || {
        // The first hears nothing.
        let _first = listener.accept().unwrap();
        counted.fetch_add(1, Ordering::SeqCst);
        for stream in listener.incoming() {
            std::thread::spawn(|| serve(stream.unwrap(), &[], |_| (), whole));
        }
    });
    let api = |name: &str, connect: &str| {
        format!(
            "[[apis]]\nname = \"{name}\"\npath = \"/{name}\"\nrules = [{{ path = \"/{name}\" }}]\n\
             upstream = [\"http://{address}\", {{ url = \"http://127.0.0.1:9\", weight = 0 }}]\n\
             upstream_http2 = true\nupstream_connect_timeout = \"{connect}\"\nupstream_eject_after = 2\n"
        )
    };
    let gateway = Gateway::start(&(api("hasty", "500ms") + &api("a", "1m")));
    gateway.owner("somebody");
    let secret = gateway.any_token();
    let mut client = Frames::connect(gateway.public(), 1 << 16);
    assert!(client.get(1, "/hasty", &secret));
    wait_until("nobody was asked", PATIENCE, || held.load(Ordering::SeqCst) == 1);
    let patient = (1..=5).map(|nth| 2 * nth + 1);
    patient.clone().for_each(|stream| assert!(client.get(stream, "/a", &secret)));
    let mut answered = Vec::new();
    while answered.len() < 6 {
        let frame = client.next().unwrap();
        answered.extend(frame.status().map(|status| (frame.stream, status)));
    }
    answered.sort_unstable();
    let patient = patient.map(|stream| (stream, 200));
    assert_eq!(answered, [(1, 504)].into_iter().chain(patient).collect::<Vec<_>>());
    assert_eq!(metric(&gateway, "upstream_ejections_total", address), "0");
}

/// Who waited for its turn leaves an endpoint less time than it may take.
#[test]
fn time_in_the_queue_is_no_fault_of_an_endpoint() {
    let all = [(); 2].map(|()| Upstream::scripted(|_| vec![Step::Stall]));
    let (gateway, secret) = gateway(
        &urls(&[&all[0], &all[1]]),
        "upstream_response_timeout = \"1s\"\nupstream_timeout = \"1500ms\"\nupstream_concurrency = 1\n\
         upstream_queue_timeout = \"1m\"\nupstream_eject_after = 1\nupstream_eject_time = \"1h\"",
    );
    let mut clients = [(); 2].map(|()| Client::connect(gateway.public()));
    for (client, number) in clients.iter_mut().zip(1..) {
        client.send(gateway.get("/x", &secret));
        under_way(&gateway, number);
        wait_until("it never came or waited", PATIENCE, || {
            let came = all.iter().any(|one| !one.seen().is_empty());
            came && gateway.counted(|core| core.waiting.value()) == number - 1
        });
    }
    for client in &mut clients {
        assert_eq!(client.answer().status, 504);
    }
    let came = all.each_ref().map(|one| one.seen().len());
    assert_eq!(came, [1, 1], "the second was asked where nobody was left out");
    // The first took all of its second.
    let out = |one: &Upstream| metric(&gateway, "upstream_ejections_total", one.address());
    let mut out = all.each_ref().map(out);
    out.sort();
    assert_eq!(out, ["0", "1"]);
}
