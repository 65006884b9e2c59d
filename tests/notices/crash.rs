//! A restart and a crash: nothing is lost, and nothing is told twice.

use super::*;
use support::program::Program;

#[test]
fn a_restart_goes_on_where_it_was() {
    let receiver = Receiver::scripted(|seen| status(if seen.number == 1 { 500 } else { 200 }));
    let mut gateway = gateway(&[receiver.webhook("chat")]);
    for name in ["one", "two", "three"] {
        revoked(&gateway, name);
    }
    tried(&gateway, "chat", 3);
    let second = receiver.told(3)[1].clone();
    let before = deliveries(&gateway, "chat");
    gateway.restart();
    assert_eq!(deliveries(&gateway, "chat"), before);
    assert_eq!(webhook(&gateway, "chat")["waiting"], 1);
    revoked(&gateway, "four");
    let told = receiver.told(4);
    assert_eq!(told[3].body["data"]["token"]["name"], "four");
    advance(&gateway, 5);
    let told = receiver.told(5);
    assert_eq!((&told[4].id, &told[4].body), (&second.id, &second.body), "the one that waited");
    gateway.restart();
    gateway.wait_for_upkeep();
    revoked(&gateway, "five");
    let told = receiver.told(6);
    assert_eq!((told.len(), &told[5].body["data"]["token"]["name"]), (6, &json!("five")));
}

fn sorted(mut ids: Vec<Value>) -> Vec<String> {
    let mut ids: Vec<_> = ids.drain(..).map(|id| id.as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

/// The tokens that notices tell of; in which order they come is not promised.
fn tokens(told: &[Told]) -> Vec<String> {
    sorted(told.iter().map(|told| told.body["data"]["token"]["id"].clone()).collect())
}

/// Told while nobody listens: the notices of an outage come once it is over, across a restart.
#[test]
fn what_happens_while_a_webhook_is_down_is_told_later() {
    let receiver = Receiver::start();
    let nobody = Upstream::start();
    let address = nobody.address();
    drop(nobody);
    let down = receiver.webhook_at("chat", &format!("http://{address}/hook"));
    let mut gateway = gateway(&[down]);
    let mut ids = Vec::new();
    for nth in 0..5 {
        ids.push(json!(revoked(&gateway, &nth.to_string())));
    }
    tried(&gateway, "chat", 5);
    gateway.stop();
    let text = std::fs::read_to_string(gateway.source()).unwrap();
    let up = text.replace(&address.to_string(), &receiver.upstream.address().to_string());
    std::fs::write(gateway.source(), up).unwrap();
    gateway.go();
    advance(&gateway, 5);
    let told = receiver.told(5);
    assert_eq!(tokens(&told), sorted(ids), "each once");
}

/// The real program, ended with SIGKILL between and within deliveries.
#[test]
fn a_killed_server_repeats_at_most_what_was_under_way_and_loses_nothing() {
    let receiver = Receiver::scripted(|seen| match seen.number {
        // Under way when the server is killed.
        3 => vec![Step::TakeBody, Step::Stall],
        _ => status(200),
    });
    let mut program = Program::start(&settings(&[receiver.webhook("chat")], "http://127.0.0.1:9"));
    program.succeed(&["user", "add", "alice"], "");
    let mut ids = Vec::new();
    let mut revoke = |program: &Program, name: &str| {
        let create = ["--json", "token", "create", "--owner", "alice", "--name", name];
        let made: Value = serde_json::from_str(&program.succeed(&create, "")).unwrap();
        let id = made["token"]["id"].as_str().unwrap().to_owned();
        program.succeed(&["token", "revoke", &id], "");
        ids.push(json!(id));
    };
    for name in ["one", "two", "three"] {
        revoke(&program, name);
    }
    receiver.told(3);
    let journal = program.folder().join("data/deliveries");
    let text = || std::fs::read_to_string(&journal).unwrap();
    wait_until("the third is on record", PATIENCE, || text().matches("delivered").count() == 3);
    revoke(&program, "four");
    receiver.told(4);
    // Amid a line of the journal.
    let cut = text() + "{\"webhook\":\"chat\",\"place\":";
    program.crash(|| std::fs::write(&journal, cut).unwrap());
    revoke(&program, "five");
    let told = receiver.told(6);
    assert!(told[4..].iter().any(|again| again.id == told[3].id), "the one that was under way");
    ids.push(ids[3].clone());
    assert_eq!(tokens(&told), sorted(ids), "once more, and each other one once");
    let list = program.succeed(&["webhook", "list"], "");
    assert!(list.contains("chat") && list.contains("200"), "{list}");
    let log = program.succeed(&["webhook", "deliveries", "chat"], "");
    assert_eq!(log.matches("token.revoked").count(), 5, "{log}");
    let json: Value =
        serde_json::from_str(&program.succeed(&["--json", "webhook", "list"], "")).unwrap();
    assert_eq!(json["webhooks"][0]["last_attempt"]["outcome"], "delivered");
    let tested = program.succeed(&["webhook", "test", "chat"], "");
    assert!(tested.contains("took the test: 200"), "{tested}");
    assert!(!String::from_utf8_lossy(&program.printed()).contains(SECRET));
}

/// What was said of an end stands in the history alone: an index that is built anew says nothing twice.
#[test]
fn an_index_that_is_built_anew_warns_nobody_twice() {
    let receiver = Receiver::start();
    let mut gateway = gateway(&[receiver.webhook("chat")]);
    for name in ["one", "two"] {
        gateway.token(json!({"owner": "alice", "name": name, "lifetime": "20d"}));
        advance(&gateway, 60);
    }
    advance(&gateway, 6 * 86_400);
    receiver.told(2);
    tried(&gateway, "chat", 2);
    gateway.stop();
    std::fs::remove_dir_all(gateway.folder().join("data/index")).unwrap();
    gateway.go();
    advance(&gateway, 11 * 86_400);
    let told = receiver.told(4);
    gateway.restart();
    gateway.wait_for_upkeep();
    let id = revoked(&gateway, "by another");
    let last = &receiver.told(5)[4];
    assert_eq!(last.body["data"]["token"]["id"], json!(id));
    let days: Vec<_> = told.iter().map(|told| told.body["data"]["days_left"].clone()).collect();
    assert_eq!(days, [14, 14, 3, 3]);
}
