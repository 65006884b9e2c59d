//! One reading of every host (sec-P7, sec-P11 to sec-P13).

use super::table::{Outcome, Reaches, Refused, Stage};

const PUBLIC: Outcome = Reaches("GET /public/x HTTP/1.1");

const HEADS: [(&str, &str, &str, Outcome); 50] = [
    ("sec-P7", "GET /public/x HTTP/1.1", "Host: A.EXAMPLE\r\n", PUBLIC),
    ("sec-P7", "GET /admin/x HTTP/1.1", "Host: A.Example\r\n", Refused(403)),
    ("with a port", "GET /public/x HTTP/1.1", "Host: a.example:8080\r\n", PUBLIC),
    ("another host", "GET /public/x HTTP/1.1", "Host: c.example\r\n", Refused(403)),
    ("a longer host", "GET /public/x HTTP/1.1", "Host: a.example.evil\r\n", Refused(403)),
    ("a longer host", "GET /public/x HTTP/1.1", "Host: evil-a.example\r\n", Refused(403)),
    ("a rule of the other host", "GET /only-b/x HTTP/1.1", "Host: a.example\r\n", Refused(403)),
    ("sec-P11", "GET http://b.example/admin HTTP/1.1", "Host: a.example\r\n", Refused(403)),
    (
        "sec-P11",
        "GET http://b.example/only-b/x HTTP/1.1",
        "Host: a.example\r\n",
        Reaches("GET /only-b/x HTTP/1.1"),
    ),
    ("sec-P11", "GET http://a.example/only-b/x HTTP/1.1", "Host: b.example\r\n", Refused(403)),
    ("sec-P11", "GET HTTP://A.EXAMPLE/public/x HTTP/1.1", "Host: a.example\r\n", PUBLIC),
    ("sec-P11", "GET http://a.example HTTP/1.1", "Host: a.example\r\n", Refused(403)),
    ("sec-P11", "GET http://a.example?x=/public/ HTTP/1.1", "Host: a.example\r\n", Refused(403)),
    (
        "sec-P11: what is checked is what is sent",
        "GET http://wide.example?/admin/x HTTP/1.1",
        "Host: wide.example\r\n",
        Reaches("GET /?/admin/x HTTP/1.1"),
    ),
    ("sec-P11", "GET http://u@a.example/public/x HTTP/1.1", "Host: a.example\r\n", Refused(400)),
    ("sec-P11", "GET http://u:p@a.example/public/x HTTP/1.1", "Host: a.example\r\n", Refused(400)),
    ("sec-P11", "GET ftp://a.example/public/x HTTP/1.1", "Host: a.example\r\n", Refused(400)),
    ("sec-P11", "GET file:///public/x HTTP/1.1", "Host: a.example\r\n", Refused(400)),
    ("sec-P11", "GET http:///public/x HTTP/1.1", "Host: a.example\r\n", Refused(400)),
    ("sec-P11", "GET http:/public/x HTTP/1.1", "Host: a.example\r\n", Refused(400)),
    (
        "sec-P11: dots",
        "GET http://a.example/public/../admin/x HTTP/1.1",
        "Host: a.example\r\n",
        Refused(400),
    ),
    (
        "sec-P11: two slashes",
        "GET http://a.example//admin/x HTTP/1.1",
        "Host: a.example\r\n",
        Refused(400),
    ),
    ("sec-P11: no host line", "GET http://a.example/public/x HTTP/1.1", "", Refused(400)),
    ("authority form", "GET a.example:80 HTTP/1.1", "Host: a.example\r\n", Refused(400)),
    ("sec-P12", "GET /public/x HTTP/1.1", "Host: a.example.\r\n", PUBLIC),
    ("sec-P12", "GET /admin/x HTTP/1.1", "Host: a.example.\r\n", Refused(403)),
    ("sec-P12", "GET /public/x HTTP/1.1", "Host: a.example.:80\r\n", PUBLIC),
    ("sec-P12", "GET http://a.example./admin/x HTTP/1.1", "Host: b.example\r\n", Refused(403)),
    ("sec-P13", "GET /public/x HTTP/1.1", "", Refused(400)),
    ("sec-P13", "GET /public/x HTTP/1.1", "Host:\r\n", Refused(400)),
    ("sec-P13", "GET /public/x HTTP/1.1", "Host: a.example\r\nHost: a.example\r\n", Refused(400)),
    ("sec-P13", "GET /public/x HTTP/1.1", "Host: a.example\r\nhost: b.example\r\n", Refused(400)),
    ("sec-P13", "GET /public/x HTTP/1.1", "Host: a.example, b.example\r\n", Refused(400)),
    ("sec-P13", "GET /public/x HTTP/1.1", "Host: a.example,\r\n", Refused(400)),
    ("sec-P13", "GET /public/x HTTP/1.1", "Host: a.example/b@c\r\n", Refused(400)),
    ("sec-P13", "GET /public/x HTTP/1.1", "Host: a.example/\r\n", Refused(400)),
    ("sec-P13", "GET /public/x HTTP/1.1", "Host: u@a.example\r\n", Refused(400)),
    ("sec-P13", "GET /public/x HTTP/1.1", "Host: a.example b.example\r\n", Refused(400)),
    ("sec-P13", "GET /public/x HTTP/1.1", "Host: a.example:port\r\n", Refused(400)),
    ("sec-P13", "GET /public/x HTTP/1.1", "Host: a.example:99999\r\n", Refused(400)),
    ("sec-P13", "GET /public/x HTTP/1.1", "Host: a.example:\r\n", Refused(400)),
    ("sec-P13", "GET /public/x HTTP/1.1", "Host: a.example:0\r\n", Refused(400)),
    ("sec-P13", "GET /public/x HTTP/1.1", "Host: a.example:080\r\n", Refused(400)),
    ("sec-P12", "GET /public/x HTTP/1.1", "Host: a.example..\r\n", Refused(400)),
    ("sec-P12", "GET /public/x HTTP/1.1", "Host: a..example\r\n", Refused(400)),
    ("sec-P13", "GET /public/x HTTP/1.1", "Host: a.example?\r\n", Refused(400)),
    ("sec-P13", "GET /public/x HTTP/1.1", "Host: a.example#\r\n", Refused(400)),
    ("sec-P13: 8-bit", "GET /public/x HTTP/1.1", "Host: \u{e4}.example\r\n", Refused(400)),
    ("sec-P13: escapes", "GET /public/x HTTP/1.1", "Host: %61.example\r\n", Refused(400)),
    ("HTTP/1.0 without a host", "GET /public/x HTTP/1.0", "", Refused(400)),
];

#[test]
fn sec_p7_and_p11_to_p13_hosts() {
    let stage = Stage::twofold();
    stage.check_heads(&HEADS);
}

#[test]
fn sec_p11_the_upstream_hears_the_host_that_was_checked() {
    let stage = Stage::twofold();
    for (first_line, line, host) in [
        ("GET http://b.example/only-b/x HTTP/1.1", "Host: a.example\r\n", "b.example"),
        ("GET http://b.example:81/only-b/x HTTP/1.1", "Host: a.example\r\n", "b.example:81"),
        ("GET http://B.example./only-b/x HTTP/1.1", "Host: a.example\r\n", "b.example"),
        ("GET /public/x HTTP/1.1", "Host: A.example:8080\r\n", "a.example:8080"),
        ("GET /public/x HTTP/1.1", "Host: a.example.\r\n", "a.example"),
    ] {
        let (answer, seen) = stage.request(first_line, line);
        assert_eq!(answer.unwrap().status, 200);
        assert_eq!(seen[0].values("host"), [host]);
    }
}
