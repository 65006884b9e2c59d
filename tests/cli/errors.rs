//! Exit codes, and what is said beside them.

use std::process::Stdio;

use crate::Place;

use serde_json::json;

const UNKNOWN: &str = "0190b6f2-5c1e-7abc-8def-0123456789ab";

#[test]
fn exit_codes_tell_what_went_wrong() {
    let place = Place::with_alice();
    let (id, _) = place.token();
    place.ok(&["token", "revoke", &id]);
    for (code, arguments) in [
        (1, &["token", "create", "--owner", "alice", "--name", " "][..]),
        (1, &["token", "create", "--owner", "nobody", "--name", "x"]),
        (1, &["token", "create", "--owner", "alice", "--name", "x", "--until", "2001-01-01"]),
        (1, &["token", "create", "--owner", "alice", "--name", "x", "--lifetime", "soon"]),
        (1, &["token", "create", "--owner", "alice", "--name", "x", "--contexts", "sales"]),
        (1, &["token", "create", "--owner", "alice", "--name", "x", "--params", "[1]"]),
        (1, &["user", "add", "Alice"]),
        (2, &["token", "show", "tg_not-an-id"]),
        (2, &["token", "update", &id]),
        (2, &["token", "create", "--owner", "alice", "--name", "x", "--window", "sometimes"]),
        (2, &["token", "create", "--owner", "alice", "--name", "x", "--param", "orders"]),
        (2, &["--config", "missing.toml", "user", "list"]),
        (3, &["token", "show", UNKNOWN]),
        (3, &["token", "revoke", UNKNOWN]),
        (3, &["user", "block", "nobody"]),
        (4, &["token", "enable", &id]),
        (4, &["token", "update", &id, "--name", "x"]),
        (4, &["user", "add", "alice"]),
        (4, &["reload"]),
        (5, &["--data", "elsewhere", "user", "list"]),
    ] {
        let (found, problem) = place.refused(arguments);
        assert_eq!(found, code, "{arguments:?}: {problem}");
        let text = place.run(arguments).err;
        assert!(text.starts_with("error: ") || text.starts_with("usage: "), "{text}");
    }
    let (code, problem) = place.refused(&["token", "create", "--owner", "alice"]);
    assert_eq!(code, 2);
    assert!(problem["detail"].as_str().unwrap().contains("required arguments"), "{problem}");
    for usage in [&[][..], &["token"], &["tokens"], &["token", "create", "--owner", "alice"]] {
        assert_eq!(place.run(usage).code, 2, "{usage:?}");
    }
}

#[test]
fn e2_a_refused_value_names_its_field() {
    let place = Place::with_alice();
    let create = |more: &[&str]| {
        place.refused(&[&["token", "create", "--owner", "alice", "--name", "x"], more].concat()).1
    };
    assert_eq!(create(&["--items", "a/b"])["field"], "items");
    assert_eq!(create(&["--flags", "veiw"])["field"], "flags");
    assert_eq!(create(&["--idle", "long"])["field"], "idle_ttl");
    assert_eq!(create(&["--network", "10.0.0.0/99"])["field"], "conditions.networks[0]");
    let outcome = place.run(&["token", "create", "--owner", "alice", "--name", "a\nb"]);
    assert_eq!(outcome.err, "error: `name`: control characters such as `\\u{a}` are not allowed\n");
}

#[test]
fn a_revision_that_is_not_the_present_one_is_a_conflict() {
    let place = Place::with_alice();
    let (id, _) = place.token();
    place.ok(&["token", "update", &id, "--name", "a", "--revision", "1"]);
    let (code, problem) =
        place.refused(&["token", "update", &id, "--name", "b", "--revision", "1"]);
    assert_eq!((code, &problem["type"]), (4, &json!("urn:tollgate:problem:conflict")));
}

#[test]
fn without_a_configuration_the_way_out_is_named() {
    let place = Place::empty();
    let outcome = place.run(&["token", "list"]);
    assert_eq!(outcome.code, 2);
    assert!(outcome.err.contains("hint: write one with `tollgate init`"), "{}", outcome.err);
    std::fs::write(place.path("tollgate.toml"), "[listen]\npublik = \"x\"\n").unwrap();
    let outcome = place.run(&["check"]);
    assert_eq!(outcome.code, 2);
    assert!(outcome.err.contains("--> tollgate.toml:2:1"), "{}", outcome.err);
    assert!(outcome.err.contains('^'), "{}", outcome.err);
}

#[test]
fn a_held_folder_names_its_process() {
    let place = Place::with_alice();
    let lock = place.path("data/lock");
    let lock = std::fs::File::open(&lock).unwrap_or_else(|error| panic!("{lock:?}: {error}"));
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let (code, problem) = place.refused(&["token", "list"]);
    assert_eq!((code, &problem["type"]), (5, &json!("urn:tollgate:problem:locked")));
    assert!(problem["detail"].as_str().unwrap().contains("in use by process"), "{problem}");
    drop(lock);
    place.ok(&["token", "list"]);
}

#[test]
fn a_reader_that_went_away_is_no_failure() {
    let place = Place::empty();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = place.command(&["completions", "bash"]);
    let output = command.stdout(writer).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
