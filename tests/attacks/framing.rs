//! Malformed and ambiguous messages (of the rows sec-S what holds of HTTP/1.1 already): each is answered
//! with an error or ended, and nothing of it reaches the upstream.

use tollgate::domain::refusal::{BadRequest, Refusal};

use super::table::{Stage, Then, http2};
use crate::support::client::Client;
use crate::support::{PATIENCE, wait_until};

/// Whole requests in which `AUTH` stands for the line with the token.
const MALFORMED: [(&str, &str); 43] = [
    ("no HTTP", "hello\r\n\r\n"),
    ("a hello of TLS", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{fc}\u{3}\u{3}"),
    ("an answer", "HTTP/1.1 200 OK\r\n\r\n"),
    ("two words", "GET /public/x\r\nHost: a.example\r\nAUTH\r\n"),
    ("four words", "GET /public/x y HTTP/1.1\r\nHost: a.example\r\nAUTH\r\n"),
    ("no version", "GET /public/x HTTP\r\nHost: a.example\r\nAUTH\r\n"),
    (
        "sec-S5: bare CR in a value",
        "GET /public/x HTTP/1.1\r\nHost: a.example\r\nAUTHX: a\rX-Tollgate-Owner: root\r\n\r\n",
    ),
    (
        "sec-S5: NUL in a value",
        "GET /public/x HTTP/1.1\r\nHost: a.example\r\nAUTHX: a\u{0}b\r\n\r\n",
    ),
    ("sec-S5: NUL in a name", "GET /public/x HTTP/1.1\r\nHost: a.example\r\nAUTHX\u{0}: a\r\n\r\n"),
    ("sec-S5: NUL in the target", "GET /public/\u{0} HTTP/1.1\r\nHost: a.example\r\nAUTH\r\n"),
    ("a folded line", "GET /public/x HTTP/1.1\r\nHost: a.example\r\nAUTHX: a\r\n b\r\n\r\n"),
    ("a space before the colon", "GET /public/x HTTP/1.1\r\nHost : a.example\r\nAUTH\r\n"),
    ("a space before the name", "GET /public/x HTTP/1.1\r\n Host: a.example\r\nAUTH\r\n"),
    ("no colon", "GET /public/x HTTP/1.1\r\nHost: a.example\r\nAUTHnonsense\r\n\r\n"),
    ("no name", "GET /public/x HTTP/1.1\r\nHost: a.example\r\nAUTH: x\r\n\r\n"),
    ("an 8-bit name", "GET /public/x HTTP/1.1\r\nHost: a.example\r\nAUTHX\u{e9}: x\r\n\r\n"),
    (
        "sec-S2: ,chunked",
        "POST /public/x HTTP/1.1\r\nHost: a.example\r\nAUTHTransfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "sec-S2: xchunked",
        "POST /public/x HTTP/1.1\r\nHost: a.example\r\nAUTHTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "sec-S2: chunked twice",
        "POST /public/x HTTP/1.1\r\nHost: a.example\r\nAUTHTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "sec-S2: chunked, identity",
        "POST /public/x HTTP/1.1\r\nHost: a.example\r\nAUTHTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    ),
    (
        "sec-S2: identity",
        "POST /public/x HTTP/1.1\r\nHost: a.example\r\nAUTHTransfer-Encoding: identity\r\n\r\n",
    ),
    (
        "sec-S2: in HTTP/1.0",
        "POST /public/x HTTP/1.0\r\nHost: a.example\r\nAUTHTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "sec-S2: a vertical tab",
        "POST /public/x HTTP/1.1\r\nHost: a.example\r\nAUTHTransfer-Encoding: \u{b}chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "sec-S1: a coding over two lines",
        "POST /public/x HTTP/1.1\r\nHost: a.example\r\nAUTHTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "sec-S1: a length over two lines",
        "POST /public/x HTTP/1.1\r\nHost: a.example\r\nAUTHContent-Length:\r\n\t3\r\n\r\nabc",
    ),
    (
        "sec-S1: a length that goes on",
        "POST /public/x HTTP/1.1\r\nHost: a.example\r\nAUTHContent-Length: 3\r\n 0\r\n\r\nabc",
    ),
    (
        "sec-S3: +3",
        "POST /public/x HTTP/1.1\r\nHost: a.example\r\nAUTHContent-Length: +3\r\n\r\nabc",
    ),
    (
        "sec-S3: 0x3",
        "POST /public/x HTTP/1.1\r\nHost: a.example\r\nAUTHContent-Length: 0x3\r\n\r\nabc",
    ),
    (
        "sec-S3: empty",
        "POST /public/x HTTP/1.1\r\nHost: a.example\r\nAUTHContent-Length: \r\n\r\nabc",
    ),
    (
        "sec-S3: two",
        "POST /public/x HTTP/1.1\r\nHost: a.example\r\nAUTHContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    ),
    (
        "sec-S3: a list",
        "POST /public/x HTTP/1.1\r\nHost: a.example\r\nAUTHContent-Length: 3, 4\r\n\r\nabcd",
    ),
    (
        "sec-S3: a list of one number",
        "POST /public/x HTTP/1.1\r\nHost: a.example\r\nAUTHContent-Length: 3, 3\r\n\r\nabc",
    ),
    (
        "sec-S3: negative",
        "POST /public/x HTTP/1.1\r\nHost: a.example\r\nAUTHContent-Length: -48\r\n\r\nabc",
    ),
    (
        "sec-S3: letters",
        "POST /public/x HTTP/1.1\r\nHost: a.example\r\nAUTHContent-Length: 1Z\r\n\r\nabc",
    ),
    (
        "sec-S3: too many digits",
        "POST /public/x HTTP/1.1\r\nHost: a.example\r\nAUTHContent-Length: 99999999999999999999999\r\n\r\nabc",
    ),
    (
        "sec-S3: more than anybody can send",
        "POST /public/x HTTP/1.1\r\nHost: a.example\r\nAUTHContent-Length: 18446744073709551615\r\n\r\nabc",
    ),
    (
        "sec-S3: one less",
        "POST /public/x HTTP/1.1\r\nHost: a.example\r\nAUTHcontent-length:018446744073709551614\r\n\r\nabc",
    ),
    (
        "sec-S3: one more",
        "POST /public/x HTTP/1.1\r\nHost: a.example\r\nAUTHContent-Length: 18446744073709551616\r\n\r\nabc",
    ),
    (
        "sec-S1 in HTTP/1.0",
        "POST /public/x HTTP/1.0\r\nHost: a.example\r\nAUTHContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    ("an unknown version", "GET /public/x HTTP/3.0\r\nHost: a.example\r\nAUTH\r\n"),
    ("a lower-case version", "GET /public/x http/1.1\r\nHost: a.example\r\nAUTH\r\n"),
    ("a tab for a space", "GET\t/public/x\tHTTP/1.1\r\nHost: a.example\r\nAUTH\r\n"),
    ("two spaces", "GET  /public/x HTTP/1.1\r\nHost: a.example\r\nAUTH\r\n"),
];

pub(crate) fn bytes(stage: &Stage, text: &str) -> Vec<u8> {
    let text = text.replace("AUTH", &stage.auth());
    text.chars().map(|c| u8::try_from(c).unwrap()).collect()
}

/// RFC 9112 sections 2.2 and 6.3: 400, and the gateway closes the connection. A version that nobody knows could be told from the
/// others by 505, and is not.
#[test]
fn sec_s2_s3_s5_a_malformed_message_ends_its_connection_and_reaches_nobody() {
    let stage = Stage::twofold();
    for (row, text) in MALFORMED {
        let (said, seen) = stage.say(&bytes(&stage, text), Then::Wait);
        assert_eq!(said.answer.map(|answer| answer.status), Some(400), "{row}");
        assert!(said.rest.is_empty(), "{row}: more than one answer");
        assert!(seen.is_empty(), "{row} reached the upstream: {seen:?}");
    }
    // RFC 9112 section 2.2: empty lines before a request are passed over, and none comes.
    let (said, seen) = stage.say(b"\r\n\r\n\r\n", Then::Finish);
    assert!(said.answer.is_none() && said.rest.is_empty() && seen.is_empty());
}

/// hyper calls such a head too large, which it is not.
#[test]
fn sec_s3_a_length_that_nobody_can_send_is_400() {
    let stage = Stage::new();
    let told = |refusal| stage.gateway.counted(|core| core.refusals.of(refusal));
    for (number, length) in ["18446744073709551614", "18446744073709551615"].iter().enumerate() {
        let mut client = Client::connect(stage.gateway.public());
        let head = "POST /public/x HTTP/1.1\r\nHost: a.example\r\n";
        client.send(format!("{head}{}Content-Length: {length}\r\n\r\nabc", stage.auth()));
        let answer = client.answer_to("POST").unwrap();
        assert_eq!(answer.status, 400, "{length}");
        assert!(client.is_closed(), "{length}");
        let counted = [told(Refusal::BadRequest(BadRequest::Head)), told(Refusal::HeadTooLarge)];
        assert_eq!(counted, [number as u64 + 1, 0], "{length}");
    }
}

#[test]
fn sec_s1_with_both_framings_chunks_are_believed_and_the_connection_ends() {
    let stage = Stage::twofold();
    for lines in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 500\r\nTransfer-Encoding: chunked\r\n",
    ] {
        let smuggled = "GET /public/smuggled HTTP/1.1\r\nHost: a.example\r\nAUTH\r\n";
        let text = format!(
            "POST /public/x HTTP/1.1\r\nHost: a.example\r\nAUTH{lines}\r\n0\r\n\r\n{smuggled}"
        );
        let (said, seen) = stage.say(&bytes(&stage, &text), Then::Wait);
        let answer = said.answer.unwrap();
        assert!(said.rest.is_empty(), "the connection goes on after {lines:?}");
        assert!(seen.len() <= 1 && !seen.iter().any(|seen| seen.holds("smuggled")), "{seen:?}");
        if answer.status == 200 {
            assert_eq!(seen[0].values("transfer-encoding"), ["chunked"]);
            assert!(seen[0].values("content-length").is_empty(), "{seen:?}");
        } else {
            assert_eq!(answer.status, 400);
        }
    }
}

#[test]
fn sec_s4_a_broken_chunk_ends_both_connections() {
    let stage = Stage::twofold();
    for chunks in [
        "1\nZ\n0\n\n",
        "1;a\rX\r\nZ\r\n0\r\n\r\n",
        "1;a\nZ\r\n0\r\n\r\n",
        "1;a\nZ\n0\n\n",
        "0x1\r\nZ\r\n0\r\n\r\n",
        "1\r\nZXX0\r\n\r\n",
        "-1\r\nZ\r\n",
        "1 1\r\nZ\r\n",
        "fffffffffffffffff\r\nZ\r\n",
        "g\r\nZ\r\n",
        "\r\nZ\r\n",
    ] {
        let head =
            "POST /public/x HTTP/1.1\r\nHost: a.example\r\nAUTHTransfer-Encoding: chunked\r\n\r\n";
        let (said, _) = stage.say(&bytes(&stage, &format!("{head}{chunks}")), Then::Wait);
        assert_eq!(said.answer.map(|answer| answer.status), Some(400), "{chunks:?}");
        assert!(said.rest.is_empty(), "{chunks:?}");
        // Once more where the upstream has the beginning already.
        stage.upstream.take();
        let mut client = Client::connect(stage.gateway.public());
        client.send(bytes(&stage, &format!("{head}1\r\nZ\r\n")));
        stage.upstream.wait_for(1);
        client.send(chunks);
        assert_eq!(client.answer().status, 400, "{chunks:?} behind a plain one");
        assert!(client.is_closed(), "{chunks:?} behind a plain one");
        wait_until("its connection goes on", PATIENCE, || stage.upstream.open() == 0);
        let whole = stage.upstream.take().iter().any(|seen| seen.complete);
        assert!(!whole, "{chunks:?} reached the upstream as a whole request");
        let next = "GET /public/next HTTP/1.1\r\nHost: a.example\r\nAUTH\r\n";
        let (next, _) = stage.send(&bytes(&stage, next));
        assert_eq!(next.unwrap().status, 200, "the next client after {chunks:?}");
        stage.upstream.close_connections();
    }
}

/// hyper reads on behind a bare line feed until the empty line of the next request.
#[test]
fn sec_s4_a_bare_line_feed_in_trailers_takes_no_request_with_it() {
    let stage = Stage::twofold();
    let next = "GET /public/next HTTP/1.1\r\nHost: a.example\r\nAUTH\r\n";
    for (auth, chunks, wanted) in [
        ("AUTH", "1\r\nZ\r\n0\r\n\n", 400),
        ("AUTH", "0\r\n\n", 400),
        ("AUTH", "0\r\nX: a\r\n\n", 200),
        ("AUTH", "0\r\nX: a\n\r\n", 200),
        ("AUTH", "0\r\nX: a\r\n\r\n", 200),
        ("", "0\r\n\n", 401),
        ("", "1\r\nZ\r\n0\r\nX: a\r\n\n", 401),
    ] {
        let head = format!(
            "POST /public/x HTTP/1.1\r\nHost: a.example\r\n{auth}Transfer-Encoding: chunked\r\n\r\n"
        );
        let text = format!("{head}{chunks}{next}{next}");
        let (said, seen) = stage.say(&bytes(&stage, &text), Then::Wait);
        let answer = said.answer.unwrap();
        assert_eq!(answer.status, wanted, "{chunks:?}");
        assert_eq!(answer.value("connection").as_deref(), Some("close"), "{chunks:?}");
        assert!(said.rest.is_empty(), "{chunks:?}: one answer would be another's");
        // The beginning of one that was refused may come late.
        let whole = seen.iter().filter(|seen| seen.complete).count();
        assert_eq!(whole, usize::from(wanted == 200), "{chunks:?}: {seen:?}");
        assert!(!seen.iter().any(|seen| seen.holds("next")), "{seen:?}");
    }
}

#[test]
fn sec_s4_a_connection_goes_on_behind_a_plain_chunked_body() {
    let stage = Stage::new();
    let mut client = Client::connect(stage.gateway.public());
    let head =
        "POST /public/x HTTP/1.1\r\nHost: a.example\r\nAUTHTransfer-Encoding: chunked\r\n\r\n";
    for _ in 0..3 {
        client.send(bytes(&stage, &format!("{head}1;a=b\r\nZ\r\n0\r\n\r\n")));
        assert_eq!(client.answer().status, 200);
    }
    assert_eq!(stage.upstream.take().len(), 3);
}

/// RFC 9110 section 8.6: the same number twice is that number, and RFC 9112 section 6.3: once. Zeros before it are none.
#[test]
fn sec_s3_a_length_goes_on_once_and_plain() {
    let stage = Stage::twofold();
    for lines in [
        "Content-Length: 3\r\n",
        "Content-Length: 3\r\nContent-Length: 3\r\n",
        "Content-Length: 03\r\n",
        "Content-Length: 0000000003\r\n",
    ] {
        let text = format!("POST /public/x HTTP/1.1\r\nHost: a.example\r\nAUTH{lines}\r\nabc");
        let (answer, seen) = stage.send(&bytes(&stage, &text));
        assert_eq!((answer.unwrap().status, seen.len()), (200, 1), "{lines:?}");
        assert_eq!(seen[0].values("content-length"), ["3"], "{lines:?}");
        assert_eq!(seen[0].body, b"abc", "{lines:?}");
    }
    for zeros in ["0", "00", "000"] {
        let text = format!(
            "POST /public/x HTTP/1.1\r\nHost: a.example\r\nAUTHContent-Length: {zeros}\r\n\r\n"
        );
        let (answer, seen) = stage.send(&bytes(&stage, &text));
        assert_eq!((answer.unwrap().status, seen.len()), (200, 1), "{zeros}");
        assert_eq!(seen[0].values("content-length"), ["0"], "{zeros}");
    }
    for zeros in ["03", "0003"] {
        let head = format!("Host: a.example\r\nContent-Length: {zeros}\r\n{}", stage.auth());
        let head = http2("POST /public/x HTTP/1.1", &head).unwrap();
        let (reply, seen) = stage.ask_http2(&head, Some(b"abc"), &[]);
        assert_eq!(reply.status, Some(200), "{zeros} over HTTP/2");
        assert_eq!(seen[0].values("content-length"), ["3"], "{zeros} over HTTP/2");
    }
}

#[test]
fn sec_s4_extensions_of_chunks_stop_here_and_have_a_bound() {
    let stage = Stage::twofold();
    let asked = |extension: &str| {
        let text = format!(
            "POST /public/x HTTP/1.1\r\nHost: a.example\r\nAUTHTransfer-Encoding: chunked\r\n\r\n\
             3{extension}\r\nabc\r\n0{extension}\r\n\r\n"
        );
        let (said, seen) = stage.say(&bytes(&stage, &text), Then::Finish);
        (said.answer.map(|answer| answer.status), seen)
    };
    for extension in [";a=b", ";a", ";a=\"b;c\"", " ;a=b"] {
        let (status, seen) = asked(extension);
        assert_eq!((status, seen.len()), (Some(200), 1), "{extension}");
        assert_eq!(seen[0].body, b"3\r\nabc\r\n0\r\n\r\n", "{extension}");
    }
    let (status, seen) = asked(&format!(";a={}", "x".repeat(200_000)));
    assert!(matches!(status, None | Some(400)), "{status:?}");
    assert!(!seen.iter().any(|seen| seen.complete));
}

#[test]
fn sec_s10_the_body_of_a_refused_request_is_never_a_request() {
    let stage = Stage::new();
    let body = "GET /public/smuggled HTTP/1.1\r\nHost: a.example\r\nAUTH\r\n".repeat(200);
    let body = String::from_utf8(bytes(&stage, &body)).unwrap();
    let head = format!(
        "POST /public/x HTTP/1.1\r\nHost: a.example\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut client = Client::connect(stage.gateway.public());
    client.send(head + &body);
    assert_eq!(client.answer().status, 401);
    client.send(bytes(&stage, "GET /public/next HTTP/1.1\r\nHost: a.example\r\nAUTH\r\n"));
    let next = client.answer_to("GET").map(|answer| answer.status);
    assert!(matches!(next, None | Some(200)), "{next:?}");
    let seen = stage.upstream.take();
    assert!(!seen.iter().any(|seen| seen.holds("smuggled")), "{seen:?}");
}

/// Neither half of an upgrade is passed on, and what stands behind it is read as HTTP/1.1.
#[test]
fn sec_s7_an_upgrade_to_h2c_is_not_passed_on() {
    let stage = Stage::twofold();
    const SETTINGS: &str = "HTTP2-Settings: AAMAAABkAAQAAP__\r\n";
    const BOTH: &str = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n";
    for lines in [
        format!("{BOTH}{SETTINGS}"),
        format!("Upgrade: h2c\r\n{SETTINGS}"),
        "Connection: Upgrade\r\nUpgrade: h2c\r\n".to_owned(),
        "Upgrade: h2c\r\n".to_owned(),
        "Connection: upgrade\r\nUpgrade: H2C, websocket\r\n".to_owned(),
        format!(
            "Connection: close\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n{SETTINGS}"
        ),
    ] {
        let text = format!("GET /public/x HTTP/1.1\r\nHost: a.example\r\nAUTH{lines}\r\n");
        let text = format!("{text}PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        let (said, mut seen) = stage.say(&bytes(&stage, &text), Then::Wait);
        let answer = said.answer.unwrap();
        assert_eq!((answer.status, answer.interim.len()), (200, 0), "{lines}");
        let next = said.rest;
        assert!(next.is_empty() || next.starts_with(b"HTTP/1.1 400 "), "{lines}: {next:?}");
        assert_eq!(seen.len(), 1, "{lines}: {seen:?}");
        let seen = seen.remove(0);
        assert!(!seen.holds("h2c") && !seen.holds("H2C") && !seen.holds("AAMAAABk"), "{lines}");
        assert!(seen.values("connection").is_empty(), "{lines}: {:?}", seen.names());
    }
}

#[test]
fn pipelined_requests_are_judged_one_by_one() {
    let stage = Stage::new();
    let one = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: a.example\r\nAUTH\r\n");
    let all = one("/public/1")
        + &one("/admin/2")
        + "GET /public/3 HTTP/1.1\r\nHost: a.example\r\n\r\n"
        + &one("/public/4");
    let mut client = Client::connect(stage.gateway.public());
    client.send(bytes(&stage, &all));
    let statuses: Vec<_> = (0..4).map(|_| client.answer().status).collect();
    assert_eq!(statuses, [200, 403, 401, 200]);
    let lines: Vec<_> = stage.upstream.take().iter().map(|seen| seen.line()).collect();
    assert_eq!(lines, ["GET /public/1 HTTP/1.1", "GET /public/4 HTTP/1.1"]);
}
