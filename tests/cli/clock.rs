//! `tollgate clock`: the way out for an operator whose gateway once ran with a clock that was a year
//! ahead, beside a running server and without one.

use std::time::Duration;

use serde_json::json;
use tollgate::clock::instant;

use crate::Place;
use crate::server::{Server, hello, with_token};

const WRONG: &str = "2031-01-01T00:00:00Z";
const RIGHT: &str = "2030-01-01T00:00:00Z";

fn set(place: &Place, to: &str) {
    std::fs::write(place.path("new"), to).unwrap();
    std::fs::rename(place.path("new"), place.path("clock")).unwrap();
}

fn serve(place: &Place) -> Server {
    let url = format!("http://{}", hello());
    let mut command = place.command(&["--json", "serve", "--upstream", &url, "--data", "d"]);
    command.args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
    command.env("TOLLGATE_TEST_CLOCK", place.path("clock")).stderr(std::process::Stdio::null());
    Server::run(command)
}

/// Asks until the answer is the one that is waited for: the server looks at its clock once a second.
fn until(status: u16, server: &Server, secret: &str) {
    let begun = instant();
    while with_token(server.address("public"), secret) != status {
        assert!(begun.elapsed() < Duration::from_secs(30), "never {status}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until the running server has noted this time.
fn until_marked(place: &Place, mark: &str) {
    let marked = || {
        let shown = place.clocked(&["--json", "--data", "d", "clock"]);
        shown.out.contains(&format!("\"mark\":\"{mark}\""))
    };
    let begun = instant();
    while !marked() {
        assert!(begun.elapsed() < Duration::from_secs(30), "the time was never noted");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A folder with a token (its secret and its id), whose gateway has run for a while with a wrong clock that is right again.
fn poisoned() -> (Place, Server, String, String) {
    let place = Place::empty();
    set(&place, WRONG);
    let server = serve(&place);
    place.clocked_ok(&["--data", "d", "user", "add", "alice"]);
    let made = ["--json", "--data", "d", "token", "create", "--owner", "alice", "--name", "ci"];
    let made: serde_json::Value = serde_json::from_str(&place.clocked_ok(&made)).unwrap();
    let secret = made["secret"].as_str().unwrap().to_owned();
    let id = made["token"]["id"].as_str().unwrap().to_owned();
    until_marked(&place, WRONG);
    set(&place, RIGHT);
    until(503, &server, &secret);
    (place, server, secret, id)
}

const LOWER: [&str; 7] =
    ["--json", "--data", "d", "clock", "--set-mark-to-now", "--reason", "dead battery"];

#[test]
fn clock_mark_is_lowered_beside_a_running_server() {
    let (place, server, secret, _) = poisoned();
    let shown = place.clocked_ok(&["--data", "d", "clock"]);
    assert!(shown.contains("no: answered 503"), "{shown}");
    let outcome = place.clocked(&LOWER);
    assert_eq!(outcome.code, 2, "{}", outcome.err);
    assert!(outcome.err.contains("--yes") && outcome.err.contains(WRONG), "{}", outcome.err);
    assert_eq!(with_token(server.address("public"), &secret), 503, "nothing was done");

    place.clocked_ok(&[&LOWER[..], &["--yes"]].concat());
    // Not yet active: the token was made by the wrong clock, and that is what is judged now.
    until(401, &server, &secret);
    let made = ["--json", "--data", "d", "token", "create", "--owner", "alice", "--name", "new"];
    let made: serde_json::Value = serde_json::from_str(&place.clocked_ok(&made)).unwrap();
    assert_eq!(with_token(server.address("public"), made["secret"].as_str().unwrap()), 200);
    let history = place.clocked_ok(&["--json", "--data", "d", "history"]);
    let history: serde_json::Value = serde_json::from_str(&history).unwrap();
    let event = &history["events"][1];
    assert_eq!(event["kind"], "clock.mark_lowered", "{history}");
    let reason = format!("from {WRONG} to {RIGHT}: dead battery");
    assert_eq!(event["reason"], json!(reason));
    let again = place.clocked_ok(&[&LOWER[..], &["--yes"]].concat());
    assert!(again.contains("\"changed\":false"), "{again}");
}

#[test]
fn clock_mark_is_lowered_without_a_server_and_stays_so() {
    let (place, mut server, secret, id) = poisoned();
    assert_eq!(server.stop(), 0);
    let outcome = place.clocked(&["--json", "--data", "d", "clock", "--set-mark-to-now"]);
    assert_eq!(outcome.code, 2, "without a reason: {outcome:?}");
    assert_ne!(place.clocked(&LOWER).code, 0, "without a confirmation");
    // A server would answer so, and so does whoever explains it.
    let explain = ["--json", "--data", "d", "explain", "GET", "/x", "--token", &id];
    let explained = place.clocked_ok(&explain);
    let explained: serde_json::Value = serde_json::from_str(&explained).unwrap();
    assert_eq!(
        (&explained["status"], &explained["reason"]),
        (&json!(503), &json!("cannot_decide"))
    );
    place.clocked_ok(&[&LOWER[..], &["--yes"]].concat());
    let explained = place.clocked_ok(&explain);
    assert!(explained.contains("\"not_yet_active\""), "{explained}");
    let shown = place.clocked_ok(&["--json", "--data", "d", "clock"]);
    assert!(shown.contains(&format!("\"mark\":\"{RIGHT}\"")), "{shown}");
    let server = serve(&place);
    assert_eq!(with_token(server.address("public"), &secret), 401, "judged again");
}

/// A folder without a server whose mark is at `RIGHT`, with a token that has just expired and one that lives.
fn marked() -> (Place, String, String) {
    let place = Place::empty();
    set(&place, "2029-12-31T23:59:00Z");
    place.clocked_ok(&["--data", "d", "init"]);
    place.clocked_ok(&["--data", "d", "user", "add", "alice"]);
    let [short, long] = ["60s", "1d"].map(|lifetime| {
        let create = ["--json", "--data", "d", "token", "create", "--owner", "alice"];
        let more = ["--name", "ci", "--lifetime", lifetime];
        let made: serde_json::Value =
            serde_json::from_str(&place.clocked_ok(&[&create[..], &more].concat())).unwrap();
        made["token"]["id"].as_str().unwrap().to_owned()
    });
    set(&place, RIGHT);
    let mut server = serve(&place);
    until_marked(&place, RIGHT);
    assert_eq!(server.stop(), 0);
    (place, short, long)
}

fn state(place: &Place, id: &str) -> String {
    let shown = place.clocked_ok(&["--json", "--data", "d", "token", "show", id]);
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    shown["state"].as_str().unwrap().to_owned()
}

#[test]
fn clock_a_little_behind_stands_still_for_acts_without_a_server() {
    let (place, short, long) = marked();
    set(&place, "2029-12-31T23:59:30Z");
    assert_eq!((state(&place, &short), state(&place, &long)), ("expired".into(), "active".into()));
    let update = ["--data", "d", "token", "update", &short, "--lifetime", "30d"];
    let outcome = place.clocked(&update);
    assert_eq!(outcome.code, 4, "an end is final: {outcome:?}");
    let create = ["--json", "--data", "d", "token", "create", "--owner", "alice", "--name", "new"];
    let made: serde_json::Value = serde_json::from_str(&place.clocked_ok(&create)).unwrap();
    assert_eq!(made["token"]["created_at"], RIGHT);
}

#[test]
fn clock_far_behind_stops_acts_without_a_server_that_it_would_falsify() {
    let (place, short, long) = marked();
    set(&place, "2029-12-31T23:58:59Z");
    for act in [
        &["token", "create", "--owner", "alice", "--name", "new", "--lifetime", "30d"][..],
        &["token", "update", &short, "--lifetime", "30d"],
        &["token", "enable", &long],
        &["token", "list"],
        &["token", "show", &short],
        &["user", "add", "bob"],
        &["user", "unblock", "alice"],
    ] {
        let outcome = place.clocked(&[&["--data", "d"], act].concat());
        assert_eq!((outcome.code, outcome.out.as_str()), (1, ""), "{act:?}: {}", outcome.err);
        let told = "error: the wall clock shows 2029-12-31T23:58:59Z, 61 s behind the \
                    2030-01-01T00:00:00Z that it has shown before\nhint: set the clock right";
        assert!(outcome.err.starts_with(told), "{act:?}: {}", outcome.err);
    }
    // What only takes away, tells of the past, or is the way out.
    for act in [
        &["token", "disable", &long][..],
        &["token", "revoke", &long],
        &["user", "block", "alice"],
        &["user", "list"],
        &["history"],
        &["status"],
        &["clock"],
    ] {
        place.clocked_ok(&[&["--data", "d"], act].concat());
    }
    set(&place, RIGHT);
    assert_eq!((state(&place, &short), state(&place, &long)), ("expired".into(), "revoked".into()));
}

#[test]
fn f1_a_restored_token_shows_the_use_that_is_known_and_no_other() {
    let place = Place::empty();
    set(&place, RIGHT);
    let mut server = serve(&place);
    let run = |arguments: &[&str]| {
        let out = place.clocked_ok(&[&["--json"], arguments].concat());
        serde_json::from_str::<serde_json::Value>(&out).unwrap()
    };
    run(&["--data", "d", "user", "add", "alice"]);
    let tokens = ["used", "revoked", "unused"].map(|name| {
        let made = run(&["--data", "d", "token", "create", "--owner", "alice", "--name", name]);
        let id = made["token"]["id"].as_str().unwrap().to_owned();
        if name != "unused" {
            let secret = made["secret"].as_str().unwrap();
            assert_eq!(with_token(server.address("public"), secret), 200);
        }
        id
    });
    run(&["--data", "d", "token", "revoke", &tokens[1]]);
    assert_eq!(server.stop(), 0);
    run(&["--data", "d", "backup", "all.backup"]);
    set(&place, "2030-01-04T00:00:00Z");
    run(&["restore", "all.backup", "--data", "e"]);
    for (id, counts) in tokens.iter().zip([
        json!("2030-01-04T00:00:00Z"),
        json!(null),
        json!("2030-01-04T00:00:00Z"),
    ]) {
        let before = run(&["--data", "d", "token", "show", id]);
        let after = run(&["--data", "e", "token", "show", id]);
        assert_eq!(
            (&after["last_use"], &before["counts_as_used_at"]),
            (&before["last_use"], &json!(null))
        );
        assert_eq!(after["counts_as_used_at"], counts, "{}", after["name"]);
    }
    let list = place.clocked_ok(&["--data", "e", "token", "list"]);
    assert!(list.contains("3 d ago, or later") && list.contains("  unknown  "), "{list}");
    let used = place.clocked_ok(&["--data", "e", "token", "show", &tokens[0]]);
    let known = "2030-01-01T00:00:00Z (3 d ago) from 127.0.0.1 through upstream; later uses are not known: \
                 counts as used since 2030-01-04T00:00:00Z (now)";
    assert!(used.contains(known), "{used}");
    let revoked = place.clocked_ok(&["--data", "e", "token", "show", &tokens[1]]);
    assert!(!revoked.contains("2030-01-04"), "nothing after its end: {revoked}");
}
