//! A token of every state gets its answer: status, challenge (RFC 6750), problem document (RFC 9457).

use serde_json::json;

use super::{Said, Stage};
use crate::support::gateway::START;

const INVALID: &str = "Bearer realm=\"erp\", error=\"invalid_token\", error_description=\"The access token is invalid\"";
const EXPIRED: &str =
    "Bearer realm=\"erp\", error=\"invalid_token\", error_description=\"The access token expired\"";
const MALFORMED: &str = "Bearer realm=\"erp\", error=\"invalid_request\", error_description=\"The request must carry exactly one well-formed access token\"";
const SCOPE: &str = "Bearer realm=\"erp\", error=\"insufficient_scope\"";

fn check(row: &str, said: &Said, status: u16, challenge: &str, detail: &str) {
    assert_eq!(said.status, status, "{row}: {said:?}");
    assert_eq!(said.cache_control.as_deref(), Some("no-store"), "{row}");
    assert_eq!(said.content_type.as_deref(), Some("application/problem+json"), "{row}");
    assert_eq!(said.challenge.as_deref().unwrap_or_default(), challenge, "{row}");
    let problem = said.json();
    assert_eq!(problem["status"], status, "{row}");
    assert_eq!(problem["detail"], detail, "{row}");
    assert!(problem["title"].is_string() && problem["type"].is_string(), "{row}: {problem}");
}

fn bearer(secret: &str) -> String {
    format!("Authorization: Bearer {secret}\r\n")
}

#[test]
fn a_good_token_passes_and_a_missing_or_malformed_one_is_told_so() {
    let stage = Stage::new();
    let mut line = stage.open();
    let token = stage.token(&json!({}));
    for path in
        ["/any", "/stock", "/view", "/clerk", "/acme", "/item/7", "/closed", "/list", "/both"]
    {
        assert_eq!(line.status(path, &token.secret), 200, "{path}");
    }
    assert_eq!(line.get("/public", "").status, 200);
    check(
        "missing",
        &line.get("/any", ""),
        401,
        "Bearer realm=\"erp\"",
        "An access token is required",
    );
    let detail = "The request must carry exactly one well-formed access token";
    for lines in ["Authorization: Bearer\r\n", "Authorization: Bearer a b\r\n"] {
        check("malformed", &line.get("/any", lines), 400, MALFORMED, detail);
    }
    let twice = bearer(&token.secret).repeat(2);
    check("malformed", &line.get("/any", &twice), 400, MALFORMED, detail);
}

#[test]
fn x1_a_dead_token_is_answered_like_an_unknown_one() {
    let stage = Stage::new();
    let mut line = stage.open();
    stage.gateway.try_owner(json!({ "id": "bob" })).unwrap();
    let (revoked, disabled) = (stage.token(&json!({})), stage.token(&json!({})));
    let blocked = stage.token(&json!({ "owner": "bob" }));
    let pending = stage.token(&json!({ "not_before": "2030-01-01" }));
    stage.gateway.revoke(revoked.id);
    stage.gateway.disable(disabled.id);
    stage.gateway.block("bob");
    let well_formed = "tg_000000000000000000000000000000000000".to_owned();
    let unknown = "0f8fad5b-d9cb-469f-a165-70867728950e".to_owned();
    for (row, secret) in [
        ("of another checksum", well_formed),
        ("unknown", unknown),
        ("revoked", revoked.secret),
        ("disabled", disabled.secret),
        ("blocked", blocked.secret),
        ("pending", pending.secret),
    ] {
        for path in ["/any", "/stock", "/nowhere"] {
            let said = line.get(path, &bearer(&secret));
            check(row, &said, 401, INVALID, "The access token is invalid");
        }
    }
    assert!(stage.upstream.take().is_empty());
}

#[test]
fn who_holds_an_expired_secret_learns_that_it_expired() {
    let stage = Stage::new();
    let expiring = stage.token(&json!({ "lifetime": "60s" }));
    let idle = stage.token(&json!({ "idle_ttl": "60s" }));
    let mut line = stage.open();
    stage.gateway.clock().set(START.plus(tollgate::domain::time::Span::from_seconds(60)));
    for token in [expiring, idle] {
        let said = line.get("/any", &bearer(&token.secret));
        check("expired", &said, 401, EXPIRED, "The access token expired");
    }
}

#[test]
fn a_refused_head_has_no_body() {
    let stage = Stage::new();
    let mut line = stage.open();
    for lines in ["", "Authorization: Bearer\r\n", &bearer("0f8fad5b-d9cb-469f-a165-70867728950e")]
    {
        let said = line.ask(["HEAD", "erp.example", "/any"], lines);
        assert!([400, 401].contains(&said.status) && said.text.is_empty(), "{lines}: {said:?}");
        assert_eq!(said.content_type.as_deref(), Some("application/problem+json"), "{lines}");
    }
}

