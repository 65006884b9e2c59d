//! What a client gets when the upstream is down, slow or broken, or when the request is too large.

use std::io::{ErrorKind, Read};
use std::net::TcpListener;

use serde_json::json;
use tollgate::domain::refusal::Refusal;

use super::Stage;
use crate::support::client::Client;
use crate::support::frames::{DATA, END_HEADERS, END_STREAM, Frames, HEADERS, field};
use crate::support::gateway::Gateway;
use crate::support::upstream::{Step, Upstream, answer, ok};

fn in_front_of(upstream: std::net::SocketAddr) -> (Gateway, String) {
    let gateway = Gateway::start(&format!(
        "[[apis]]\nname = \"a\"\nupstream = \"http://{upstream}\"\nupstream_response_timeout = \"1s\"\n\
         upstream_connect_timeout = \"1s\"\nrules = [{{ path = \"/{{*rest}}\" }}]\n"
    ));
    gateway.owner("somebody");
    let secret = gateway.any_token();
    (gateway, secret)
}

#[test]
fn an_upstream_that_is_down_is_502() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let (gateway, secret) = in_front_of(address);
    let found = gateway.ask(gateway.get("/", &secret));
    assert_eq!(found.status, 502);
    assert_eq!(found.json()["detail"], "The upstream cannot be reached");
    assert_eq!(found.value("cache-control").as_deref(), Some("no-store"));
}

#[test]
fn an_upstream_that_does_not_answer_is_504() {
    let upstream = Upstream::scripted(|_| vec![Step::TakeBody, Step::Stall]);
    let (gateway, secret) = in_front_of(upstream.address());
    assert_eq!(gateway.ask(gateway.get("/", &secret)).status, 504);
}

#[test]
fn an_upstream_that_talks_nonsense_is_502_and_nobody_else_hears_it() {
    for nonsense in [
        "nonsense\r\n\r\n",
        "HTTP/1.1 abc OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n",
        "",
    ] {
        let upstream = Upstream::scripted(move |seen| {
            let mut steps =
                if seen.line().contains("/bad") { answer(nonsense) } else { ok("fine") };
            steps.extend(nonsense.is_empty().then_some(Step::Close));
            steps
        });
        let (gateway, secret) = in_front_of(upstream.address());
        let mut client = Client::connect(gateway.public());
        let found = client.ask(gateway.get("/bad", &secret));
        assert_eq!(found.status, 502, "{nonsense:?}");
        assert_eq!(found.json()["detail"], "The upstream did not give a usable answer");
        let next = gateway.ask(gateway.get("/good", &secret));
        assert!(next.status == 200 || nonsense.is_empty(), "{nonsense:?}");
    }
}

#[test]
fn a_body_that_breaks_off_never_ends_cleanly() {
    for (head, body) in [
        ("Content-Length: 10\r\n", "12345"),
        ("Transfer-Encoding: chunked\r\n", "5\r\n12345\r\n"),
        ("Transfer-Encoding: chunked\r\n", "5\r\n12345\r\nZZ\r\n"),
    ] {
        for end in [Step::Close, Step::Reset] {
            let bytes = format!("HTTP/1.1 200 OK\r\n{head}\r\n{body}");
            let last = end.clone();
            let upstream = Upstream::scripted(move |_| {
                let send = Step::Send(bytes.clone().into_bytes());
                vec![Step::TakeBody, send, Step::Wait, last.clone()]
            });
            let (gateway, secret) = in_front_of(upstream.address());
            let mut client = Client::connect(gateway.public());
            client.send(gateway.get("/", &secret));
            // What was sent has arrived; a reset must not overtake it.
            client.wait_for("12345");
            upstream.go_on();
            let found = client.answer();
            assert!(!found.whole, "{head:?} {end:?}: {found:?}");
        }
    }
}

/// What comes until the connection ends, and whether it ends in good order.
fn rest(client: &Client) -> (Vec<u8>, bool) {
    let (mut come, mut stream) = (Vec::new(), client.stream());
    let ended = stream.read_to_end(&mut come);
    let reset = ended.as_ref().err().map(std::io::Error::kind) == Some(ErrorKind::ConnectionReset);
    assert!(ended.is_ok() || reset, "{ended:?}");
    (come, ended.is_ok())
}

