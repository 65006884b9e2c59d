//! One reading of every path and method (sec-P1 to sec-P10, sec-P14, sec-P15).

use super::table::{Outcome, Reaches, Refused, Stage};

const TARGETS: [(&str, &str, Outcome); 72] = [
    ("a plain path", "/public/x", Reaches("GET /public/x HTTP/1.1")),
    ("another context", "/admin/x", Refused(403)),
    ("sec-P1", "/public/../admin/x", Refused(400)),
    ("sec-P1", "/public/a/../../admin/x", Refused(400)),
    ("sec-P1", "/public/./x", Refused(400)),
    ("sec-P1", "/public/..", Refused(400)),
    ("sec-P1", "/public/.", Refused(400)),
    ("sec-P1", "/..", Refused(400)),
    ("sec-P1", "/../admin/x", Refused(400)),
    ("sec-P1: inside the rule", "/public/a/../b", Refused(400)),
    ("dots that are no dot segment", "/public/...", Reaches("GET /public/... HTTP/1.1")),
    ("dots that are no dot segment", "/public/..a/.b", Reaches("GET /public/..a/.b HTTP/1.1")),
    ("sec-P2", "/public/%2e%2e/admin/x", Refused(400)),
    ("sec-P2", "/public/.%2E/admin", Refused(400)),
    ("sec-P2", "/public/%2E./admin", Refused(400)),
    ("sec-P2", "/public/%2e/x", Refused(400)),
    ("sec-P2", "/%2e%2E/admin/x", Refused(400)),
    ("sec-P3", "/public/..%2fadmin/x", Refused(400)),
    ("sec-P3", "/public/..%2Fadmin/x", Refused(400)),
    ("sec-P3", "/public/..%5cadmin", Refused(400)),
    ("sec-P3", "/public/..%5Cadmin", Refused(400)),
    ("sec-P3", "/public/\\..\\admin", Refused(400)),
    ("sec-P3", "/public\\..\\admin", Refused(400)),
    ("sec-P3: without dots", "/public%2fx", Refused(400)),
    ("sec-P3: without dots", "/public/a%2Fb", Refused(400)),
    ("sec-P3: without dots", "/public/a%5Cb", Refused(400)),
    (
        "sec-P4",
        "/public/%252e%252e%252fadmin/x",
        Reaches("GET /public/%252e%252e%252fadmin/x HTTP/1.1"),
    ),
    ("sec-P4", "/public/%25%32%65", Reaches("GET /public/%252e HTTP/1.1")),
    (
        "sec-P4: three times",
        "/public/%25252e%25252e/",
        Reaches("GET /public/%25252e%25252e/ HTTP/1.1"),
    ),
    ("sec-P5", "/public/..;/admin/x", Refused(400)),
    ("sec-P5", "/public/..;a=b/admin/x", Refused(400)),
    ("sec-P5", "/public/.;/x", Refused(400)),
    ("sec-P5", "/public/..%3b/admin/x", Refused(400)),
    ("sec-P5", "/public/..%3B/admin/x", Refused(400)),
    ("sec-P5", "/public/%2e%2e;/admin/x", Refused(400)),
    ("sec-P5: without dots", "/public;x=1/y", Refused(400)),
    ("sec-P5: without dots", "/public/x;jsessionid=1", Refused(400)),
    ("sec-P6", "//admin/x", Refused(400)),
    ("sec-P6", "///admin/x", Refused(400)),
    ("sec-P6", "//a.example/public/x", Refused(400)),
    ("sec-P6: inside", "/public//x", Refused(400)),
    ("sec-P6: at the end", "/public/x//", Refused(400)),
    ("sec-P7", "/ADMIN/x", Refused(403)),
    ("sec-P7", "/PUBLIC/x", Refused(403)),
    ("sec-P7", "/Public/x", Refused(403)),
    ("sec-P8", "/admin/x#/public/", Refused(403)),
    ("sec-P8", "/public/x#/admin/y", Reaches("GET /public/x HTTP/1.1")),
    (
        "sec-P8: a fragment in escapes is none",
        "/public/x%23y",
        Reaches("GET /public/x%23y HTTP/1.1"),
    ),
    ("sec-P9", "/admin/x?p=/public/", Refused(403)),
    ("sec-P9", "/public/x?p=/admin/../y&%zz", Reaches("GET /public/x?p=/admin/../y&%zz HTTP/1.1")),
    ("sec-P9: an escaped ? is none", "/admin/x%3F/public/", Refused(403)),
    ("sec-P10", "/admin%00.css", Refused(400)),
    ("sec-P10", "/public/x%00", Refused(400)),
    ("sec-P10", "/public/a%zz", Refused(400)),
    ("sec-P10", "/public/a%", Refused(400)),
    ("sec-P10", "/public/a%4", Refused(400)),
    ("sec-P10", "/public/%u002e", Refused(400)),
    ("sec-P10: raw 8-bit", "/public/\u{e2}\u{80}\u{ae}", Refused(400)),
    ("sec-P10: raw 8-bit, valid UTF-8", "/public/\u{c3}\u{a9}", Refused(400)),
    ("sec-P10: overlong dot", "/public/%c0%ae%c0%ae/admin", Refused(400)),
    ("sec-P10: overlong slash", "/public/%c0%af", Refused(400)),
    ("sec-P10: overlong dot", "/public/%e0%80%ae", Refused(400)),
    ("sec-P10: cut UTF-8", "/public/%c3", Refused(400)),
    ("sec-P10: a surrogate", "/public/%ed%a0%80", Refused(400)),
    ("sec-P10: control characters", "/public/%0d%0aX-A:%20b", Refused(400)),
    ("sec-P10: control characters", "/public/%09", Refused(400)),
    ("sec-P10: control characters", "/public/%7f", Refused(400)),
    ("sec-P10: the same in other words", "/%70ublic/%78", Reaches("GET /public/x HTTP/1.1")),
    ("sec-P10: case of escapes", "/public/%c3%a9", Reaches("GET /public/%C3%A9 HTTP/1.1")),
    ("sec-P14", "/publicx", Refused(403)),
    ("sec-P14", "/public.x", Refused(403)),
    ("sec-P14", "/config/01", Refused(403)),
];

