//! Steps that several of these tests take.

use serde_json::json;

use super::GOOD;
use super::support::browser::Browser;

/// Somebody signs in.
pub(super) fn sign_in(browser: &mut Browser, desk: &str, user: &str) {
    browser.open(&format!("{desk}/sign-in"));
    browser.fill("user", user);
    browser.fill("password", GOOD);
    browser.follow("form button.main");
}

/// The page that is open is asked for in another language.
pub(super) fn speak(browser: &mut Browser, language: &str) {
    browser.value(&format!("document.getElementById('language').value = '{language}'"));
    browser.follow(".look button");
    browser.until(&format!("document.documentElement.lang === '{language}'"));
}

/// The form is sent.
pub(super) fn send(browser: &mut Browser) {
    browser.follow(".acts.end button.main");
}

/// The form is sent and comes back, with what is wrong with a field.
pub(super) fn refused(browser: &mut Browser, field: &str) {
    send(browser);
    browser.until("document.activeElement.matches('.wrong-summary')");
    browser.until(&format!("document.querySelector('[href=\"#{field}\"]')"));
    browser.complaints.clear(); // Chromium logs each answer of 400.
}

/// The secret of a new token, copied with its button.
pub(super) fn copied(browser: &mut Browser) -> String {
    let permissions = json!({"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]});
    browser.tell("Browser.grantPermissions", permissions);
    browser.click("button[data-copy=secret]");
    browser.until("document.getElementById('secret-said').textContent !== ''");
    text(browser, "navigator.clipboard.readText()")
}

/// The text that an expression gives.
pub(super) fn text(browser: &mut Browser, expression: &str) -> String {
    browser.value(expression).as_str().unwrap().to_owned()
}
