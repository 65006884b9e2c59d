//! Activation, expiry and idleness through the whole gateway, to the second (rows W3 to W6, X3, X8).

use serde_json::json;
use tollgate::domain::time::{Span, Timestamp};

use super::Stage;
use crate::support::gateway::START;

const DAY: u64 = 86_400;

impl Stage {
    /// Moves the clock to `seconds` after the start.
    fn at(&self, seconds: u64) {
        let target = START.plus(Span::from_seconds(seconds));
        let now: Timestamp = self.gateway.clock().now();
        self.gateway.clock().advance(target.since(now));
    }
}

#[test]
fn w3_a_token_begins_in_its_first_second() {
    let stage = Stage::new();
    let begin = START.plus(Span::from_seconds(3_600)).to_string();
    let token = stage.token(&json!({ "not_before": begin }));
    let mut line = stage.open();
    for (at, status) in [(0, 401), (3_599, 401), (3_600, 200), (3_601, 200)] {
        stage.at(at);
        assert_eq!(line.status("/any", &token.secret), status, "after {at} s");
    }
}

#[test]
fn w4_and_w5_a_token_is_over_when_its_time_is() {
    let stage = Stage::new();
    let token = stage.token(&json!({ "lifetime": "60s" }));
    let later = stage.token(
        &json!({ "lifetime": "60s", "not_before": START.plus(Span::from_seconds(30)).to_string() }),
    );
    let endless = stage.token(&json!({ "idle_ttl": 0, "lifetime": 0 }));
    let mut line = stage.open();
    for (at, first, second) in
        [(0, 200, 401), (59, 200, 200), (60, 401, 200), (89, 401, 200), (90, 401, 401)]
    {
        stage.at(at);
        assert_eq!(line.status("/any", &token.secret), first, "after {at} s");
        assert_eq!(line.status("/any", &later.secret), second, "later one, after {at} s");
    }
    stage.at(20_000 * DAY);
    assert_eq!(line.status("/any", &endless.secret), 200);
}

#[test]
fn w6_a_hundred_days_of_idleness_end_a_token_and_a_use_on_day_99_does_not() {
    let stage = Stage::new();
    let (used, unused) = (stage.token(&json!({})), stage.token(&json!({})));
    let refused_only = stage.token(&json!({}));
    let mut line = stage.open();
    stage.at(99 * DAY);
    assert_eq!(line.status("/any", &used.secret), 200);
    // A request that is refused is no use.
    assert_eq!(line.status("/nowhere", &refused_only.secret), 403);
    stage.at(100 * DAY - 1);
    assert_eq!(line.status("/nowhere", &unused.secret), 403);
    stage.at(100 * DAY);
    assert_eq!(line.status("/any", &unused.secret), 401);
    assert_eq!(line.status("/any", &refused_only.secret), 401);
    assert_eq!(line.status("/any", &used.secret), 200);
    stage.at(200 * DAY - 1);
    assert_eq!(line.status("/any", &used.secret), 200);
    stage.at(300 * DAY - 1);
    assert_eq!(line.status("/any", &used.secret), 401);
}

#[test]
fn w6_what_is_refused_behind_the_decision_is_no_use_and_takes_none() {
    let stage = Stage::new();
    let token = stage.token(&json!({ "limits": { "uses": 4 } }));
    stage.at(99 * DAY);
    let auth = format!("Authorization: Bearer {}\r\n", token.secret);
    for (lines, status) in [
        ("Expect: the unexpected\r\n".to_owned(), 417),
        (format!("Content-Length: 5000\r\n\r\n{}", "x".repeat(5_000)), 413),
    ] {
        let head = format!("POST /any HTTP/1.1\r\nHost: erp.example\r\n{auth}{lines}");
        let end = if status == 417 { "\r\n" } else { "" };
        assert_eq!(stage.gateway.ask(format!("{head}{end}")).status, status);
    }
    // Each asks over HTTP/1.1 and over HTTP/2.
    let mut line = stage.open();
    assert_eq!(line.status("/any", &token.secret), 200);
    assert_eq!(line.status("/any", &token.secret), 200, "two uses are left");
    assert_eq!(line.status("/any", &token.secret), 429);

    let idle = stage.token(&json!({ "idle_ttl": "10d" }));
    stage.at(108 * DAY);
    let auth = format!("Authorization: Bearer {}\r\n", idle.secret);
    let head = format!("GET /any HTTP/1.1\r\nHost: erp.example\r\n{auth}Expect: x\r\n\r\n");
    assert_eq!(stage.gateway.ask(head).status, 417);
    stage.at(109 * DAY);
    assert_eq!(stage.open().status("/any", &idle.secret), 401, "idle for ten days");
}

#[test]
fn x8_a_restart_neither_shortens_nor_lengthens_idleness() {
    let mut stage = Stage::new();
    let (used, unused) = (stage.token(&json!({})), stage.token(&json!({})));
    stage.at(50 * DAY);
    assert_eq!(stage.open().status("/any", &used.secret), 200);
    stage.gateway.restart();
    stage.at(100 * DAY);
    assert_eq!(stage.open().status("/any", &unused.secret), 401);
    stage.gateway.restart();
    stage.at(150 * DAY - 1);
    let mut line = stage.open();
    assert_eq!(line.status("/nowhere", &used.secret), 403, "it lives");
    stage.at(150 * DAY);
    assert_eq!(line.status("/any", &used.secret), 401, "it is idle for too long");
    assert_eq!(line.status("/any", &unused.secret), 401);
}

#[test]
fn w6_idle_expiry_is_final() {
    let mut stage = Stage::new();
    let token = stage.token(&json!({}));
    stage.at(100 * DAY);
    assert_eq!(stage.open().status("/any", &token.secret), 401);
    stage.gateway.restart();
    assert_eq!(stage.open().status("/any", &token.secret), 401);
}
