//! Lists and fields that are searched among many, and what is not lost meanwhile, with the eyes and hands of an
//! administrator.

use serde_json::{Value, json};

use super::steps::{send, sign_in, speak, text};
use super::support::browser::Browser;
use super::support::program::Program;
use super::support::upstream::Upstream;
use super::{DESKTOP, accessible, program};

#[test]
fn lists_are_searched_and_nothing_that_was_typed_is_lost_in_a_browser() {
    let upstream = Upstream::start();
    let program = program(&upstream);
    let desk = format!("http://{}", program.admin());
    let file = program.folder().join("many.csv");
    let lines =
        (0..110).map(|n| format!("worker-{n:03},old {n},secret-of-the-old-system-{n:03}\n"));
    let lines: String = lines.collect();
    std::fs::write(&file, format!("owner,name,secret\n{lines}")).unwrap();
    program.succeed(&["token", "import", file.to_str().unwrap(), "--create-users"], "");
    std::fs::remove_file(file).unwrap();
    let mut browser = Browser::start();
    browser.look(DESKTOP, false);
    sign_in(&mut browser, &desk, "root");
    users(&mut browser, &desk);
    owner(&mut browser, &desk);
    secret(&mut browser, &program, &desk);
    assert_eq!(browser.complaints, [""; 0]);
}

/// Users are searched, and the search stays in another language and another light.
fn users(browser: &mut Browser, desk: &str) {
    browser.open(&format!("{desk}/users"));
    browser.fill("text", "worker-10");
    browser.follow(".search button");
    browser.until("location.search === '?text=worker-10'");
    browser.until("document.querySelectorAll('tbody tr').length === 10");
    accessible(browser, "users that were searched");
    speak(browser, "ru");
    browser.until("location.search === '?text=worker-10'");
    browser.until("document.querySelectorAll('tbody tr').length === 10");
    browser.fill("text", "nobody at all");
    browser.follow(".search button");
    browser.until("document.querySelector('.empty')");
    accessible(browser, "no users, in Russian");
    speak(browser, "en");
    browser.open(&format!("{desk}/users/no%20body"));
    browser.until("document.querySelector('h1') && document.documentElement.lang === 'en'");
    browser.complaints.clear(); // Chromium logs each answer of 404.
}

/// The owner of a new token is found by typing; the light changes beside it, and the language asks.
fn owner(browser: &mut Browser, desk: &str) {
    browser.open(&format!("{desk}/tokens/new"));
    browser.fill("name", "typed with care");
    let offered = "[...document.getElementById('owners').options].map((one) => one.value).join()";
    browser.fill("owner", "worker-10");
    browser
        .until(&format!("{offered}.startsWith('worker-100,') && {offered}.endsWith('worker-109')"));
    browser.fill("owner", "worker-109");
    browser.until(&format!("{offered} === 'worker-109'"));
    browser.value(
        "(() => { const it = document.getElementById('theme'); it.value = 'dark'; \
         it.dispatchEvent(new Event('change', { bubbles: true })) })()",
    );
    browser.until("document.documentElement.dataset.theme === 'dark'");
    browser.until("document.getElementById('name').value === 'typed with care'");
    // In the place of the question of a browser, which nobody could see here.
    browser.value("globalThis.confirm = (text) => { globalThis.asked = text; return false }");
    browser.value("document.getElementById('language').value = 'pt-BR'");
    browser.click(".look button");
    browser.until(
        "globalThis.asked === 'What you typed here will be lost. Change the language anyway?'",
    );
    browser.until("document.getElementById('name').value === 'typed with care'");
    browser.value("globalThis.confirm = () => true");
    speak(browser, "pt-BR");
    browser.until("document.documentElement.dataset.theme === 'dark'");
    browser.until("document.getElementById('name').value === ''");
    speak(browser, "en");
    browser.fill("name", "found");
    browser.fill("owner", "worker-109");
    send(browser);
    browser.until("location.pathname.endsWith('/secret')");
}

/// A secret that is searched for leads to its token, and stands in no address.
fn secret(browser: &mut Browser, program: &Program, desk: &str) {
    let secret = text(browser, "document.getElementById('secret').textContent");
    for (path, field) in [("tokens", "text"), ("users", "text"), ("tokens", "owner")] {
        browser.open(&format!("{desk}/{path}"));
        if field == "owner" {
            browser.click(".more summary");
        }
        browser.fill(field, &secret);
        browser.follow(if field == "owner" { ".more button.main" } else { ".search button" });
        browser.until("document.querySelector('.note.done')?.textContent.includes('This is the token of the secret')");
        browser.until("!location.search.includes('done')");
        browser.until("document.querySelector('h1').textContent.includes('found')");
    }
    accessible(browser, "token of a secret");
    let id = text(browser, "location.pathname.split('/').pop()");
    browser.open(&format!("{desk}/tokens?text={id}"));
    browser.until("document.querySelectorAll('tbody tr').length === 1");
    // Where a script does not help.
    browser.open(&format!("{desk}/tokens?text={secret}"));
    browser.until("document.querySelector('.note.warn')?.textContent.includes('A secret stood in the address')");
    browser.until("!location.search.includes('done')");
    let visited = browser.tell("Page.getNavigationHistory", json!({}));
    assert!(visited["entries"].as_array().map_or(0, Vec::len) > 5);
    let kept = |value: &Value| value.to_string().contains(&secret);
    let addresses: Vec<_> =
        visited["entries"].as_array().unwrap().iter().map(|one| one["url"].clone()).collect();
    assert!(!addresses.iter().any(kept), "{addresses:?}");
    super::nothing_is_kept(program, &[&secret]);
}
