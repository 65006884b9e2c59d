//! Forms that somebody else was faster with, or whose session ended: nothing that was typed is lost, with the eyes and
//! hands of an administrator.

use serde_json::json;

use super::support::browser::Browser;
use super::support::upstream::Upstream;
use super::{DESKTOP, GOOD, accessible, program, sign_in};

/// Whether a page says that something was done.
const DONE: &str = "!!document.querySelector('.note.done')";

#[test]
fn what_was_typed_is_not_lost_in_a_browser() {
    let upstream = Upstream::start();
    let program = program(&upstream);
    let desk = format!("http://{}", program.admin());
    let mut browser = Browser::start();
    browser.look(DESKTOP, false);
    sign_in(&mut browser, &desk, "root");
    let typed =
        |id: &str, text: &str| format!("document.getElementById('{id}').value === '{text}'");

    // Somebody else is faster.
    browser.open(&format!("{desk}/users/alice/edit"));
    browser.fill("name", "Alice M.");
    program.succeed(&["user", "update", "alice", "--name", "Alice Maria"], "");
    browser.follow(".acts.end button.main");
    browser.until("document.activeElement.matches('.clash')");
    browser.until("document.querySelector('.clash tbody').innerText.includes('Alice Maria')");
    browser.until(&typed("name", "Alice M."));
    accessible(&mut browser, "clash");
    browser.complaints.clear(); // Chromium logs each answer of 409.
    browser.follow(".clash button");
    browser.until("document.querySelector('h1').innerText.includes('Alice M.')");

    // It is said once that it is done, and the menu closes as menus do.
    assert_eq!(browser.value(DONE), json!(true));
    assert_eq!(browser.value("location.search"), json!(""));
    let here = browser.value("location.href");
    browser.open(here.as_str().unwrap());
    assert_eq!(browser.value(DONE), json!(false));
    browser.click(".me summary");
    browser.until("document.querySelector('details.me').open");
    for kind in ["keyDown", "keyUp"] {
        browser.tell("Input.dispatchKeyEvent", json!({"type": kind, "key": "Escape"}));
    }
    browser.until("!document.querySelector('details.me').open");
    browser.until("document.activeElement.matches('.me summary')");
    browser.click(".me summary");
    browser.until("document.querySelector('details.me').open");
    browser.click("h1");
    browser.until("!document.querySelector('details.me').open");

    // What fits another owner is shown where it was asked for.
    browser.open(&format!("{desk}/tokens/new"));
    browser.fill("name", "night");
    browser.fill("owner", "alice");
    browser.follow("button[name=fit]");
    browser.until("location.hash === '#access' && scrollY > 200");
    browser.until("document.getElementById('access').getBoundingClientRect().top < innerHeight");
    browser.until(&typed("owner", "alice"));

    // The session ends amid the form.
    browser.click("#context-telegram");
    browser.fill("param.telegram.bot_token", "never-to-be-shown");
    browser.tell("Network.clearBrowserCookies", json!({}));
    browser.follow(".acts.end button.main");
    browser.until("document.querySelector('.note.warn').innerText.includes('nothing was saved')");
    accessible(&mut browser, "signing in with a form");
    browser.complaints.clear(); // And each of 401.
    browser.until(&typed("user", "root"));
    browser.fill("password", GOOD);
    browser.follow("form button.main");
    browser.until("location.pathname === '/tokens/new'");
    browser.until(&typed("name", "night"));
    browser.until("document.getElementById('context-telegram').checked");
    browser.until(&typed("param.telegram.bot_token", ""));
    accessible(&mut browser, "form that came back");

    // A company that is not on record.
    program.succeed(&["company", "add", "acme"], "");
    browser.click("#context-telegram");
    browser.fill("company", "acmee");
    browser.follow(".acts.end button.main");
    browser.until("document.activeElement.matches('.unknown')");
    browser.complaints.clear(); // Chromium notes that the script was faster than `autofocus`.
    accessible(&mut browser, "company that is not on record");
    browser.follow(".unknown button");
    browser.until("location.pathname.endsWith('/secret')");
    assert_eq!(browser.complaints, [""; 0]);
    super::nothing_is_kept(&program, &["never-to-be-shown"]);
}
