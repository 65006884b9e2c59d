//! Every change holds from the next request on: on a connection that is open already, over both
//! versions, and after a restart (rows E6, E7, E8, W7, X8).

use serde_json::json;

use super::{Line, Stage};
use crate::support::gateway::Made;

/// Asks on the open connections and on new ones.
fn check(stage: &Stage, line: &mut Line, path: &str, token: &Made, status: u16, row: &str) {
    assert_eq!(line.status(path, &token.secret), status, "{row}, on an open connection");
    assert_eq!(stage.open().status(path, &token.secret), status, "{row}, on a new connection");
}

#[test]
fn e6_e7_e8_block_pause_and_end_hold_from_the_next_request_on() {
    let stage = Stage::new();
    let (token, other) = (stage.token(&json!({})), stage.token(&json!({})));
    let mut line = stage.open();
    check(&stage, &mut line, "/any", &token, 200, "made");
    for _ in 0..3 {
        stage.gateway.block("alice");
        check(&stage, &mut line, "/any", &token, 401, "E6 blocked");
        check(&stage, &mut line, "/any", &other, 401, "E6 blocked");
        stage.gateway.unblock("alice");
        check(&stage, &mut line, "/any", &token, 200, "E7 unblocked");
        stage.gateway.disable(token.id);
        check(&stage, &mut line, "/any", &token, 401, "disabled");
        check(&stage, &mut line, "/any", &other, 200, "another token");
        stage.gateway.enable(token.id);
        check(&stage, &mut line, "/any", &token, 200, "enabled");
    }
    stage.gateway.revoke(token.id);
    check(&stage, &mut line, "/any", &token, 401, "E8 revoked");
    check(&stage, &mut line, "/any", &other, 200, "E3 another token");
}

#[test]
fn w7_what_a_token_may_do_changes_with_the_next_request() {
    let stage = Stage::new();
    let token = stage.token(&json!({}));
    let mut line = stage.open();
    for (path, change, status) in [
        ("/stock", json!({ "contexts": ["sales"] }), 403),
        ("/stock", json!({ "contexts": "all" }), 200),
        ("/stock", json!({ "contexts": [] }), 403),
        ("/stock", json!({ "contexts": ["stock"] }), 200),
        ("/view", json!({ "flags": 0x100 }), 403),
        ("/view", json!({ "flags": -1 }), 200),
        ("/view", json!({ "flags": 0 }), 403),
        ("/view", json!({ "flags": ["online", "view"] }), 200),
        ("/item/7", json!({ "items": ["8"] }), 403),
        ("/item/7", json!({ "items": ["7", "8"] }), 200),
        ("/closed", json!({ "items": ["7"] }), 403),
        ("/closed", json!({ "items": "all" }), 200),
        ("/any", json!({ "conditions": { "networks": ["192.0.2.0/24"] } }), 403),
        ("/any", json!({ "conditions": { "networks": ["127.0.0.0/8"] } }), 200),
        ("/any", json!({ "not_before": "2030-01-01" }), 401),
        ("/any", json!({ "not_before": "2020-01-01" }), 200),
        ("/any", json!({ "name": "another" }), 200),
    ] {
        stage.gateway.update(token.id, &change);
        check(&stage, &mut line, path, &token, status, &change.to_string());
    }
    let told = stage.upstream.take().pop().unwrap().value("x-tollgate-token-name");
    assert_eq!(told.as_deref(), Some("another"));
}

#[test]
fn x8_every_change_survives_a_restart() {
    let mut stage = Stage::new();
    stage.gateway.try_owner(json!({ "id": "bob" })).unwrap();
    stage.gateway.try_owner(json!({ "id": "carol" })).unwrap();
    let good = stage.token(&json!({}));
    let revoked = stage.token(&json!({}));
    let disabled = stage.token(&json!({}));
    let enabled = stage.token(&json!({}));
    let narrowed = stage.token(&json!({}));
    let limited = stage.token(&json!({}));
    let blocked = stage.token(&json!({ "owner": "bob" }));
    let unblocked = stage.token(&json!({ "owner": "carol" }));
    stage.gateway.revoke(revoked.id);
    stage.gateway.disable(disabled.id);
    stage.gateway.disable(enabled.id);
    stage.gateway.enable(enabled.id);
    stage.gateway.update(narrowed.id, &json!({ "contexts": ["sales"], "flags": 0x100 }));
    stage.gateway.update(limited.id, &json!({ "items": ["7"] }));
    stage.gateway.block("bob");
    stage.gateway.block("carol");
    stage.gateway.unblock("carol");
    for round in ["before", "after one restart", "after two"] {
        let mut line = stage.open();
        for (row, path, token, status) in [
            ("good", "/both", &good, 200),
            ("revoked", "/any", &revoked, 401),
            ("disabled", "/any", &disabled, 401),
            ("enabled", "/any", &enabled, 200),
            ("contexts", "/stock", &narrowed, 403),
            ("flags", "/view", &narrowed, 403),
            ("items", "/item/8", &limited, 403),
            ("items", "/item/7", &limited, 200),
            ("blocked", "/any", &blocked, 401),
            ("unblocked", "/any", &unblocked, 200),
        ] {
            assert_eq!(line.status(path, &token.secret), status, "{row}, {round}");
        }
        drop(line);
        stage.gateway.restart();
    }
}

#[test]
fn a_secret_that_was_unknown_works_once_a_token_has_it() {
    let stage = Stage::new();
    let mut line = stage.open();
    let secret = "0f8fad5b-d9cb-469f-a165-70867728950e";
    for _ in 0..3 {
        assert_eq!(line.status("/any", secret), 401);
    }
    let token = stage.token(&json!({ "secret": secret }));
    assert_eq!(token.secret, secret);
    assert_eq!(line.status("/any", secret), 200, "sec-C4");
}
