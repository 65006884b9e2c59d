//! The pages in a real browser, through the real program: from the first sign-in to the end of a token.
//!
//! With `TOLLGATE_SCREENS=docs/screens` it also writes pictures of the main pages.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "desk_pages/acts.rs"]
mod acts;
#[path = "desk_pages/forms.rs"]
mod forms;
#[path = "desk_pages/keyboard.rs"]
mod keyboard;
#[path = "desk_pages/languages.rs"]
mod languages;
#[path = "desk_pages/lists.rs"]
mod lists;
#[path = "desk_pages/more.rs"]
mod more;
#[path = "desk_pages/steps.rs"]
mod steps;
mod support;

use std::path::PathBuf;

use serde_json::json;

use steps::{copied, refused, send, sign_in, speak};
use support::axe;
use support::browser::Browser;
use support::client::{Answer, Client};
use support::program::Program;
use support::spellings::Secret;
use support::upstream::Upstream;

const GOOD: &str = "correct horse battery";
const BOT: &str = "8123456789:AAE-a-very-secret-bot-token";
const DESKTOP: (u32, u32) = (1280, 860);
const PHONE: (u32, u32) = (360, 760);

/// A gateway before `upstream`, with contexts, flags, an administrator and a user.
fn program(upstream: &Upstream) -> Program {
    program_with(upstream, "")
}

/// The same with more settings.
fn program_with(upstream: &Upstream, more: &str) -> Program {
    let program = Program::start(&format!(
        r#"
flags = {{ read = 0x100, write = 0x200, export = 0x400 }}

[contexts.orders]
title = "Orders"
[contexts.telegram]
title = "Telegram"
[contexts.telegram.params.bot_token]
title = "Bot token"
secret = true
required = true
[contexts.telegram.params.language]
title = "Language"
choices = ["en", "ru", "pt"]

[[apis]]
name = "shop"
upstream = "http://{}"
[[apis.rules]]
path = "/orders/{{*rest}}"
methods = ["GET"]
flags = ["read"]
[[apis.rules]]
path = "/{{*rest}}"
{more}"#,
        upstream.address(),
    ));
    program.succeed(&["user", "add", "root", "--role", "administrator", "--name", "Ada Root"], "");
    program.succeed(&["user", "add", "alice", "--name", "Alice Martins"], "");
    for user in ["root", "alice"] {
        program.succeed(&["user", "password", user], &format!("{GOOD}\n"));
    }
    program
}

fn use_of(program: &Program, secret: &str) -> Answer {
    let mut client = Client::connect(program.public());
    client.ask(format!("GET /x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {secret}\r\n\r\n"))
}

/// Pages of which pictures are kept, in all lights and sizes; of others in one light for each size.
const MAIN: [&str; 4] = ["overview", "tokens", "create", "token"];
const KEPT: [&str; 23] = [
    "account",
    "companies",
    "notices",
    "users",
    "user",
    "block",
    "revoke",
    "history",
    "contexts",
    "edit",
    "bulk",
    "import",
    "leaks",
    "notice",
    "sign-in",
    "limits",
    "filters",
    "secret",
    "rotate",
    "company",
    "explain",
    "history-ru",
    "history-pt-BR",
];

/// Pictures, if somebody wants them.
fn picture(browser: &mut Browser, name: &str) {
    let Some(folder) = std::env::var_os("TOLLGATE_SCREENS") else { return };
    let (folder, is_main) = (PathBuf::from(folder), MAIN.contains(&name));
    if !is_main && !KEPT.contains(&name) {
        return;
    }
    std::fs::create_dir_all(&folder).unwrap();
    for (size, width) in [("desktop", DESKTOP), ("phone", PHONE)] {
        for (light, dark) in [("light", false), ("dark", true)] {
            if is_main || dark == (size == "phone") {
                browser.look(width, dark);
                browser.picture(&folder.join(format!("{name}-{size}-{light}.webp")));
            }
        }
    }
    browser.look(DESKTOP, false);
}

