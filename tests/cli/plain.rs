//! Slips that are told instead of being taken for something else.

use std::io::Read as _;
use std::process::Stdio;

use serde_json::json;

use crate::server::Server;
use crate::{Place, files};

/// What a refused command says, and what it hints at.
fn told(place: &Place, arguments: &[&str]) -> (i32, String) {
    let (code, problem) = place.refused(arguments);
    let text = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
    (code, format!("{}; {}", text("detail"), text("hint")))
}

#[test]
fn a_backup_goes_into_a_file_outside_the_data_alone() {
    let place = Place::with_alice();
    place.ok(&["backup", "all.backup"]);
    std::os::unix::fs::symlink(place.path("data"), place.path("link")).unwrap();
    let before = files(&place.path("."));
    for inside in ["data/x.backup", "data/../data/x", "data/history/x", "link/x"] {
        let (code, text) = told(&place, &["backup", inside]);
        assert!(code == 2 && text.contains("lies in the data folder"), "{inside}: {text}");
    }
    let (code, text) = told(&place, &["backup", "-"]);
    assert!(code == 2 && text.contains("not to standard output"), "{text}");
    for arguments in [&["restore", "-"][..], &["restore", "-", "--check"]] {
        let (code, text) = told(&place, arguments);
        assert!(code == 2 && text.contains("not from standard input"), "{text}");
    }
    assert_eq!(files(&place.path(".")), before);
}

#[test]
fn a_file_without_an_end_is_neither_a_configuration_nor_a_backup() {
    let place = Place::with_alice();
    // A limit on memory, so that reading on and on fails here and harms nobody.
    let mut command = std::process::Command::new("sh");
    let program = env!("CARGO_BIN_EXE_tollgate");
    let limited = |arguments: &str| format!("ulimit -v 4000000; exec {program} {arguments}");
    let outcome = {
        command.args(["-c", &limited("check /dev/zero")]);
        Place::outcome(command, &["check"], "")
    };
    assert!(outcome.code == 2 && outcome.err.contains("more than 16 MiB"), "{outcome:?}");
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &limited("restore --check /dev/zero")]);
    let outcome = Place::outcome(command, &["restore"], "");
    assert!(outcome.code == 1 && outcome.err.contains("this is not a backup"), "{outcome:?}");
    let (code, _) = told(&place, &["restore", "tollgate.toml", "--check"]);
    assert_eq!(code, 1);
}

#[test]
fn a_variable_that_is_empty_names_no_file() {
    let place = Place::with_alice();
    let named = |name: &str, arguments: &[&str]| {
        let mut command = place.command(arguments);
        command.env("TOLLGATE_CONFIG", name);
        Place::outcome(command, arguments, "")
    };
    let outcome = named("", &["user", "list"]);
    assert_eq!((outcome.code, outcome.out.contains("alice")), (0, true), "{outcome:?}");
    let serve = ["serve", "--upstream", "http://127.0.0.1:1", "--listen", "127.0.0.1:0"];
    let outcome = named("tollgate.toml", &serve);
    assert_eq!(outcome.code, 2, "{outcome:?}");
    assert!(outcome.err.contains("`TOLLGATE_CONFIG` names `tollgate.toml`"), "{outcome:?}");
    // What is typed is what is meant.
    assert_eq!(named("missing.toml", &["check", "tollgate.toml"]).code, 0);
    assert_eq!(place.run(&["--config", "", "user", "list"]).code, 2);
}

