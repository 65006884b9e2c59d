//! Calls about everything else: sessions, leaks, history, the clock, webhooks and the server.

use serde_json::json;

use super::call::{Call, WRITES, call};
use super::samples::{ID, THEN, attempt, token};
use crate::admin::clock::{ClockTrusted, ClockView, LowerMark, Trust};
use crate::admin::explain::{ExplainRequest, Explained};
use crate::admin::history::{EventPage, Kept, Which};
use crate::admin::leaks::{LeakLines, Report};
use crate::admin::overview::Overview;
use crate::admin::session::{SignIn, SignedIn};
use crate::admin::system::{Empty, Status};
use crate::admin::webhooks::{DeliveryList, WebhookList};
use crate::notices::Attempt;
use crate::service::history::{HeadView, VerifiedView};
use crate::service::mark::MarkChanged;

pub(super) fn calls() -> Vec<Call> {
    [access(), told(), clock(), webhooks(), server()].into_iter().flatten().collect()
}

fn access() -> Vec<Call> {
    let found = json!({"secrets": ["tg_example"], "reason": "in a public repository"});
    let ended = json!({"secrets": [{"outcome": "ended", "id": ID, "owner": "alice"}]});
    vec![
        call("post", "/session", "sign_in", "Signs in; the cookie comes with the answer")
            .by_anybody()
            .body::<SignIn>(&json!({"user": "alice", "password": "correct horse battery"}))
            .refuses(&[401, 429])
            .answers::<SignedIn>(200, "Signed in", &json!({"user": "alice", "csrf_token": "word"}))
            .with(&["Set-Cookie"]),
        call("delete", "/session", "sign_out", "Signs out")
            .by_anybody()
            .answers_nothing(204, "Done")
            .with(&["Set-Cookie"]),
        call("post", "/leaks", "end_leaked", "Ends tokens whose secrets were found")
            .body::<Report>(&found)
            .refuses(&WRITES)
            .answers::<LeakLines>(200, "By secret", &ended),
        call("post", "/leaks/report", "report_leak", "Tells of secrets that were found")
            .by_anybody()
            .body::<Report>(&json!([{"token": "tg_example"}]))
            .refuses(&[429])
            .answers_nothing(202, "Taken; nothing is said of what becomes of it"),
        call("get", "/openapi.json", "openapi", "This document")
            .by_anybody()
            .answers_object(
                200,
                "OpenAPI 3.1",
                &json!({"openapi": "3.1.0", "info": {"title": "Tollgate", "version": "0.1.0"}, "paths": {}}),
            ),
    ]
}

fn told() -> Vec<Call> {
    let hash = "0".repeat(64);
    let event = json!({"position": 7, "at": THEN, "effective_at": THEN, "actor": "owner:root",
        "kind": "token.created", "tokens": [ID], "users": ["alice"]});
    let counts = json!({"all": 1, "pending": 0, "active": 1, "disabled": 0, "blocked": 0,
        "expired": 0, "idle_expired": 0, "revoked": 0, "never_used": 1, "end_within_14_days": 0,
        "end_within_3_days": 0, "end_within_1_day": 0});
    let explained = json!({"permitted": false, "status": 401, "reason": "no_credential", "path": "/x",
        "api": "api", "rule": null, "token": token(),
        "steps": [{"check": "credential", "compared": "none was sent", "outcome": "refused"}]});
    vec![
        call("get", "/history", "list_history", "Lists what happened, newest first")
            .query::<Which>(&json!({"token": ID, "user": "alice", "company": "acme", "kind": "token.revoked,owner",
                "by": "root", "since": THEN, "until": "2026-02-01", "before": 7, "limit": 100}))
            .refuses(&[404])
            .answers::<EventPage>(200, "A page", &json!({"events": [event], "next": null})),
        call(
            "get",
            "/history/head",
            "history_head",
            "Shows the newest event, to be kept elsewhere",
        )
        .answers::<HeadView>(200, "The head", &json!({"position": 7, "hash": hash})),
        call("get", "/history/verify", "verify_history", "Checks the whole chain")
            .query::<Kept>(&json!({"position": 7, "hash": hash}))
            .refuses(&[409])
            .answers::<VerifiedView>(
                200,
                "It holds",
                &json!({"position": 7, "hash": hash, "segments": 1, "unfinished_bytes": 0}),
            ),
        call("get", "/overview", "overview", "How everything stands, in numbers")
            .answers::<Overview>(
                200,
                "Numbers",
                &json!({"tokens": counts, "users": {"all": 1, "blocked": 0}, "requests": null}),
            ),
        call(
            "post",
            "/explain",
            "explain",
            "Why a request would go through, or where it would stop",
        )
        .body::<ExplainRequest>(
            &json!({"method": "GET", "url": "http://api.example/x", "token": ID}),
        )
        .refuses(&[404])
        .answers::<Explained>(200, "Check by check", &explained),
    ]
}

