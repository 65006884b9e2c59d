//! How many requests there may be in a period and in all: exact over all cores, and over restarts.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tollgate::domain::time::Span;
use tollgate::service::Caller;

use super::limits::{limited, told};
use crate::support::client::Client;
use crate::support::gateway::{Gateway, Made};
use crate::support::upstream::Upstream;

/// How many of `asked` requests go through, one after the other.
fn permitted(gateway: &Gateway, token: &Made, asked: usize) -> usize {
    let mut client = Client::connect(gateway.public());
    let request = gateway.get("/x", &token.secret);
    (0..asked).filter(|_| client.ask(&request).status == 200).count()
}

#[test]
fn of_sixty_four_clients_none_gets_one_use_too_many() {
    let upstream = Upstream::start();
    // In blocks of one, and of more than one.
    for (uses, asked) in [(40, 2), (300, 8)] {
        let (gateway, token) = limited(&upstream, &json!({ "uses": uses }));
        let request = gateway.get("/x", &token.secret);
        let (permitted, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..64 {
                scope.spawn(|| {
                    let mut client = Client::connect(gateway.public());
                    for _ in 0..asked {
                        let counted = match client.ask(&request).status {
                            200 => &permitted,
                            429 => &refused,
                            status => panic!("{status}"),
                        };
                        counted.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(permitted.load(Ordering::SeqCst), uses);
        assert_eq!(refused.load(Ordering::SeqCst), 64 * asked - uses);
        let answer = gateway.ask(&request);
        assert_eq!(told(&answer), (429, "\"uses\";r=0".to_owned(), "86400".to_owned()));
        let policy = format!("\"uses\";q={uses}");
        assert_eq!(answer.value("ratelimit-policy"), Some(policy));
        assert_eq!(answer.json()["detail"], "The access token is used up");
        assert_eq!(shown(&gateway, &token)["used_up"], true);
    }
}

/// The token as it is shown.
fn shown(gateway: &Gateway, token: &Made) -> Value {
    let view = gateway
        .app()
        .control()
        .block_on(gateway.app().service().token(&Caller::local(0), token.id));
    serde_json::to_value(view.unwrap()).unwrap()
}

#[test]
fn a_request_that_is_refused_for_its_rate_or_place_consumes_no_use() {
    let upstream = Upstream::start();
    let limits =
        json!({ "uses": 5, "rate": { "requests": 1, "per": "second" }, "quotas": { "day": 9 } });
    let (gateway, token) = limited(&upstream, &limits);
    for _ in 0..5 {
        assert_eq!(permitted(&gateway, &token, 4), 1);
        gateway.clock().advance(Span::from_seconds(1));
    }
    assert_eq!(permitted(&gateway, &token, 4), 0);
    let left = &shown(&gateway, &token)["left"];
    assert_eq!((&left["uses"], &left["quotas"]["day"]["requests"]), (&json!(0), &json!(4)));
}

#[test]
fn uses_and_quotas_outlive_a_restart_to_the_last_request() {
    let upstream = Upstream::start();
    let limits = json!({ "uses": 1_000, "quotas": { "day": 500 } });
    let (mut gateway, token) = limited(&upstream, &limits);
    assert_eq!(permitted(&gateway, &token, 3), 3);
    gateway.restart();
    let left = shown(&gateway, &token)["left"].clone();
    assert_eq!((&left["uses"], &left["quotas"]["day"]["requests"]), (&json!(997), &json!(497)));
    assert_eq!(permitted(&gateway, &token, 14), 14);
    gateway.restart();
    let left = shown(&gateway, &token)["left"].clone();
    assert_eq!((&left["uses"], &left["quotas"]["day"]["requests"]), (&json!(983), &json!(483)));
    gateway.update(token.id, &json!({ "limits": { "uses": 18 } }));
    assert_eq!(permitted(&gateway, &token, 5), 1, "what was counted before the change counts");
    gateway.restart();
    assert_eq!(permitted(&gateway, &token, 5), 0);
    gateway.update(token.id, &json!({ "limits": { "uses": 20 } }));
    assert_eq!(permitted(&gateway, &token, 5), 2);
}

#[test]
fn a_quota_is_there_again_when_its_period_begins() {
    let upstream = Upstream::start();
    let limits = json!({ "quotas": { "hour": 2, "day": 3, "week": 4, "month": 5 } });
    let (mut gateway, token) = limited(&upstream, &limits);
    // A Friday noon, the 20th of a November.
    let start = gateway.clock().now();
    let refused = |gateway: &Gateway| told(&gateway.ask(gateway.get("/x", &token.secret)));
    assert_eq!(permitted(&gateway, &token, 5), 2);
    assert_eq!(refused(&gateway).2, "3600");
    gateway.clock().advance(Span::from_seconds(3_599));
    assert_eq!(permitted(&gateway, &token, 5), 0);
    assert_eq!(
        refused(&gateway),
        (
            429,
            "\"hour\";r=0;t=1, \"day\";r=1;t=39601, \"week\";r=2;t=212401, \"month\";r=3;t=903601"
                .to_owned(),
            "1".to_owned()
        )
    );
    gateway.clock().advance(Span::from_seconds(1));
    assert_eq!(permitted(&gateway, &token, 5), 1, "then the day is over");
    assert_eq!(refused(&gateway).2, (11 * 3_600).to_string());
    gateway.clock().advance(Span::from_seconds(11 * 3_600));
    assert_eq!(permitted(&gateway, &token, 5), 1, "then the week is over");
    // Until Monday.
    gateway.restart();
    assert_eq!(refused(&gateway).2, (2 * 86_400).to_string());
    gateway.clock().advance(Span::from_days(2));
    assert_eq!(permitted(&gateway, &token, 5), 1, "then the month is over");
    let month_end = 10 * 86_400 + 43_200;
    let passed = gateway.clock().now().since(start).seconds();
    assert_eq!(refused(&gateway).2, (month_end - passed).to_string());
    gateway.clock().advance(Span::from_seconds(month_end - passed));
    assert_eq!(permitted(&gateway, &token, 5), 2);
}
