//! The dialect `elma365`: either field carries the token, and refusals are told as ELMA365's clients
//! read them.

use serde_json::{Value, json};

use super::{Line, Said, Stage};
use crate::support::client::Client;

const APIS: &str = r#"
[[apis]]
name = "portal"
dialect = "elma365"
host = "elma.example"
path = "/pub/v1"
upstream = "http://UPSTREAM"
body_limit = 8
rules = [
    { path = "/pub/v1/app/{*rest}" },
    { path = "/pub/v1/user/list", roles = ["administrator"] },
    { path = "/pub/v1/login", public = true },
]

[[apis]]
name = "kept"
dialect = "elma365"
host = "kept.example"
upstream = "http://UPSTREAM"
keep_credential = true
rules = [{ path = "/{*rest}" }]

[[apis]]
name = "bearer"
host = "bearer.example"
upstream = "http://UPSTREAM"
rules = [{ path = "/{*rest}" }]
"#;

const UUID: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";
const OTHER: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
const LIST: &str = "/pub/v1/app/crm/deals/list";

fn stage() -> Stage {
    let stage = Stage::with(APIS);
    stage.token(&json!({ "contexts": "all", "secret": UUID }));
    stage
}

fn ask(line: &mut Line, path: &str, lines: &str) -> Said {
    line.ask(["GET", "elma.example", path], lines)
}

/// The fields of both forms, with `T` and `O` for the two secrets.
fn fields(text: &str) -> String {
    let lines = text.split('|').filter(|line| !line.is_empty());
    let filled = lines.map(|line| line.replace("=T", UUID).replace("=O", OTHER) + "\r\n");
    filled.collect()
}

fn check(row: &str, said: &Said, status: u16, error: &str) {
    assert_eq!(said.status, status, "{row}: {said:?}");
    let body = format!("{{\"success\":false,\"error\":\"{error}\"}}");
    assert_eq!(said.text, body, "{row}");
    assert_eq!(said.content_type.as_deref(), Some("application/json"), "{row}");
    assert_eq!(said.cache_control.as_deref(), Some("no-store"), "{row}");
}

#[test]
fn e4_e10_either_field_reaches_the_upstream_as_the_user_and_neither_passes() {
    let stage = stage();
    let mut line = stage.open();
    for row in [
        "Authorization: Bearer =T",
        "authorization: bEARER =T",
        "X-Token: =T",
        "x-token: =T",
        "X-Token: =T|Authorization: Bearer =T",
        "X-Token: =T|X_Token: =O|X.Token: =O|x_token: root",
        "X-Token: =T|Connection: X_Token|X_Token: =O",
        "Authorization: Bearer =T|X-Tollgate-Owner: root|X_Tollgate.Owner: root",
    ] {
        assert_eq!(ask(&mut line, LIST, &fields(row)).status, 200, "{row}");
        let seen = stage.upstream.take();
        assert_eq!(seen.len(), 2, "one for each version");
        for seen in seen {
            assert_eq!(seen.values("x-tollgate-owner"), ["alice"], "{row}");
            for gone in [UUID, OTHER, "root"] {
                assert!(!seen.holds(gone), "{row}: {:?}", seen.names());
            }
            let names = seen.names().join(" ").to_lowercase().replace(['_', '.'], "-");
            assert!(!names.contains("x-token") && !names.contains("authorization"), "{names}");
        }
    }
}

#[test]
fn e10_two_credentials_and_unreadable_ones_are_refused() {
    let stage = stage();
    let mut line = stage.open();
    let malformed = "The request must carry exactly one well-formed access token";
    for row in [
        "Authorization: Bearer =T|X-Token: =O",
        "Authorization: Bearer =O|X-Token: =T",
        "X-Token: =T|X-Token: =T",
        "X-Token: =T|X-Token: =O",
        "Authorization: Bearer =T|Authorization: Bearer =T|X-Token: =T",
        "Authorization: Basic eA==|X-Token: =T",
        "Authorization:|X-Token: =T",
        "X-Token: Bearer =T",
        "X-Token: =T, =T",
        "X-Token:",
    ] {
        for path in [LIST, "/pub/v1/login"] {
            let said = ask(&mut line, path, &fields(row));
            check(row, &said, 400, malformed);
            assert!(said.challenge.unwrap().contains("error=\"invalid_request\""), "{row}");
        }
    }
    for row in ["", "X_Token: =T", "Connection: X-Token|X-Token: =T", "Authorization: Basic eA=="] {
        let said = ask(&mut line, LIST, &fields(row));
        check(row, &said, 401, "An access token is required");
        assert_eq!(said.challenge.as_deref(), Some("Bearer realm=\"portal\""), "{row}");
    }
    let said = ask(&mut line, &format!("{LIST}?token={UUID}"), &fields("X-Token: =T"));
    check("sec-A3", &said, 400, "An access token must not stand in the path or the query");
    assert!(stage.upstream.take().is_empty());
}