#[test]
fn a_gateway_that_lets_nobody_through_says_so_and_what_to_do() {
    for (file, way_out) in [(None, "--upstream URL"), (Some(""), "write `[[apis]]`")] {
        let place = Place::empty();
        let listen = ["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--json"];
        let mut arguments = vec!["--data", "q"];
        if let Some(text) = file {
            std::fs::write(place.path("t.toml"), text).unwrap();
            arguments.extend(["--config", "t.toml"]);
        }
        let (mut log, errors) = std::io::pipe().unwrap();
        let mut command = place.command(&[&arguments[..], &listen].concat());
        command.stdin(Stdio::null()).stderr(errors);
        let mut server = Server::run(command);
        assert_eq!(server.stop(), 0);
        let mut text = String::new();
        log.read_to_string(&mut text).unwrap();
        let warning = text.lines().find(|line| line.contains("every request is refused"));
        assert!(warning.is_some_and(|line| line.contains(way_out)), "{text}");
    }
}

#[test]
fn a_length_below_zero_is_refused_with_its_name() {
    let place = Place::with_alice();
    let create = ["token", "create", "--owner", "alice", "--name", "x"];
    for option in ["--lifetime", "--idle", "--from", "--until", "--rate", "--uses", "--concurrent"]
    {
        let (code, text) = told(&place, &[&create[..], &[option, "-5d"]].concat());
        assert!(code == 2 && text.contains(option) && text.contains("-5d"), "{option}: {text}");
    }
    let (_, text) = told(&place, &[&create[..], &["--idle", "1000000000000000d"]].concat());
    assert!(text.contains("is too long; `0` is for ever"), "{text}");
}

#[test]
fn one_is_one() {
    let place = Place::empty();
    place.ok(&["--data", "d", "user", "add", "alice"]);
    let text = place.ok(&["--data", "d", "history", "verify"]);
    assert!(text.starts_with("the history is whole: 1 event in 1 file, "), "{text}");
    place.ok(&["--data", "d", "user", "add", "bob"]);
    let text = place.ok(&["--data", "d", "history", "verify"]);
    assert!(text.starts_with("the history is whole: 2 events in 1 file, "), "{text}");
}

#[test]
fn a_demo_says_whether_its_folder_stays() {
    let place = Place::empty();
    for (data, words, stays) in [
        (None, "until it stops; `--data DIR` names a folder that is kept.", false),
        (Some("d"), "also for the next time.", true),
    ] {
        let mut arguments = vec!["demo", "--public", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
        arguments.extend(data.iter().flat_map(|data| ["--data", *data]));
        let mut command = place.command(&arguments);
        command.env("TMPDIR", place.path("")).stderr(Stdio::null());
        let mut server = Server::begin_onto(&mut command, Stdio::piped());
        let mut output = std::io::BufReader::new(server.output());
        let mut kept = String::new();
        while !kept.starts_with("Everything") {
            kept.clear();
            let read = std::io::BufRead::read_line(&mut output, &mut kept).unwrap();
            assert!(read > 0, "it says nothing of its folder");
        }
        let folder = kept.strip_prefix("Everything is kept in ").unwrap();
        let (folder, rest) = folder.split_once(", ").unwrap();
        assert_eq!(rest.trim_end(), words);
        server.stop();
        assert_eq!(std::path::Path::new(folder).exists(), stays, "{folder}");
    }
}

#[test]
fn a_page_of_none_or_of_too_many_is_refused_with_the_bounds() {
    let place = Place::empty();
    let server = Server::before_hello(&place);
    let ask = |path: &str| {
        use std::io::Write as _;
        let socket = place.path("d/tollgate.sock");
        let mut stream = std::os::unix::net::UnixStream::connect(socket).unwrap();
        let head =
            format!("GET /api/v1{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let problem: serde_json::Value = serde_json::from_str(body).unwrap();
        (head[9..12].parse::<u16>().unwrap(), problem)
    };
    for list in ["/tokens", "/users", "/history"] {
        for limit in ["0", "1001"] {
            let (status, problem) = ask(&format!("{list}?limit={limit}"));
            assert_eq!((status, &problem["field"]), (400, &json!("limit")), "{list}: {problem}");
            assert!(problem["detail"].as_str().unwrap().contains("from 1 to 1000"), "{problem}");
        }
        assert_eq!(ask(&format!("{list}?limit=1000")).0, 200);
    }
    drop(server);
}
