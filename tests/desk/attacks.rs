//! What must fail at the administrative address: rows sec-W1, sec-W2 and sec-F1.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use super::{desk, desk_with};
use crate::support::client;
use crate::support::desk::{Person, kinds, sent};
use crate::support::routes;
use crate::support::upstream::{Upstream, answer};

const FORM: &str = "application/x-www-form-urlencoded";

/// `path` about `alice`, and her token.
fn about(path: &str, token: &str) -> String {
    let id = if path.contains("/tokens/") { token } else { "alice" };
    path.replace("{id}", id).replace("{name}", "chat")
}

#[test]
fn sec_w1_a_page_of_another_site_causes_nothing() {
    let program = desk();
    let admin = program.admin();
    let root = Person::sign_in(&program, "root");
    let other = Person::sign_in(&program, "alice");
    let (token, _) = root.token(json!({"owner": "alice", "name": "ci"}));
    let before = kinds(&program).len();
    let own = format!("Origin: http://{admin}\r\n");
    let csrf = |word: &str| format!("X-CSRF-Token: {word}\r\n");
    let good = csrf(&root.csrf);
    for (method, path) in routes::acts(routes::calls()) {
        let path = about(&path, &token);
        for (fields, kind, statuses) in [
            // A browser says where a page comes from, whatever the page says.
            (format!("Origin: http://evil.example\r\n{good}"), "application/json", &[403][..]),
            (format!("Origin: null\r\n{good}"), "application/json", &[403]),
            (format!("Origin: http://{admin}.evil.example\r\n{good}"), "application/json", &[403]),
            (format!("Sec-Fetch-Site: cross-site\r\n{good}"), "application/json", &[403]),
            (format!("Sec-Fetch-Site: same-site\r\n{good}"), "application/json", &[403]),
            ("Origin: http://evil.example\r\n".to_owned(), "text/plain", &[403]),
            // What a form can send without asking is no JSON.
            (format!("{own}{good}"), "text/plain", &[415, 403]),
            (format!("{own}{good}"), FORM, &[415, 403]),
            (format!("{own}{good}"), "multipart/form-data; boundary=x", &[415, 403]),
        ] {
            // What has no body needs no kind of one: no form sends `DELETE`.
            if method == "DELETE" && fields.contains(&own) {
                continue;
            }
            let fields = format!("Cookie: {}\r\nContent-Type: {kind}\r\n{fields}", root.cookie);
            let got = sent(admin, &format!("{method} {path}"), &fields, "{}");
            assert!(statuses.contains(&got.status), "{method} {path} {fields}: {}", got.status);
        }
        if path.ends_with("/leaks/report") || path.ends_with("/session") {
            continue;
        }
        // The cookie travels by itself: the word of this very session goes with it, or nothing is done.
        for word in [String::new(), csrf("guess"), csrf(&other.csrf), csrf("")] {
            let fields =
                format!("Cookie: {}\r\nContent-Type: application/json\r\n{own}{word}", root.cookie);
            let got = sent(admin, &format!("{method} {path}"), &fields, "{}");
            assert_eq!(got.status, 403, "{method} {path} {word}");
        }
    }
    for (method, path) in routes::acts(routes::pages()) {
        let path = about(&path, &token);
        let anybody = ["/sign-in", "/look"].contains(&path.as_str());
        for (fields, kind, body, status) in [
            ("Origin: http://evil.example\r\n", FORM, format!("csrf={}", root.csrf), 403),
            ("Origin: null\r\n", FORM, format!("csrf={}", root.csrf), 403),
            ("Sec-Fetch-Site: cross-site\r\n", FORM, format!("csrf={}", root.csrf), 403),
            (&own, FORM, String::new(), 403),
            (&own, FORM, format!("csrf={}", other.csrf), 403),
            (&own, FORM, "csrf=guess".to_owned(), 403),
            (&own, "text/plain", format!("csrf={}", root.csrf), 415),
            (&own, "application/json", "{}".to_owned(), 415),
        ] {
            if anybody && fields == own && kind == FORM {
                continue;
            }
            let fields = format!("Cookie: {}\r\nContent-Type: {kind}\r\n{fields}", root.cookie);
            let got = sent(admin, &format!("{method} {path}"), &fields, &body);
            assert_eq!(got.status, status, "{method} {path} {fields} {body}");
        }
    }
    assert_eq!(kinds(&program).len(), before, "nothing was done");
    assert_eq!(root.ask("GET /overview", json!({})).status, 200, "nobody was signed out");
    // No answer lets another site read it.
    for path in ["/api/v1/tokens", "/", "/metrics"] {
        let fields = format!("Cookie: {}\r\nOrigin: http://evil.example\r\n", root.cookie);
        let got = sent(admin, &format!("GET {path}"), &fields, "");
        assert_eq!(got.value("access-control-allow-origin"), None, "{path}");
    }
}

