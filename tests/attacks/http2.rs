//! What HTTP/2 alone can say: pseudo-headers, fields of a connection, and lengths that frames belie (sec-P8, P11, P13, P15,
//! H1, S1, S2, S3, S7, S11, S12, G1). Rows that both versions can say stand with those of HTTP/1.1.

use super::table::{Outcome, Reaches, Refused, Stage};
use crate::support::frames::{Frames, field};
use crate::support::upstream::Seen;
use crate::support::{PATIENCE, wait_until};

const PUBLIC: Outcome = Reaches("GET /public/x HTTP/1.1");
const GOOD: &str = ":method GET|:scheme http|:authority a.example|:path /public/x|T";

/// Heads of which each field ends with `|`, and `T` stands for the one with the token.
const HEADS: [(&str, &str, Outcome); 52] = [
    ("a plain head", GOOD, PUBLIC),
    (
        "sec-P13: another host",
        ":method GET|:scheme http|:authority a.example|:path /public/x|host b.example|T",
        Refused(400),
    ),
    (
        "sec-P13: the same host",
        ":method GET|:scheme http|:authority a.example|:path /public/x|host A.example|T",
        PUBLIC,
    ),
    ("sec-P13: a host alone", ":method GET|:scheme http|:path /public/x|host a.example|T", PUBLIC),
    ("sec-P13: no host at all", ":method GET|:scheme http|:path /public/x|T", Refused(400)),
    (
        "sec-P13: two hosts",
        ":method GET|:scheme http|:path /public/x|host a.example|host a.example|T",
        Refused(400),
    ),
    (
        "sec-P13: two hosts beside",
        ":method GET|:scheme http|:authority a.example|:path /public/x|host a.example|host a.example|T",
        Refused(400),
    ),
    (
        "sec-P13: two authorities",
        ":method GET|:scheme http|:authority a.example|:authority b.example|:path /public/x|T",
        Refused(400),
    ),
    (
        "sec-P13: an empty authority",
        ":method GET|:scheme http|:authority |:path /public/x|T",
        Refused(400),
    ),
    (
        "sec-P13: an empty authority beside a host",
        ":method GET|:scheme http|:authority |:path /public/x|host a.example|T",
        Refused(400),
    ),
    (
        "sec-P12: another dot behind a full name",
        ":method GET|:scheme http|:authority a.example..|:path /public/x|T",
        Refused(400),
    ),
    (
        "sec-P13: a list",
        ":method GET|:scheme http|:authority a.example,b.example|:path /public/x|T",
        Refused(400),
    ),
    (
        "sec-P13: a path in it",
        ":method GET|:scheme http|:authority a.example/admin|:path /public/x|T",
        Refused(400),
    ),
    (
        "sec-P11: userinfo",
        ":method GET|:scheme http|:authority u@a.example|:path /public/x|T",
        Refused(400),
    ),
    (
        "sec-P11: another scheme",
        ":method GET|:scheme ftp|:authority a.example|:path /public/x|T",
        Refused(400),
    ),
    ("sec-P11: no scheme", ":method GET|:authority a.example|:path /public/x|T", Refused(400)),
    (
        "sec-P11: the scheme of TLS",
        ":method GET|:scheme https|:authority a.example|:path /public/x|T",
        PUBLIC,
    ),
    (
        "sec-P11: a whole address as path",
        ":method GET|:scheme http|:authority a.example|:path http://b.example/only-b/x|T",
        Refused(400),
    ),
    (
        "sec-P8: a fragment",
        ":method GET|:scheme http|:authority a.example|:path /admin/x#/public/|T",
        Refused(403),
    ),
    (
        "sec-P8: a fragment",
        ":method GET|:scheme http|:authority a.example|:path /public/x#/admin|T",
        PUBLIC,
    ),
    ("sec-P15: a tunnel", ":method CONNECT|:authority a.example:443|T", Refused(405)),
    (
        "sec-P15: a tunnel with a path",
        ":method CONNECT|:scheme http|:authority a.example|:path /public/x|T",
        Refused(405),
    ),
    (
        "sec-P15: another protocol",
        ":method CONNECT|:protocol connect-udp|:scheme http|:authority a.example|:path /public/x|T",
        Refused(405),
    ),
    (
        "sec-P15: a protocol of a GET",
        ":method GET|:protocol websocket|:scheme http|:authority a.example|:path /public/x|T",
        Refused(400),
    ),
    (
        "sec-P15: a word for all",
        ":method OPTIONS|:scheme http|:authority a.example|:path *|T",
        Refused(400),
    ),
    (
        "two methods",
        ":method GET|:method POST|:scheme http|:authority a.example|:path /public/x|T",
        Refused(400),
    ),
    (
        "two paths",
        ":method GET|:scheme http|:authority a.example|:path /public/x|:path /admin/x|T",
        Refused(400),
    ),
    ("no path", ":method GET|:scheme http|:authority a.example|T", Refused(400)),
    ("an empty path", ":method GET|:scheme http|:authority a.example|:path |T", Refused(400)),
    (
        "a pseudo-header behind fields",
        ":method GET|:scheme http|:authority a.example|T:path /public/x|",
        Refused(400),
    ),
    (
        "an unknown pseudo-header",
        ":method GET|:scheme http|:authority a.example|:path /public/x|:path2 /admin/x|T",
        Refused(400),
    ),
    (
        "a pseudo-header of answers",
        ":method GET|:scheme http|:authority a.example|:path /public/x|:status 200|T",
        Refused(400),
    ),
    (
        "an upper-case name",
        ":method GET|:scheme http|:authority a.example|:path /public/x|X-Tollgate-Owner root|T",
        Refused(400),
    ),
    (
        "an empty name",
        ":method GET|:scheme http|:authority a.example|:path /public/x| root|T",
        Refused(400),
    ),
    (
        "sec-H1: connection",
        ":method GET|:scheme http|:authority a.example|:path /public/x|connection x-tollgate-owner|T",
        Refused(400),
    ),
    (
        "sec-H1: keep-alive",
        ":method GET|:scheme http|:authority a.example|:path /public/x|keep-alive timeout=5|T",
        Refused(400),
    ),
    (
        "sec-H1: proxy-connection",
        ":method GET|:scheme http|:authority a.example|:path /public/x|proxy-connection x|T",
        Refused(400),
    ),
    (
        "sec-S7: upgrade",
        ":method GET|:scheme http|:authority a.example|:path /public/x|upgrade h2c|T",
        Refused(400),
    ),
    (
        "sec-S1, sec-S2: a coding",
        ":method POST|:scheme http|:authority a.example|:path /public/x|transfer-encoding chunked|T",
        Refused(400),
    ),
    (
        "sec-S2: another TE than trailers",
        ":method GET|:scheme http|:authority a.example|:path /public/x|te gzip|T",
        Refused(400),
    ),
    (
        "sec-S11: a line end in a path",
        ":method GET|:scheme http|:authority a.example|:path /public/x HTTP/1.1\r\nX-Tollgate-Owner: root\r\nX: y|T",
        Refused(400),
    ),
    (
        "sec-S11: a name that is none over HTTP/1.1",
        ":method GET|:scheme http|:authority a.example|:path /public/x|x\"y 1|T",
        Refused(400),
    ),
    (
        "sec-S11: a space in a path",
        ":method GET|:scheme http|:authority a.example|:path /public/x y|T",
        Refused(400),
    ),
    (
        "sec-S11: a line end in a method",
        ":method GET / HTTP/1.1\r\nX: y|:scheme http|:authority a.example|:path /public/x|T",
        Refused(400),
    ),
    (
        "sec-S11: a space in a method",
        ":method GET /admin/x|:scheme http|:authority a.example|:path /public/x|T",
        Refused(400),
    ),
    (
        "sec-S11: a line end in an authority",
        ":method GET|:scheme http|:authority a.example\r\nX: y|:path /public/x|T",
        Refused(400),
    ),
    (
        "sec-S11: a line end in a value",
        ":method GET|:scheme http|:authority a.example|:path /public/x|x a\r\nx-tollgate-owner: root|T",
        Refused(400),
    ),
    (
        "sec-S5, sec-S11: a bare CR in a value",
        ":method GET|:scheme http|:authority a.example|:path /public/x|x a\rb|T",
        Refused(400),
    ),
    (
        "sec-S5, sec-S11: NUL in a value",
        ":method GET|:scheme http|:authority a.example|:path /public/x|x a\0b|T",
        Refused(400),
    ),
    (
        "sec-S11: a line end in a name",
        ":method GET|:scheme http|:authority a.example|:path /public/x|x\r\ny a|T",
        Refused(400),
    ),
    ("sec-G1", ":method POST|:scheme http|:authority a.example|:path svc.Admin/Do|T", Refused(400)),
    (
        "sec-G1: no slash",
        ":method POST|:scheme http|:authority a.example|:path admin/x|T",
        Refused(400),
    ),
];

