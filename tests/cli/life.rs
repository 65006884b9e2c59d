//! The whole life of a token, without a server.

use crate::Place;

use serde_json::json;

#[test]
fn a_token_is_made_and_changed() {
    let place = Place::with_alice();
    let created = place.json(&[
        "token",
        "create",
        "--owner",
        "alice",
        "--name",
        "ci",
        "--app",
        "jenkins",
        "--lifetime",
        "30d",
        "--flags",
        "view,0x1000",
        "--contexts",
        "orders",
        "--items",
        "7,10",
        "--params",
        r#"{ "a" : 1.0 }"#,
        "--network",
        "10.0.0.0/8,192.0.2.1",
        "--window",
        "mon-fri 09:00-18:00",
    ]);
    let token = &created["token"];
    assert_eq!(token["flag_names"], json!(["view", "0x1000"]));
    assert_eq!((&token["contexts"], &token["items"]), (&json!(["orders"]), &json!(["10", "7"])));
    assert_eq!(token["params"], json!({"a": 1.0}));
    assert_eq!(token["conditions"]["networks"], json!(["10.0.0.0/8", "192.0.2.1/32"]));
    assert_eq!(token["conditions"]["windows"][0]["days"], json!([1, 2, 3, 4, 5]));
    let id = token["id"].as_str().unwrap();

    let changed = place.json(&[
        "token",
        "update",
        id,
        "--name",
        "cd",
        "--until",
        "never",
        "--contexts",
        "all",
        "--params",
        "none",
        "--any-network",
        "--app",
        "",
        "--reason",
        "wider",
    ]);
    let token = &changed["token"];
    assert_eq!((&changed["changed"], &token["name"]), (&json!(true), &json!("cd")));
    assert_eq!((&token["expires_at"], &token["params"]), (&json!(null), &json!(null)));
    assert_eq!((&token["contexts"], &token["app"]), (&json!("all"), &json!("")));
    assert_eq!(token["conditions"].as_object().unwrap().keys().collect::<Vec<_>>(), ["windows"]);
}

#[test]
fn f3_f8_a_token_is_paused_and_ended_and_stays_in_the_list() {
    let place = Place::with_alice();
    let (id, _) = place.token();
    let id = id.as_str();
    place.ok(&["token", "update", id, "--flags", "view", "--reason", "wider"]);
    assert!(place.ok(&["history"]).contains("wider; flags: none -> 0x200"), "row X2");
    assert!(place.ok(&["token", "disable", id, "--reason", "holidays"]).contains("disabled"));
    assert_eq!(place.json(&["token", "show", id])["state"], "disabled");
    assert!(place.ok(&["token", "disable", id]).contains("was disabled already"));
    assert!(place.ok(&["token", "enable", id]).ends_with("enabled\n"));
    assert!(place.ok(&["token", "delete", id, "--reason", "leaked"]).ends_with("revoked\n"));
    assert!(place.ok(&["token", "revoke", id]).ends_with("had ended already\n"));

    let shown = place.ok(&["token", "show", id]);
    assert!(shown.contains("state         revoked") && shown.contains(": leaked"), "{shown}");
    assert!(place.ok(&["token", "list", "--owner", "alice"]).contains("revoked"));
    let history = place.json(&["history", "--token", id]);
    let kinds: Vec<_> =
        history["events"].as_array().unwrap().iter().map(|event| event["kind"].clone()).collect();
    assert_eq!(
        kinds,
        ["token.revoked", "token.enabled", "token.disabled", "token.updated", "token.created"]
    );
    assert_eq!(history["events"][3]["reason"], "wider");
}

#[test]
fn users_are_added_blocked_and_unblocked() {
    let place = Place::new();
    let added = place.json(&[
        "user",
        "add",
        "bob",
        "--service",
        "--name",
        "Billing",
        "--email",
        "b@example.com",
        "--company",
        "acme",
        "--role",
        "a,b",
        "--ceiling",
        "view",
    ]);
    assert_eq!((&added["kind"], &added["roles"]), (&json!("service"), &json!(["a", "b"])));
    assert_eq!(added["ceiling"], 0x200);
    place.ok(&["user", "add", "alice", "--parent", "bob"]);
    let blocked = place.ok(&["user", "block", "bob", "--reason", "left"]);
    assert!(
        blocked.starts_with("user bob blocked: ") && blocked.ends_with(" stopped\n"),
        "{blocked}"
    );
    assert_eq!(place.json(&["user", "block", "bob"])["changed"], json!(false));
    let list = place.ok(&["user", "list"]);
    assert!(list.contains("bob    Billing  service  acme     blocked"), "{list}");
    assert!(place.ok(&["user", "show", "bob"]).contains(": left"));
    assert!(place.ok(&["user", "unblock", "bob"]).ends_with("unblocked\n"));
    let history = place.json(&["history", "list", "--user", "bob"]);
    assert_eq!(history["events"][0]["kind"], "owner.unblocked");
}

