//! The line about a request: what stands in it, and why a request was refused.

use http::Request;
use serde_json::{Value, json};
use tollgate::domain::time::Span;
use tollgate::telemetry::Format;

use crate::Stage;
use crate::support::client::Client;
use crate::support::frames::{END_HEADERS, Frames, HEADERS, field};
use crate::support::gateway::START;
use crate::support::http2;
use crate::support::upstream::{Seen, Step, Upstream, agrees};

#[test]
fn a_line_says_who_asked_what_and_what_became_of_it() {
    let stage = Stage::new();
    let token = stage.token();
    let request = stage.request("GET /any/x?access_token=hidden&q=1", &token.secret);
    assert_eq!(stage.gateway.ask(request).status, 200);
    let line = stage.kept.lines(1).remove(0);
    let seen = stage.upstream.take_one();
    for (field, value) in [
        ("timestamp", json!("2026-11-20T12:00:00.000Z")),
        ("level", json!("INFO")),
        ("target", json!("access")),
        ("request", json!(seen.value("x-tollgate-request-id").unwrap())),
        ("peer", json!("127.0.0.1")),
        ("method", json!("GET")),
        ("host", json!("erp.example")),
        ("path", json!("/any/x")),
        ("http", json!("1.1")),
        ("status", json!(200)),
        ("bytes", json!(2)),
        ("api", json!("erp")),
        ("rule", json!("any")),
        ("outcome", json!("answered")),
        ("token", json!(token.id)),
        ("owner", json!("alice")),
    ] {
        assert_eq!(line[field], value, "{field} in {line}");
    }
    assert!(line["duration_us"].as_u64() >= line["upstream_us"].as_u64());
    assert!(line["upstream_us"].as_u64() > Some(0));
    assert_eq!(line.as_object().unwrap().len(), 18, "nothing else: {line}");
}

#[test]
fn a_refusal_has_its_exact_reason_and_the_token_where_it_is_known() {
    let stage = Stage::new();
    let gateway = &stage.gateway;
    let made = |more: Value| {
        let mut body = json!({ "owner": "alice", "name": "t", "contexts": ["stock"] });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        gateway.token(body)
    };
    gateway.owner("bob");
    let good = made(json!({}));
    let later = START.plus(Span::from_seconds(60)).to_string();
    let (unborn, revoked, disabled) =
        (made(json!({ "not_before": later })), made(json!({})), made(json!({})));
    let of_bob = made(json!({ "owner": "bob" }));
    gateway.revoke(revoked.id);
    gateway.disable(disabled.id);
    gateway.block("bob");
    let unknown = "0f8fad5b-d9cb-469f-a165-70867728950e";
    let rows = [
        ("GET /any/x", unknown, 401, "unknown", None, Some("any")),
        ("GET /any/x", &revoked.secret, 401, "revoked", Some(&revoked), Some("any")),
        ("GET /any/x", &disabled.secret, 401, "disabled", Some(&disabled), Some("any")),
        ("GET /any/x", &of_bob.secret, 401, "owner_blocked", Some(&of_bob), Some("any")),
        ("GET /any/x", &unborn.secret, 401, "not_yet_active", Some(&unborn), Some("any")),
        ("GET /sales", &good.secret, 403, "context_missing", Some(&good), Some("sales")),
        ("GET /nowhere", &good.secret, 403, "no_rule", Some(&good), None),
        ("GET /nowhere", &revoked.secret, 401, "revoked", Some(&revoked), None),
        ("GET /any/x", "two words", 400, "credential_malformed", None, Some("any")),
    ];
    for (number, (line, secret, status, reason, token, rule)) in rows.into_iter().enumerate() {
        assert_eq!(gateway.ask(stage.request(line, secret)).status, status, "{reason}");
        let told = stage.kept.lines(number + 1).remove(number);
        assert_eq!((&told["status"], &told["reason"]), (&json!(status), &json!(reason)));
        assert_eq!((&told["outcome"], &told["api"]), (&json!("refused"), &json!("erp")));
        assert_eq!(told.get("token"), token.map(|made| json!(made.id)).as_ref(), "{told}");
        assert_eq!(told.get("owner").is_some(), token.is_some(), "{told}");
        assert_eq!(told.get("rule"), rule.map(|rule| json!(rule)).as_ref(), "{told}");
        assert!(told["bytes"].as_u64() > Some(0) && told.get("upstream_us").is_none(), "{told}");
        assert_eq!(told.get("cut"), None, "{told}");
    }
}