const MORE_TARGETS: [(&str, &str, Outcome); 18] = [
    ("sec-P10: the narrower rule", "/v1/5:export", Refused(403)),
    ("sec-P10: the narrower rule, escaped", "/v1/5%3Aexport", Refused(403)),
    ("sec-P10: the narrower rule, escaped", "/v1/5%3aexport", Refused(403)),
    ("sec-P10: the narrower rule, escaped", "/v1/5%3Ae%78port/", Refused(403)),
    ("sec-P10: the narrower rule, without an id", "/v1/:export", Refused(403)),
    ("sec-P10: the narrower rule, without an id", "/v1/%3Aexport", Refused(403)),
    ("sec-P10: the narrower rule, escaped", "/v1/%40admin", Refused(403)),
    ("sec-P10: the narrower rule, escaped", "/open/a%2Bb%3dc", Refused(403)),
    ("sec-P10: the wider rule", "/v1/5%3Aother", Reaches("GET /v1/5:other HTTP/1.1")),
    ("sec-P10: the wider rule", "/v1/a%7cb%3f", Reaches("GET /v1/a%7Cb%3F HTTP/1.1")),
    ("sec-P14", "/config/1", Reaches("GET /config/1 HTTP/1.1")),
    ("sec-P14: a last slash is the same", "/config/1/", Reaches("GET /config/1/ HTTP/1.1")),
    ("sec-P14", "/config/10", Refused(403)),
    ("sec-P14", "/config", Refused(403)),
    ("sec-P14", "/exact/x", Refused(403)),
    ("no rule at all", "/", Refused(403)),
    ("not a path", "*", Refused(400)),
    ("not a path", "public/x", Refused(400)),
];

/// sec-P15: what is no plain method.
const METHODS: [(&str, &str, &str, Outcome); 14] = [
    ("sec-P15", "get /public/x HTTP/1.1", "Host: a.example\r\n", Refused(400)),
    ("sec-P15", "Get /public/x HTTP/1.1", "Host: a.example\r\n", Refused(400)),
    ("sec-P15", "TRACE /public/x HTTP/1.1", "Host: a.example\r\n", Refused(405)),
    ("sec-P15", "CONNECT a.example:443 HTTP/1.1", "Host: a.example:443\r\n", Refused(405)),
    ("sec-P15", "CONNECT /public/x HTTP/1.1", "Host: a.example\r\n", Refused(405)),
    ("sec-P15: no such rule", "DELETE /gets HTTP/1.1", "Host: a.example\r\n", Refused(403)),
    (
        "sec-P15: who may GET may HEAD",
        "HEAD /gets HTTP/1.1",
        "Host: a.example\r\n",
        Reaches("HEAD /gets HTTP/1.1"),
    ),
    ("sec-P15: no such rule", "GETS /gets HTTP/1.1", "Host: a.example\r\n", Refused(403)),
    ("sec-P15: odd", "G@T /public/x HTTP/1.1", "Host: a.example\r\n", Refused(400)),
    (
        "sec-P15: own word",
        "PURGE /public/x HTTP/1.1",
        "Host: a.example\r\n",
        Reaches("PURGE /public/x HTTP/1.1"),
    ),
    ("sec-P15: a word for all", "OPTIONS * HTTP/1.1", "Host: a.example\r\n", Refused(400)),
    ("version", "GET /public/x HTTP/2.0", "Host: a.example\r\n", Refused(400)),
    ("version", "GET /public/x HTTP/0.9", "Host: a.example\r\n", Refused(400)),
    ("version", "GET /public/x HTTP/1.7", "Host: a.example\r\n", Refused(400)),
];