#[test]
fn sec_w2_a_name_that_nobody_gave_is_answered_with_nothing() {
    let program = desk_with("h2c = false, admin_hosts = [\"desk.example\"]", "");
    let admin = program.admin();
    let root = Person::sign_in(&program, "root");
    let (token, _) = root.token(json!({"owner": "alice", "name": "ci"}));
    let before = kinds(&program).len();
    let fields = format!(
        "Cookie: {}\r\nX-CSRF-Token: {}\r\nContent-Type: application/json\r\n",
        root.cookie, root.csrf
    );
    let ask = |line: &str, host: &str| {
        client::ask(
            admin,
            format!("{line} HTTP/1.1\r\n{host}{fields}Content-Length: 2\r\n\r\n{{}}"),
        )
    };
    let extra =
        ["/metrics", "/health", "/ready", "/nowhere"].map(|path| ("GET".into(), path.into()));
    let all = routes::calls().into_iter().chain(routes::pages()).chain(extra);
    for (method, path) in all {
        let line = format!("{method} {}", about(&path, &token));
        let got = ask(&line, "Host: evil.example\r\n");
        assert_eq!(got.status, 421, "{line}");
        assert!(!got.text().contains("alice"), "{line}: {}", got.text());
    }
    let ours = "Host: desk.example\r\n";
    for (host, status) in [
        ("Host: evil.example:8081\r\n".to_owned(), 421),
        (format!("Host: {admin}.evil.example\r\n"), 421),
        ("Host: localhost.evil.example\r\n".to_owned(), 421),
        ("Host: desk.example.evil.example\r\n".to_owned(), 421),
        (format!("{ours}Host: evil.example\r\n"), 421),
        (String::new(), 421),
        (ours.to_owned(), 200),
        ("Host: DESK.example.\r\n".to_owned(), 200),
        (format!("Host: localhost:{}\r\n", admin.port()), 200),
        (format!("Host: {admin}\r\n"), 200),
    ] {
        let got = ask("GET /api/v1/tokens", &host);
        let refused = [400, 421].contains(&got.status);
        assert!(got.status == status || (status == 421 && refused), "{host}: {}", got.status);
    }
    assert_eq!(kinds(&program).len(), before, "nothing was done");
}

/// A webhook `name` at `url`, and the file of its secret.
fn webhook(folder: &std::path::Path, name: &str, url: &str) -> String {
    let secret = folder.join("secret");
    std::fs::write(&secret, "a-secret-that-nobody-may-ever-read\n").unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    let secret = secret.display();
    format!("[[webhooks]]\nname = \"{name}\"\nurl = \"{url}\"\nsecret = \"file:{secret}\"\n")
}

#[test]
fn sec_f1_webhooks_reach_no_inner_address_and_follow_no_redirect() {
    let inner = Upstream::start();
    let port = inner.address().port();
    let folder = tempfile::tempdir().unwrap();
    let urls = [
        format!("http://127.0.0.1:{port}/"),
        format!("http://127.0.0.2:{port}/"),
        // A name is judged by what it leads to when it is called.
        format!("https://localhost:{port}/"),
        format!("http://localhost:{port}/"),
        format!("http://[::1]:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("http://[::ffff:7f00:1]:{port}/"),
        format!("http://0.0.0.0:{port}/"),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        "https://[fd00::1]/".to_owned(),
        "https://[fe80::1]/".to_owned(),
        "http://10.0.0.1/".to_owned(),
        "https://192.168.0.1/".to_owned(),
    ];
    let name = |nth: usize| format!("hook-{nth}");
    let hooks: String =
        urls.iter().enumerate().map(|(nth, url)| webhook(folder.path(), &name(nth), url)).collect();
    let program = desk_with("h2c = false", &hooks);
    let root = Person::sign_in(&program, "root");
    let refused = |got: Value, url: &str| {
        assert_eq!(got["outcome"], "given_up", "{url}: {got}");
        assert_eq!(got["status"], Value::Null, "{url}: {got}");
        let error = got["error"].as_str().unwrap();
        assert!(error.contains("egress.allow"), "{url}: {error}");
    };
    for (nth, url) in urls.iter().enumerate() {
        let tried = root.ask(&format!("POST /webhooks/{}/test", name(nth)), json!({}));
        assert_eq!(tried.status, 200, "{}", tried.text());
        refused(tried.json(), url);
    }
    let page = root.form(&format!("/notices/{}/test", name(0)), "");
    assert!(page.status == 200 && page.text().contains("egress.allow"), "{}", page.text());
    assert_eq!(inner.connections(), 0);

    // Where an inner network is allowed, a redirect into another is an answer like any other.
    let location = format!(
        "HTTP/1.1 307 X\r\nLocation: http://{}/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        inner.address()
    );
    let outer = Upstream::scripted(move |_| answer(&location));
    let hook = webhook(folder.path(), "chat", &format!("http://{}/", outer.address()));
    let program =
        desk_with("h2c = false", &format!("egress = {{ allow = [\"127.0.0.1/32\"] }}\n{hook}"));
    let tried = Person::sign_in(&program, "root").ask("POST /webhooks/chat/test", json!({})).json();
    assert_eq!((&tried["outcome"], &tried["status"]), (&json!("given_up"), &json!(307)));
    // It may have been called by then with what it is told of the administrator, too.
    assert!(outer.connections() >= 1);
    assert_eq!(inner.connections(), 0);
}