/// What WCAG 2.2 asks for and a machine can see, besides all that axe-core finds in light and dark: names for all controls, targets of 24 pixels (2.5.8),
/// nothing wider than the screen (1.4.10), one main heading, no id twice.
fn accessible(browser: &mut Browser, what: &str) {
    let script = r#"(() => {
      const faults = [], seen = (it) => it.offsetParent !== null && !it.closest('.unseen');
      const named = (it) => it.labels?.length || it.ariaLabel || it.textContent.trim();
      for (const it of document.querySelectorAll('input:not([type=hidden]), select, textarea, button, summary')) {
        if (!seen(it) || it.matches('.unseen')) continue;
        if (!named(it)) faults.push('no name: ' + it.outerHTML);
        const box = it.getBoundingClientRect();
        const label = it.labels?.[0]?.getBoundingClientRect();
        const high = Math.max(box.height, label?.height ?? 0);
        if (high < 24) faults.push('small: ' + it.outerHTML);
      }
      for (const it of document.querySelectorAll('[aria-describedby]'))
        for (const id of it.getAttribute('aria-describedby').split(/\s+/).filter(Boolean))
          if (!document.getElementById(id)) faults.push('describes nothing: ' + id);
      const ids = [...document.querySelectorAll('[id]')].map((it) => it.id);
      for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) faults.push('twice: ' + id);
      for (const it of document.querySelectorAll('.search .field :is(input, select)'))
        if (seen(it) && it.offsetWidth < 120) faults.push('narrow: ' + it.id);
      if (document.querySelectorAll('h1').length !== 1) faults.push('not one h1');
      // On a phone `innerWidth` grows with what is too wide.
      const { scrollWidth, clientWidth } = document.documentElement;
      if (scrollWidth > clientWidth) faults.push('wider than the screen: ' + scrollWidth);
      return faults;
    })()"#;
    for (width, dark) in [(DESKTOP, false), (DESKTOP, true), (PHONE, false), (PHONE, true)] {
        browser.look(width, dark);
        assert_eq!(browser.value(script), json!([]), "{what} at {width:?}");
        let found = axe::findings(browser);
        assert_eq!(found, json!([]), "{what} at {width:?}, dark: {dark}: {found:#}");
    }
    browser.look(DESKTOP, false);
}

/// Somebody comes for the first time, and mistypes their password once.
fn first_sign_in(browser: &mut Browser, desk: &str) {
    browser.open(&format!("{desk}/"));
    browser.until("location.pathname === '/sign-in'");
    picture(browser, "sign-in");
    accessible(browser, "sign-in");
    browser.fill("user", "root");
    browser.fill("password", "this is not it");
    browser.follow("form button.main");
    browser.until("document.activeElement.matches('.wrong-summary')");
    browser.complaints.clear(); // Chromium logs each answer of 401.
    sign_in(browser, desk, "root");
    browser.until("location.pathname === '/' && document.querySelector('.welcome')");
    picture(browser, "first");
    accessible(browser, "first");
}

/// Rows E1, E4, E6 and E8, with the eyes and hands of an administrator.
#[test]
fn a_token_is_made_copied_used_and_ended_in_a_browser() {
    let upstream = Upstream::start();
    let program = program(&upstream);
    let desk = format!("http://{}", program.admin());
    let mut browser = Browser::start();
    browser.look(DESKTOP, false);
    first_sign_in(&mut browser, &desk);

    browser.follow(".welcome .button.main");
    browser.fill("name", "Nightly export of orders");
    browser.fill("owner", "alice");
    browser.fill("description", "Asked for by accounting");
    browser.value("document.getElementById('expiry').value = '90d'");
    browser.click("#contexts");
    browser.click("#context-telegram");
    browser.until("document.getElementById('param.telegram.bot_token').offsetParent !== null");
    browser.click("#flag-read");
    picture(&mut browser, "create");
    accessible(&mut browser, "create");
    refused(&mut browser, "param.telegram.bot_token");
    picture(&mut browser, "create-wrong");
    accessible(&mut browser, "create-wrong");
    browser.fill("param.telegram.bot_token", BOT);
    send(&mut browser);
    browser.until("location.pathname.endsWith('/secret')");
    accessible(&mut browser, "secret");
    let secret = copied(&mut browser);
    browser.until("document.getElementById('secret-said').textContent === 'Copied'");
    assert!(secret.starts_with("tg_"), "the clipboard holds the secret");
    picture(&mut browser, "secret");

    assert_eq!(use_of(&program, &secret).status, 200);
    let again = browser.value("location.href");
    browser.open(again.as_str().unwrap());
    browser.until("document.querySelector('.empty') && !document.getElementById('secret')");
    browser.follow(".empty .button");
    accessible(&mut browser, "token");
    browser.until("document.querySelector('.facts dd time')");
    browser.until(
        "document.getElementById('usage').parentElement.textContent.includes('permitted 1 ')",
    );
    browser.click(".chart-numbers summary");
    browser.until("document.querySelector('.chart tbody .count').textContent === '1'");
    accessible(&mut browser, "usage");
    for more in ["ci", "deploy", "partner-eu"] {
        program.succeed(&["token", "create", "--owner", "root", "--name", more], "");
    }
    browser.open(&format!("{desk}/tokens"));
    picture(&mut browser, "tokens");
    accessible(&mut browser, "tokens");
    live(&mut browser, &program, &desk);
    people(&mut browser, &program, &desk, &secret);
    let cookies = browser.tell("Network.getAllCookies", json!({}))["cookies"].clone();
    let session = cookies.as_array().unwrap().iter().find(|one| one["name"] == "__Host-tollgate");
    let session = session.unwrap()["value"].as_str().unwrap().to_owned();
    end(&mut browser, &program, &desk, &secret);
    assert_eq!(browser.complaints, [""; 0]);
    nothing_is_kept(&program, &[&secret, &session, BOT]);
}

