//! Pages of other origins in a real browser.

use serde_json::{Value, json};

use crate::cors::{OWN, gateway};
use crate::support::browser::Browser;
use crate::support::upstream::{Upstream, answer, ok};

/// What a script of a page hears of a request: its status and a field of the answer, or why there is none.
const FETCH: &str = "(async (url, how) => { try { const got = await fetch(url, how); \
                     return [got.status, got.headers.get('www-authenticate'), await got.text()] } \
                     catch (error) { return [error.name] } })";

#[test]
fn a_browser_lets_scripts_of_allowed_pages_use_the_api_and_no_others() {
    let pages = Upstream::scripted(|_| ok("<!doctype html><title>a page</title>"));
    let upstream = Upstream::scripted(|_| answer(OWN));
    let port = pages.address().port();
    let cors = format!("origins = [\"http://127.0.0.1:{port}\"]");
    let (gateway, secret) = gateway(&upstream, &cors);
    let mut browser = Browser::start();
    let url = |path: &str| format!("http://{}{path}", gateway.public());
    let fetch = |browser: &mut Browser, path: &str, how: Value| {
        browser.value(&format!("{FETCH}({:?}, {how})", url(path)))
    };
    let with = |method: &str, secret: &str| json!({"method": method, "headers": {"Authorization": format!("Bearer {secret}")}});
    browser.open(&format!("http://127.0.0.1:{port}/"));
    assert_eq!(fetch(&mut browser, "/a/x", with("GET", &secret)), json!([200, null, "ok"]));
    assert_eq!(fetch(&mut browser, "/a/x", with("PUT", &secret))[0], 200);
    let refused = fetch(&mut browser, "/a/x", with("GET", "nobodys"));
    assert_eq!(refused[0], 401);
    assert!(refused[1].as_str().unwrap().contains("invalid_token"), "{refused}");
    assert!(refused[2].as_str().unwrap().contains("The access token is invalid"), "{refused}");
    assert_eq!(fetch(&mut browser, "/gone/x", with("GET", &secret))[0], 502);
    // A method that no rule takes is the browser's to refuse, which says so.
    assert_eq!(fetch(&mut browser, "/a/x", with("DELETE", &secret)), json!(["TypeError"]));
    let says = |complaint: &String| complaint.contains("Method DELETE is not allowed");
    assert!(browser.complaints.iter().any(says), "{:?}", browser.complaints);
    // Without CORS nothing answers a preflight without a token.
    assert_eq!(fetch(&mut browser, "/x", with("GET", &secret)), json!(["TypeError"]));
    let seen = upstream.take();
    assert!(seen.iter().all(|seen| !seen.line().starts_with("OPTIONS")), "{seen:?}");
    // The same page under another name is of another origin.
    browser.open(&format!("http://localhost:{port}/"));
    assert_eq!(fetch(&mut browser, "/a/x", with("GET", &secret)), json!(["TypeError"]));
    // What needs no preflight is sent, yet no script reads the answer.
    let simple = fetch(&mut browser, "/a/open", json!({"method": "POST", "body": "x"}));
    assert_eq!(simple, json!(["TypeError"]));
    assert_eq!(upstream.take_one().line(), "POST /a/open HTTP/1.1");
}
