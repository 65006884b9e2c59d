//! Companies with their licences, owners who change, limits, filters and rotation, with the eyes and hands of
//! an administrator.

use serde_json::json;

use super::steps::{refused, send, sign_in, text};
use super::support::browser::Browser;
use super::support::program::Program;
use super::support::upstream::Upstream;
use super::{DESKTOP, accessible, nothing_is_kept, picture, program, use_of};

/// Rows F2, F4, F5 and E6 to E9.
#[test]
fn companies_limits_filters_and_rotation_in_a_browser() {
    let upstream = Upstream::start();
    let program = program(&upstream);
    let desk = format!("http://{}", program.admin());
    let mut browser = Browser::start();
    browser.look(DESKTOP, false);
    let first = program.succeed(&["token", "create", "--owner", "alice", "--name", "old one"], "");
    assert!(first.contains("tg_"));
    sign_in(&mut browser, &desk, "root");
    companies(&mut browser, &program, &desk);
    owner(&mut browser, &desk);
    let secret = limited(&mut browser, &desk);
    assert_eq!(use_of(&program, &secret).status, 200);
    filters(&mut browser, &desk);
    rotate(&mut browser, &program, &secret);
    block(&mut browser, &program, &desk, &secret);
    assert_eq!(browser.complaints, [""; 0]);
    for (path, what) in [
        ("/tokens?text=limi", "list of tokens"),
        ("/history/check", "check of the history"),
        ("/users/alice/block", "block of a user"),
        ("/nowhere", "nothing there"),
    ] {
        browser.open(&format!("{desk}{path}"));
        accessible(&mut browser, what);
    }
    browser.open(&format!("{desk}/tokens?text=old"));
    browser.follow("tbody a");
    browser.follow("a[href$='/edit']");
    accessible(&mut browser, "name and description");
    nothing_is_kept(&program, &[&secret]);
    browser.complaints.clear(); // Chromium logs each answer of 404.
    damaged(&mut browser, &program, &desk);
    assert_eq!(browser.complaints, [""; 0]);
}

/// Row X2: the chain is checked while it is whole, and once somebody changed a byte of it on the disk.
fn damaged(browser: &mut Browser, program: &Program, desk: &str) {
    browser.open(&format!("{desk}/history"));
    browser.follow("a[href='/history/check']");
    browser.until("document.querySelector('h1').textContent === 'The chain is whole'");
    let folder = program.folder().join("data/history");
    let segment = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&segment).unwrap();
    let first = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    bytes[first + 90] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    browser.open(&format!("{desk}/history/check"));
    browser.until("document.querySelector('h1').textContent === 'The chain is damaged'");
    let said = text(browser, "document.querySelector('main').innerText");
    let (place, byte) = (segment.display().to_string(), format!("at byte {first}:"));
    assert!(said.contains(&place) && said.contains(&byte), "{said}");
    accessible(browser, "damaged chain");
}

/// A company is put on record, licensed for one context alone.
fn companies(browser: &mut Browser, program: &Program, desk: &str) {
    browser.open(&format!("{desk}/companies"));
    browser.until("document.querySelector('.empty')");
    accessible(browser, "no companies");
    browser.follow(".empty .button.main");
    browser.fill("id", "acme");
    browser.fill("name", "Acme Ltda.");
    browser.click("#contexts");
    browser.click("#context-orders");
    accessible(browser, "new company");
    send(browser);
    browser.until("location.pathname === '/companies/acme'");
    picture(browser, "company");
    accessible(browser, "company");
    program.succeed(&["company", "add", "globex", "--name", "Globex Corporation"], "");
    program.succeed(&["company", "add", "initech", "--name", "Initech"], "");
    program.succeed(&["company", "block", "initech", "--reason", "unpaid"], "");
    browser.open(&format!("{desk}/companies"));
    picture(browser, "companies");
    accessible(browser, "companies");
    browser.open(&format!("{desk}/companies/acme/edit"));
    accessible(browser, "change of a company");
    browser.open(&format!("{desk}/companies/acme/block"));
    accessible(browser, "block of a company");
}

