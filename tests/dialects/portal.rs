//! Rows E1 to E11: a portal of ELMA365.

use serde_json::{Value, json};

use super::Stage;
use crate::support::client::{Answer, Client};
use crate::support::desk::{Person, kinds, people, send};
use crate::support::upstream::{Upstream, ok};

const UUID: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";
const LIST: &str = "/pub/v1/app/crm/deals/list";
const HOST: &str = "portal.example.com";

/// A portal with `ivan`, who may change its items, and `olga`, who may not.
fn portal() -> Stage {
    let stage = Stage::new("elma365", "[identity]\n");
    people(&stage.program, &[("ivan", &["--role", "editor"]), ("olga", &[])]);
    stage
}

fn bearer(secret: &str) -> String {
    format!("Authorization: Bearer {secret}\r\n")
}

fn x_token(secret: &str) -> String {
    format!("X-Token: {secret}\r\n")
}

impl Stage {
    /// What the portal answers to a list that is asked for with these lines, on the open connection.
    fn list(&mut self, lines: &str) -> Answer {
        self.ask("POST", HOST, LIST, lines)
    }
}

/// As its clients read it (row E11).
fn refused(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.value("content-type").as_deref(), Some("application/json"));
    assert!(answer.value("www-authenticate").unwrap().starts_with("Bearer realm=\"portal\""));
    let body = answer.json();
    assert_eq!(body["success"], json!(false));
    assert!(body["error"].as_str().is_some_and(|error| !error.is_empty()), "{body}");
    assert_eq!(body.as_object().unwrap().len(), 2, "{body}");
}

#[test]
fn e1_administrators_hand_out_tokens_and_others_are_refused_without_a_trace() {
    let stage = portal();
    people(
        &stage.program,
        &[
            ("boss", &["--role", "company-administrator", "--company", "other"]),
            ("dev", &["--role", "developer"]),
            ("watcher", &["--role", "auditor"]),
        ],
    );
    let root = Person::sign_in(&stage.program, "root");
    let all: Vec<_> = ["root", "boss", "dev", "watcher", "olga", "ivan"].into();
    let (_, by_program) = stage.token("olga", &["--flags", "-1"], "");
    let (_, plain) = stage.token("ivan", &[], "");
    let before = kinds(&stage.program).len();
    let body = json!({"owner": "ivan", "name": "integration"});
    for id in &all[1..5] {
        let by = Person::sign_in(&stage.program, id);
        assert_eq!(by.ask("POST /tokens", body.clone()).status, 403, "{id}");
        assert_eq!(by.form("/tokens/new", "owner=ivan&name=x&expiry=30d").status, 403, "{id}");
    }
    // Nor by a program, whatever its owner could do in a browser.
    for (fields, status) in [(bearer(&by_program), 403), (bearer(&plain), 403), ("".into(), 401)] {
        assert_eq!(
            send(stage.program.admin(), "POST /tokens", &fields, &body).status,
            status,
            "{fields}"
        );
    }
    let watcher = Person::sign_in(&stage.program, "watcher");
    let own = watcher.ask("POST /tokens", json!({"owner": "watcher", "name": "x"}));
    assert_eq!(own.status, 403, "whoever looks on");
    assert_eq!(kinds(&stage.program).len(), before, "nothing is on record");
    let (id, _) = root.token(body);
    assert_eq!(kinds(&stage.program)[0], "token.created");
    let history = root.ask(&format!("GET /history?token={id}"), json!({})).json();
    assert_eq!(history["events"][0]["actor"], "owner:root");
}

#[test]
fn e2_a_token_without_a_user_or_a_name_is_refused_and_the_field_is_named() {
    let stage = portal();
    let root = Person::sign_in(&stage.program, "root");
    let before = kinds(&stage.program).len();
    for (body, field) in [
        (json!({"name": "integration"}), "owner"),
        (json!({"name": "integration", "owner": null}), "owner"),
        (json!({"owner": "ivan"}), "name"),
        (json!({"owner": "ivan", "name": ""}), "name"),
        (json!({"owner": "ivan", "name": " \u{a0}"}), "name"),
    ] {
        let answer = root.ask("POST /tokens", body.clone());
        assert_eq!((answer.status, &answer.json()["field"]), (400, &json!(field)), "{body}");
    }
    for (form, field) in [("owner=&name=x", "owner"), ("owner=ivan&name=", "name")] {
        let page = root.form("/tokens/new", &format!("{form}&expiry=30d"));
        assert_eq!(page.status, 400, "{form}");
        assert!(page.text().contains(&format!("<a href=\"#{field}\">")), "{}", page.text());
    }
    for arguments in [
        &["token", "create", "--name", "x"][..],
        &["token", "create", "--owner", "ivan"],
        &["token", "create", "--owner", "ivan", "--name", ""],
    ] {
        let told = stage.program.run(arguments, "");
        let error = String::from_utf8(told.stderr).unwrap();
        assert_eq!(told.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains("name") || error.contains("--owner"), "{arguments:?}: {error}");
    }
    assert_eq!(kinds(&stage.program).len(), before);
}