#[test]
fn a_token_that_ended_by_time_tells_by_which() {
    let stage = Stage::new();
    let expiring = json!({ "owner": "alice", "name": "e", "lifetime": "60s" });
    let idling = json!({ "owner": "alice", "name": "i", "idle_ttl": "30s" });
    let (expired, idle) = (stage.gateway.token(expiring), stage.gateway.token(idling));
    stage.gateway.clock().advance(Span::from_seconds(61));
    for (number, (token, reason)) in
        [(expired, "expired"), (idle, "idle_expired")].into_iter().enumerate()
    {
        stage.gateway.ask(stage.request("GET /any/x", &token.secret));
        let told = stage.kept.lines(number + 1).remove(number);
        assert_eq!((&told["reason"], &told["token"]), (&json!(reason), &json!(token.id)));
    }
}

/// Each version has its own way to ask for a WebSocket and to agree (RFC 6455 section 4, RFC 8441 section 5).
#[test]
fn a_websocket_is_told_as_its_client_asked_and_was_answered() {
    let agree = |seen: &Seen| {
        vec![Step::Send(agrees(&String::from_utf8_lossy(&seen.head)).into_bytes()), Step::Stall]
    };
    let stage = Stage::before(Upstream::scripted(agree), Format::Json);
    let secret = stage.token().secret;
    let mut client = Client::connect(stage.gateway.public());
    let asks = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    client.send(stage.request("GET /any/talk?x=1", &secret).replace("\r\n\r\n", "\r\n") + asks);
    assert!(client.read_to("\r\n\r\n").starts_with(b"HTTP/1.1 101 "));
    drop(client);
    let told = stage.kept.lines(1).remove(0);
    let expected = (&json!("GET"), &json!("/any/talk"), &json!("1.1"), &json!(101));
    assert_eq!(
        (&told["method"], &told["path"], &told["http"], &told["status"]),
        expected,
        "{told}"
    );
    let mut frames = Frames::connect(stage.gateway.public(), 1 << 16);
    let head = [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "http"),
        (":authority", "erp.example"),
        (":path", "/any/talk?x=1"),
        ("authorization", &format!("Bearer {secret}")),
        ("sec-websocket-version", "13"),
    ];
    let head: Vec<u8> = head.iter().flat_map(|(name, value)| field(name, value)).collect();
    frames.send(HEADERS, END_HEADERS, 1, &head);
    assert_eq!(frames.next_on(1).status(), Some(200));
    drop(frames);
    let told = stage.kept.lines(2).remove(1);
    let expected = (&json!("CONNECT"), &json!("/any/talk"), &json!("2"), &json!(200));
    assert_eq!(
        (&told["method"], &told["path"], &told["http"], &told["status"]),
        expected,
        "{told}"
    );
}

#[test]
fn what_has_no_reading_is_told_as_it_came() {
    let stage = Stage::new();
    let head = "Host: erp.example\r\n\r\n";
    for (number, (line, reason, path)) in [
        ("GET /public/%2e%2e/admin", "bad_dot_segment", "/public/%2e%2e/admin"),
        ("GET /a%0d%0aFAKE%1b[2J", "bad_encoding", "/a%0d%0aFAKE%1b[2J"),
        ("TRACE /x", "method_not_allowed", "/x"),
    ]
    .into_iter()
    .enumerate()
    {
        stage.gateway.ask(format!("{line} HTTP/1.1\r\n{head}"));
        let told = stage.kept.lines(number + 1).remove(number);
        assert_eq!((&told["reason"], &told["path"]), (&json!(reason), &json!(path)));
        assert_eq!((told.get("host"), told.get("api")), (None, None));
    }
}

