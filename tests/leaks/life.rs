//! A whole life of a gateway: rows F1, sec-L1 and X4.

use std::fs;

use serde_json::json;

use super::heard::{BOT, Life, OTHER_BOT};
use crate::support::client;
use crate::support::desk::{Person, send, sent, typed};
use crate::support::{PATIENCE, wait_until};

/// What each of the passwords is; with characters that every encoding has to write otherwise.
const FIRST: &str = "first Pässword of/root+&%";

/// Rows F1 and X4.
#[test]
fn sec_l1_f1_after_a_whole_life_no_secret_is_found_anywhere() {
    let mut life = Life::begin();
    let root = begin_people(&mut life);
    let (kept, secret) = make_tokens(&mut life, &root);
    bring_tokens(&mut life, &root);
    seal(&mut life, &root, &kept);
    let ended = rotate(&mut life, &root);
    use_tokens(&mut life, &root, &secret, &ended);
    leak(&mut life, &root);
    let root = passwords(&mut life, root);
    super::odd::ask_oddly(&mut life, &root, &secret);
    wait_until("nobody is told", PATIENCE, || life.receiver.seen().len() >= 4);
    life.look_everywhere(&root, &kept);
    life.crash();
    let root = life.sign_in("root", "third Pässword of/root+&%");
    life.look_everywhere(&root, &kept);
    use_tokens(&mut life, &root, &secret, &ended);
    let file = |name: &str| life.program.folder().join(name).display().to_string();
    let (backup, export) = (file("backup.tollgate"), file("tokens.jsonl"));
    let elsewhere = file("restored");
    life.run(&["backup", &backup], "");
    life.run(&["token", "export", "--digests", "--output", &export], "");
    life.run(&["restore", &backup, "--data", &elsewhere], "");
    life.program.stop();
    life.run(&["repair"], "");
    life.run(&["history", "--json"], "");
    for made in [backup, export, format!("{elsewhere}/history")] {
        assert!(fs::metadata(&made).is_ok(), "{made} is not there");
    }
    assert!(life.upstream.seen().iter().any(|seen| seen.holds(OTHER_BOT)), "it was never told");
    let printed = life.program.printed().len();
    assert!(printed > 10_000, "the log is missing: {printed}");
    life.search();
}

/// An administrator, whose first password is set at the command line, and others.
fn begin_people(life: &mut Life) -> Person {
    life.run(&["user", "add", "root", "--role", "administrator"], "");
    life.run(&["user", "add", "alice"], "");
    life.run(&["company", "add", "acme"], "");
    life.secret("first password", FIRST);
    life.run(&["user", "password", "root"], &format!("{FIRST}\n"));
    let root = life.sign_in("root", FIRST);
    life.secret("password of alice", "a Pässword of/alice+&%");
    let body = json!({"password": "a Pässword of/alice+&%"});
    life.ask(&root, "POST /users/alice/password", body);
    root
}

/// By REST, by a form, by a command, and by one that is sent twice. The id and the secret of the first.
fn make_tokens(life: &mut Life, root: &Person) -> (String, String) {
    let body = |name: &str| json!({"owner": "alice", "name": name, "contexts": "all"});
    let (id, secret) = life.shown("made by REST", &root.ask("POST /tokens", body("rest")));
    let form = root.form("/tokens/new", "owner=alice&name=form&expiry=30d");
    life.shown_by_page(root, "made by a form", &form);
    let create = ["token", "create", "--owner", "alice", "--name", "command", "--secret-only"];
    let printed = life.program.succeed(&create, "");
    life.secret("made by a command", printed.trim());
    let key = "Idempotency-Key: once-and-no-more\r\n";
    let session = |by: &Person| {
        let cookie = &by.cookie;
        format!("{key}Cookie: {cookie}\r\nX-CSRF-Token: {}\r\n", by.csrf)
    };
    let admin = life.program.admin();
    let repeat = |fields: &str, body| send(admin, "POST /tokens", fields, &body);
    life.shown("made with a key", &repeat(&session(root), body("key")));
    // To somebody else the key is a new one, and with another body it is refused.
    let alice = life.sign_in("alice", "a Pässword of/alice+&%");
    let other = repeat(&session(&alice), body("of alice"));
    life.shown("made with the same key", &other);
    let other = repeat(&session(root), body("another"));
    assert_eq!(life.hear("a key for another body", other).status, 422);
    (id, secret)
}