#[test]
fn e3_a_user_holds_several_tokens_and_loses_one() {
    let mut stage = portal();
    let made: Vec<_> = (0..3).map(|_| stage.token("ivan", &[], "")).collect();
    for (_, secret) in &made {
        assert_eq!(stage.list(&bearer(secret)).status, 200);
    }
    stage.program.succeed(&["token", "revoke", &made[1].0], "");
    for (nth, status) in [(0, 200), (1, 401), (2, 200)] {
        assert_eq!(stage.list(&bearer(&made[nth].1)).status, status, "{nth}");
    }
}

#[test]
fn e4_the_portal_is_told_the_user_and_never_what_the_client_says_of_it() {
    let mut stage = portal();
    let (_, secret) = stage.token("ivan", &["--contexts", "all", "--secret-stdin"], UUID);
    for claim in ["X-User: root\r\n", "x-user: root\r\nX-USER: root\r\n", "X_User: root\r\n", ""] {
        for credential in [bearer(&secret), x_token(&secret)] {
            let lines = format!("{claim}{credential}");
            assert_eq!(stage.list(&lines).status, 200, "{lines}");
        }
    }
    let named = format!("Connection: X-User\r\nX-User: root\r\n{}", bearer(&secret));
    assert_eq!(stage.list(&named).status, 200);
    let seen = stage.upstream.take();
    assert_eq!(seen.len(), 9);
    for seen in seen {
        assert_eq!(seen.values("x-user"), ["ivan"]);
        assert!(!seen.holds(UUID) && !seen.holds("root"), "{seen:?}");
    }
}

#[test]
fn e5_what_the_user_may_not_do_is_refused_and_the_portal_shows_that_users_records_alone() {
    // It shows to each user what is theirs, by the one header that it believes.
    let records = Upstream::scripted(|seen| match seen.value("x-user").as_deref() {
        Some(user) => ok(&format!("{{\"success\":true,\"result\":\"deals of {user}\"}}")),
        None => ok("{\"success\":true,\"result\":\"deals of everybody\"}"),
    });
    let start = |upstream: &Upstream| {
        super::Program::start(&super::example("elma365", "[identity]\n", upstream))
    };
    let mut stage = Stage::before(records, start);
    people(&stage.program, &[("ivan", &["--role", "editor"]), ("olga", &[])]);
    let (ivan, olga) = (stage.token("ivan", &[], "").1, stage.token("olga", &[], "").1);
    let change = "/pub/v1/app/crm/deals/create";
    for (path, secret, status) in [
        (change, &ivan, 200),
        (change, &olga, 403),
        ("/pub/v1/user/list", &ivan, 403),
        ("/pub/v1/user/list", &olga, 403),
    ] {
        let before = stage.upstream.seen().len();
        let answer = stage.ask("POST", HOST, path, &x_token(secret));
        if status == 403 {
            refused(&answer, 403);
            assert_eq!(stage.upstream.seen().len(), before, "{path} went through");
        }
        assert_eq!(answer.status, status, "{path}");
    }
    for (user, other, secret) in [("ivan", "olga", &ivan), ("olga", "ivan", &olga)] {
        let answer = stage.list(&format!("X-User: {other}\r\n{}", bearer(secret)));
        assert_eq!(answer.json()["result"], format!("deals of {user}"));
    }
}

#[test]
fn e6_e7_a_block_stops_every_token_of_the_user_at_once_and_lifting_it_restores_them() {
    let mut stage = portal();
    let made: Vec<_> = (0..3).map(|_| stage.token("ivan", &[], "").1).collect();
    let other = stage.token("olga", &[], "").1;
    let mut second = Client::connect(stage.program.public());
    let root = Person::sign_in(&stage.program, "root");
    for _ in 0..2 {
        for (act, status) in [("block", 401), ("unblock", 200)] {
            let done = root.ask(&format!("POST /users/ivan/{act}"), json!({"reason": "leave"}));
            assert_eq!(done.status, 200, "{}", done.text());
            for secret in &made {
                let answer = stage.list(&bearer(secret));
                assert_eq!(answer.status, status, "{act}: the next request");
                if status == 401 {
                    refused(&answer, 401);
                }
                let request = format!("POST {LIST} HTTP/1.1\r\nHost: {HOST}\r\n");
                let answer = second.ask(format!("{request}{}\r\n", x_token(secret)));
                assert_eq!(answer.status, status, "{act}: another connection");
            }
            assert_eq!(stage.list(&bearer(&other)).status, 200, "{act}: nobody else");
        }
    }
    // A block is no end: the tokens are the same, at the revision that they had.
    for token in root.ask("GET /tokens?owner=ivan", json!({})).json()["tokens"].as_array().unwrap()
    {
        assert_eq!((&token["state"], &token["revision"]), (&json!("active"), &json!(1)));
    }
}