#[test]
fn parameters_come_out_as_they_went_in() {
    let place = Place::with_alice();
    // More digits than a float has, and two lines, which one line of JSON cannot have.
    let params = "{\n\"a\": 12345678901234567890.10}";
    let create = ["token", "create", "--owner", "alice", "--name", "x", "--params", params];
    let created = place.ok(&[&["--json"], &create[..]].concat());
    assert!(created.contains("\"params\":{ \"a\": 12345678901234567890.10}"), "{created}");
    assert_eq!(created.lines().count(), 1);
    let backup = place.path("b");
    place.ok(&["backup", backup.to_str().unwrap()]);
    let kept = std::fs::read_to_string(backup).unwrap();
    assert!(kept.contains(r#"{\n\"a\": 12345678901234567890.10}"#), "{kept}");
}

#[test]
fn what_is_not_there_is_told_as_missing() {
    let place = Place::new();
    let clock = place.ok(&["clock"]);
    assert!(clock.contains("none yet") && !clock.contains("1970"), "{clock}");
    let explained = place.json(&["explain", "GET", "http://a/b"]);
    assert_eq!(
        (&explained["status"], &explained["reason"]),
        (&json!(401), &json!("credential_missing"))
    );
    let steps = explained["steps"].as_array().unwrap();
    let digest = steps.iter().find(|step| step["check"] == "digest").unwrap();
    assert_eq!(digest["compared"], "there is no token to look up");
}

#[test]
fn long_lists_come_page_by_page() {
    let place = Place::with_alice();
    let ids: Vec<_> = (0..5).map(|_| place.token().0).collect();
    let names = |list: &serde_json::Value| {
        let ids = list["tokens"].as_array().unwrap().iter().map(|token| token["id"].clone());
        ids.map(|id| id.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let first = place.json(&["token", "list", "--limit", "2"]);
    assert_eq!(names(&first), [&ids[4], &ids[3]].map(String::clone));
    let cursor = first["next"].as_str().unwrap();
    let outcome = place.run(&["token", "list", "--limit", "2"]);
    let more = format!("add `--cursor {cursor}`, or `--all`\n");
    assert_eq!(outcome.err, format!("these are the newest; there are more: {more}"));
    let rest = place.json(&["token", "list", "--cursor", cursor, "--limit", "2000"]);
    assert_eq!((names(&rest).len(), &rest["next"]), (3, &json!(null)));
    let (code, problem) = place.refused(&["token", "list", "--cursor", cursor, "--oldest"]);
    assert_eq!((code, &problem["field"]), (2, &json!("cursor")), "sec-W6: of another list");
    let oldest = place.json(&["token", "list", "--oldest", "--limit", "1"]);
    assert_eq!(names(&oldest), [ids[0].clone()]);
    let all = place.json(&["token", "list", "--all"]);
    assert_eq!(all["tokens"].as_array().unwrap().len(), 5);
    let history = place.json(&["history", "--limit", "2"]);
    assert_eq!(history["next"], json!(7));
}

#[test]
fn a_user_is_made_with_a_password_that_is_printed_once() {
    let place = Place::new();
    let made = place.json(&["user", "add", "carol", "--generate"]);
    let password = made["password"].as_str().unwrap().to_owned();
    assert_eq!((&made["user"]["id"], password.len()), (&json!("carol"), 24));
    let plain = place.run(&["user", "add", "dave", "--generate"]);
    assert_eq!((plain.out.trim().len(), plain.err.trim()), (24, "user dave added"));
    for told in [place.ok(&["--json", "user", "show", "carol"]), place.ok(&["--json", "history"])] {
        assert!(!told.contains(&password), "F1: never again");
    }
    let (code, _) = place.refused(&["user", "add", "bot", "--service", "--generate"]);
    assert_eq!(code, 2, "a service does not sign in");
}

#[test]
fn init_makes_what_serve_needs_and_overwrites_nothing() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::empty();
    let made = place.json(&["init", "--administrator", "root"]);
    let first = &made["administrator"];
    assert_eq!((&first["user"], first["password"].as_str().unwrap().len()), (&json!("root"), 24));
    assert_eq!(place.json(&["user", "show", "root"])["roles"], json!(["administrator"]));
    let mode = |name| std::fs::metadata(place.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("data"), mode("data.key")), (0o700, 0o600));
    let key = std::fs::read_to_string(place.path("data.key")).unwrap();
    assert!(key.trim_end().len() == 64 && key.trim_end().bytes().all(|b| b.is_ascii_hexdigit()));
    assert!(place.ok(&["check"]).contains("is well"));
    let (code, problem) = place.refused(&["init"]);
    assert_eq!((code, &problem["type"]), (4, &json!("urn:tollgate:problem:exists")));
    assert_eq!(std::fs::read_to_string(place.path("data.key")).unwrap(), key);

    // Elsewhere, and then read from another folder.
    let (config, data) = ("sub/t.toml", "sub/d");
    std::fs::create_dir(place.path("sub")).unwrap();
    place.ok(&["init", "--config", config, "--data", data, "--upstream", "http://127.0.0.1:9"]);
    let config = place.path(config);
    let elsewhere = Place::empty();
    elsewhere.ok(&["user", "add", "alice", "--config", config.to_str().unwrap()]);
    assert!(place.path("sub/d/history").is_dir());

    // What the file names lies beside it, from wherever it is read.
    std::fs::create_dir(place.path("beside")).unwrap();
    place.ok(&["init", "--config", "beside/t.toml"]);
    let text = std::fs::read_to_string(place.path("beside/t.toml")).unwrap();
    assert!(text.contains("path = \"data\"") && text.contains("\"file:data.key\""), "{text}");
    assert!(place.path("beside/data.key").is_file());
    let config = place.path("beside/t.toml");
    elsewhere.ok(&["user", "add", "bob", "--config", config.to_str().unwrap()]);
    assert!(place.path("beside/data/history").is_dir());
    place.ok(&["user", "show", "bob", "--config", "beside/t.toml"]);
    // The command line speaks of the folder in which it is typed.
    place.ok(&["user", "show", "bob", "--config", "sub/t.toml", "--data", "beside/data"]);
    assert!(!elsewhere.path("data").exists());
}

#[test]
fn what_surrounds_the_commands_is_there() {
    let place = Place::empty();
    let help = place.ok(&["--help"]);
    assert!(help.contains("Exit codes:") && help.contains("5  no way to the data"), "{help}");
    for shell in ["bash", "zsh", "fish"] {
        assert!(place.ok(&["completions", shell]).contains("tollgate"));
    }
    assert!(place.ok(&["man"]).contains(".TH tollgate 1"));
    place.ok(&["man", "--dir", "."]);
    assert!(place.path("tollgate-token-create.1").is_file());
    assert!(place.ok(&["--version"]).starts_with("tollgate 0."));
}

#[test]
fn f9_the_detail_shows_everything_but_the_secret() {
    let place = Place::with_alice();
    place.ok(&["company", "add", "acme", "--name", "Acme", "--contexts", "orders"]);
    place.ok(&["user", "update", "alice", "--company", "acme"]);
    let create =
        "token create --owner alice --name ci --company acme --contexts orders --lifetime 30d";
    let create: Vec<_> =
        create.split(' ').chain(["--description", "for the night build"]).collect();
    let made = place.json(&create);
    let (token, secret) = (&made["token"], made["secret"].as_str().unwrap());
    let id = token["id"].as_str().unwrap();

    let shown = place.json(&["token", "show", id]);
    for field in ["name", "description", "company", "contexts", "expires_at", "state"] {
        assert_eq!(shown[field], token[field], "{field}");
    }
    assert_eq!((&shown["company"], &shown["state"]), (&json!("acme"), &json!("active")));
    let text = place.ok(&["token", "show", id]);
    let day = &token["expires_at"].as_str().unwrap()[..10];
    for part in ["ci", "for the night build", "acme", "orders", "active", day] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!shown.to_string().contains(secret) && !text.contains(secret), "sec-L1");
}
