//! An upstream of our own: requests must reach it as they were sent, and its odd answers must come back
//! as they are, piece by piece.

use super::compare::{Ask, Comparison, NORMALISED, REFUSED};
use crate::support::client::Client;
use crate::support::gateway::Gateway;
use crate::support::upstream::{Seen, Step, Upstream, answer, ok};
use crate::support::{Framing, position};

/// Answers by their target.
const ANSWERS: [(&str, &str); 31] = [
    (
        "/case",
        "HTTP/1.1 200 OK\r\nx-lower: 1\r\nX-UPPER: 2\r\nx-MiXeD: 3\r\ncontent-LENGTH: 2\r\n\r\nok",
    ),
    ("/order", "HTTP/1.1 200 OK\r\nB: 1\r\nA: 2\r\nContent-Length: 0\r\nZ: 3\r\nC: 4\r\n\r\n"),
    (
        "/twice",
        "HTTP/1.1 200 OK\r\nX-A: 1\r\nX-B: -\r\nX-A: 2\r\nx-a: 3\r\nContent-Length: 0\r\n\r\n",
    ),
    (
        "/cookies",
        "HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/; HttpOnly\r\nSet-Cookie: b=\"2, 3\"\r\nContent-Length: 0\r\n\r\n",
    ),
    ("/empty-value", "HTTP/1.1 200 OK\r\nX-Empty:\r\nX-Space:   \r\nContent-Length: 0\r\n\r\n"),
    ("/8-bit", "HTTP/1.1 200 OK\r\nX-Name: caf\u{e9}\u{20ac}\r\nContent-Length: 0\r\n\r\n"),
    ("/symbols", "HTTP/1.1 200 OK\r\nX!#$%&'*+-.^_`|~: ok\r\nContent-Length: 0\r\n\r\n"),
    ("/no-date", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    (
        "/server",
        "HTTP/1.1 200 OK\r\nServer: me/1.0 (odd)\r\nVia: 1.0 other\r\nContent-Length: 0\r\n\r\n",
    ),
    ("/reason", "HTTP/1.1 200 All Is Well\r\nContent-Length: 0\r\n\r\n"),
    ("/204", "HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n"),
    ("/205", "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n"),
    (
        "/206",
        "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/5\r\nContent-Length: 2\r\n\r\nab",
    ),
    ("/226", "HTTP/1.1 226 IM Used\r\nContent-Length: 0\r\n\r\n"),
    ("/299", "HTTP/1.1 299 Odd\r\nContent-Length: 3\r\n\r\nodd"),
    (
        "/300",
        "HTTP/1.1 300 Multiple Choices\r\nLink: </a>; rel=alternate\r\nContent-Length: 0\r\n\r\n",
    ),
    ("/304", "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n"),
    ("/304-length", "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 5\r\n\r\n"),
    ("/304-weak", "HTTP/1.1 304 Not Modified\r\nETag: W/\"x\"\r\nCache-Control: no-cache\r\n\r\n"),
    (
        "/401",
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"theirs\"\r\nContent-Length: 0\r\n\r\n",
    ),
    ("/407", "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"),
    ("/431", "HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\n\r\n"),
    ("/500", "HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops"),
    ("/503", "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"),
    ("/599", "HTTP/1.1 599 Odd\r\nContent-Length: 0\r\n\r\n"),
    (
        "/chunked",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1;ext=\"v\"\r\nd\r\n0\r\n\r\n",
    ),
    ("/chunked-empty", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("/close", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end"),
    ("/close-length", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nfive!"),
    ("/http-1.0", "HTTP/1.0 200 OK\r\nX-Old: 1\r\n\r\nold"),
    ("/http-1.0-length", "HTTP/1.0 404 Not Found\r\nContent-Length: 3\r\n\r\nold"),
];

fn odd_answers(seen: &Seen) -> Vec<Step> {
    let line = seen.line();
    let target = line.split(' ').nth(1).unwrap_or_default();
    let (_, bytes) = ANSWERS.iter().find(|(known, _)| *known == target).unwrap();
    // One byte for each character, so that there can be bytes that are not UTF-8.
    let bytes: Vec<u8> = bytes.chars().map(|c| u8::try_from(c).unwrap_or(0x80)).collect();
    let head_end = position(&bytes, b"\r\n\r\n").unwrap() + 4;
    let sent = if line.starts_with("HEAD ") { &bytes[..head_end] } else { &bytes[..] };
    let mut steps = vec![Step::TakeBody, Step::Send(sent.to_vec())];
    if target.starts_with("/close") || target.starts_with("/http-1.0") {
        steps.push(Step::Close);
    }
    steps
}

#[test]
fn odd_answers_come_back_as_they_are() {
    let upstream = Upstream::scripted(odd_answers);
    let gateway = Gateway::transparent(upstream.address());
    let secret = gateway.any_token();
    let mut compare = Comparison::new(upstream.address(), &gateway, &secret);
    for (target, _) in ANSWERS {
        for method in ["GET", "HEAD", "POST", "PROPFIND"] {
            compare.same(&Ask::plain(method, target, ""));
        }
    }
}

/// Lines of a request that reach the upstream in their order, with the case of their names.
const KEPT_LINES: &str = "x-lower: 1\r\nX-UPPER: 2\r\nx-MiXeD: 3\r\nX-Same: 1\r\nX-Same: 2\r\nX-Other: -\r\n\
     X-Empty:\r\nAccept: */*\r\nCookie: a=1; b=2\r\nUser-Agent: odd/1.0\r\n\
     X!#$%&'*+-.^_`|~: ok\r\nReferer: http://a.example/b?c\r\n";

/// Lines that end at the gateway.
const ENDING_LINES: &str = "Connection: keep-alive, X-Named\r\nX-Named: of-the-connection\r\n\
     X-Forwarded-For: 192.0.2.99\r\nProxy-Authorization: Basic eDp5\r\n";

#[test]
fn a_request_reaches_the_upstream_as_it_was_sent() {
    let upstream = Upstream::start();
    let gateway = Gateway::transparent(upstream.address());
    let secret = gateway.any_token();
    let credential = format!("Authorization: Bearer {secret}\r\n");
    for (method, target) in [
        ("GET", "/"),
        ("DELETE", "/a/b?x=%2f&y=%zz&[]={}|^`\\&../..//;p#"),
        ("OPTIONS", "/x"),
        ("PROPFIND", "/x/"),
        ("GET", "/%20%C3%A9/!$&'()*+,=:@-_.~"),
        ("GET", "/a?"),
        ("GET", "/a??b?c"),
    ] {
        let target = target.trim_end_matches('#');
        // What ends here stands in front, and leaves no hole into which another could move.
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: API.example:8080\r\n{ENDING_LINES}{credential}{KEPT_LINES}"
        );
        gateway.ask(format!("{head}\r\n"));
        let seen = upstream.take_one();
        let expected = format!("{method} {target} HTTP/1.1");
        assert_eq!(seen.line(), expected);
        assert_eq!(seen.value("host").as_deref(), Some("api.example:8080"));
        let lines = String::from_utf8_lossy(&seen.head).into_owned();
        for line in KEPT_LINES.lines() {
            let name = line.split(':').next().unwrap();
            assert!(lines.contains(&format!("\r\n{name}:")), "{name} in {lines}");
        }
        let mine = |name: &String| KEPT_LINES.contains(&format!("{name}:"));
        let names: Vec<_> = seen.names().into_iter().filter(mine).collect();
        let sent: Vec<_> = KEPT_LINES.lines().map(|line| line.split(':').next().unwrap()).collect();
        assert_eq!(names, sent);
        for line in ENDING_LINES.lines() {
            let value = line.split(": ").nth(1).unwrap();
            assert!(!lines.contains(value), "{line} in {lines}");
        }
        assert_eq!(seen.values("x-same"), ["1", "2"]);
        assert_eq!(seen.values("x-empty"), [""]);
    }
}

#[test]
fn bodies_reach_the_upstream_as_they_were_sent() {
    let upstream = Upstream::start();
    let gateway = Gateway::transparent(upstream.address());
    let credential = format!("Authorization: Bearer {}\r\n", gateway.any_token());
    let head = format!("POST /x HTTP/1.1\r\nHost: a\r\n{credential}");

    gateway.ask(format!("{head}Content-Length: 5\r\n\r\nhello"));
    let seen = upstream.take_one();
    assert_eq!(
        (seen.value("content-length").as_deref(), &seen.body[..]),
        (Some("5"), &b"hello"[..])
    );

    gateway.ask(format!("{head}Content-Length: 0\r\n\r\n"));
    let seen = upstream.take_one();
    assert_eq!((seen.value("content-length").as_deref(), &seen.body[..]), (Some("0"), &b""[..]));

    gateway.ask(format!("{head}\r\n"));
    let seen = upstream.take_one();
    assert!(seen.values("transfer-encoding").is_empty() && seen.body.is_empty());

    let chunks =
        "2\r\nab\r\n3;ext=1\r\ncde\r\n0\r\nX-Check: sum\r\nAuthorization: Bearer x\r\n\r\n";
    gateway.ask(format!("{head}Trailer: X-Check\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"));
    let seen = upstream.take_one();
    assert!(seen.complete && seen.value("content-length").is_none());
    assert_eq!(seen.value("transfer-encoding").as_deref(), Some("chunked"));
    assert!(
        seen.holds("X-Check: sum") || seen.holds("x-check: sum"),
        "{}",
        seen.body.escape_ascii()
    );
    // A chunk extension is of one connection, and a trailer is no place for a credential.
    let body = seen.body.escape_ascii().to_string();
    assert!(!body.contains("ext=1") && !body.contains("Bearer"), "{body}");
}

#[test]
fn an_answer_comes_piece_by_piece() {
    let first = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n";
    let upstream = Upstream::scripted(move |_| {
        let rest = Step::Send(b"6\r\nsecond\r\n0\r\nX-Sum: 1\r\n\r\n".to_vec());
        vec![Step::TakeBody, Step::Send(first.as_bytes().to_vec()), Step::Wait, rest]
    });
    let gateway = Gateway::transparent(upstream.address());
    let mut client = Client::connect(gateway.public());
    let head = gateway.get("/events", &gateway.any_token());
    client.send(head.replace("Host:", "TE: trailers\r\nConnection: TE\r\nHost:"));
    client.read_to("first\r\n");
    upstream.go_on();
    let rest = String::from_utf8(client.read_to("\r\n\r\n")).unwrap();
    assert!(rest.contains("second") && rest.to_lowercase().contains("x-sum: 1"), "{rest}");
}

#[test]
fn a_request_body_goes_piece_by_piece_and_the_answer_may_come_before_its_end() {
    let upstream = Upstream::scripted(|_| {
        let head = Step::Send(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nearly\r\n".to_vec(),
        );
        vec![
            Step::TakeSome(8),
            head,
            Step::TakeBody,
            Step::Send(b"4\r\nlate\r\n0\r\n\r\n".to_vec()),
        ]
    });
    let gateway = Gateway::transparent(upstream.address());
    let mut client = Client::connect(gateway.public());
    let credential = format!("Authorization: Bearer {}\r\n", gateway.any_token());
    client.send(format!("POST /both HTTP/1.1\r\nHost: a\r\n{credential}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"));
    client.read_to("early\r\n");
    client.send("3\r\ndef\r\n0\r\n\r\n");
    client.read_to("late\r\n0\r\n\r\n");
}

#[test]
fn the_upstream_says_whether_to_continue() {
    let upstream = Upstream::scripted(|seen| {
        if seen.line().contains("/no") {
            return vec![
                Step::Send(
                    b"HTTP/1.1 403 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno".to_vec(),
                ),
                Step::Close,
            ];
        }
        let mut steps = vec![Step::Send(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec())];
        steps.extend(ok("done"));
        steps
    });
    let gateway = Gateway::transparent(upstream.address());
    let secret = gateway.any_token();
    let head = |target: &str| {
        format!(
            "POST {target} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {secret}\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"
        )
    };
    let mut client = Client::connect(gateway.public());
    client.send(head("/yes"));
    let interim = String::from_utf8(client.read_to("\r\n\r\n")).unwrap();
    assert!(interim.starts_with("HTTP/1.1 100 "), "{interim}");
    client.send("body");
    let done = client.answer();
    assert_eq!(
        (done.status, done.text().as_str(), done.framing),
        (200, "done", Framing::Length(4))
    );

    let mut client = Client::connect(gateway.public());
    client.send(head("/no"));
    let refused = client.answer();
    assert_eq!((refused.status, refused.interim.len()), (403, 0), "{refused:?}");
}

#[test]
fn nothing_but_the_date_is_added_to_an_answer() {
    let upstream = Upstream::scripted(|_| {
        answer("HTTP/1.1 200 OK\r\nB: 1\r\nA: 2\r\nContent-Length: 0\r\n\r\n")
    });
    let gateway = Gateway::transparent(upstream.address());
    let found = gateway.ask(gateway.get("/", &gateway.any_token()));
    let names: Vec<_> = found.fields().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["B", "A", "Content-Length", "date"]);
}

#[test]
fn what_has_two_readings_is_refused_or_made_one() {
    let upstream = Upstream::start();
    let gateway = Gateway::transparent(upstream.address());
    let secret = gateway.any_token();
    for (target, reason) in REFUSED {
        let found = gateway.ask(gateway.get(target, &secret));
        assert_eq!(found.status, 400, "{target}: {reason}");
        assert!(upstream.take().is_empty());
    }
    for (target, normal) in NORMALISED {
        assert_eq!(gateway.ask(gateway.get(target, &secret)).status, 200);
        assert_eq!(upstream.take_one().line(), format!("GET {normal} HTTP/1.1"));
    }
}

#[test]
fn an_early_hint_ends_here_and_the_answer_comes() {
    let hint = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n";
    let upstream = Upstream::scripted(move |_| {
        let mut steps = vec![Step::Send(hint.as_bytes().to_vec())];
        steps.extend(ok("done"));
        steps
    });
    let gateway = Gateway::transparent(upstream.address());
    let found = gateway.ask(gateway.get("/", &gateway.any_token()));
    assert_eq!((found.status, found.text().as_str(), found.interim.len()), (200, "done", 0));
}