#[test]
fn e8_a_deleted_token_is_refused_at_once_on_an_open_connection_too() {
    let mut stage = portal();
    let (id, secret) = stage.token("ivan", &[], "");
    let request = format!("POST {LIST} HTTP/1.1\r\nHost: {HOST}\r\n{}\r\n", bearer(&secret));
    let mut lines: Vec<_> = (0..4).map(|_| Client::connect(stage.program.public())).collect();
    for line in &mut lines {
        assert_eq!(line.ask(&request).status, 200);
    }
    assert_eq!(stage.list(&bearer(&secret)).status, 200);
    let root = Person::sign_in(&stage.program, "root");
    let end = root.ask(&format!("POST /tokens/{id}/revoke"), json!({"reason": "deleted"}));
    assert_eq!(end.status, 200);
    refused(&stage.list(&bearer(&secret)), 401);
    for line in &mut lines {
        refused(&line.ask(&request), 401);
    }
    assert_eq!(stage.upstream.take().len(), 5);
}

#[test]
fn e9_the_list_names_every_live_token_and_its_user_and_never_a_secret() {
    let stage = portal();
    let root = Person::sign_in(&stage.program, "root");
    let mut made = Vec::new();
    for (owner, name) in [("ivan", "crm bridge"), ("olga", "reports"), ("ivan", "night export")] {
        made.push((owner, name, root.token(json!({"owner": owner, "name": name})).1));
    }
    let list = root.ask("GET /tokens?state=active", json!({}));
    let found: Vec<_> = list.json()["tokens"].as_array().unwrap().clone();
    assert_eq!(found.len(), 3);
    let page = root.page("/tokens").text();
    let printed = stage.program.succeed(&["token", "list"], "");
    for (owner, name, secret) in &made {
        let shown = |token: &&Value| token["name"] == *name && token["owner"] == *owner;
        assert!(found.iter().any(|token| shown(&token)), "{name}");
        for text in [&page, &printed] {
            assert!(text.contains(name) && text.contains(owner), "{name}: {text}");
        }
        for text in [&page, &printed, &list.text()] {
            assert!(!text.contains(&secret[3..33]), "{name}");
        }
    }
}

#[test]
fn e10_both_ways_to_send_a_token_are_the_same_and_two_tokens_are_refused() {
    let mut stage = portal();
    let (_, uuid) = stage.token("ivan", &["--secret-stdin"], UUID);
    let (_, other) = stage.token("olga", &[], "");
    let (one, two) = (stage.list(&bearer(&uuid)), stage.list(&x_token(&uuid)));
    assert_eq!((one.status, two.status, &one.body), (200, 200, &two.body));
    for path in ["/pub/v1/user/list", "/pub/v1/nothing/at/all"] {
        let ask = |stage: &mut Stage, lines: &str| stage.ask("POST", HOST, path, lines);
        let (one, two) = (ask(&mut stage, &bearer(&uuid)), ask(&mut stage, &x_token(&uuid)));
        assert_eq!((one.status, &one.body), (two.status, &two.body), "{path}");
        refused(&one, 403);
    }
    assert_eq!(stage.list(&format!("{}{}", bearer(&uuid), x_token(&uuid))).status, 200);
    stage.upstream.take();
    for lines in [
        format!("{}{}", bearer(&uuid), x_token(&other)),
        format!("{}{}", x_token(&other), bearer(&uuid)),
        format!("{}{}", bearer(&other), x_token(&uuid)),
        format!("{}{}", x_token(&uuid), x_token(&other)),
        format!("{}{}", bearer(&uuid), x_token("11111111-2222-3333-4444-555555555555")),
    ] {
        // Of its own, for what has two readings closes it.
        stage.client = Client::connect(stage.program.public());
        refused(&stage.list(&lines), 400);
    }
    assert_eq!(stage.upstream.take().len(), 0, "none of them went through");
}

#[test]
fn e11_refusals_are_told_as_clients_of_the_portal_read_them() {
    let mut stage = portal();
    let (id, secret) = stage.token("olga", &[], "");
    let (_, gone) = stage.token("olga", &[], "");
    let ended = stage.program.succeed(&["token", "list", "--json", "--limit", "1"], "");
    let ended: Value = serde_json::from_str(&ended).unwrap();
    stage.program.succeed(&["token", "revoke", ended["tokens"][0]["id"].as_str().unwrap()], "");
    refused(&stage.list(""), 401);
    refused(&stage.list(&x_token("11111111-2222-3333-4444-555555555555")), 401);
    refused(&stage.list(&bearer(&gone)), 401);
    refused(&stage.ask("POST", HOST, "/pub/v1/user/list", &bearer(&secret)), 403);
    refused(&stage.ask("POST", HOST, "/pub/v1/bpm/template/a/b/run", &bearer(&secret)), 403);
    stage.program.succeed(&["token", "disable", &id], "");
    refused(&stage.list(&bearer(&secret)), 401);
    assert_eq!(stage.upstream.take().len(), 0);
}