/// Rows F1 and sec-L1: no secret of all that was typed and shown is in the data, in a backup or in a log.
fn nothing_is_kept(program: &Program, secrets: &[&str]) {
    let backup = program.folder().join("backup.tollgate");
    program.succeed(&["backup", backup.to_str().unwrap()], "");
    let mut found = Vec::new();
    for secret in [secrets, &[GOOD]].concat() {
        Secret::new(secret, secret).files(program.folder(), &mut found);
    }
    assert!(found.is_empty(), "{found:?}");
}

/// What goes on just now comes by itself, until somebody stops it.
fn live(browser: &mut Browser, program: &Program, desk: &str) {
    let reasons =
        |words: &str| format!("document.getElementById('now').textContent.includes('{words}')");
    browser.open(&format!("{desk}/"));
    browser.until("document.querySelector('[data-live]').textContent === 'Stop updating'");
    browser.until(&reasons("Nothing was refused"));
    assert_eq!(use_of(program, "nobody-has-this-secret").status, 401);
    browser.until(&reasons("Unknown token"));
    browser.until("document.querySelector('#now .chart')");
    browser.until(&reasons("Gets requests"));
    picture(browser, "overview");
    accessible(browser, "overview");
    browser.click("[data-live]");
    browser.until("document.querySelector('[data-live]').textContent === 'Go on updating'");
}

/// Users: one is made, and the owner is blocked and unblocked.
fn people(browser: &mut Browser, program: &Program, desk: &str, secret: &str) {
    browser.open(&format!("{desk}/users/new"));
    accessible(browser, "new user");
    browser.fill("id", "backup-robot");
    browser.click("#kind-service");
    send(browser);
    browser.open(&format!("{desk}/users"));
    picture(browser, "users");
    accessible(browser, "users");
    browser.open(&format!("{desk}/users/alice/block"));
    browser.until("document.querySelector('.count').textContent.includes('1 active token')");
    picture(browser, "block");
    accessible(browser, "block");
    browser.fill("reason", "on leave");
    browser.follow(".acts.end button.bad");
    assert_eq!(use_of(program, secret).status, 401, "row E6");
    picture(browser, "user");
    accessible(browser, "user");
    browser.follow(".head .acts a:last-child");
    send(browser);
    assert_eq!(use_of(program, secret).status, 200, "row E7");
    browser.open(&format!("{desk}/explain"));
    browser.fill("url", "http://shop.example/orders/7");
    browser.fill("secret", secret);
    send(browser);
    browser.until("document.querySelector('#answer .state-active')");
    picture(browser, "explain");
    accessible(browser, "explain");
    browser.open(&format!("{desk}/account"));
    picture(browser, "account");
    accessible(browser, "account");
}

/// The token is revoked, and the history tells of it, in each language.
fn end(browser: &mut Browser, program: &Program, desk: &str, secret: &str) {
    browser.open(&format!("{desk}/tokens?order=oldest"));
    browser.follow("tbody a");
    picture(browser, "token");
    browser.follow(".head .button.bad");
    picture(browser, "revoke");
    accessible(browser, "revoke");
    browser.fill("reason", "No longer needed");
    browser.follow(".acts.end button.bad");
    browser.until("document.querySelector('h1 .state-revoked')");
    assert_eq!(use_of(program, secret).status, 401, "row E8");
    browser.open(&format!("{desk}/history"));
    picture(browser, "history");
    accessible(browser, "history");
    for (language, word) in [("ru", "История"), ("pt-BR", "Histórico"), ("en", "History")] {
        speak(browser, language);
        browser.until(&format!("document.querySelector('h1').textContent === '{word}'"));
        picture(browser, &format!("history-{language}"));
        accessible(browser, language);
    }
    browser.click(".me summary");
    accessible(browser, "menu");
    browser.follow(".me-menu button");
    browser.until("location.pathname === '/sign-in'");
    browser.open(&format!("{desk}/tokens"));
    browser.until("location.pathname === '/sign-in'");
}
