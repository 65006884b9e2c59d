//! Row E9: how long a token may lie unused, changed and cleared with the command line.

use serde_json::{Value, json};

use crate::Place;

fn set(place: &Place, to: &str) {
    std::fs::write(place.path("clock"), to).unwrap();
}

#[test]
fn e9_an_idle_limit_is_changed_and_cleared() {
    let place = Place::empty();
    set(&place, "2030-01-01T00:00:00Z");
    let ok = |arguments: &[&str]| -> Value {
        let out = place.clocked_ok(&[&["--json", "--data", "d"], arguments].concat());
        serde_json::from_str(&out).unwrap()
    };
    ok(&["user", "add", "alice"]);
    let token = ok(&["token", "create", "--owner", "alice", "--name", "ci"])["token"].clone();
    let id = token["id"].as_str().unwrap();
    assert_eq!(token["idle_at"], "2030-04-11T00:00:00Z", "100 days unless somebody says otherwise");
    let update = |idle: &str| ok(&["token", "update", id, "--idle", idle]);
    let changed = update("10d");
    assert_eq!(
        (&changed["changed"], &changed["token"]["idle_at"]),
        (&json!(true), &json!("2030-01-11T00:00:00Z"))
    );
    assert_eq!(update("10d")["changed"], false);

    set(&place, "2030-01-06T00:00:00Z");
    for (idle, code, told) in [
        ("5d", 2, "the token lies unused for longer"),
        ("soon", 2, "is not a length of time"),
        ("-1d", 2, "is not a length of time"),
        ("7", 2, "has no unit"),
    ] {
        let outcome = place.clocked(&["--data", "d", "token", "update", id, "--idle", idle]);
        assert!(outcome.code == code && outcome.err.contains(told), "{idle}: {outcome:?}");
        assert!(outcome.err.contains("--idle"), "it names the option: {}", outcome.err);
    }
    assert_eq!(update("6d")["token"]["idle_at"], "2030-01-07T00:00:00Z", "from its last use on");
    let shown = |what: &str| place.clocked_ok(&["--data", "d", "token", "show", id]).contains(what);
    assert!(shown("idle end"));
    assert_eq!(update("0")["token"]["idle_at"], Value::Null, "for ever");
    assert!(!shown("idle end"));
    set(&place, "2031-01-01T00:00:00Z");
    assert_eq!(ok(&["token", "show", id])["state"], "active", "a year later");
    let history = place.clocked_ok(&["--data", "d", "history", "--token", id]);
    assert_eq!(history.matches("idle_ttl").count(), 3, "{history}");
}
