//! `explain` against the gateway: for every request and token of a table, the status and the reason that
//! it tells are those with which the gateway answers.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use serde_json::{Value, json};
use tollgate::domain::refusal::Refusal;
use tollgate::domain::time::Span;
use tollgate::store::sealed::MasterKey;

use super::Stage;
use super::support::PATIENCE;
use super::support::client::Client;
use super::support::gateway::{Gateway, Made, START};

/// Asks the local socket, as `tollgate explain` does.
pub(super) fn explain(gateway: &Gateway, question: &Value) -> Value {
    let socket = gateway.folder().join("data/tollgate.sock");
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let body = question.to_string();
    let head = "POST /api/v1/explain HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
                Content-Type: application/json\r\n";
    write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

/// How often each reason was given.
fn refusals(gateway: &Gateway) -> Vec<u64> {
    let of = |refusal| gateway.counted(|core| core.refusals.of(refusal));
    Refusal::ALL.into_iter().map(of).collect()
}

/// What the gateway answers to the request, and for which reason.
fn answered(gateway: &Gateway, request: &[&str; 3], secret: Option<&str>) -> (u16, Option<String>) {
    let [method, host, target] = request;
    let before = refusals(gateway);
    let line = secret.map(|secret| format!("Authorization: Bearer {secret}\r\n"));
    let mut client = Client::connect(gateway.public());
    client.send(format!(
        "{method} {target} HTTP/1.1\r\nHost: {host}\r\n{}\r\n",
        line.unwrap_or_default()
    ));
    let status = client.answer_to(method).unwrap().status;
    let after = refusals(gateway);
    let grown = before.iter().zip(&after).position(|(before, after)| after > before);
    (status, grown.map(|at| Refusal::ALL[at].reason().to_owned()))
}

/// Holds both against each other, and gives the reason.
fn agree(gateway: &Gateway, request: [&str; 3], secret: Option<&str>) -> Option<String> {
    let [method, host, target] = request;
    let url =
        if target.starts_with('/') { format!("http://{host}{target}") } else { target.to_owned() };
    let told = explain(gateway, &json!({ "method": method, "url": url, "secret": secret }));
    let (status, reason) = answered(gateway, &request, secret);
    let row = format!("{request:?} {secret:?}: {told:#}");
    assert_eq!(told["reason"].as_str(), reason.as_deref(), "{row}");
    assert_eq!(told["permitted"], reason.is_none(), "{row}");
    assert_eq!(told["status"].as_u64().unwrap_or(200), u64::from(status), "{row}");
    let outcomes: Vec<_> =
        told["steps"].as_array().unwrap().iter().map(|step| &step["outcome"]).collect();
    let passed = outcomes.iter().take_while(|outcome| **outcome == "passed").count();
    let (stop, rest) = (outcomes.get(passed), outcomes.iter().skip(passed + 1));
    assert_eq!(stop.is_some(), reason.is_some(), "{row}");
    assert!(stop.is_none_or(|stop| *stop == "refused"), "{row}");
    assert!(rest.clone().all(|outcome| *outcome == "not reached"), "{row}");
    assert!(reason.is_none() || outcomes.len() == 32, "every check is shown: {row}");
    reason
}

#[test]
fn what_explain_says_of_a_request_is_what_the_gateway_answers() {
    let stage = Stage::new();
    let good = stage.token(&json!({}));
    let long = format!("/any?{}", "x".repeat(9_000));
    let rows = [
        (["GET", "erp.example", "/any"], None),
        (["HEAD", "ERP.example.:80", "/%61ny"], None),
        (["TRACE", "erp.example", "/any"], Some("method_not_allowed")),
        (["CONNECT", "erp.example", "erp.example:80"], Some("method_not_allowed")),
        (["get", "erp.example", "/any"], Some("bad_method")),
        (["GET", "erp.example", &long], Some("target_too_long")),
        (["GET", "u@erp.example", "/any"], Some("bad_host")),
        (["GET", "erp.example:", "/any"], Some("bad_host")),
        (["GET", "erp.example:99999", "/any"], Some("bad_host")),
        (["GET", "erp.example", "ftp://erp.example/any"], Some("bad_target")),
        (["GET", "erp.example", "/../any"], Some("bad_dot_segment")),
        (["GET", "erp.example", "/%2e%2e/any"], Some("bad_dot_segment")),
        (["GET", "erp.example", "/a\\any"], Some("bad_slash")),
        (["GET", "erp.example", "/a%5cany"], Some("bad_slash")),
        (["GET", "erp.example", "/a%zz"], Some("bad_encoding")),
        (["GET", "erp.example", "/a%00"], Some("bad_encoding")),
        (["GET", "erp.example", "//any"], Some("bad_empty_segment")),
        (["GET", "erp.example", "/any;x"], Some("bad_path_parameter")),
        (["GET", "erp.example", "/item%2F7"], Some("bad_slash")),
        (["GET", "nowhere.example", "//any"], Some("bad_empty_segment")),
        (["GET", "nowhere.example", "/any"], Some("no_rule")),
        (["GET", "erp.example", "/nowhere"], Some("no_rule")),
        (["GET", "erp.example", "/public"], None),
        (["GET", "kept.example", "/a%2Fb"], Some("bad_slash")),
    ];
    for (request, reason) in rows {
        assert_eq!(agree(&stage.gateway, request, Some(&good.secret)).as_deref(), reason);
        // What comes before the credential does not depend on it.
        agree(&stage.gateway, request, None);
    }
    stage.reconfigure(
        "name = \"kept\"",
        "keep = [\"encoded-slash\", \"empty-segment\", \"path-parameter\"]\nname = \"kept\"",
    );
    // Another last letter.
    let last = if good.secret.ends_with('x') { 'y' } else { 'x' };
    for (target, reason) in [
        (format!("/any?token={}", good.secret), Some("credential_in_target")),
        (format!("/any?token=%74g_{}", &good.secret[3..]), Some("credential_in_target")),
        (format!("/any?token={}{last}", &good.secret[..38]), None),
    ] {
        let request = ["GET", "erp.example", &target];
        assert_eq!(agree(&stage.gateway, request, Some(&good.secret)).as_deref(), reason);
    }
    for (items, target) in [(["a@b"], "/item/a%40b"), (["50%"], "/item/50%25")] {
        let one = stage.token(&json!({ "items": items }));
        let ask = |target| agree(&stage.gateway, ["GET", "erp.example", target], Some(&one.secret));
        assert_eq!(ask(target), None, "{target}");
        assert_eq!(ask("/item/a%2540b").as_deref(), Some("item_not_allowed"));
    }
    for target in ["/a%2Fb", "//a", "/a;b"] {
        assert_eq!(
            agree(&stage.gateway, ["GET", "kept.example", target], Some(&good.secret)),
            None
        );
    }
}

#[test]
fn what_explain_says_of_a_token_is_what_the_gateway_answers() {
    let stage = Stage::new();
    stage.gateway.try_owner(json!({ "id": "bob" })).unwrap();
    stage.gateway.try_owner(json!({ "id": "poor", "ceiling": 0x100 })).unwrap();
    let made = |more| stage.token(&more);
    let (revoked, disabled) = (made(json!({})), made(json!({})));
    stage.gateway.revoke(revoked.id);
    stage.gateway.disable(disabled.id);
    let blocked = made(json!({ "owner": "bob" }));
    stage.gateway.block("bob");
    for (id, contexts) in [("gone", json!("all")), ("poor", json!(["sales"]))] {
        stage.gateway.company(&json!({ "id": id, "contexts": contexts }));
        stage.gateway.try_owner(json!({ "id": format!("at-{id}"), "company": id })).unwrap();
    }
    stage.gateway.block_company("gone");
    let of = |company: &str| json!({ "owner": format!("at-{company}"), "contexts": "all" });
    let network = json!({ "conditions": { "networks": ["192.0.2.0/24"] } });
    let window = json!({ "conditions": { "windows": [
        { "days": [6, 7], "from_minute": 0, "until_minute": 1440 }
    ] } });
    let bound = json!({ "conditions": { "certificate": "ab".repeat(32) } });
    let rows = [
        (revoked, "/any", "revoked"),
        (disabled, "/any", "disabled"),
        (blocked, "/any", "owner_blocked"),
        (made(of("gone")), "/any", "company_blocked"),
        (made(json!({ "not_before": "2030-01-01" })), "/any", "not_yet_active"),
        (made(json!({ "lifetime": "60s" })), "/any", "expired"),
        (made(json!({ "idle_ttl": "60s" })), "/any", "idle_expired"),
        (made(bound), "/any", "wrong_presenter"),
        (made(network), "/any", "address_not_allowed"),
        (made(window), "/any", "time_not_allowed"),
        (made(json!({ "owner": "poor", "flags": 0 })), "/clerk", "role_missing"),
        (made(json!({ "owner": "poor", "flags": 0 })), "/acme", "wrong_company"),
        (made(json!({ "contexts": [] })), "/stock", "context_missing"),
        (made(of("poor")), "/stock", "context_unlicensed"),
        (made(json!({ "flags": 0 })), "/view", "flags_missing"),
        (made(json!({ "items": ["7"] })), "/item/8", "item_not_allowed"),
        (made(json!({ "items": ["7"] })), "/closed", "item_not_allowed"),
    ];
    stage.gateway.clock().set(START.plus(Span::from_seconds(60)));
    for (token, path, reason) in rows {
        let found = agree(&stage.gateway, ["GET", "erp.example", path], Some(&token.secret));
        assert_eq!(found.as_deref(), Some(reason));
        agree(&stage.gateway, ["GET", "erp.example", "/nowhere"], Some(&token.secret));
        let by_id = json!({ "method": "GET", "url": format!("http://erp.example{path}"), "token": token.id });
        assert_eq!(explain(&stage.gateway, &by_id)["reason"], reason);
    }
    for (secret, reason) in [
        (None, "credential_missing"),
        (Some("two words"), "credential_malformed"),
        (Some("tg_000000000000000000000000000000000000"), "unknown"),
        (Some("short"), "unknown"),
        (Some("0f8fad5b-d9cb-469f-a165-70867728950e"), "unknown"),
    ] {
        let found = agree(&stage.gateway, ["GET", "erp.example", "/any"], secret);
        assert_eq!(found.as_deref(), Some(reason));
        let public = agree(&stage.gateway, ["GET", "erp.example", "/public"], secret);
        assert_eq!(public.is_some(), reason == "credential_malformed");
    }
}

#[test]
fn x7_explain_says_that_the_clock_cannot_be_trusted() {
    let stage = Stage::new();
    let token = stage.token(&json!({}));
    stage.gateway.clock().advance(Span::from_seconds(7_200));
    stage.gateway.wait_for_upkeep();
    stage.gateway.clock().set(START);
    for (secret, reason) in [
        (Some(&*token.secret), "cannot_decide"),
        (None, "credential_missing"),
        (Some("two words"), "credential_malformed"),
    ] {
        let found = agree(&stage.gateway, ["GET", "erp.example", "/any"], secret);
        assert_eq!(found.as_deref(), Some(reason));
    }
    assert_eq!(agree(&stage.gateway, ["GET", "erp.example", "/public"], None), None);
}

#[test]
fn explain_names_who_did_it_when_and_why_and_the_deadline_that_was_missed() {
    let stage = Stage::new();
    let (revoked, other) = (stage.token(&json!({})), stage.token(&json!({})));
    let idle = stage.token(&json!({ "idle_ttl": "1h" }));
    stage.gateway.revoke(revoked.id);
    let compared = |token, check: &str| {
        let question = json!({ "method": "GET", "url": "http://erp.example/any", "token": token });
        let told = explain(&stage.gateway, &question);
        let steps = told["steps"].as_array().unwrap();
        let step = steps.iter().find(|step| step["check"] == check).unwrap();
        assert_eq!(step["outcome"], "refused", "{told:#}");
        step["compared"].as_str().unwrap().to_owned()
    };
    assert_eq!(compared(revoked.id, "not revoked"), format!("revoked {START} by local:0: test"));
    stage.gateway.clock().advance(Span::from_seconds(3_600 + 7));
    let deadline = START.plus(Span::from_seconds(3_600));
    let told = compared(idle.id, "not idle");
    assert!(told.contains(&format!("missed the deadline {deadline} by 7s")), "{told}");
    stage.gateway.block("alice");
    let told = compared(other.id, "owner not blocked");
    let when = START.plus(Span::from_seconds(3_607));
    for part in [&format!("`alice` was blocked {when} by local:0: test"), "ceiling", "[clerk]"] {
        assert!(told.contains(part), "{told}");
    }
}

#[test]
fn explain_knows_what_the_upstream_cannot_be_told() {
    let stage = Stage::new();
    // As if the parameter had had no header when the token was made (sec-H6).
    stage.reconfigure("header = \"x-desk\"\n", "");
    let desk = json!({ "stock": { "desk": "caf\u{e9}" } });
    let plain = stage.token(&json!({ "context_params": desk }));
    stage.reconfigure("title = \"Desk\"\n", "title = \"Desk\"\nheader = \"x-desk\"\n");
    let ask = |token: &Made, path: &str| {
        agree(&stage.gateway, ["GET", "erp.example", path], Some(&token.secret))
    };
    assert_eq!(ask(&plain, "/stock").as_deref(), Some("cannot_decide"));
    assert_eq!(ask(&plain, "/any"), None, "it is not told there");
    // As if the parameter had been secret when the token was made, and its key were gone.
    let key = stage.gateway.folder().join("master.key");
    MasterKey::create(&key).unwrap();
    let source = |key: &Path| format!("master_key = \"file:{}\", reserve", key.display());
    let text = std::fs::read_to_string(stage.gateway.source()).unwrap();
    assert!(!text.contains("master_key"));
    let mut stage = stage;
    stage.gateway.stop();
    let secret = "title = \"Desk\"\nsecret = true\n";
    let with_key = text.replacen("reserve", &source(&key), 1);
    std::fs::write(stage.gateway.source(), with_key.replacen("title = \"Desk\"\n", secret, 1))
        .unwrap();
    stage.gateway.go();
    let sealed = stage.token(&json!({ "context_params": { "stock": { "desk": "seven" } } }));
    let ask = |token: &Made, path: &str| {
        agree(&stage.gateway, ["GET", "erp.example", path], Some(&token.secret))
    };
    assert_eq!(ask(&sealed, "/stock"), None);
    stage.reconfigure("secret = true\n", "");
    assert_eq!(ask(&sealed, "/stock"), None, "it was sealed, and there is a key");
    std::fs::remove_file(&key).unwrap();
    assert_eq!(ask(&sealed, "/stock"), None, "no request reads the file");
    stage.gateway.app().reloader().reload().unwrap();
    assert_eq!(ask(&sealed, "/stock").as_deref(), Some("cannot_decide"));
    assert_eq!(ask(&sealed, "/any"), None);
    let question =
        json!({ "method": "GET", "url": "http://erp.example/stock", "token": sealed.id });
    let told = explain(&stage.gateway, &question);
    let steps = told["steps"].as_array().unwrap();
    let last = steps.iter().find(|step| step["outcome"] == "refused").unwrap();
    assert_eq!(last["check"], "identity");
    assert!(last["compared"].as_str().unwrap().contains("is not there"), "{last}");
    // While a secret parameter is defined, such settings are not taken at all.
    let text = std::fs::read_to_string(stage.gateway.source()).unwrap();
    std::fs::write(stage.gateway.source(), text.replacen("title = \"Desk\"\n", secret, 1)).unwrap();
    let refused = stage.gateway.app().reloader().reload().unwrap_err();
    assert!(refused.detail.contains(&key.display().to_string()), "{refused:?}");
    assert!(refused.hint.unwrap().contains("put it back"));
}

#[test]
fn explain_names_the_rules_that_have_a_path_for_other_methods() {
    let stage = Stage::new();
    let token = stage.token(&json!({}));
    stage
        .reconfigure("{ path = \"/any\" }", "{ path = \"/any\", methods = [\"PUT\", \"DELETE\"] }");
    let compared = |path: &str| {
        let url = format!("http://erp.example{path}");
        let told =
            explain(&stage.gateway, &json!({ "method": "GET", "url": url, "token": token.id }));
        let steps = told["steps"].as_array().unwrap();
        let route = steps.iter().find(|step| step["check"] == "route").unwrap();
        route["compared"].as_str().unwrap().to_owned()
    };
    let told = compared("/any");
    assert!(told.contains("it has rule `rule-1` for PUT, DELETE alone"), "{told}");
    let told = compared("/nowhere");
    assert!(told.contains("no rule of API `erp` has this path"), "{told}");
}

#[test]
fn a_flood_of_lookups_is_overloaded_and_explain_needs_no_place_in_its_line() {
    let gateway = Gateway::start(
        "cache = { loads = 1 }\n[[apis]]\nname = \"a\"\nupstream = \"http://127.0.0.1:1\"\n\
         rules = [{ path = \"/{*rest}\" }]\n",
    );
    gateway.owner("somebody");
    let secret = gateway.any_token();
    let overloaded = || gateway.counted(|core| core.refusals.of(Refusal::Overloaded));
    let mut clients: Vec<_> = (0..200).map(|_| Client::connect(gateway.public())).collect();
    let begun = tollgate::clock::instant();
    for round in 0.. {
        // One is read at a time and sixteen wait, so that others are one too many.
        for (number, client) in clients.iter_mut().enumerate() {
            let unknown = format!("7b1d0a52-52a7-4d4d-{round:04x}-{number:012x}");
            client.send(gateway.get("/x", &unknown));
        }
        let asked = json!({ "method": "GET", "url": "http://a/x", "secret": secret });
        assert_eq!(explain(&gateway, &asked)["permitted"], true);
        for client in &mut clients {
            let answer = client.answer();
            match answer.status {
                401 => {}
                503 => assert_eq!(answer.value("retry-after").as_deref(), Some("1")),
                status => panic!("{status}"),
            }
        }
        if overloaded() > 0 {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "nobody was too many");
    }
    assert_eq!(gateway.counted(|core| core.refusals.of(Refusal::CannotDecide)), 0);
}

#[test]
fn what_explain_says_of_limits_is_what_the_gateway_answers_and_consumes_nothing() {
    let stage = Stage::new();
    for (limits, reason) in [
        (json!({ "rate": { "requests": 1, "per": "hour" } }), "limited_rate"),
        (json!({ "quotas": { "month": 1 } }), "limited_quota"),
        (json!({ "uses": 1 }), "limited_uses"),
    ] {
        let token = stage.token(&json!({ "limits": limits }));
        let question =
            json!({ "method": "GET", "url": "http://erp.example/any", "token": token.id });
        for _ in 0..5 {
            assert_eq!(explain(&stage.gateway, &question)["permitted"], true);
        }
        let request = ["GET", "erp.example", "/any"];
        assert_eq!(agree(&stage.gateway, request, Some(&token.secret)), None);
        assert_eq!(agree(&stage.gateway, request, Some(&token.secret)).as_deref(), Some(reason));
        let told = explain(&stage.gateway, &question);
        let step = told["steps"].as_array().unwrap().iter().find(|step| step["check"] == "limits");
        assert!(step.unwrap()["compared"].as_str().unwrap().starts_with("1 "), "{told:#}");
        assert_eq!(told["token"]["limits"], limits);
        assert_eq!(told["token"]["used_up"], reason == "limited_uses");
        // What else is wrong is told first.
        agree(&stage.gateway, ["GET", "erp.example", "/nowhere"], Some(&token.secret));
    }
}