/// An owner moves into the company, and a token stays behind.
fn owner(browser: &mut Browser, desk: &str) {
    browser.open(&format!("{desk}/users/alice"));
    browser.follow("a[href='/users/alice/edit']");
    accessible(browser, "change of a user");
    browser.fill("company", "acme");
    browser.fill("email", "alice@example.com");
    browser.click("#ceiling");
    browser.click("#ceiling-read");
    browser.fill("reason", "joined Acme");
    send(browser);
    browser.until("document.querySelector('.note.done')?.textContent.includes('still belong to the company') && !location.search.includes('done')");
    browser.until("document.querySelector('main').innerText.includes('alice@example.com')");
    accessible(browser, "changed user");
}

/// A token with limits, of which the form shows what its company is licensed for. Its secret.
fn limited(browser: &mut Browser, desk: &str) -> String {
    browser.open(&format!("{desk}/tokens/new"));
    browser.until("document.getElementById('context-telegram')");
    browser.fill("owner", "alice");
    browser.fill("name", "limited");
    browser.follow("button[name=fit]");
    browser.until("document.getElementById('name').value === 'limited'");
    browser.until("!document.getElementById('context-telegram')");
    browser.until("document.getElementById('context-orders')");
    browser.click(".bounds summary");
    browser.click("#day-1");
    for day in 2..=7 {
        browser.click(&format!("#day-{day}"));
    }
    browser.fill("limits.uses", "0");
    browser.fill("limits.rate.requests", "100");
    picture(browser, "limits");
    accessible(browser, "create with limits");
    refused(browser, "limits.uses");
    accessible(browser, "create with wrong limits");
    browser.fill("limits.uses", "5000");
    send(browser);
    browser.until("location.pathname.endsWith('/secret')");
    let secret = text(browser, "document.getElementById('secret').textContent");
    browser.follow("p.acts .button");
    browser.until("document.querySelector('main').innerText.includes('5,000 in all')");
    accessible(browser, "token with limits");
    secret
}

/// The list is narrowed, and its address says how.
fn filters(browser: &mut Browser, desk: &str) {
    browser.open(&format!("{desk}/tokens"));
    browser.fill("text", "limi");
    browser.follow(".search button");
    browser.until("location.search === '?text=limi&order=newest'");
    browser.until("document.querySelectorAll('tbody tr').length === 1");
    browser.click(".more summary");
    browser.value("document.getElementById('context').value = 'telegram'");
    accessible(browser, "filters");
    browser.value("document.getElementById('owner').value = 'nobody'");
    browser.follow(".more button.main");
    browser.until("document.querySelector('[href=\"#owner\"]')");
    accessible(browser, "a filter that is wrong");
    browser.complaints.clear();
    browser.open(&format!("{desk}/tokens?text=limi&state=revoked"));
    browser.until("document.querySelector('.empty')");
    picture(browser, "filters");
    accessible(browser, "nothing fits");
    browser.follow(".chip.away");
    browser.until("location.search.includes('state=revoked') && !location.search.includes('text')");
    browser.open(&format!("{desk}/tokens?text=limi"));
    browser.follow("tbody a");
}

/// The token gets a successor, and both work.
fn rotate(browser: &mut Browser, program: &Program, secret: &str) {
    browser.follow("a[href$='/rotate']");
    picture(browser, "rotate");
    accessible(browser, "rotate");
    browser.value("document.getElementById('after_use').value = '300'");
    browser.fill("reason", "each quarter");
    send(browser);
    browser.until("location.pathname.endsWith('/secret')");
    accessible(browser, "secret of a successor");
    let new = text(browser, "document.getElementById('secret').textContent");
    assert_ne!(new, secret);
    assert_eq!(use_of(program, secret).status, 200, "both work");
    assert_eq!(use_of(program, &new).status, 200);
    browser.follow(".note a");
    browser.until("document.querySelector('.note.warn a')");
    accessible(browser, "rotated token");
}

/// The company is blocked and unblocked.
fn block(browser: &mut Browser, program: &Program, desk: &str, secret: &str) {
    browser.open(&format!("{desk}/companies/acme"));
    browser.follow(".head .button.bad");
    browser.until("document.querySelector('.count').innerText.includes('2 active tokens')");
    browser.follow(".acts.end button.bad");
    assert_eq!(use_of(program, secret).status, 401);
    accessible(browser, "blocked company");
    browser.follow("a[href$='/unblock']");
    send(browser);
    assert_eq!(use_of(program, secret).status, 200);
    browser.open(&format!("{desk}/history?company=acme"));
    browser.until("document.querySelectorAll('.event').length >= 3");
    accessible(browser, "history of a company");
    assert_eq!(browser.value("document.documentElement.lang"), json!("en"));
}
