//! Which folders are data folders: nothing is ever put into another one.

use std::path::Path;

use serde_json::json;

use crate::server::Server;
use crate::{Place, files};

const NO_DATA: &str = "urn:tollgate:problem:no-data";

/// Every command that needs data.
const COMMANDS: [&[&str]; 12] = [
    &["token", "list"],
    &["token", "create", "--owner", "alice", "--name", "x"],
    &["user", "add", "alice"],
    &["user", "list"],
    &["history"],
    &["history", "verify"],
    &["status"],
    &["clock"],
    &["explain", "GET", "/"],
    &["backup", "all.backup"],
    &["repair"],
    &["serve", "--upstream", "http://127.0.0.1:1", "--listen", "127.0.0.1:0"],
];

/// A folder that holds something of somebody else.
fn foreign(folder: &Path) {
    std::fs::create_dir_all(folder.join("history")).unwrap();
    std::fs::write(folder.join("mine.csv"), "1\n").unwrap();
    std::fs::write(folder.join("lock"), "4711\n").unwrap();
    std::fs::write(folder.join("history/2026.log"), "").unwrap();
}

#[test]
fn no_command_puts_anything_into_a_folder_of_somebody_else() {
    let place = Place::empty();
    foreign(&place.path("data"));
    let before = files(&place.path("."));
    for named in [&[][..], &["--data", "data"]] {
        for command in COMMANDS {
            let anywhere =
                if command[0] == "serve" { &["--admin", "127.0.0.1:0"][..] } else { &[] };
            let (code, problem) = place.refused(&[named, command, anywhere].concat());
            assert_eq!((code, &problem["type"]), (5, &json!(NO_DATA)), "{command:?}: {problem}");
            let detail = problem["detail"].as_str().unwrap();
            assert!(
                detail.contains("data` is not a data folder of Tollgate: it holds"),
                "{detail}"
            );
            assert!(problem["hint"].as_str().unwrap().contains("--data"), "{problem}");
            assert_eq!(files(&place.path(".")), before, "{command:?}");
        }
    }
    let (code, problem) = place.refused(&["init", "--config", "t.toml", "--data", "data"]);
    assert_eq!((code, &problem["type"]), (4, &json!("urn:tollgate:problem:exists")));
    assert_eq!(files(&place.path(".")), before);
}

#[test]
fn only_what_makes_a_folder_makes_one() {
    let place = Place::empty();
    for empty in [false, true] {
        if empty {
            std::fs::create_dir(place.path("d")).unwrap();
        }
        for command in COMMANDS.into_iter().filter(|command| command[0] != "serve") {
            if command.starts_with(&["user", "add"]) {
                continue;
            }
            let (code, problem) = place.refused(&[&["--data", "d"], command].concat());
            assert_eq!((code, &problem["type"]), (5, &json!(NO_DATA)), "{command:?}: {problem}");
        }
        assert_eq!(place.path("d").exists(), empty);
    }
    // The first user may come before the first start, where the folder is named at the command line,
    // whether it is there or not.
    place.ok(&["--data", "d", "user", "add", "alice"]);
    place.ok(&["--data", "e", "user", "add", "alice"]);
    std::fs::create_dir(place.path("data")).unwrap();
    assert_eq!(place.refused(&["user", "add", "alice"]).0, 5, "nobody named `data`");
    assert!(files(&place.path("data")).is_empty());
    // `serve` takes an empty folder too, as a volume is.
    std::fs::create_dir(place.path("lost+found")).unwrap();
    let server = Server::before_hello(&place);
    drop(server);
}

#[test]
fn a_data_folder_is_known_by_what_is_left_of_it() {
    let place = Place::with_alice();
    for gone in [&["lock"][..], &["lock", "index"], &["lock", "checkpoint", "seen", "index"]] {
        for name in gone {
            let path = place.path("data").join(name);
            let removed = std::fs::remove_dir_all(&path).or_else(|_| std::fs::remove_file(&path));
            removed.unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        std::fs::write(place.path("data/mine.txt"), "").unwrap();
        place.ok(&["user", "show", "alice"]);
    }
}

#[test]
fn a_demo_stays_out_of_a_real_store() {
    let place = Place::empty();
    drop(Server::before_hello(&place));
    let kept = place.ok(&["--data", "d", "history", "head"]);
    // One that went on would end here, having filled the store, instead of running for ever.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener.local_addr().unwrap().to_string();
    let anywhere = ["--public", taken.as_str(), "--admin", "127.0.0.1:0"];
    let (code, problem) = place.refused(&[&["demo", "--data", "d"], &anywhere[..]].concat());
    assert_eq!((code, &problem["type"]), (4, &json!("urn:tollgate:problem:exists")));
    assert!(problem["detail"].as_str().unwrap().contains("was not made by a demo"), "{problem}");
    assert!(!place.path("d/tollgate.toml").exists());
    assert_eq!(place.ok(&["--data", "d", "history", "head"]), kept);
}

#[test]
fn restore_asks_for_a_folder_if_nothing_names_one() {
    let place = Place::with_alice();
    place.ok(&["backup", "all.backup"]);
    let elsewhere = Place::empty();
    let backup = place.path("all.backup");
    let (code, problem) = elsewhere.refused(&["restore", backup.to_str().unwrap()]);
    assert_eq!(code, 2);
    assert!(problem["hint"].as_str().unwrap().contains("--data"), "{problem}");
    assert!(!elsewhere.path("data").exists());
}