fn clock() -> Vec<Call> {
    let view = json!({"wall": THEN, "mark": THEN, "behind": 0, "decides": true, "ends": true});
    let lowered =
        json!({"wall": THEN, "mark": THEN, "behind": 0, "before": THEN, "changed": false});
    vec![
        call("get", "/clock", "show_clock", "Shows the clock and its mark").answers::<ClockView>(
            200,
            "How the clock stands",
            &view,
        ),
        call("post", "/clock/mark", "lower_mark", "Takes the mark back to what the clock shows")
            .by_operator()
            .body::<LowerMark>(&json!({"reason": "the clock was a year ahead", "confirmed": true}))
            .refuses(&[507])
            .answers::<MarkChanged>(200, "Done", &lowered),
        call("post", "/clock/trust", "trust_clock", "Says that the clock is right")
            .by_operator()
            .body::<Trust>(&json!({"reason": "looked at another"}))
            .refuses(&WRITES)
            .answers::<ClockTrusted>(200, "Done", &json!({"wall": THEN, "changed": false})),
    ]
}

fn webhooks() -> Vec<Call> {
    let hook = json!({"name": "chat", "url": "https://chat.example/hook", "notices": ["token.leaked"],
        "waiting": 0, "failing_since": null, "last_attempt": null});
    vec![
        call("get", "/webhooks", "list_webhooks", "Lists who is told what happened")
            .answers::<WebhookList>(200, "All of them", &json!({"webhooks": [hook]})),
        call("get", "/webhooks/{name}/deliveries", "list_deliveries", "Lists what was tried")
            .answers::<DeliveryList>(200, "Newest first", &json!({"deliveries": [attempt()]})),
        call("post", "/webhooks/{name}/test", "test_webhook", "Tries a webhook out")
            .body::<Empty>(&json!({}))
            .answers::<Attempt>(200, "What came of it", &attempt()),
    ]
}

fn server() -> Vec<Call> {
    let status = json!({"version": "0.1.0", "server": null, "data": "/var/lib/tollgate", "store": "ready",
        "position": 7, "upstreams": [{"api": "erp", "upstream": "10.0.0.7:8080", "state": "up", "under_way": 2,
            "ejections": 0}]});
    vec![
        call("get", "/status", "status", "What there is to know from outside").answers::<Status>(
            200,
            "The gateway",
            &status,
        ),
        call("post", "/reload", "reload", "Reads the configuration anew")
            .by_operator()
            .body::<Empty>(&json!({}))
            .refuses(&[409, 422, 500])
            .answers_nothing(204, "It is in force"),
        call("post", "/backup", "backup", "Streams a backup")
            .by_operator()
            .body::<Empty>(&json!({}))
            .answers_as(
                200,
                "The backup",
                &[(
                    "application/octet-stream",
                    "{\"tollgate_backup\":1,\"at\":\"2026-01-02T03:04:05Z\"}\n",
                )],
            ),
    ]
}