fn head(stage: &Stage, text: &str) -> Vec<u8> {
    let token = format!("authorization Bearer {}|", stage.secret);
    let text = text.strip_suffix('T').map_or_else(
        || text.replacen("|T", &format!("|{token}"), 1),
        |rest| format!("{rest}{token}"),
    );
    let fields = text.split_terminator('|').map(|line| {
        // The name of a field may hold anything but a space here.
        line.split_once(' ').unwrap()
    });
    fields.flat_map(|(name, value)| field(name, value)).collect()
}

#[test]
fn sec_p13_s11_and_g1_heads_over_http2() {
    let stage = Stage::twofold();
    for (row, text, outcome) in HEADS {
        stage.check_http2(row, &head(&stage, text), outcome);
    }
}

/// RFC 9113 section 8.1: trailers are no second head. h2 leaves pseudo-header fields out of them, and the request goes on
/// without; fields of a connection end the stream.
#[test]
fn sec_h5_trailers_are_no_second_head() {
    let stage = Stage::twofold();
    let head = head(&stage, &GOOD.replace("GET", "POST"));
    for (name, value) in [(":path", "/admin/x"), (":authority", "b.example")] {
        let (reply, seen) = stage.ask_http2(&head, Some(b"abc"), &field(name, value));
        assert!(matches!(reply.status, None | Some(200 | 400)), "{name}: {reply:?}");
        for seen in seen {
            assert_eq!(seen.line(), "POST /public/x HTTP/1.1", "{name}");
            assert_eq!(seen.values("host"), ["a.example"], "{name}");
            assert!(!seen.holds(value) && !seen.holds(name), "{name}: {seen:?}");
        }
    }
    let (reply, seen) = stage.ask_http2(&head, Some(b"abc"), &field("connection", "close"));
    assert!(matches!(reply.status, None | Some(400)), "{reply:?}");
    assert!(!seen.iter().any(|seen| seen.complete), "it made a whole request: {seen:?}");
}