/// Secrets of another system: by REST, by CSV, by the page and by a command, with lines that are wrong.
fn bring_tokens(life: &mut Life, root: &Person) {
    let uuid = |nth: u32| format!("7b1d0a52-52a7-4d4d-9f0e-2f5b8a1c{nth:04}");
    for nth in 0..8 {
        life.secret(&format!("brought {nth}"), &uuid(nth));
    }
    let body = json!({"owner": "alice", "name": "brought", "secret": uuid(0)});
    life.ask(root, "POST /tokens", body.clone());
    life.ask(root, "POST /tokens", body);
    let lines = json!([{"owner": "alice", "name": "one", "secret": uuid(1)},
        {"owner": "nobody", "name": "two", "secret": uuid(2)},
        {"owner": "alice", "name": 7, "secret": uuid(2)},
        {"owner": "alice", "name": "three", "secret": uuid(2), "digest": uuid(3)},
        {"owner": "alice", "name": "four", "secret": uuid(1)}]);
    life.ask(root, "POST /tokens/import", json!({"dry_run": true, "lines": lines}));
    life.ask(root, "POST /tokens/import", json!({"lines": lines}));
    let csv = format!(
        "owner,name,secret\nalice,five,{}\nnobody,six,{}\nalice,,{}\n",
        uuid(4),
        uuid(5),
        uuid(5)
    );
    let kind = "Content-Type: text/csv\r\n";
    let fields = format!("{kind}Cookie: {}\r\nX-CSRF-Token: {}\r\n", root.cookie, root.csrf);
    let got = sent(life.program.admin(), "POST /api/v1/tokens/import", &fields, &csv);
    assert_eq!(life.hear("CSV", got).status, 200);
    // Cells that are shifted, and a first line that is none.
    for text in [
        format!("owner,name,secret\nalice,{}\n", uuid(5)),
        format!("{},owner,name\n", uuid(5)),
        format!("{{\"secret\": \"{}\"", uuid(5)),
        format!("owner,name,secret\nalice,seven,{}\n", uuid(6)),
    ] {
        life.form(root, "/tokens/import", &format!("text={}", typed(&text)));
    }
    let text = format!("text={}", typed(&format!("owner,name,secret\nalice,seven,{}\n", uuid(6))));
    let tried = life.form(root, "/tokens/import", &text).text();
    let draft = tried.split("name=\"draft\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(life.form(root, "/tokens/import/go", &format!("draft={draft}")).status, 200);
    let file = life.key_file("keys.csv", &format!("owner,name,secret\nalice,eight,{}\n", uuid(7)));
    life.run(&["token", "import", &file, "--dry-run"], "");
    life.run(&["token", "import", &file], "");
    for nth in [0, 1, 4, 6, 7] {
        let told = life.run(&["explain", "--secret-stdin", "GET", "http://a/any/x"], &uuid(nth));
        assert!(told.contains("alice"), "{nth} was not brought in: {told}");
    }
}

/// A parameter that is sealed, at creation and by a change.
fn seal(life: &mut Life, root: &Person, kept: &str) {
    let file = life.key_file("bot", BOT);
    let param = format!("telegram.bot_token={file}");
    life.run(&["token", "update", kept, "--param-file", &param], "");
    let page = life.form(root, &format!("/tokens/{kept}/edit"), "access=all&name=rest");
    assert!([200, 303].contains(&page.status), "{}", page.text());
    let change = json!({"context_params": {"telegram": {"bot_token": OTHER_BOT}}});
    assert_eq!(life.ask(root, &format!("PATCH /tokens/{kept}"), change).status, 200);
    let wrong = json!({"context_params": {"telegram": {"bot_token": format!("{BOT}\n")}}});
    assert_eq!(life.ask(root, &format!("PATCH /tokens/{kept}"), wrong).status, 400);
    let wrong = json!({"context_params": {"stock": {"bot_token": BOT}}});
    assert_eq!(life.ask(root, &format!("PATCH /tokens/{kept}"), wrong).status, 400);
}

/// By REST, by a form and by a command. A secret that has ended since.
fn rotate(life: &mut Life, root: &Person) -> String {
    let body = json!({"owner": "alice", "name": "rotated", "contexts": "all"});
    let (first, ended) = life.shown("rotated first", &root.ask("POST /tokens", body));
    let at_once = json!({"grace": "0"});
    let rotated = root.ask(&format!("POST /tokens/{first}/rotate"), at_once);
    let (second, _) = life.shown("rotated by REST", &rotated);
    let form = root.form(&format!("/tokens/{second}/rotate"), "grace=3600&after_use=300");
    life.shown_by_page(root, "rotated by a form", &form);
    let newest = form.value("location").unwrap().split('/').nth(2).unwrap().to_owned();
    let rotate = ["token", "rotate", &newest, "--secret-only"];
    let printed = life.program.succeed(&rotate, "");
    life.secret("rotated by a command", printed.trim());
    ended
}

/// At the gateway, in every way that is refused; and in what explains it.
fn use_tokens(life: &mut Life, root: &Person, live: &str, ended: &str) {
    for secret in [live, ended, "7b1d0a52-52a7-4d4d-9f0e-2f5b8a1c0001"] {
        super::ask_everything(&life.program, secret);
        for path in ["/any/x", "/bot", "/stock", "/view", "/nowhere"] {
            let head =
                format!("GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {secret}\r\n");
            let answer = client::ask(life.program.public(), format!("{head}\r\n"));
            life.hear(path, answer);
        }
        let url = "http://a/bot";
        life.ask(root, "POST /explain", json!({"method": "GET", "url": url, "secret": secret}));
        let fields = format!("method=GET&url={}&secret={secret}", typed(url));
        life.form(root, "/explain", &fields);
        life.run(&["explain", "--secret-stdin", "GET", url], secret);
        life.run(&["explain", "--secret-stdin", "--json", "GET", url], secret);
    }
}

/// In every way in which a leak is told.
fn leak(life: &mut Life, root: &Person) {
    let mut leaked = Vec::new();
    for nth in 0..4 {
        let body = json!({"owner": "alice", "name": "leaked"});
        leaked.push(life.shown(&format!("leaked {nth}"), &root.ask("POST /tokens", body)).1);
    }
    let admin = life.program.admin();
    for body in [json!({"secrets": [leaked[0]]}), json!([leaked[0]]), json!({"secrets": leaked[0]})]
    {
        let got = send(admin, "POST /leaks/report", "", &body);
        life.hear("a report", got);
    }
    let nobodys = "7b1d0a52-52a7-4d4d-9f0e-2f5b8a1c9999".to_owned();
    life.secret("leaked of nobody", &nobodys);
    let found = |at: &str| format!("at https://paste.example/{at}?key={nobodys}");
    let body = json!({"secrets": [leaked[1], nobodys], "reason": found(&leaked[1])});
    life.ask(root, "POST /leaks", body);
    let (secrets, reason) = (format!("{}\n{nobodys}", leaked[2]), found(&leaked[2]));
    let fields = format!("secrets={}&reason={}", typed(&secrets), typed(&reason));
    life.form(root, "/tokens/leaked", &fields);
    let secrets = format!("{}\n{nobodys}", leaked[3]);
    let told = life.run(&["token", "leak", "--reason", &found(&leaked[3])], &secrets);
    assert!(told.contains("alice"), "{told}");
}

/// Passwords are changed in every way, and mistyped.
fn passwords(life: &mut Life, root: Person) -> Person {
    for (name, text) in [
        ("second password", "second Pässword of/root+&%"),
        ("third password", "third Pässword of/root+&%"),
        ("mistyped password", "mistyped Pässword of/root+&%"),
    ] {
        life.secret(name, text);
    }
    let [second, third, wrong] =
        ["second", "third", "mistyped"].map(|nth| format!("{nth} Pässword of/root+&%"));
    let change = |present: &str, password: &str| json!({"present": present, "password": password});
    let line = "POST /users/root/password";
    assert_eq!(life.ask(&root, line, change(&wrong, &second)).status, 400);
    assert_eq!(life.ask(&root, line, change(FIRST, "too short")).status, 400);
    assert_eq!(life.ask(&root, line, change(FIRST, &second)).status, 200);
    let root = life.sign_in("root", &second);
    let fields = |present: &str, again: &str| {
        let (present, again) = (typed(present), typed(again));
        format!("present={present}&password={}&again={again}", typed(&third))
    };
    assert_eq!(life.form(&root, "/account/password", &fields(&second, &wrong)).status, 400);
    assert_eq!(life.form(&root, "/account/password", &fields(&wrong, &third)).status, 400);
    // The answer that is not kept sets the cookie of a new session.
    assert_eq!(root.form("/account/password", &fields(&second, &third)).status, 303);
    let admin = life.program.admin();
    let body = json!({"user": "root", "password": wrong});
    let got = send(admin, "POST /session", "", &body);
    assert_eq!(life.hear("a wrong password", got).status, 401);
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let typed = format!("user=root&password={}", typed(&wrong));
    let got = sent(admin, "POST /sign-in", form, &typed);
    assert_eq!(life.hear("a wrong password in the page", got).status, 401);
    life.sign_in("root", &third)
}