#[test]
fn rfc9112_8_an_answer_whose_end_its_connection_marks_never_looks_complete_when_it_is_cut() {
    const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";
    for (head, body, end, whole) in [
        ("", "12345", Step::Close, true),
        ("", "12345", Step::Reset, false),
        (CHUNKED, "5\r\n12345\r\n0\r\n\r\n", Step::Close, true),
        (CHUNKED, "5\r\n12345\r\n", Step::Close, false),
        (CHUNKED, "5\r\n12345\r\n", Step::Reset, false),
        (CHUNKED, "5\r\n12345\r\nZZ\r\n", Step::Stall, false),
    ] {
        let (bytes, last) = (format!("HTTP/1.1 200 OK\r\n{head}\r\n{body}"), end.clone());
        let upstream = Upstream::scripted(move |_| {
            let send = Step::Send(bytes.clone().into_bytes());
            vec![Step::TakeBody, send, Step::Wait, last.clone()]
        });
        let (gateway, secret) = in_front_of(upstream.address());
        let mut client = Client::connect(gateway.public());
        client.send(gateway.get("/", &secret).replace("HTTP/1.1", "HTTP/1.0"));
        if body.contains("ZZ") {
            // It is cut at once, and a reset may overtake what came before.
            assert!(!rest(&client).1, "{head:?} {body:?} {end:?}");
            continue;
        }
        client.wait_for("12345");
        upstream.go_on();
        assert_eq!(rest(&client), (Vec::new(), whole), "{head:?} {body:?} {end:?}");
    }
}

#[test]
fn a_long_answer_to_http_1_0_comes_to_its_end() {
    const CHUNK: usize = 100_000;
    let upstream = Upstream::scripted(|_| {
        let chunk = format!("{CHUNK:x}\r\n{}\r\n", "x".repeat(CHUNK)).repeat(50);
        answer(&format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}0\r\n\r\n"))
    });
    let (gateway, secret) = in_front_of(upstream.address());
    let mut client = Client::connect(gateway.public());
    client.send(gateway.get("/", &secret).replace("HTTP/1.1", "HTTP/1.0"));
    let (come, whole) = rest(&client);
    assert_eq!((come.iter().filter(|byte| **byte == b'x').count(), whole), (50 * CHUNK, true));
}

