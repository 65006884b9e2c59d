//! Exit codes, and what is said beside them.

use std::process::Stdio;

use tollgate::store::holder::{Doing, Role};

use crate::Place;
use crate::waiting::hold;

use serde_json::json;

/// A webhook that could not sign: nothing starts, and `check` says so; the secret itself is never told.
#[test]
fn a_webhook_without_its_secret_is_a_mistake() {
    let place = Place::new();
    let file = place.path("tollgate.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let hook =
        "\n[[webhooks]]\nname = \"chat\"\nurl = \"https://hooks.example/\"\nsecret = \"file:s\"\n";
    std::fs::write(&file, format!("{text}{hook}")).unwrap();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
    for (secret, mode, said) in [
        (None, 0, "is not there"),
        (Some("too-short-a-secret"), 0o600, "24 to 512 bytes"),
        (Some("a-secret-that-is-long-enough-but-open"), 0o644, "can be read by others"),
    ] {
        if let Some(secret) = secret {
            std::fs::write(place.path("s"), secret).unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
            std::fs::set_permissions(place.path("s"), mode).unwrap();
        }
        for command in [&["check"][..], &serve] {
            let (code, problem) = place.refused(command);
            assert_eq!((code, &problem["type"]), (2, &json!("urn:tollgate:problem:bad-webhooks")));
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains("`chat` cannot sign") && detail.contains(said), "{detail}");
            let line = text.lines().count() + 5;
            assert_eq!(problem["mistakes"][0]["line"], line, "{problem}");
            assert_eq!(problem["mistakes"][0]["column"], 11, "{problem}");
            assert!(secret.is_none_or(|secret| !problem.to_string().contains(secret)));
        }
    }
}

#[test]
fn certificates_that_cannot_be_used_are_a_mistake() {
    let place = Place::new();
    let file = place.path("tollgate.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}\n[egress]\nca = \"ca.pem\"\n")).unwrap();
    for (pem, said) in [(None, "ca.pem` cannot be read"), (Some("no pem"), "no certificate in it")]
    {
        if let Some(pem) = pem {
            std::fs::write(place.path("ca.pem"), pem).unwrap();
        }
        let (code, problem) = place.refused(&["check"]);
        assert_eq!((code, &problem["type"]), (2, &json!("urn:tollgate:problem:bad-webhooks")));
        assert!(problem["detail"].as_str().unwrap().contains(said), "{problem}");
        assert_eq!(problem["mistakes"][0]["line"], text.lines().count() + 3, "{problem}");
        let told = place.run(&["check"]).err;
        assert!(told.contains("| ca = \"ca.pem\"\n   |       ^^^^^^\n"), "{told}");
    }
}

const UNKNOWN: &str = "0190b6f2-5c1e-7abc-8def-0123456789ab";

#[test]
fn exit_codes_tell_what_went_wrong() {
    let place = Place::with_alice();
    let (id, _) = place.token();
    place.ok(&["token", "revoke", &id]);
    place.ok(&["user", "add", "bob"]);
    // What was to be is: scripts may end a token twice.
    assert_eq!(place.json(&["token", "revoke", &id])["changed"], false);
    let told = place.run(&["backup", "."]).err;
    assert!(told.contains("it is a folder; name a file"), "{told}");
    for empty in [&["token", "list", "--owner", "bob"][..], &["history", "--before", "1"]] {
        place.ok(empty);
    }
    let other_history = format!("1:{}", "0".repeat(64));
    for (code, arguments) in [
        (1, &["history", "verify", "--against", &other_history][..]),
        (2, &["token", "create", "--owner", "alice", "--name", " "]),
        (2, &["token", "create", "--owner", "alice", "--name", "x", "--until", "2001-01-01"]),
        (2, &["token", "create", "--owner", "alice", "--name", "x", "--lifetime", "soon"]),
        (2, &["token", "create", "--owner", "alice", "--name", "x", "--contexts", "sales"]),
        (2, &["token", "create", "--owner", "alice", "--name", "x", "--params", "[1]"]),
        (2, &["user", "add", "Alice"]),
        (2, &["token", "list", "--owner", "Alice Smith"]),
        (2, &["token", "show", "tg_not-an-id"]),
        (2, &["token", "update", &id]),
        (2, &["token", "create", "--owner", "alice", "--name", "x", "--window", "sometimes"]),
        (2, &["token", "create", "--owner", "alice", "--name", "x", "--param", "orders"]),
        (2, &["--config", "missing.toml", "user", "list"]),
        (2, &["token", "list", "--limit", "0"]),
        (2, &["history", "--limit", "0"]),
        (2, &["check", "tollgate.toml", "--config", "tollgate.toml"]),
        (1, &["backup", "."]),
        (3, &["token", "show", UNKNOWN]),
        (3, &["token", "revoke", UNKNOWN]),
        (3, &["user", "block", "nobody"]),
        (3, &["user", "add", "carol", "--parent", "nobody"]),
        (3, &["token", "create", "--owner", "nobody", "--name", "x"]),
        (3, &["token", "list", "--owner", "nobody"]),
        (3, &["history", "--user", "nobody"]),
        (3, &["history", "--token", UNKNOWN]),
        (4, &["token", "enable", &id]),
        (4, &["token", "update", &id, "--name", "x"]),
        (4, &["user", "add", "alice"]),
        (4, &["reload"]),
        (4, &["webhook", "list"]),
        (5, &["--data", "elsewhere", "user", "list"]),
    ] {
        let (found, problem) = place.refused(arguments);
        assert_eq!(found, code, "{arguments:?}: {problem}");
        let text = place.run(arguments).err;
        assert!(text.starts_with("error: ") || text.starts_with("usage: "), "{text}");
    }
    let (code, problem) = place.refused(&["token", "create", "--owner", "alice"]);
    assert_eq!(code, 2);
    let detail = "the following required arguments were not provided: --name <NAME>";
    assert_eq!(problem["detail"], detail);
    let (_, problem) = place.refused(&["token", "lst"]);
    assert_eq!(problem["detail"], "unrecognized subcommand 'lst'");
    assert_eq!(problem["hint"], "a similar subcommand exists: 'list'");
    for usage in [&[][..], &["token"], &["tokens"], &["token", "create", "--owner", "alice"]] {
        assert_eq!(place.run(usage).code, 2, "{usage:?}");
    }
}