/// What a token is made with, what it asks for, the scope that it is told, and the reason.
const FORBIDDEN: [(&str, &str, &str, &str); 14] = [
    (
        r#"{ "conditions": { "networks": ["192.0.2.0/24"] } }"#,
        "/any",
        "",
        "The access token may not be used from this address",
    ),
    (
        r#"{ "conditions": { "windows": [{ "days": [6, 7], "from_minute": 0, "until_minute": 1440 }] } }"#,
        "/any",
        "",
        "The access token may not be used at this time",
    ),
    ("{}", "/nowhere", "", "No rule allows this request"),
    ("{}", "/any/more", "", "No rule allows this request"),
    (
        r#"{ "owner": "poor", "flags": 0 }"#,
        "/clerk",
        "",
        "The owner of the access token lacks the role for this request",
    ),
    (
        r#"{ "owner": "poor", "flags": 0 }"#,
        "/acme",
        "",
        "The access token belongs to another company",
    ),
    (
        r#"{ "contexts": ["sales"] }"#,
        "/stock",
        "stock",
        "The access token does not reach this context",
    ),
    (r#"{ "contexts": [] }"#, "/stock", "stock", "The access token does not reach this context"),
    (
        r#"{ "flags": 512 }"#,
        "/view",
        "online view",
        "The access token lacks the flags for this request",
    ),
    (
        r#"{ "flags": 0 }"#,
        "/view",
        "online view",
        "The access token lacks the flags for this request",
    ),
    (
        r#"{ "contexts": [], "flags": 0 }"#,
        "/both",
        "stock edit",
        "The access token does not reach this context",
    ),
    (r#"{ "items": ["7"] }"#, "/item/8", "", "The access token does not reach this item"),
    (r#"{ "items": ["7"] }"#, "/closed", "", "The access token does not reach this item"),
    (r#"{ "items": ["7"] }"#, "/item/%37%38", "", "The access token does not reach this item"),
];

#[test]
fn a_token_that_may_not_do_this_is_told_what_it_needs() {
    let stage = Stage::new();
    stage.gateway.try_owner(json!({ "id": "poor", "ceiling": 0x100 })).unwrap();
    let mut line = stage.open();
    for (more, path, scope, detail) in FORBIDDEN {
        let token = stage.token(&serde_json::from_str(more).unwrap());
        let mut challenge = SCOPE.to_owned();
        if !scope.is_empty() {
            challenge.push_str(&format!(", scope=\"{scope}\""));
        }
        check(more, &line.get(path, &bearer(&token.secret)), 403, &challenge, detail);
    }
    assert!(stage.upstream.take().is_empty());
    let some = stage.token(&json!({ "items": ["7"] }));
    for path in ["/item/7", "/item/%37", "/list"] {
        assert_eq!(line.status(path, &some.secret), 200, "{path}");
    }
}

#[test]
fn a_token_bound_to_a_certificate_is_refused_without_it() {
    let stage = Stage::new();
    let bound = stage.token(&json!({ "conditions": { "certificate": "ab".repeat(32) } }));
    let said = stage.open().get("/any", &bearer(&bound.secret));
    let detail = "The access token is bound to another client";
    let challenge =
        format!("Bearer realm=\"erp\", error=\"invalid_token\", error_description=\"{detail}\"");
    check("presenter", &said, 401, &challenge, detail);
}

#[test]
fn x7_what_cannot_be_decided_is_503_and_never_passes() {
    let stage = Stage::new();
    let token = stage.token(&json!({}));
    let mut line = stage.open();
    assert_eq!(line.status("/any", &token.secret), 200);
    let hour = |hours: u64| tollgate::domain::time::Span::from_seconds(hours * 3_600);
    stage.gateway.clock().advance(hour(2));
    assert_eq!(line.status("/any", &token.secret), 200);
    stage.gateway.wait_for_upkeep();
    stage.upstream.take();
    stage.gateway.clock().set(START.plus(hour(1)));
    for secret in [&token.secret, "0f8fad5b-d9cb-469f-a165-70867728950e"] {
        let said = line.get("/any", &bearer(secret));
        check("clock", &said, 503, "", "Access tokens cannot be checked at the moment");
        assert!(said.retry_after.is_some());
    }
    assert!(stage.upstream.take().is_empty());
    stage.gateway.clock().set(START.plus(hour(2)));
    assert_eq!(line.status("/any", &token.secret), 200, "the clock is right again");
}

#[test]
fn a_clock_that_is_behind_after_a_restart_is_not_believed() {
    let mut stage = Stage::new();
    let token = stage.token(&json!({ "lifetime": "1h" }));
    let hours = |hours: u64| tollgate::domain::time::Span::from_seconds(hours * 3_600);
    stage.gateway.clock().advance(hours(2));
    assert_eq!(stage.open().status("/any", &token.secret), 401);
    let other = stage.token(&json!({}));
    stage.gateway.wait_for_upkeep();
    stage.gateway.stop();
    stage.gateway.clock().set(START);
    stage.gateway.go();
    assert_ne!(stage.open().status("/any", &token.secret), 200, "an expired token came back");
    assert_eq!(stage.open().status("/any", &other.secret), 503);
}
