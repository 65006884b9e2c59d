//! What each reader sees, in each language.

use std::path::Path;

use super::*;
use crate::config::{Environment, parse};
use crate::domain::decision::CHECKS;
use crate::web::language::Language;
use crate::web::texts::Texts;

/// Marks of a text that is missing (`web/texts.rs`), of a value that was not filled in, and of what a
/// browser would run or load.
const NEVER: [&str; 7] = ["⟦", "{$", "{{", "{%", " style=", "<script>", "http://www"];

fn paths(id: TokenId, user: &str) -> Vec<String> {
    let fixed = [
        "/",
        "/tokens",
        "/tokens/new",
        "/users",
        "/users/new",
        "/account",
        "/history",
        "/contexts",
    ];
    let more = [
        "/explain".to_owned(),
        format!("/tokens?owner={user}"),
        format!("/tokens/{id}"),
        format!("/tokens/{id}/edit"),
        format!("/tokens/{id}/revoke"),
        format!("/tokens/{id}/rotate"),
        format!("/tokens/{id}/secret"),
        "/companies".to_owned(),
        format!("/tokens/revoke?owner={user}"),
        format!("/tokens?text={user}&state=active&never_used=yes"),
        format!("/users/{user}"),
        format!("/users/{user}/block"),
        format!("/history?token={id}"),
        format!("/history?user={user}"),
        format!(
            "/history?user={user}&kind=token.created&by=root&since=2020-01-01&until=2090-01-01"
        ),
    ];
    fixed.iter().map(ToString::to_string).chain(more).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_there_in_every_language() {
    let face = Face::new().await;
    let (id, _) = face.token(json!({"owner": "alice", "name": "ci", "flags": 0x200})).await;
    let by = &face.world.by;
    face.world.service.disable_token(by, id, "lunch").await.unwrap();
    for user in ["root", "alice"] {
        let person = face.sign_in(user).await;
        for language in Language::ALL {
            for path in paths(id, "alice") {
                let got = person.get_in(&path, language.tag()).await;
                let others = path.ends_with("/block") || path == "/users/new";
                let theirs = user == "root" || !others;
                let status = if theirs { 200 } else { 403 };
                assert_eq!(got.status, status, "{user} {path}: {}", got.text);
                let lang = format!("<html lang=\"{}\"", language.tag());
                assert!(got.text.contains(&lang), "{path}");
                for mark in NEVER {
                    assert!(!got.text.contains(mark), "{user} {path} {language:?}: {mark}");
                }
                assert_eq!(got.text.matches("<h1").count(), 1, "{path}: one heading");
                assert_eq!(got.field(header::CACHE_CONTROL), "no-store");
            }
        }
    }
    let root = face.sign_in("root").await;
    let company = input(json!({"id": "acme", "contexts": ["stock"]}));
    face.world.service.create_company(by, company).await.unwrap();
    for path in [
        "/history/check",
        "/history?company=acme",
        "/companies",
        "/companies/new",
        "/companies/acme",
        "/companies/acme/edit",
        "/companies/acme/block",
        "/users/alice/edit",
        "/tokens/import",
        "/tokens/leaked",
        "/tokens/revoke?company=acme",
    ] {
        for language in Language::ALL {
            let got = root.get_in(path, language.tag()).await;
            assert_eq!(got.status, 200, "{path}");
            assert!(!got.text.contains('⟦') && got.text.matches("<h1").count() == 1, "{path}");
        }
    }
    let sign_in = face.ask("GET /sign-in", &[("accept-language", "pt-BR")], "").await;
    assert!(sign_in.text.contains("lang=\"pt-BR\"") && !sign_in.text.contains('⟦'));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_see_something_does_not() {
    let face = Face::new().await;
    let (roots, _) = face.token(json!({"owner": "root", "name": "crown-jewels"})).await;
    let (bobs, _) = face.token(json!({"owner": "bob", "name": "bobs-own"})).await;
    let (own, _) = face.token(json!({"owner": "alice", "name": "mine"})).await;
    let alice = face.sign_in("alice").await;
    for path in ["/", "/tokens", "/users", "/history", "/tokens/new"] {
        let text = alice.get(path).await.text;
        for hidden in ["crown-jewels", "bobs-own", "/users/bob", "/users/root", "/users/new"] {
            assert!(!text.contains(hidden), "{path}: {hidden}");
        }
    }
    for path in [
        format!("/tokens/{roots}"),
        format!("/tokens/{bobs}/revoke"),
        "/users/bob".to_owned(),
        "/users/root/block".to_owned(),
        format!("/history?token={bobs}"),
        "/tokens?owner=bob".to_owned(),
    ] {
        let got = alice.get(&path).await;
        assert_eq!(got.status, 404, "{path}");
        assert!(got.text.contains("Not found"), "{path}");
    }
    assert_eq!(alice.get("/history/check").await.status, 403);
    assert!(alice.get(&format!("/tokens/{own}")).await.text.contains("/revoke"));
    for (path, fields) in [
        (format!("/tokens/{bobs}/revoke"), "reason=x"),
        (format!("/tokens/{bobs}/disable"), ""),
        ("/users/bob/block".to_owned(), ""),
        ("/users/bob/password".to_owned(), "password=a+new+good+password"),
    ] {
        assert_eq!(alice.post(&path, fields).await.status, 404, "{path}");
    }
    // An auditor reads, and is offered nothing.
    face.user(json!({"id": "audit", "roles": ["auditor"]})).await;
    let auditor = face.sign_in("audit").await;
    let text = auditor.get(&format!("/tokens/{bobs}")).await.text;
    assert!(text.contains("bobs-own") && !text.contains("/revoke") && !text.contains("/disable"));
    let text = auditor.get("/users/bob").await.text;
    assert!(!text.contains("/users/bob/block") && !text.contains("/users/bob/password"));
    assert_eq!(auditor.get("/users/bob/block").await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_w5_what_people_write_is_text_everywhere() {
    let face = Face::new().await;
    let evil = "<img src=x onerror=alert(1)>";
    let body = json!({
        "owner": "alice", "name": evil, "app": evil, "description": evil,
        "items": ["a\"'><b>"],
    });
    let (id, _) = face.token(body).await;
    let owner = input(json!({"id": "mallory", "name": evil}));
    face.world.service.create_owner(&face.world.by, owner).await.unwrap();
    let by = &face.world.by;
    face.world.service.disable_token(by, id, evil).await.unwrap();
    face.world.service.block_owner(by, &owner_id("mallory"), evil).await.unwrap();
    let root = face.sign_in("root").await;
    let mut paths = paths(id, "mallory");
    paths.push("/tokens?owner=alice".to_owned());
    paths.push("/explain?url=%22%3E%3Cimg+onerror%3D1%3E".to_owned());
    paths.push("/%3Cimg%20onerror=1%3E".to_owned());
    let mut seen = 0;
    for path in paths {
        let text = root.get(&path).await.text;
        assert!(!text.contains("<img src=x") && !text.contains("<img onerror"), "{path}");
        assert!(!text.contains("'><b>"), "{path}");
        seen += text.matches("&#60;img src=x onerror").count();
    }
    assert!(seen > 10, "the name was looked for, and stands there as text: {seen}");
    let name = "%3Cimg+onerror%3D1%3E";
    let again = root.post("/tokens/new", &format!("name={name}&owner=%22%3E{name}")).await;
    assert_eq!(again.status, 400);
    assert!(!again.text.contains("<img onerror"), "also where it is shown again");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_says_what_browsers_may_do_with_it() {
    let face = Face::new().await;
    for path in ["/sign-in", "/", "/nowhere", "/assets/desk.css"] {
        let got = face.ask(&format!("GET {path}"), &[], "").await;
        let policy = got.field(header::CONTENT_SECURITY_POLICY);
        assert!(policy.starts_with("default-src 'none'; style-src 'self'; script-src 'self'"));
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"));
        assert_eq!(got.field(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
        assert_eq!(got.field(header::REFERRER_POLICY), "same-origin");
        assert_eq!(got.field(header::CACHE_CONTROL), "no-store", "{path}");
    }
    let page = face.ask("GET /sign-in", &[], "").await.text;
    for mark in ["rel=\"stylesheet\" href=\"", "<script src=\"", "type=\"image/svg+xml\">"] {
        assert!(page.contains(mark), "{mark}");
    }
    for part in page.split('"').filter(|part| part.starts_with("/assets/")) {
        let got = face.ask(&format!("GET {part}"), &[], "").await;
        assert_eq!(got.status, 200, "{part}");
        assert!(got.field(header::CACHE_CONTROL).contains("immutable"), "{part}");
    }
    let api = face.ask("GET /api/v1/nowhere", &[], "").await;
    assert!(api.text.contains("urn:tollgate:problem"), "{}", api.text);
}

/// `web` stands above `gateway`, which names the checks.
#[test]
fn every_check_has_a_text() {
    let stations = [
        "method",
        "target length",
        "host",
        "path",
        "route",
        "spelling",
        "preflight",
        "certificate",
        "clock",
        "credential",
        "digest",
        "limits",
        "identity",
    ];
    for check in CHECKS.iter().map(|(name, _)| *name).chain(stations) {
        let key = format!("check-{}", check.replace([' ', '_'], "-"));
        assert!(Texts::of(Language::English).has(&key), "{key}");
    }
}

/// What is said of the history, by its filters; what cannot be asked is said at its field.
#[tokio::test(flavor = "multi_thread")]
async fn the_history_is_narrowed_by_its_address() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let (id, _) = face.token(json!({"owner": "alice", "name": "ci"})).await;
    face.world.service.revoke_token(&face.world.by, id, "over").await.unwrap();
    let rows = |text: &str| text.matches("class=\"what\"").count();
    let all = rows(&root.get("/history").await.text);
    for (query, wanted) in [
        ("kind=token.revoked", 1),
        ("kind=token", 2),
        ("kind=token.revoked&by=alice", 0),
        ("since=2090-01-01", 0),
        ("kind=&by=&since=&until=", all),
    ] {
        let got = root.get(&format!("/history?{query}")).await;
        assert_eq!((got.status, rows(&got.text)), (200, wanted), "{query}");
    }
    assert!(root.get("/history?kind=token&by=alice").await.text.contains("No such event."));
    for query in ["kind=nothing", "by=Not+A+Name", "since=soon", "until=1"] {
        let got = root.get(&format!("/history?{query}")).await;
        let (field, _) = query.split_once('=').unwrap();
        let at = format!("href=\"#{field}\"");
        assert!(got.status == 400 && got.text.contains(&at), "{query}: {}", got.text);
    }
}

/// The "flags with their meanings": what the operator says that one allows, and what asks for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_flag_is_shown_with_its_title_and_what_requires_it() {
    let face = Face::new().await;
    let root = face.sign_in("root").await;
    let (id, _) = face.token(json!({"owner": "alice", "name": "ci", "flags": 0x600})).await;
    let text = "[flags]\nview = 0x200\nedit = { bits = 0x400, title = \"Change <records>\" }\n\
                [[apis]]\nname = \"shop\"\nupstream = \"http://127.0.0.1:9\"\n\
                [[apis.rules]]\npath = \"/orders\"\nmethods = [\"POST\"]\nflags = [\"edit\"]\n";
    let parsed = parse(Path::new("t.toml"), text.as_bytes(), &Environment::default()).unwrap();
    face.world.reload(|settings| {
        (settings.flags, settings.apis) = (parsed.flags.clone(), parsed.apis.clone());
    });
    let title = "<bdi>Change &#60;records&#62;</bdi>";
    for path in ["/tokens/new".to_owned(), format!("/tokens/{id}/edit")] {
        let page = root.get(&path).await.text;
        let label = |name: &str| {
            let label = page.split(&format!("<label for=\"flag-{name}\">")).nth(1).unwrap();
            label.split("</label>").next().unwrap()
        };
        assert!(label("edit").contains(title), "{path}: {}", label("edit"));
        assert!(label("edit").contains("Required by POST /orders"), "{}", label("edit"));
        assert!(!label("view").contains("help"), "nothing is said of it: {}", label("view"));
    }
    let page = root.get(&format!("/tokens/{id}")).await.text;
    assert!(page.contains(&format!("<span class=\"chip\">edit</span> {title}")), "{page}");
    assert!(page.contains("<span class=\"chip\">view</span>"));
    assert!(root.get("/users/alice/edit").await.text.contains(title), "where ceilings are set");
}
