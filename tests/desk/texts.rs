//! Text that somebody chose, in pages and in cursors: rows sec-W5 and sec-W6.

use serde_json::json;

use super::desk;
use crate::support::client::{self, Answer};
use crate::support::desk::{Person, people, typed};
use crate::support::program::Program;
use crate::support::routes;
use crate::support::upstream::Upstream;

const SCRIPT: &str = "<img src=x onerror=alert(1)>\"'><script>alert(2)</script>";

#[test]
fn sec_w5_text_of_people_is_never_markup() {
    let upstream = Upstream::start();
    let program = Program::start(&format!(
        "[[apis]]\nname = \"api\"\nupstream = \"http://{}\"\nrules = [{{ path = \"/{{*rest}}\" }}]\n",
        upstream.address()
    ));
    people(&program, &[("root", &["--role", "administrator", "--name", SCRIPT])]);
    let root = Person::sign_in(&program, "root");
    root.ask("POST /companies", json!({"id": "acme", "name": SCRIPT}));
    root.ask("POST /users", json!({"id": "eve", "name": SCRIPT, "company": "acme"}));
    let (id, secret) = root.token(json!({"owner": "eve", "name": SCRIPT, "description": SCRIPT,
        "app": SCRIPT, "params": {SCRIPT: SCRIPT}}));
    client::ask(
        program.public(),
        format!(
            "GET /{{x}} HTTP/1.1\r\nHost: a\r\nUser-Agent: {SCRIPT}\r\nAuthorization: Bearer {secret}\r\n\r\n"
        ),
    );
    for line in [format!("POST /tokens/{id}/disable"), format!("POST /tokens/{id}/revoke")] {
        assert_eq!(root.ask(&line, json!({"reason": SCRIPT})).status, 200, "{line}");
    }
    root.ask("POST /users/eve/block", json!({"reason": SCRIPT}));
    root.ask("POST /companies/acme/block", json!({"reason": SCRIPT}));
    let typed = typed(SCRIPT);
    let mut answers = Vec::new();
    for (_, path) in routes::pages().into_iter().filter(|(method, _)| method == "GET") {
        let id = if path.contains("/tokens/") { id.as_str() } else { "eve" };
        let id = if path.contains("/companies/") { "acme" } else { id };
        let path = path.replace("{id}", id).replace("{name}", "chat");
        answers.push((path.clone(), root.page(&path)));
        let asked =
            format!("{path}?text={typed}&owner={typed}&next={typed}&done={typed}&name={typed}");
        answers.push((asked.clone(), root.page(&asked)));
    }
    answers.push(("nowhere".into(), root.page(&format!("/{typed}"))));
    let wrong = format!(
        "owner={typed}&name={typed}&reason={typed}&text={typed}&secrets={typed}&url={typed}"
    );
    for (_, path) in routes::acts(routes::pages()) {
        // It would end the session.
        if path == "/sign-out" || path == "/account/password" {
            continue;
        }
        let path = path.replace("{id}", &id).replace("{name}", "chat");
        answers.push((path.clone(), root.form(&path, &wrong)));
    }
    let mut escaped = 0;
    for (path, got) in answers {
        let text = got.text();
        let disposition = got.value("content-disposition").unwrap_or_default();
        if disposition.starts_with("attachment") {
            // A file is no page.
            assert_eq!(got.value("x-content-type-options").as_deref(), Some("nosniff"), "{path}");
            continue;
        }
        assert!(!text.contains("<img src=x") && !text.contains("<script>"), "{path}: {text}");
        assert!(!text.contains("onerror=alert(1)>"), "{path}");
        escaped += text.matches("onerror").count();
        if got.value("content-type").is_some_and(|kind| kind.starts_with("text/html")) {
            dressed(&got, &path);
        }
    }
    assert!(escaped > 20, "{escaped}");
    // What programs read is no page, whoever opens it in a browser.
    let list = root.ask("GET /tokens", json!({}));
    assert_eq!(list.value("content-type").as_deref(), Some("application/json"));
}

/// No script, style or frame but ours.
fn dressed(got: &Answer, path: &str) {
    let policy = got.value("content-security-policy").unwrap();
    for part in
        ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"]
    {
        assert!(policy.contains(part), "{path}: {policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains('*'), "{path}: {policy}");
    assert_eq!(got.value("x-content-type-options").as_deref(), Some("nosniff"), "{path}");
    let text = got.text();
    let inline =
        text.match_indices("<script").any(|(at, _)| !text[at..].starts_with("<script src=\"/"));
    assert!(!inline && !text.contains("<style") && !text.contains(" style=\""), "{path}");
    assert!(!text.contains("javascript:"), "{path}");
}

#[test]
fn sec_w6_a_forged_cursor_is_refused() {
    let program = desk();
    let root = Person::sign_in(&program, "root");
    let alice = Person::sign_in(&program, "alice");
    for name in ["one", "two", "three"] {
        root.token(json!({"owner": "alice", "name": name}));
    }
    let page = |by: &Person, query: &str| by.ask(&format!("GET /tokens?{query}"), json!({}));
    let next = |by: &Person, query: &str| {
        let got = page(by, query).json();
        got["next"].as_str().unwrap().to_owned()
    };
    let good = next(&root, "limit=1");
    assert_eq!(page(&root, &format!("limit=1&cursor={good}")).status, 200);
    let mut flipped = good.clone().into_bytes();
    let last = flipped.len() - 1;
    flipped[last] = if flipped[last] == b'A' { b'B' } else { b'A' };
    let flipped = String::from_utf8(flipped).unwrap();
    let of_alice = next(&alice, "limit=1");
    for query in [
        format!("limit=1&cursor={flipped}"),
        format!("limit=1&cursor={}", &good[..good.len() - 2]),
        format!("limit=1&cursor={good}{good}"),
        "limit=1&cursor=0".to_owned(),
        "limit=1&cursor=%27%20OR%201%3D1--".to_owned(),
        "limit=1&cursor=..%2f..%2fdata".to_owned(),
        format!("limit=1&cursor={}", "A".repeat(4_000)),
        // Of another list, and of somebody who reaches more or less.
        format!("limit=1&owner=alice&cursor={good}"),
        format!("limit=1&order=oldest&cursor={good}"),
        format!("limit=1&cursor={of_alice}"),
    ] {
        let got = page(&root, &query);
        assert_eq!(got.status, 400, "{query}: {}", got.text());
        let paged = format!("/tokens?{}", query.replace("cursor=", "after="));
        assert_eq!(root.page(&paged).status, 400, "{paged}");
    }
    assert_eq!(page(&alice, &format!("limit=1&cursor={good}")).status, 400, "of root");
    let told = program.run(&["token", "list", "--cursor", &flipped], "");
    assert_eq!(told.status.code(), Some(2));
    for (path, forged) in [
        ("/users?after=", "%27%3B--"),
        ("/companies?after=", "%27%3B--"),
        ("/history?before=", "%27%3B--"),
        ("/history?before=", "-1"),
    ] {
        let got = root.ask(&format!("GET {path}{forged}"), json!({}));
        assert_eq!(got.status, 400, "{path}{forged}: {}", got.text());
    }
}