#[test]
fn sec_p1_to_p10_and_p14_paths() {
    let stage = Stage::twofold();
    stage.check_targets(&TARGETS);
    stage.check_targets(&MORE_TARGETS);
}

#[test]
fn sec_p15_methods() {
    let stage = Stage::twofold();
    stage.check_heads(&METHODS);
}

#[test]
fn sec_p15_a_header_does_not_change_the_method() {
    let stage = Stage::twofold();
    for name in
        ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "x_http_method_override"]
    {
        let lines = format!("Host: a.example\r\n{name}: DELETE\r\n");
        let both = stage.request_both("GET /gets HTTP/1.1", &lines);
        assert_eq!(both.len(), 2);
        for (status, seen) in both {
            assert_eq!(status, 200, "{name}");
            assert_eq!(seen[0].line(), "GET /gets HTTP/1.1");
            assert!(!seen[0].holds("DELETE"), "{name}: {seen:?}");
        }
    }
}

#[test]
fn sec_p9_without_a_token_a_query_opens_nothing() {
    let stage = Stage::twofold();
    let both = stage.ask_both("GET /admin/x?p=/open/ HTTP/1.1", "Host: a.example\r\n", "");
    assert_eq!(both.len(), 2);
    for (status, seen) in both {
        assert_eq!((status, seen.len()), (401, 0), "sec-P9");
    }
}

#[test]
fn sec_p3_p5_p6_an_api_can_take_odd_paths_literally() {
    let stage = Stage::twofold();
    const ROWS: [(&str, &str, Outcome); 11] = [
        ("sec-P3", "/public/a%2Fb", Reaches("GET /public/a%2Fb HTTP/1.1")),
        ("sec-P3", "/public/a%2fb", Reaches("GET /public/a%2Fb HTTP/1.1")),
        ("sec-P3: another reader would let it through", "/public%2fx", Refused(400)),
        ("sec-P3: still", "/public/..%2fadmin", Refused(400)),
        ("sec-P3: still", "/public/a%5cb", Refused(400)),
        ("sec-P5", "/public/x;v=1", Reaches("GET /public/x;v=1 HTTP/1.1")),
        ("sec-P5: still", "/public/..;/admin/x", Refused(400)),
        ("sec-P5: still, however `;` is written first", "/public/..%3B;/admin/x", Refused(400)),
        ("sec-P6", "/public//x", Reaches("GET /public//x HTTP/1.1")),
        ("sec-P6", "//admin/x", Refused(400)),
        ("sec-P6", "//public/x", Refused(400)),
    ];
    for (row, target, outcome) in ROWS {
        let lines = "Host: literal.example\r\n";
        stage.check_heads(&[(row, &format!("GET {target} HTTP/1.1"), lines, outcome)]);
    }
}

#[test]
fn sec_p3_p5_p6_what_is_kept_does_not_lead_past_a_narrower_rule() {
    let stage = Stage::twofold();
    const ROWS: [(&str, Outcome); 12] = [
        ("/admin/x", Refused(403)),
        ("//admin/x", Refused(400)),
        ("///admin//x", Refused(400)),
        ("/admin%2Fx", Refused(400)),
        ("/%2Fadmin/x", Refused(400)),
        ("/admin;a/x", Refused(400)),
        ("/admin%3Ba;b/x", Refused(400)),
        ("/;/admin/x", Refused(400)),
        ("/;a%2F/admin%3Bb/x", Refused(400)),
        ("/a//b;c/d%2Fe", Reaches("GET /a//b;c/d%2Fe HTTP/1.1")),
        ("/x//admin/y", Reaches("GET /x//admin/y HTTP/1.1")),
        ("/admins;a", Reaches("GET /admins;a HTTP/1.1")),
    ];
    for (target, outcome) in ROWS {
        let lines = "Host: wide.example\r\n";
        stage.check_heads(&[(target, &format!("GET {target} HTTP/1.1"), lines, outcome)]);
    }
}

#[test]
fn a_rule_for_head_comes_before_one_for_get() {
    let stage = Stage::twofold();
    let host = "Host: wide.example\r\n";
    stage.check_heads(&[
        ("GET", "GET /heads HTTP/1.1", host, Reaches("GET /heads HTTP/1.1")),
        ("HEAD", "HEAD /heads HTTP/1.1", host, Refused(403)),
    ]);
}