#[test]
fn sec_l2_a_hostile_path_is_one_escaped_line() {
    for format in [Format::Json, Format::Human] {
        let stage = Stage::before(Upstream::start(), format);
        let mut request = b"GET /any/\xc2\x9b2J\xe2\x80\xae\"\\ HTTP/1.1\r\nHost: ".to_vec();
        request.extend_from_slice(b"erp.example\r\n\r\n");
        let mut client = Client::connect(stage.gateway.public());
        client.send(&request);
        assert_eq!(client.answer().status, 400);
        let after = stage.gateway.ask("GET /open HTTP/1.1\r\nHost: erp.example\r\n\r\n");
        assert_eq!(after.status, 200);
        let text = stage.kept.once(|text| text.contains("/open"));
        // With the letter before it, for ids of requests are hexadecimal too.
        let escaped = text.matches("u202e").count() + text.matches("u{202e}").count();
        assert_eq!((text.matches('\n').count(), escaped), (2, 1), "{text:?}");
        assert!(text.trim_end().chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
        assert!(!text.contains('\u{202e}'), "{text:?}");
    }
}

#[test]
fn people_read_the_same() {
    let stage = Stage::before(Upstream::start(), Format::Human);
    let token = stage.token();
    stage.gateway.ask(stage.request("POST /stock?x=1", &token.secret));
    let line = stage.kept.once(|text| text.ends_with('\n'));
    let begin = "2026-11-20T12:00:00.000Z  INFO access: POST erp.example/stock 200 answered \
                 api=erp rule=stock owner=alice";
    assert!(line.starts_with(&format!("{begin} token={} peer=127.0.0.1 http=1.1", token.id)));
    assert!(!line.contains("x=1"), "{line}");
}

#[test]
fn http2_is_told_as_such() {
    let stage = Stage::new();
    let token = stage.token();
    let mut client = http2::Client::connect(stage.gateway.public());
    let request = Request::builder()
        .method("PROPFIND")
        .uri("http://erp.example/any/%41")
        .header("authorization", format!("Bearer {}", token.secret));
    assert_eq!(client.ask(request.body(Default::default()).unwrap()).status, 200);
    let line = stage.kept.lines(1).remove(0);
    for (field, value) in
        [("http", "2"), ("method", "PROPFIND"), ("path", "/any/A"), ("host", "erp.example")]
    {
        assert_eq!(line[field], value, "{line}");
    }
}

/// RFC 9110 section 7.6.2: what the gateway answers in its upstream's place is an answer that took no upstream any time.
#[test]
fn options_that_go_no_further_are_told_without_an_upstream() {
    let stage = Stage::new();
    let token = stage.token();
    let request = stage.request("OPTIONS /any/x", &token.secret);
    let request = request.replace("\r\n\r\n", "\r\nMax-Forwards: 0\r\n\r\n");
    assert_eq!(stage.gateway.ask(request).status, 200);
    let line = stage.kept.lines(1).remove(0);
    for (field, value) in [
        ("status", json!(200)),
        ("rule", json!("any")),
        ("outcome", json!("answered")),
        ("token", json!(token.id)),
        ("upstream_us", Value::Null),
    ] {
        assert_eq!(line[field], value, "{field} in {line}");
    }
}

#[test]
fn a_reload_switches_it_off_and_on() {
    let stage = Stage::new();
    let file = stage.gateway.folder().join("tollgate.toml");
    let on = std::fs::read_to_string(&file).unwrap();
    let off = on.replace("access_log = true", "access_log = false");
    let ask = |path: &str| {
        let request = format!("GET {path} HTTP/1.1\r\nHost: erp.example\r\n\r\n");
        assert_eq!(stage.gateway.ask(request).status, 401);
    };
    ask("/any/1");
    for (text, path) in [(&off, "/any/2"), (&on, "/any/3")] {
        std::fs::write(&file, text).unwrap();
        stage.gateway.app().reloader().reload().unwrap();
        ask(path);
    }
    let paths: Vec<_> = stage.kept.lines(2).iter().map(|line| line["path"].clone()).collect();
    assert_eq!(paths, ["/any/1", "/any/3"]);
}

#[test]
fn e10_a_dialect_is_told_and_its_token_is_not() {
    let stage = Stage::new();
    let token = stage.token();
    let ask = |secret: &str| {
        let head = "GET /x HTTP/1.1\r\nHost: portal.example\r\n";
        stage.gateway.ask(format!("{head}X-Token: {secret}\r\n\r\n")).status
    };
    assert_eq!((ask(&token.secret), ask("two words")), (200, 400));
    let lines = stage.kept.lines(2);
    for (line, reason) in [(&lines[0], Value::Null), (&lines[1], json!("credential_malformed"))] {
        assert_eq!((&line["dialect"], &line["api"]), (&json!("elma365"), &json!("portal")));
        assert_eq!(line["reason"], reason);
        assert!(!line.to_string().contains(&token.secret), "{line}");
    }
}