#[test]
fn e2_a_refused_value_names_option_value_and_remedy() {
    let place = Place::with_alice();
    let create = |more: &[&str]| {
        let arguments = [&["token", "create", "--owner", "alice", "--name", "x"], more].concat();
        place.refused(&arguments).1
    };
    for (more, field) in [
        (&["--items", "a/b"][..], "items"),
        (&["--flags", "veiw"], "flags"),
        (&["--idle", "long"], "idle_ttl"),
        (&["--network", "10.0.0.5/8"], "conditions.networks"),
    ] {
        assert_eq!(create(more)["field"], field);
    }
    for (more, detail) in [
        (&["--lifetime", "90"][..], "`--lifetime`: `90` has no unit: write `90s`, `90m`"),
        (&["--idle", "5"], "`--idle`: `5` has no unit"),
        (&["--until", "2027-01-01T18:00"], "`--until`: `2027-01-01T18:00` does not say how far"),
        (&["--from", "2027-01-01 18:00"], "`--from`: `2027-01-01 18:00` does not say how far"),
        (&["--from", "tomorrow"], "`--from`: `tomorrow` is not a time such as"),
        (&["--network", "10.0.0.0/99"], "`--network`: `10.0.0.0/99` is no network such as"),
        (&["--network", "10.0.0.5/8"], "`--network`: `10.0.0.5/8` is no network: `10.0.0.0/8`"),
        (&["--items", "all,5"], "`--items`: `all` stands alone"),
        (&["--contexts", "orders,all"], "`--contexts`: `all` stands alone"),
        (&["--flags", "view,-1"], "`--flags`: -1 is unlimited: it stands alone"),
        (&["--certificate", "abc"], "`--certificate`: "),
        (&["--window", "mon 09:00-09:00"], "`mon 09:00-09:00` begins when it ends"),
        (&["--param", "orders.desk=1"], "`--param orders.desk`: "),
    ] {
        let found = create(more);
        let found = found["detail"].as_str().unwrap();
        assert!(found.starts_with(detail), "{more:?}: {found}");
        assert!(!found.contains("column"), "nobody typed a body: {found}");
    }
    let outcome = place.run(&["token", "create", "--owner", "alice", "--name", "a\nb"]);
    let wanted = "error: `--name`: control characters such as `\\u{a}` are not allowed\n";
    assert_eq!(outcome.err, wanted);
    let against = place.refused(&["history", "verify", "--against", "5:abc"]);
    let detail = json!("`--against`: `5:abc` is not `POSITION:HASH`");
    assert_eq!((against.0, &against.1["detail"]), (2, &detail));
    let owner = place.refused(&["token", "list", "--owner", "a b"]).1;
    assert!(owner["detail"].as_str().unwrap().starts_with("`--owner`: `a b` "), "{owner}");
}

