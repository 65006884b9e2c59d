//! The life of a token in each language, from the first sign-in to the end, with the eyes and hands of an
//! administrator who reads nothing else.

use serde_json::json;

use super::steps::{copied, refused, send, sign_in, speak, text};
use super::support::axe;
use super::support::browser::Browser;
use super::support::program::Program;
use super::support::upstream::Upstream;
use super::{DESKTOP, PHONE, picture, program, use_of};

#[test]
fn a_token_lives_in_russian() {
    live("ru");
}

#[test]
fn a_token_lives_in_portuguese() {
    live("pt-BR");
}

#[test]
fn a_token_lives_in_english() {
    live("en");
}

fn live(language: &str) {
    let upstream = Upstream::start();
    let program = program(&upstream);
    let desk = format!("http://{}", program.admin());
    let mut browser = Browser::start();
    browser.look(DESKTOP, false);
    browser.open(&format!("{desk}/sign-in"));
    speak(&mut browser, language);
    spoken(&mut browser, language, "sign-in");
    sign_in(&mut browser, &desk, "root");
    browser.until("document.querySelector('.welcome')");
    spoken(&mut browser, language, "first page");

    let secret = made(&mut browser, language);
    let id = used(&mut browser, &program, language, &secret);
    let new = rotated(&mut browser, &program, language, &secret);
    blocked(&mut browser, &program, (&desk, language), &new);
    browser.open(&format!("{desk}/tokens/{id}/revoke"));
    spoken(&mut browser, language, "revoke");
    browser.fill("reason", "over");
    browser.follow(".acts.end button.bad");
    browser.until("document.querySelector('h1 .state-revoked')");
    assert_eq!(use_of(&program, &secret).status, 401, "row E8");
    assert_eq!(use_of(&program, &new).status, 200, "its successor goes on");
    for place in
        ["tokens", "users", "companies", "contexts", "notices", "history", "explain", "account", ""]
    {
        browser.open(&format!("{desk}/{place}"));
        spoken(&mut browser, language, place);
        if place == "contexts" && language == "en" {
            picture(&mut browser, place);
        }
    }
    browser.open(&format!("{desk}/history?token={id}"));
    browser.until("document.querySelectorAll('.event').length >= 4");
    spoken(&mut browser, language, "history of the token");
    assert_eq!(browser.complaints, [""; 0]);
    super::nothing_is_kept(&program, &[&secret, &new]);
}

/// A page is in this language and in no other, and a machine finds nothing wrong with it.
fn spoken(browser: &mut Browser, language: &str, what: &str) {
    assert_eq!(browser.value("document.documentElement.lang"), json!(language), "{what}");
    let missing = browser.value("document.documentElement.outerHTML.includes('⟦')");
    assert_eq!(missing, json!(false), "{what}: a text is missing");
    let found = axe::findings(browser);
    assert_eq!(found, json!([]), "{what} in {language}: {found:#}");
    browser.look(PHONE, false);
    let over = "[...document.querySelectorAll('.list tbody td')] \
                .filter((it) => it.scrollHeight > it.clientHeight + 1).map((it) => it.dataset.label)";
    assert_eq!(browser.value(over), json!([]), "{what} in {language}: labels over the next row");
    browser.look(DESKTOP, false);
}

/// A token for one context with its parameter; its secret, from the clipboard.
fn made(browser: &mut Browser, language: &str) -> String {
    browser.follow(".welcome .button.main");
    browser.fill("name", "Nightly export");
    browser.fill("owner", "alice");
    browser.value("document.getElementById('expiry').value = '90d'");
    browser.click("#contexts");
    browser.click("#context-telegram");
    browser.until("document.getElementById('param.telegram.bot_token').offsetParent !== null");
    refused(browser, "param.telegram.bot_token");
    spoken(browser, language, "what is wrong");
    browser.fill("param.telegram.bot_token", "123:abc");
    send(browser);
    browser.until("location.pathname.endsWith('/secret')");
    spoken(browser, language, "secret");
    copied(browser)
}

/// It is used, and its page says when; its id.
fn used(browser: &mut Browser, program: &Program, language: &str, secret: &str) -> String {
    browser.follow("p.acts a.button");
    browser.until("/^\\/tokens\\/[0-9a-f-]{36}$/.test(location.pathname)");
    browser
        .until("!document.querySelector('.facts dd time')?.closest('div').matches(':first-child')");
    spoken(browser, language, "token that was never used");
    assert_eq!(use_of(program, secret).status, 200);
    let here = browser.value("location.href");
    browser.open(here.as_str().unwrap());
    browser.until("document.querySelector('.facts > div:first-child time')");
    browser.until("document.querySelector('.chart')");
    spoken(browser, language, "token in use");
    text(browser, "location.pathname.split('/').pop()")
}

/// It gets a successor, and both work; the secret of that.
fn rotated(browser: &mut Browser, program: &Program, language: &str, secret: &str) -> String {
    browser.follow("a[href$='/rotate']");
    spoken(browser, language, "rotate");
    send(browser);
    browser.until("location.pathname.endsWith('/secret')");
    let new = text(browser, "document.getElementById('secret').textContent");
    for secret in [secret, &new] {
        assert_eq!(use_of(program, secret).status, 200, "both work");
    }
    new
}

/// The owner is blocked and unblocked.
fn blocked(browser: &mut Browser, program: &Program, (desk, language): (&str, &str), secret: &str) {
    browser.open(&format!("{desk}/users/alice/block"));
    spoken(browser, language, "block");
    browser.follow(".acts.end button.bad");
    assert_eq!(use_of(program, secret).status, 401, "row E6");
    spoken(browser, language, "blocked user");
    browser.open(&format!("{desk}/users/alice/unblock"));
    send(browser);
    assert_eq!(use_of(program, secret).status, 200, "row E7");
}