#[test]
fn a_head_that_drips_in_is_a_head() {
    let head = "HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 2\r\n\r\nok";
    let upstream = Upstream::scripted(move |_| {
        let pieces = head.bytes().map(|byte| Step::Send(vec![byte]));
        std::iter::once(Step::TakeBody).chain(pieces).collect()
    });
    let (gateway, secret) = in_front_of(upstream.address());
    let mut client = Client::connect(gateway.public());
    for _ in 0..3 {
        let found = client.ask(gateway.get("/", &secret));
        assert_eq!((found.text().as_str(), found.value("x-a").as_deref()), ("ok", Some("1")));
    }
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn the_head_of_an_answer_has_bounds() {
    let upstream = Upstream::scripted(|seen| {
        let line = seen.line();
        let mut words = line.split([' ', '/', '-']).filter(|word| !word.is_empty()).skip(1);
        let (what, count) = (words.next().unwrap().to_owned(), words.next().unwrap());
        let count: usize = count.parse().unwrap();
        let begin = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n";
        let more = if what == "fields" {
            (1..count).map(|number| format!("X-{number}: y\r\n")).collect()
        } else {
            let rest = count - begin.len() - "X-1: \r\n\r\n".len();
            format!("X-1: {}\r\n", "y".repeat(rest))
        };
        answer(&format!("{begin}{more}\r\n"))
    });
    let (gateway, secret) = in_front_of(upstream.address());
    let broken = || gateway.counted(|core| core.refusals.of(Refusal::UpstreamBroken));
    for (within, beyond, fields) in
        [("/fields-500", "/fields-501", 499), ("/bytes-65536", "/bytes-65537", 1)]
    {
        let found = gateway.ask(gateway.get(within, &secret));
        let passed = found.fields().iter().filter(|(name, _)| name.starts_with("X-")).count();
        assert_eq!((found.status, passed), (200, fields), "{within}");
        let before = broken();
        let found = gateway.ask(gateway.get(beyond, &secret));
        assert_eq!(found.status, 502, "{beyond}");
        assert_eq!(found.json()["detail"], "The upstream did not give a usable answer");
        assert_eq!(broken() - before, 1, "{beyond}");
    }
}

#[test]
fn sec_h1_what_belongs_to_the_upstreams_connection_stays_there() {
    let upstream = Upstream::scripted(|_| {
        answer(
            "HTTP/1.1 200 OK\r\nCONNECTION: x-Own, Keep-Alive\r\nX-B: 1\r\nKeep-Alive: timeout=5\r\n\
             X-own: secret\r\nProxy-Authenticate: Basic\r\nUpgrade: h2c\r\nx-A: 2\r\nX-B: 3\r\n\
             Content-Length: 2, 2\r\nContent-Length: 2\r\nDate: then\r\n\r\nok",
        )
    });
    let (gateway, secret) = in_front_of(upstream.address());
    let mut client = Client::connect(gateway.public());
    for _ in 0..2 {
        let found = client.ask(gateway.get("/", &secret));
        let fields = found.fields();
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| (name.as_str(), std::str::from_utf8(value).unwrap()))
            .collect();
        let passed =
            [("X-B", "1"), ("x-A", "2"), ("X-B", "3"), ("Content-Length", "2"), ("Date", "then")];
        assert_eq!(fields, passed);
        assert_eq!(found.text(), "ok");
    }
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn rfc9110_15_2_interim_answers_come_before_the_answer_and_not_without_end() {
    let upstream = Upstream::scripted(|seen| {
        let count = seen.line().split(['/', ' ']).find_map(|word| word.parse().ok());
        let interim = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(count.unwrap());
        answer(&format!("{interim}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
    });
    let (gateway, secret) = in_front_of(upstream.address());
    for (count, status) in [(1, 200), (100, 200), (101, 502)] {
        let found = gateway.ask(gateway.get(&format!("/{count}"), &secret));
        assert_eq!((found.status, found.value("link")), (status, None), "{count}");
    }
}

#[test]
fn rfc9110_10_1_1_a_go_ahead_and_the_answer_at_once_keep_their_fields_apart() {
    let upstream = Upstream::scripted(|_| {
        let text = "HTTP/1.1 100 Continue\r\nX-No: 1\r\n\r\nHTTP/1.1 200 OK\r\nX-Yes: 1\r\n\
                    Content-Length: 2\r\n\r\nok";
        vec![Step::Send(text.into()), Step::TakeBody]
    });
    let (gateway, secret) = in_front_of(upstream.address());
    for _ in 0..20 {
        let mut client = Client::connect(gateway.public());
        client.send(format!(
            "POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {secret}\r\nContent-Length: 5\r\n\
             Expect: 100-continue\r\n\r\n"
        ));
        let found = client.answer();
        assert_eq!((found.status, found.text().as_str()), (200, "ok"));
        assert_eq!((found.value("x-yes").as_deref(), found.value("x-no")), (Some("1"), None));
        assert_eq!(found.value("tollgate-fields"), None);
    }
}

#[test]
fn rfc9110_10_1_1_an_answer_without_a_go_ahead_is_one() {
    let upstream = Upstream::scripted(|_| {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
        vec![Step::Send(head.into()), Step::TakeBody, Step::Send("ok".into())]
    });
    let (gateway, secret) = in_front_of(upstream.address());
    let mut client = Client::connect(gateway.public());
    client.send(format!(
        "POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {secret}\r\nContent-Length: 5\r\n\
         Expect: 100-continue\r\n\r\n"
    ));
    client.wait_for("200 OK");
    client.send("hello");
    let found = client.answer();
    assert_eq!((found.text().as_str(), found.whole), ("ok", true));
    assert_eq!(upstream.take()[0].body, b"hello");
}

#[test]
fn rfc9112_6_3_an_answer_may_end_with_its_connection() {
    let upstream = Upstream::scripted(|seen| {
        let version = if seen.line().contains("/old") { "1.0" } else { "1.1" };
        let text = format!("HTTP/{version} 200 OK\r\n\r\nto the end");
        vec![Step::TakeBody, Step::Send(text.into_bytes()), Step::Close]
    });
    let (gateway, secret) = in_front_of(upstream.address());
    let mut client = Client::connect(gateway.public());
    for target in ["/old", "/new", "/old"] {
        let found = client.ask(gateway.get(target, &secret));
        assert_eq!((found.text().as_str(), found.whole), ("to the end", true), "{target}");
    }
    assert_eq!(upstream.connections(), 3);
}

#[test]
fn an_idle_connection_that_the_upstream_closed_is_not_used() {
    let upstream = Upstream::start();
    let (gateway, secret) = in_front_of(upstream.address());
    let mut client = Client::connect(gateway.public());
    for round in 0..20 {
        assert_eq!(client.ask(gateway.get("/", &secret)).status, 200, "round {round}");
        upstream.close_connections();
    }
    assert_eq!(upstream.take().len(), 20, "nothing was sent twice");
}

#[test]
fn connections_to_the_upstream_are_kept() {
    let upstream = Upstream::start();
    let (gateway, secret) = in_front_of(upstream.address());
    let mut client = Client::connect(gateway.public());
    for _ in 0..20 {
        assert_eq!(client.ask(gateway.get("/", &secret)).status, 200);
    }
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn what_is_too_large_is_told_so() {
    let stage = Stage::new();
    let secret = stage.token(&json!({})).secret;
    let head = |target: &str, lines: &str| {
        format!(
            "POST {target} HTTP/1.1\r\nHost: erp.example\r\nAuthorization: Bearer {secret}\r\n{lines}\r\n"
        )
    };
    let declared = stage.gateway.ask(head("/any", "Content-Length: 1025\r\n"));
    assert_eq!(declared.status, 413);
    assert!(stage.upstream.take().is_empty(), "it was known from the head");
    let fits = format!("{}{}", head("/any", "Content-Length: 1024\r\n"), "x".repeat(1_024));
    assert_eq!(stage.gateway.ask(fits).status, 200);
    let chunk = format!("800\r\n{}\r\n0\r\n\r\n", "x".repeat(2_048));
    let chunked = stage.gateway.ask(head("/any", "Transfer-Encoding: chunked\r\n") + &chunk);
    assert_eq!(chunked.status, 413);
    assert_eq!(stage.gateway.ask(head("/any", "Expect: the-unexpected\r\n")).status, 417);
    let long = stage.gateway.ask(head(&format!("/any?{}", "x".repeat(9_000)), ""));
    assert_eq!(long.status, 414);
    let large = stage.gateway.ask(head("/any", &format!("X: {}\r\n", "x".repeat(70_000))));
    assert_eq!(large.status, 431);
    let many: String = (0..101).map(|n| format!("X-{n}: x\r\n")).collect();
    assert_eq!(stage.gateway.ask(head("/any", &many)).status, 431);
}

/// The same over HTTP/2, where no body need say how long it is (RFC 9113 section 8.1.1), and all other requests go on.
#[test]
fn what_is_too_large_over_http2_is_told_so() {
    let stage = Stage::new();
    let secret = stage.token(&json!({})).secret;
    let mut frames = Frames::connect(stage.gateway.public(), 1 << 16);
    let long = format!("/any?{}", "x".repeat(9_000));
    for (stream, target, length, bytes, status) in [
        (1, "/any", Some("1025"), 1_025, 413),
        (3, "/any", None, 1_025, 413),
        (5, "/any", None, 40_000, 413),
        (7, "/any", None, 1_024, 200),
        (9, &*long, None, 1, 414),
        (11, "/any", Some("1024"), 1_024, 200),
    ] {
        let bearer = format!("Bearer {secret}");
        let own = [
            (":method", "POST"),
            (":scheme", "http"),
            (":authority", "erp.example"),
            (":path", target),
            ("authorization", &*bearer),
        ];
        let length = length.map(|length| ("content-length", length));
        let fields = own.into_iter().chain(length);
        let head: Vec<_> = fields.flat_map(|(name, value)| field(name, value)).collect();
        frames.send(HEADERS, END_HEADERS, stream, &head);
        let body = vec![b'x'; bytes];
        let mut parts = body.chunks(16_384).peekable();
        while let Some(part) = parts.next() {
            let flags = if parts.peek().is_none() { END_STREAM } else { 0 };
            frames.send(DATA, flags, stream, part);
        }
        let reply = frames.reply(stream);
        assert_eq!(reply.status, Some(status), "{stream}: {length:?}, {bytes} bytes");
        let came = stage.upstream.take();
        let whole = came.iter().filter(|seen| seen.complete).count();
        assert_eq!(whole, usize::from(status == 200), "{stream}: {came:?}");
    }
}
