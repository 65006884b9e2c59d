//! Changes that are made from what somebody saw (RFC 9110 section 13.1.1), and acts that are asked for again
//! (draft-ietf-httpapi-idempotency-key-header-07), at the real administrative address.

use serde_json::{Value, json};

use super::{program, use_of};
use crate::support::client::{Answer, Client};
use crate::support::desk::send;
use crate::support::program::Program;
use crate::support::upstream::Upstream;

/// A program that administrates.
struct Robot<'p> {
    program: &'p Program,
    bearer: String,
}

impl<'p> Robot<'p> {
    fn new(program: &'p Program) -> Self {
        let create = ["token", "create", "--owner", "root", "--name", "robot", "--flags=-1"];
        let secret = program.succeed(&[&create[..], &["--secret-only"]].concat(), "");
        Self { program, bearer: format!("Authorization: Bearer {}\r\n", secret.trim()) }
    }

    /// One act with one more field, or none.
    fn ask(&self, line: &str, field: &str, body: &Value) -> Answer {
        let end = if field.is_empty() { "" } else { "\r\n" };
        send(self.program.admin(), line, &format!("{}{field}{end}", self.bearer), body)
    }

    fn tag(&self, record: &str) -> String {
        self.ask(&format!("GET {record}"), "", &json!({})).value("etag").unwrap()
    }

    /// How many tokens of a name there are.
    fn count(&self, name: &str) -> usize {
        let list = self.ask(&format!("GET /tokens?name={name}"), "", &json!({})).json();
        list["tokens"].as_array().unwrap().len()
    }
}

/// Each record, an act on it, and whether its token works then.
const ACTS: [(&str, &str, bool); 9] = [
    ("/tokens/ID", "PATCH /tokens/ID", true),
    ("/tokens/ID", "POST /tokens/ID/disable", false),
    ("/tokens/ID", "POST /tokens/ID/enable", true),
    ("/users/bob", "POST /users/bob/block", false),
    ("/users/bob", "POST /users/bob/unblock", true),
    ("/companies/acme", "PATCH /companies/acme", true),
    ("/companies/acme", "POST /companies/acme/block", false),
    ("/companies/acme", "POST /companies/acme/unblock", true),
    ("/tokens/ID", "POST /tokens/ID/revoke", false),
];

#[test]
fn a_change_is_made_from_what_was_seen_or_not_at_all() {
    let upstream = Upstream::start();
    let program = program(&upstream);
    let robot = Robot::new(&program);
    robot.ask("POST /companies", "", &json!({"id": "acme"}));
    robot.ask("POST /users", "", &json!({"id": "bob", "company": "acme"}));
    let made = robot.ask("POST /tokens", "", &json!({"owner": "bob", "name": "one"}));
    assert_eq!((made.status, made.value("etag").as_deref()), (201, Some("\"1\"")));
    let made = made.json();
    let id = made["token"]["id"].as_str().unwrap();
    let mut client = Client::connect(program.public());
    let mut works = || use_of(&mut client, made["secret"].as_str().unwrap()).status == 200;
    let mut worked = works();
    assert!(worked);
    for (record, act, works_then) in ACTS {
        let (record, act) = (record.replace("ID", id), act.replace("ID", id));
        let body = if act.starts_with("PATCH") { json!({"name": "two"}) } else { json!({}) };
        let now = robot.tag(&record);
        for stale in ["\"0\"", "\"99\"", &format!("W/{now}")] {
            let refused = robot.ask(&act, &format!("If-Match: {stale}"), &body);
            assert_eq!(refused.status, 412, "{act} from {stale}: {}", refused.text());
            assert_eq!(refused.value("etag").as_ref(), Some(&now), "{act}");
            assert_eq!(refused.json()["type"], "urn:tollgate:problem:changed");
        }
        assert_eq!((works(), robot.tag(&record)), (worked, now.clone()), "{act}: nothing was done");
        let done = robot.ask(&act, &format!("If-Match: {now}"), &body);
        assert_eq!((done.status, &done.json()["changed"]), (200, &json!(true)), "{act}");
        assert_eq!(done.value("etag"), Some(robot.tag(&record)), "{act}");
        assert_ne!(robot.tag(&record), now, "{act}");
        assert_eq!(works(), works_then, "{act}");
        let again = robot.ask(&act, &format!("If-Match: {now}"), &body);
        assert_eq!(again.status, 412, "{act}: from before itself");
        worked = works_then;
    }
    // Nobody has to say what they saw: there is no 428 (docs/api.md).
    let blind = robot.ask("PATCH /users/bob", "", &json!({"name": "Robert"}));
    assert_eq!((blind.status, &blind.json()["changed"]), (200, &json!(true)));
    assert_eq!(robot.ask("PATCH /users/bob", "If-Match: 2", &json!({"name": "x"})).status, 400);
    assert_eq!(robot.ask("PATCH /users/carl", "If-Match: \"1\"", &json!({})).status, 404);
}

