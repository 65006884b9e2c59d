//! What the upstream is told of the caller, and what it is not.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::Stage;
use crate::support::http2;

#[test]
fn e4_the_upstream_hears_who_is_calling() {
    let stage = Stage::new();
    stage
        .gateway
        .try_owner(json!({ "id": "bob@example.com", "company": "acme", "ceiling": 0x300 }))
        .unwrap();
    let params = "{\"a\": [1, {\"b\":null}],  \"n\":1.50}";
    let token = stage.token(&json!({
        "owner": "bob@example.com", "items": ["9", "10"], "params": params, "flags": 0x300,
    }));
    let mut line = stage.open();
    assert_eq!(line.status("/item/9", &token.secret), 200);
    let seen = stage.upstream.take();
    assert_eq!(seen.len(), 2, "one for each version");
    for seen in seen {
        let told = |name: &str| seen.value(&format!("x-tollgate-{name}")).unwrap_or_default();
        assert_eq!(told("owner"), "bob@example.com");
        assert_eq!(told("company"), "acme");
        assert_eq!(told("token-id"), token.id.to_string());
        assert_eq!(told("token-name"), "caf%C3%A9%20%E2%82%AC5");
        assert_eq!(told("flags"), 0x300.to_string());
        assert_eq!(told("contexts"), "sales,stock");
        assert_eq!(told("items"), "10,9");
        assert_eq!(URL_SAFE_NO_PAD.decode(told("params")).unwrap(), params.as_bytes());
        assert!(!told("request-id").is_empty());
        assert!(!seen.holds(&token.secret) && seen.values("authorization").is_empty());
        assert_eq!(seen.values("host"), ["erp.example"]);
        assert_eq!(seen.values("x-forwarded-for"), ["127.0.0.1"]);
    }
}

#[test]
fn w13_flags_are_told_under_the_owners_ceiling() {
    let stage = Stage::new();
    stage.gateway.try_owner(json!({ "id": "poor", "ceiling": 0x100 })).unwrap();
    let token = stage.token(&json!({ "owner": "poor", "flags": 0x100, "contexts": "all" }));
    assert_eq!(stage.open().status("/any", &token.secret), 200);
    let seen = stage.upstream.take().remove(0);
    assert_eq!(seen.value("x-tollgate-flags").as_deref(), Some("256"));
    assert_eq!(seen.value("x-tollgate-contexts").as_deref(), Some("*"));
    assert_eq!(seen.value("x-tollgate-items").as_deref(), Some("*"));
    assert!(seen.values("x-tollgate-company").is_empty(), "there is none");
    assert!(seen.values("x-tollgate-params").is_empty(), "there are none");
}

#[test]
fn sec_h6_a_parameter_that_no_header_carries_stops_the_request() {
    let stage = Stage::new();
    // As if the parameter had had no header when the token was made.
    stage.reconfigure("header = \"x-desk\"\n", "");
    let contexts = json!({ "stock": { "desk": "caf\u{e9}" } });
    let token = stage.token(&json!({ "context_params": contexts }));
    assert_eq!(stage.open().status("/stock", &token.secret), 200);
    assert!(stage.upstream.take().iter().all(|seen| seen.values("x-desk").is_empty()));
    stage.reconfigure("title = \"Desk\"\n", "title = \"Desk\"\nheader = \"x-desk\"\n");
    assert_eq!(stage.open().status("/stock", &token.secret), 503);
    assert_eq!(stage.upstream.take().len(), 0, "it does not go without its parameter");
    assert_eq!(stage.open().status("/any", &token.secret), 200, "it is not told there");
    stage.upstream.take();

    let refused = stage.gateway.try_token(json!({
        "owner": "alice", "name": "x", "contexts": ["stock"], "context_params": contexts,
    }));
    let refused = refused.unwrap_err();
    assert!(refused.starts_with("`context_params.stock.desk`: the header `x-desk`"), "{refused}");
    stage.gateway.update(token.id, &json!({ "context_params": { "stock": { "desk": "7 b" } } }));
    assert_eq!(stage.open().status("/stock", &token.secret), 200);
    let told: Vec<_> = stage.upstream.take().iter().map(|seen| seen.value("x-desk")).collect();
    assert_eq!(told, [Some("7 b".to_owned()), Some("7 b".to_owned())]);
}

#[test]
fn an_api_can_keep_the_credential() {
    let stage = Stage::new();
    let token = stage.token(&json!({}));
    let credential = format!("Bearer {}", token.secret);
    let head =
        format!("GET /x HTTP/1.1\r\nHost: kept.example\r\nAuthorization: {credential}\r\n\r\n");
    assert_eq!(stage.gateway.ask(head).status, 200);
    assert_eq!(stage.upstream.take_one().values("authorization"), [credential]);
}

#[test]
fn a_public_rule_strips_a_credential_that_nobody_checked() {
    let stage = Stage::new();
    let mut line = stage.open();
    for lines in ["", "Authorization: Bearer 0f8fad5b-d9cb-469f-a165-70867728950e\r\n"] {
        assert_eq!(line.get("/public", lines).status, 200);
        for seen in stage.upstream.take() {
            assert!(seen.values("authorization").is_empty(), "{lines}");
            assert!(seen.values("x-tollgate-owner").is_empty(), "{lines}");
        }
    }
}

#[test]
fn over_http2_what_has_two_readings_is_refused() {
    let stage = Stage::new();
    let token = stage.token(&json!({}));
    let mut client = http2::Client::connect(stage.gateway.public());
    let auth = format!("Bearer {}", token.secret);
    for (row, target, host, status) in [
        ("plain", "http://erp.example/any", None, 200),
        ("the same host twice", "http://erp.example/any", Some("erp.example"), 200),
        ("two hosts", "http://erp.example/any", Some("kept.example"), 400),
        ("userinfo", "http://u@erp.example/any", None, 400),
        ("dot segment", "http://erp.example/any/../stock", None, 400),
        ("encoded slash", "http://erp.example/any%2fx", None, 400),
        ("no such rule", "http://erp.example/ANY", None, 403),
        ("no such host", "http://other.example/any", None, 403),
    ] {
        let mut request = http::Request::get(target).header("authorization", &auth);
        if let Some(host) = host {
            request = request.header("host", host);
        }
        let said = client.ask(request.body(Default::default()).unwrap());
        assert_eq!(said.status, status, "{row}: {}", said.text());
    }
    assert_eq!(stage.upstream.take().len(), 2);
    let request = http::Request::get("http://erp.example/any").header("authorization", &auth);
    let request = request.header("cookie", "a=1").header("cookie", "b=2");
    assert_eq!(client.ask(request.body(Default::default()).unwrap()).status, 200);
    assert_eq!(stage.upstream.take_one().values("cookie"), ["a=1; b=2"]);
}