#[test]
fn windows_go_on_past_midnight_and_over_the_end_of_the_week() {
    let place = Place::with_alice();
    let created = place.json(&[
        "token",
        "create",
        "--owner",
        "alice",
        "--name",
        "x",
        "--window",
        "sat-sun 22:00-6:00",
    ]);
    assert_eq!(
        created["token"]["conditions"]["windows"],
        json!([
            {"days": [6, 7], "from_minute": 1320, "until_minute": 360, "utc_offset_minutes": 0},
        ])
    );
}

#[test]
fn the_readme_tells_the_exit_codes_as_the_help_does() {
    let help = Place::empty().ok(&["--help"]);
    let (_, told) = help.split_once("Exit codes:\n").unwrap();
    let told: Vec<_> = told.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let readme = std::fs::read_to_string("README.md").unwrap();
    let (_, table) = readme.split_once("| exit code | meaning |\n| --- | --- |\n").unwrap();
    let rows = table.lines().map_while(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let rows: Vec<_> = rows.map(|row| row.replacen(" | ", "  ", 1)).collect();
    assert_eq!(told, rows);
}

#[test]
fn all_mistakes_of_a_configuration_are_told_to_programs() {
    let place = Place::empty();
    std::fs::write(place.path("t.toml"), "[listen]\npublik = 1\n[limits]\nheaders = 0\n").unwrap();
    let (code, problem) = place.refused(&["check", "--config", "t.toml"]);
    assert_eq!((code, &problem["type"]), (2, &json!("urn:tollgate:problem:bad-config")));
    let mistakes = problem["mistakes"].as_array().unwrap();
    let places: Vec<_> = mistakes.iter().map(|one| (&one["line"], &one["column"])).collect();
    assert_eq!(places, [(&json!(2), &json!(1)), (&json!(4), &json!(11))], "{problem}");
    for one in mistakes {
        assert_eq!(one["file"], "t.toml");
        for key in ["kind", "message", "hint"] {
            assert!(one[key].is_string(), "{key}: {one}");
        }
    }
}

#[test]
fn what_is_well_is_told_with_its_emptiness() {
    let place = Place::new();
    assert_eq!(place.ok(&["check"]), "`tollgate.toml` is well: 1 API, 1 rule\n");
    std::fs::write(place.path("empty.toml"), "").unwrap();
    let outcome = place.run(&["check", "empty.toml"]);
    assert_eq!((outcome.code, &*outcome.out), (0, "`empty.toml` is well: 0 APIs, 0 rules\n"));
    assert!(outcome.err.starts_with("warning: it has no `[[apis]]`"), "{}", outcome.err);
}

#[test]
fn hints_lead_out_of_what_happened() {
    let place = Place::with_alice();
    std::fs::write(place.path("plain"), "").unwrap();
    let hint = |arguments: &[&str]| {
        let (code, problem) = place.refused(arguments);
        (code, problem["hint"].as_str().unwrap_or_default().to_owned())
    };
    let (code, text) = hint(&["--data", "plain", "token", "list"]);
    assert_eq!(code, 5);
    assert!(text.starts_with("name the folder of the data"), "{text}");
    // A folder in the place of the file; the superuser can read all files.
    let outcome = place.run(&["--config", "data", "check"]);
    assert!(!outcome.err.contains("tollgate init"), "{}", outcome.err);
    let (code, text) = hint(&["serve", "--listen", "192.0.2.1:8080"]);
    assert_eq!(code, 1);
    assert!(text.starts_with("no interface of this machine has this address"), "{text}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let (_, text) = hint(&["serve", "--admin", &taken, "--listen", "127.0.0.1:0"]);
    assert!(text.starts_with("another process listens there"), "{text}");
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
    // One that is there, but whose socket is not where the configuration says.
    let lock = hold(&place, "data", Role::Server, Doing::Using);
    let (code, problem) = place.refused(&["token", "list"]);
    assert_eq!((code, &problem["type"]), (5, &json!("urn:tollgate:problem:locked")));
    assert!(problem["detail"].as_str().unwrap().contains("in use by process"), "{problem}");
    // Closing would not let it go while another test starts a process: that has a copy of it for a moment.
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::Unlock).unwrap();
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

#[test]
fn no_help_tells_a_default_that_does_not_hold() {
    let help = |command| Place::empty().ok(&["token", command, "--help"]);
    assert!(!help("update").contains("[default: now]"));
    for command in ["create", "update"] {
        let words: Vec<_> = help(command).split_whitespace().map(str::to_owned).collect();
        assert!(words.join(" ").contains("that of a new token now if left out"), "{command}");
    }
}