#[test]
fn an_act_with_a_key_is_done_once() {
    let upstream = Upstream::start();
    let program = program(&upstream);
    let robot = Robot::new(&program);
    let body = json!({"owner": "alice", "name": "once"});
    let key = "Idempotency-Key: 8e03978e-40d5-43dd-bc93-6894a57f9324";
    let first = robot.ask("POST /tokens", key, &body);
    assert_eq!(first.status, 201, "{}", first.text());
    for _ in 0..3 {
        let again = robot.ask("POST /tokens", key, &body);
        assert_eq!((again.status, again.text()), (201, first.text()), "the secret too");
        for field in ["location", "etag"] {
            assert_eq!(again.value(field), first.value(field));
        }
    }
    assert_eq!(robot.count("once"), 1);
    for (line, other) in [
        ("POST /tokens", json!({"owner": "alice", "name": "other"})),
        ("POST /tokens", json!({"owner": "root", "name": "once"})),
        ("POST /users", body.clone()),
    ] {
        let refused = robot.ask(line, key, &other);
        assert_eq!(refused.status, 422, "{line} {other}: {}", refused.text());
        assert_eq!(refused.json()["type"], "urn:tollgate:problem:other-request");
    }
    assert_eq!((robot.count("once"), robot.count("other")), (1, 0));
    // Another caller's key is another one.
    let other = Robot::new(&program);
    let theirs = other.ask("POST /tokens", key, &body).json();
    assert_ne!(theirs["token"]["id"], first.json()["token"]["id"]);
    assert_eq!(robot.count("once"), 2);

    // A rotation that is asked for again makes no second successor.
    let rotate = format!("POST /tokens/{}/rotate", first.json()["token"]["id"].as_str().unwrap());
    let rotated = [(); 2].map(|()| robot.ask(&rotate, "Idempotency-Key: r", &json!({})));
    assert_eq!((rotated[0].status, rotated[0].text()), (201, rotated[1].text()));
    assert_eq!(robot.count("once"), 3);
    let secret = rotated[1].json()["secret"].as_str().unwrap().to_owned();
    assert_eq!(use_of(&mut Client::connect(program.public()), &secret).status, 200);
}

/// Whoever asks again before there is an answer is told to wait, and nothing is done twice.
#[test]
fn an_act_that_is_asked_for_at_once_by_many_is_done_once() {
    let upstream = Upstream::start();
    let program = program(&upstream);
    let robot = Robot::new(&program);
    let body = json!({"owner": "alice", "name": "rush"});
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let ask = || robot.ask("POST /tokens", "Idempotency-Key: rush", &body);
        let asked: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        asked.into_iter().map(|one| one.join().unwrap()).collect()
    });
    for answer in &answers {
        let under_way =
            answer.status == 409 && answer.json()["type"] == "urn:tollgate:problem:under-way";
        assert!(answer.status == 201 || under_way, "{} {}", answer.status, answer.text());
    }
    let mut made = answers.iter().filter(|answer| answer.status == 201);
    let first = made.next().unwrap();
    assert!(made.all(|answer| answer.body == first.body));
    assert_eq!(robot.count("rush"), 1);
}