#[test]
fn sec_s12_a_length_that_frames_belie_ends_the_stream_and_the_upstreams_connection() {
    let stage = Stage::twofold();
    for (declared, body) in [("3", "abcdef"), ("9", "abc"), ("3", ""), ("9", "")] {
        let text =
            GOOD.replace("GET", "POST").replace("|T", &format!("|content-length {declared}|T"));
        let (reply, seen) = stage.ask_http2(&head(&stage, &text), Some(body.as_bytes()), &[]);
        assert!(matches!(reply.status, None | Some(400)), "{declared} for {body:?}: {reply:?}");
        let whole = |seen: &Seen| seen.complete && seen.line().starts_with("POST");
        assert!(!seen.iter().any(whole), "{declared} for {body:?}: {seen:?}");
        wait_until("its connection goes on", PATIENCE, || stage.upstream.open() == 0);
        // What broke off may be seen as late as this.
        let (reply, seen) = stage.ask_http2(&head(&stage, GOOD), None, &[]);
        let whole = seen.iter().filter(|seen| seen.complete).map(Seen::line);
        assert_eq!(reply.status, Some(200), "the next");
        assert_eq!(whole.collect::<Vec<_>>(), ["GET /public/x HTTP/1.1"], "the next");
        stage.upstream.close_connections();
        wait_until("a connection stays", PATIENCE, || stage.upstream.open() == 0);
    }
    let stage = Stage::new();
    // A request without a body is whole with its head, and may be answered before the rest is seen, which is nobody's.
    let text = GOOD.replace("GET", "POST").replace("|T", "|content-length 0|T");
    let (reply, seen) = stage.ask_http2(&head(&stage, &text), Some(b"abc"), &[]);
    assert!(matches!(reply.status, None | Some(200 | 400)), "{reply:?}");
    assert!(seen.iter().all(|seen| seen.body.is_empty()), "{seen:?}");
    stage.check_http2("the next", &head(&stage, GOOD), PUBLIC);
}

/// sec-S3 over HTTP/2: a length that nobody can send is none.
#[test]
fn sec_s3_a_length_that_nobody_can_send_is_refused() {
    let stage = Stage::twofold();
    for length in ["18446744073709551614", "18446744073709551615", "18446744073709551616"] {
        let text =
            GOOD.replace("GET", "POST").replace("|T", &format!("|content-length {length}|T"));
        let (reply, seen) = stage.ask_http2(&head(&stage, &text), Some(b"abc"), &[]);
        assert!(matches!(reply.status, None | Some(400)), "{length}: {reply:?}");
        assert!(seen.is_empty(), "{length}: {seen:?}");
        stage.check_http2("the next", &head(&stage, GOOD), PUBLIC);
    }
}

/// sec-S10 over HTTP/2: what a refused request sends behind its head is its own.
#[test]
fn sec_s10_the_body_of_a_refused_stream_is_nobody_elses() {
    let stage = Stage::new();
    let mut frames = Frames::connect(stage.gateway.public(), 1 << 16);
    let without = head(&stage, &GOOD.replace("GET", "POST").replace("|T", "|"));
    let smuggled =
        format!("GET /public/smuggled HTTP/1.1\r\nHost: a.example\r\n{}\r\n", stage.auth());
    let reply = frames.ask(1, &without, Some(smuggled.repeat(50).as_bytes()), &[]);
    assert_eq!(reply.status, Some(401));
    assert_eq!(frames.ask(3, &head(&stage, GOOD), None, &[]).status, Some(200));
    let lines: Vec<_> = stage.upstream.take().iter().map(Seen::line).collect();
    assert_eq!(lines, ["GET /public/x HTTP/1.1"]);
}

/// RFC 9113 section 8.2.3.
#[test]
fn cookies_that_were_split_are_one_field_again() {
    let stage = Stage::twofold();
    let text = GOOD.replace("|T", "|cookie a=1|cookie b=2|T");
    let (reply, seen) = stage.ask_http2(&head(&stage, &text), None, &[]);
    assert_eq!(reply.status, Some(200));
    assert_eq!(seen[0].values("cookie"), ["a=1; b=2"]);
    assert_eq!(seen[0].values("host"), ["a.example"]);
}