#[test]
fn e5_e11_refusals_are_told_as_its_clients_read_them() {
    let stage = stage();
    let mut line = stage.open();
    let invalid = "Bearer realm=\"portal\", error=\"invalid_token\", error_description=\"The access token is invalid\"";
    let scope = "Bearer realm=\"portal\", error=\"insufficient_scope\"";
    for (path, row, status, error, challenge) in [
        (LIST, "X-Token: =O", 401, "The access token is invalid", invalid),
        (LIST, "Authorization: Bearer =O", 401, "The access token is invalid", invalid),
        ("/pub/v1/disk", "X-Token: =T", 403, "No rule allows this request", scope),
        (
            "/pub/v1/user/list",
            "X-Token: =T",
            403,
            "The owner of the access token lacks the role for this request",
            scope,
        ),
    ] {
        let said = ask(&mut line, path, &fields(row));
        check(row, &said, status, error);
        assert_eq!(said.challenge.as_deref(), Some(challenge), "{row}");
    }
    for (host, kind) in
        [("elma.example", "application/json"), ("bearer.example", "application/problem+json")]
    {
        let said = line.ask(["HEAD", host, LIST], &fields("Authorization: Bearer =O"));
        assert_eq!((said.status, said.text.as_str()), (401, ""), "HEAD has no body");
        assert_eq!(said.content_type.as_deref(), Some(kind), "{host}");
    }
    // What is refused later than by the decision.
    let head = format!("POST {LIST} HTTP/1.1\r\nHost: elma.example\r\nX-Token: {UUID}\r\n");
    let long = stage.gateway.ask(format!("{head}Content-Length: 9\r\n\r\n123456789"));
    assert_eq!((long.status, &long.json()["success"]), (413, &Value::Bool(false)));
    assert!(stage.upstream.take().is_empty());
    // What is refused before its rule is known, by what of its head can be read.
    let sent = |line: &str, host: &str| {
        stage.gateway.ask(format!("{line} HTTP/1.1\r\n{host}X-Token: {UUID}\r\n\r\n"))
    };
    let host = "Host: elma.example\r\n";
    for (line, host, status) in [
        ("GET /pub/v1//app/crm/deals/list", host, 400),
        ("GET //pub/v1/app/crm/deals/list", host, 400),
        ("GET /pub/v1/app/../list", host, 400),
        ("GET /pub/v1/app/%2Flist", host, 400),
        ("GET /pub/v1/app/%00", host, 400),
        ("TRACE /pub/v1/app/x", host, 405),
        ("get /pub/v1/app/x", host, 400),
        ("GET /pub/v1/app/x", "Host: elma.example\r\nHost: elma.example\r\n", 400),
        ("GET ftp://elma.example/pub/v1/app/x", host, 400),
    ] {
        let got = sent(line, host);
        assert_eq!((got.status, &got.json()["success"]), (status, &Value::Bool(false)), "{line}");
        assert_eq!(got.value("content-type").as_deref(), Some("application/json"), "{line}");
    }
    for (line, host) in [
        ("GET //pub/v1/app/x", "Host: bearer.example\r\n"),
        ("TRACE /pub/v1/app/x", "Host: bearer.example\r\n"),
        ("GET /elsewhere//x", host),
        ("GET /pub/v1/app/x", "Host: a, b\r\n"),
    ] {
        let got = sent(line, host);
        let status = json!(got.status);
        assert_eq!(got.json()["status"], status, "{line}: a problem document");
    }
    // What has met no API is told as everywhere.
    let said = ask(&mut line, "/elsewhere", &fields("Authorization: Bearer =T"));
    assert_eq!((said.status, &said.json()["status"]), (403, &json!(403)));
}

#[test]
fn e8_a_deleted_token_is_refused_at_once_on_an_open_connection() {
    let stage = stage();
    let token = stage.token(&json!({ "contexts": "all" }));
    let mut line = stage.open();
    let lines = format!("X-Token: {}\r\n", token.secret);
    assert_eq!(ask(&mut line, LIST, &lines).status, 200);
    stage.gateway.revoke(token.id);
    check("e8", &ask(&mut line, LIST, &lines), 401, "The access token is invalid");
    assert_eq!(ask(&mut line, LIST, &fields("X-Token: =T")).status, 200, "e3: the other one works");
}

#[test]
fn e10_a_kept_credential_passes_as_it_was_checked() {
    let stage = stage();
    let lines = fields("X-Token: =T|x_token: =O|Authorization: Bearer =T");
    assert_eq!(stage.open().ask(["GET", "kept.example", "/x"], &lines).status, 200);
    for seen in stage.upstream.take() {
        assert_eq!(seen.values("x-token"), [UUID]);
        assert_eq!(seen.values("authorization"), [format!("Bearer {UUID}")]);
        assert!(!seen.holds(OTHER), "another spelling was not checked");
    }
}

#[test]
fn e10_elsewhere_x_token_is_the_clients_own() {
    let stage = stage();
    let mut line = stage.open();
    let bearer = ["GET", "bearer.example", "/x"];
    assert_eq!(line.ask(bearer, &fields("X-Token: =T")).status, 401);
    let lines = fields("Authorization: Bearer =T|X-Token: a|X-Token: b c|X-EMPR-ID: 7");
    assert_eq!(line.ask(bearer, &lines).status, 200);
    for seen in stage.upstream.take() {
        assert_eq!(seen.values("x-token"), ["a", "b c"]);
        assert_eq!(seen.values("x-empr-id"), ["7"]);
    }
}

#[test]
fn e10_no_trailer_carries_a_token() {
    let stage = stage();
    let head = format!(
        "POST {LIST} HTTP/1.1\r\nHost: elma.example\r\nX-Token: {UUID}\r\nTE: trailers\r\n\
         Transfer-Encoding: chunked\r\nTrailer: X-Token, x_token, X-Sum\r\n\r\n"
    );
    let trailers = format!("X-Token: {OTHER}\r\nx_token: {OTHER}\r\nX-Sum: 1\r\n");
    let mut client = Client::connect(stage.gateway.public());
    client.send(format!("{head}3\r\nabc\r\n0\r\n{trailers}\r\n"));
    assert_eq!(client.answer().status, 200);
    let seen = stage.upstream.take_one();
    assert!(!seen.holds(OTHER) && !seen.holds(UUID), "{seen:?}");
    assert!(seen.holds("1\r\n\r\n"), "others pass: {seen:?}");
    assert_eq!(seen.values("trailer"), ["X-Sum"], "and are announced alone");
}
