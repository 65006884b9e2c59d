//! Delivered, tried again, given up: one notice does not hold up another, nor one webhook another.

use super::*;
use support::client;

#[test]
fn a_notice_is_signed_and_says_what_happened() {
    let receiver = Receiver::start();
    let gateway = gateway(&[receiver.webhook("chat")]);
    token(&gateway, "nothing to tell");
    let id = revoked(&gateway, "ci");
    let told = receiver.told(1);
    let (told, data) = (&told[0], &told[0].body["data"]);
    assert_eq!(told.body["type"], "token.revoked");
    assert_eq!(told.body["timestamp"], "2026-11-20T12:00:00Z");
    assert_eq!(data["token"]["id"], json!(id));
    assert_eq!(data["token"]["name"], "ci");
    assert_eq!(data["token"]["owner"], "alice");
    assert_eq!(data["token"]["ends_by"], "revocation");
    assert_eq!((&data["actor"], &data["reason"]), (&json!("local:0"), &json!("test")));
    let tried = tried(&gateway, "chat", 1);
    assert_eq!(tried.len(), 1);
    assert_eq!((&tried[0]["outcome"], &tried[0]["status"]), (&json!("delivered"), &json!(200)));
    assert_eq!(tried[0]["event"], data["event"]);
    assert_eq!(tried[0]["notice"], json!(told.id));
    let shown = webhook(&gateway, "chat");
    assert_eq!((&shown["waiting"], &shown["failing_since"]), (&json!(0), &Value::Null));
    assert_eq!(shown["last_attempt"], tried[0]);
    let metrics = client::ask(gateway.admin(), "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let line = "tollgate_notice_attempts_total{webhook=\"chat\",outcome=\"delivered\"} 1\n";
    assert!(metrics.text().contains(line), "{}", metrics.text());
}

#[test]
fn what_is_not_taken_is_tried_again_later_and_holds_nothing_up() {
    let receiver = Receiver::scripted(|seen| {
        let tries_before_it_goes = if seen.number < 4 { 503 } else { 200 };
        status(if seen.number == 1 { 204 } else { tries_before_it_goes })
    });
    let gateway = gateway(&[receiver.webhook("chat")]);
    revoked(&gateway, "first");
    receiver.told(1);
    let failing_since = gateway.clock().now();
    wait_until("it is on record", PATIENCE, || webhook(&gateway, "chat")["waiting"] == 1);
    assert_eq!(webhook(&gateway, "chat")["failing_since"], json!(failing_since));
    revoked(&gateway, "second");
    let told = receiver.told(2);
    assert_eq!(told[1].body["data"]["token"]["name"], "second");
    let mut waits = [5, 300, 1_800].into_iter();
    for count in 3..=5 {
        let wait = waits.next().unwrap();
        advance(&gateway, wait - 1);
        gateway.wait_for_upkeep();
        assert_eq!(receiver.told(count - 1).len(), count - 1, "not before its time");
        advance(&gateway, 1);
        let told = receiver.told(count);
        assert_eq!(
            (told[count - 1].id.as_str(), &told[count - 1].body),
            (told[0].id.as_str(), &told[0].body)
        );
        tried(&gateway, "chat", count);
    }
    let tried = tried(&gateway, "chat", 5);
    let attempts: Vec<_> = tried.iter().map(|one| one["attempt"].as_u64().unwrap()).collect();
    assert_eq!(attempts, [4, 3, 2, 1, 1]);
    let shown = webhook(&gateway, "chat");
    assert_eq!((&shown["waiting"], &shown["failing_since"]), (&json!(0), &Value::Null));
}

#[test]
fn a_notice_is_given_up_after_ten_attempts_or_at_once_where_it_is_gone() {
    let receiver = Receiver::scripted(|seen| status(if seen.number == 0 { 410 } else { 500 }));
    let gateway = gateway(&[receiver.webhook("chat")]);
    let gone = revoked(&gateway, "gone");
    let first = tried(&gateway, "chat", 1);
    assert_eq!((&first[0]["outcome"], &first[0]["status"]), (&json!("given_up"), &json!(410)));
    assert_eq!(
        (&first[0]["token"], &first[0]["owner"]),
        (&json!(gone.to_string()), &json!("alice"))
    );
    revoked(&gateway, "never");
    for count in 2..=11 {
        let tried = tried(&gateway, "chat", count);
        let due = tried[0]["next_at"].as_str();
        assert_eq!(due.is_some(), count < 11, "{tried:?}");
        if due.is_some() {
            advance(&gateway, 86_400);
        }
    }
    let last = &deliveries(&gateway, "chat")[0];
    assert_eq!((&last["outcome"], &last["attempt"]), (&json!("given_up"), &json!(10)));
    assert_eq!(webhook(&gateway, "chat")["waiting"], 0);
}

#[test]
fn a_slow_webhook_keeps_no_other_waiting() {
    let slow = Receiver::scripted(|_| vec![Step::TakeBody, Step::Stall]);
    let quick = Receiver::start();
    let gateway = gateway(&[slow.webhook("slow"), quick.webhook("quick")]);
    for name in ["one", "two", "three"] {
        revoked(&gateway, name);
    }
    assert_eq!(quick.told(3).len(), 3);
    slow.told(1);
    assert_eq!(deliveries(&gateway, "slow").len(), 0, "the first call is under way");
    slow.upstream.close_connections();
}

/// Many notices at once, as when a thousand tokens are about to expire: a few calls are under way, and no more.
#[test]
fn a_few_calls_of_a_webhook_are_under_way_at_once() {
    let receiver = Receiver::scripted(|_| {
        let mut steps = vec![Step::TakeBody, Step::Wait];
        steps.extend(status(200).into_iter().skip(1));
        steps
    });
    let gateway = gateway(&[receiver.webhook("chat")]);
    let names: Vec<_> = (0..8).map(|nth| format!("token-{nth}")).collect();
    for name in &names {
        revoked(&gateway, name);
    }
    // None of them is answered before it is told to go on.
    receiver.told(4);
    for answered in 1..=8 {
        let under_way = receiver.upstream.seen().len() - (answered - 1);
        assert!(under_way <= 4, "{under_way} at once");
        receiver.upstream.go_on();
        tried(&gateway, "chat", answered);
    }
    let told = receiver.told(8);
    let mut told: Vec<_> =
        told.iter().map(|told| told.body["data"]["token"]["name"].as_str().unwrap()).collect();
    told.sort_unstable();
    assert_eq!(told, names, "each once");
}

#[test]
fn a_webhook_that_comes_by_a_reload_begins_at_the_newest_event() {
    let (first, second) = (Receiver::start(), Receiver::start());
    let gateway = gateway(&[first.webhook("first")]);
    revoked(&gateway, "one");
    first.told(1);
    let text = std::fs::read_to_string(gateway.source()).unwrap();
    let both = text.replace("[[apis]]", &format!("{}[[apis]]", second.webhook("second")));
    let reload = |text: &str| {
        std::fs::write(gateway.source(), text).unwrap();
        gateway.app().reloader().reload()
    };
    reload(&both).unwrap();
    let journal = std::fs::read_to_string(gateway.folder().join("data/deliveries")).unwrap();
    assert!(journal.contains("\"second\""), "{journal}");
    revoked(&gateway, "two");
    let told = second.told(1);
    assert_eq!(told[0].body["data"]["token"]["name"], "two");
    assert_eq!(first.told(2).len(), 2);
    // A secret that is gone: nothing of the file is taken.
    std::fs::remove_file(second.secrets.path().join("secret")).unwrap();
    let problem =
        reload(&text.replace("first", "other").replace(
            first.secrets.path().to_str().unwrap(),
            second.secrets.path().to_str().unwrap(),
        ));
    let problem = problem.unwrap_err();
    assert!(problem.detail.contains("`other` cannot sign") && !problem.detail.contains(SECRET));
    assert_eq!(webhook(&gateway, "first")["waiting"], 0);
    // One that is taken out is told no more, also once it is back.
    reload(&text).unwrap();
    assert_eq!(webhook(&gateway, "second"), Value::Null);
    revoked(&gateway, "three");
    first.told(3);
    write_secret(&second.secrets.path().join("secret"));
    reload(&both).unwrap();
    wait_until("it is there again", PATIENCE, || webhook(&gateway, "second") != Value::Null);
    gateway.wait_for_upkeep();
    assert_eq!(second.told(1).len(), 1);
}
