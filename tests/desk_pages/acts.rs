//! A token that is changed, tokens that come and go by the dozen, leaks and notices, with the eyes and hands of an
//! administrator.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use super::steps::{refused, send, sign_in, speak, text};
use super::support::browser::Browser;
use super::support::program::Program;
use super::support::upstream::{Upstream, answer};
use super::support::{PATIENCE, wait_until};
use super::{DESKTOP, accessible, picture, program_with, use_of};

/// Rows E2, E6, E8, E9, F5, F8 and F9.
#[test]
fn tokens_are_changed_moved_ended_and_told_of_in_a_browser() {
    let upstream = Upstream::start();
    let receiver =
        Upstream::scripted(|_| answer("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"));
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "a-secret-that-nobody-may-ever-read\n").unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    let webhooks = format!(
        "[egress]\nallow = [\"127.0.0.0/8\"]\n[[webhooks]]\nname = \"chat\"\n\
         url = \"http://{}/hook\"\nsecret = \"file:{}\"\n",
        receiver.address(),
        secret.display()
    );
    let program = program_with(&upstream, &webhooks);
    let desk = format!("http://{}", program.admin());
    let mut browser = Browser::start();
    browser.look(DESKTOP, false);
    sign_in(&mut browser, &desk, "root");
    change(&mut browser, &program, &desk);
    let edit = upstreams(&mut browser, &program, &desk, &upstream);
    import(&mut browser, &program, &desk);
    leak(&mut browser, &program, &desk);
    notices(&mut browser, &desk, &receiver);
    revoke(&mut browser, &program, &desk);
    assert_eq!(browser.complaints, [""; 0]);
    // In each language, on a phone and in the dark.
    for language in ["ru", "pt-BR"] {
        browser.open(&format!("{desk}/tokens"));
        speak(&mut browser, language);
        for path in [
            "/tokens/import",
            "/tokens/leaked",
            "/notices",
            "/notices/chat",
            "/tokens/revoke?owner=alice",
            &edit,
        ] {
            browser.open(&format!("{desk}{path}"));
            accessible(&mut browser, &format!("{path} in {language}"));
        }
    }
    assert_eq!(browser.complaints, [""; 0]);
}

/// A token gets contexts with a parameter, another end, a limit and times, and works as it now is.
fn change(browser: &mut Browser, program: &Program, desk: &str) {
    let created = ["token", "create", "--owner", "alice", "--name", "changing", "--secret-only"];
    let secret = program.succeed(&created, "").trim().to_owned();
    assert_eq!(use_of(program, &secret).status, 200);
    browser.open(&format!("{desk}/tokens?text=changing"));
    browser.follow("tbody a");
    browser.follow("a[href$='/edit']");
    browser.until("document.getElementById('name').value === 'changing'");
    browser.until("document.getElementById('expiry').value === 'keep'");
    accessible(browser, "change of a token");
    browser.fill("description", "Asked for by accounting");
    browser.value("document.getElementById('expiry').value = '30d'");
    browser.value("document.getElementById('idle').value = '7d'");
    browser.click("#contexts");
    browser.click("#context-telegram");
    browser.fill("param.telegram.bot_token", "123:abc");
    browser.click(".bounds summary");
    browser.fill("limits.uses", "2");
    for day in 1..=7 {
        browser.click(&format!("#day-{day}"));
    }
    browser.fill("reason", "narrower");
    send(browser);
    browser.until("document.querySelector('.note.done')?.textContent.includes('Saved.') && !location.search.includes('done')");
    browser.until("document.querySelector('main').innerText.includes('2 in all')");
    browser.until("document.querySelector('main').innerText.includes('narrower')");
    accessible(browser, "changed token");
    assert_eq!(use_of(program, &secret).status, 200);
    // A secret parameter is not shown and stays; a time more is offered; what is wrong is said beside its field.
    browser.follow("a[href$='/edit']");
    browser.until("document.getElementById('param.telegram.bot_token').value === ''");
    browser.until(
        "document.getElementById('window-from-1') && document.querySelector('.bounds[open]')",
    );
    picture(browser, "edit");
    accessible(browser, "change of a token with everything");
    browser.fill("limits.uses", "none");
    refused(browser, "limits.uses");
    accessible(browser, "change that is wrong");
    browser.fill("limits.uses", "1");
    send(browser);
    browser.until("document.querySelector('.note.done')?.textContent.includes('Saved.') && !location.search.includes('done')");
    assert_eq!(use_of(program, &secret).status, 429, "it is used up");
}

/// Rows F7 and W17: a token with general access is told to upstreams by parameters, and set free of a certificate.
/// Where its form is.
fn upstreams(browser: &mut Browser, program: &Program, desk: &str, upstream: &Upstream) -> String {
    let certificate = "ab".repeat(32);
    let created = ["token", "create", "--owner", "root", "--name", "general", "--secret-only"];
    let bound = ["--certificate", certificate.as_str(), "--params", "{\"a\":1}"];
    let secret = program.succeed(&[&created[..], &bound].concat(), "").trim().to_owned();
    assert_eq!(use_of(program, &secret).status, 401, "nobody shows the certificate");
    browser.open(&format!("{desk}/tokens?text=general"));
    browser.follow("tbody a");
    accessible(browser, "token with parameters");
    browser.follow("a[href$='/edit']");
    let seen = |id: &str, seen: bool| {
        format!("(document.getElementById('{id}').offsetParent !== null) === {seen}")
    };
    for (id, shown) in [
        ("param.telegram.bot_token", true),
        ("context-telegram", false),
        ("context-orders", false),
        ("certificate", true),
        ("params", true),
    ] {
        browser.until(&seen(id, shown));
    }
    accessible(browser, "parameters of general access");
    browser.click("#contexts");
    for (id, shown) in [("param.telegram.bot_token", false), ("context-orders", true)] {
        browser.until(&seen(id, shown));
    }
    browser.click("#access-all");
    browser.fill("param.telegram.bot_token", "123:abc");
    browser.value("document.getElementById('param.telegram.language').value = 'pt'");
    browser.fill("params", "[1]");
    browser.fill("certificate", "");
    refused(browser, "params");
    accessible(browser, "free parameters that are wrong");
    browser.fill("param.telegram.bot_token", "123:abc");
    browser.fill("params", "[{\"b\": 2}]");
    send(browser);
    browser.until("document.querySelector('.note.done')?.textContent.includes('Saved.') && !location.search.includes('done')");
    browser.until(
        "document.querySelector('[aria-labelledby=rights]').innerText.includes('[{\"b\": 2}]')",
    );
    upstream.take();
    assert_eq!(use_of(program, &secret).status, 200);
    let told = upstream.take_one().value("x-tollgate-params");
    assert_eq!(told.as_deref(), Some("W3siYiI6IDJ9XQ"), "as it was typed, in base64url");
    browser.follow("a[href$='/edit']");
    browser.until("!document.getElementById('certificate')");
    browser.until("document.getElementById('param.telegram.language').value === 'pt'");
    browser.click("[id='away.param.telegram.bot_token']");
    send(browser);
    browser.until("document.querySelector('.note.done')?.textContent.includes('Saved.') && !location.search.includes('done')");
    let rights = "document.querySelector('[aria-labelledby=rights]').innerText";
    browser.until(&format!("{rights}.includes('language') && !{rights}.includes('bot_token')"));
    format!("{}/edit", text(browser, "location.pathname"))
}

/// A file is chosen, tried and brought in, and the list is downloaded.
fn import(browser: &mut Browser, program: &Program, desk: &str) {
    browser.open(&format!("{desk}/tokens"));
    browser.follow("a[href='/tokens/import']");
    accessible(browser, "import");
    let file = program.folder().join("keys.csv");
    let text = "owner,name,secret\nalice,old one,secret-of-the-old-system-1\n\
                alice,old two,secret-of-the-old-system-2\nnobody,odd,secret-of-the-old-system-3\n";
    std::fs::write(&file, text).unwrap();
    browser.tell("DOM.enable", json!({}));
    let root = browser.tell("DOM.getDocument", json!({}))["root"]["nodeId"].clone();
    let asked = json!({"nodeId": root, "selector": "#file"});
    let node = browser.tell("DOM.querySelector", asked)["nodeId"].clone();
    let large = program.folder().join("large.csv");
    std::fs::write(&large, "owner,name\n".repeat(20_000)).unwrap();
    browser.tell("DOM.setFileInputFiles", json!({"files": [large], "nodeId": node}));
    browser.until("document.getElementById('file-said').textContent.includes('too large')");
    browser.until("document.getElementById('text').value === ''");
    browser.tell("DOM.setFileInputFiles", json!({"files": [file], "nodeId": node}));
    browser.until("document.getElementById('text').value.startsWith('owner,name,secret')");
    browser.until("document.getElementById('file-said').textContent === 'The file was read into the field below.'");
    send(browser);
    browser.until("document.querySelector('.count').innerText.includes('2 lines would be imported. 1 line is refused.')");
    picture(browser, "import");
    accessible(browser, "tried import");
    assert_eq!(use_of(program, "secret-of-the-old-system-1").status, 401, "only tried");
    send(browser);
    browser.until("document.querySelector('.count').innerText.includes('2 tokens are imported.')");
    browser.until("!document.documentElement.innerHTML.includes('secret-of-the-old')");
    accessible(browser, "import that is done");
    assert_eq!(use_of(program, "secret-of-the-old-system-1").status, 200);
    browser.open(&format!("{desk}/tokens/import"));
    browser.fill("text", "nothing");
    refused(browser, "text");
    accessible(browser, "import that is none");
    browser.open(&format!("{desk}/tokens?text=old"));
    let folder = program.folder().join("downloads");
    let allowed = json!({"behavior": "allow", "downloadPath": folder});
    browser.tell("Browser.setDownloadBehavior", allowed);
    browser.click("a[download]");
    let file = folder.join("tokens.csv");
    wait_until("nothing was downloaded", PATIENCE, || file.exists());
    let list = std::fs::read_to_string(file).unwrap();
    assert!(list.starts_with("owner,name") && list.lines().count() == 3, "{list}");
    accessible(browser, "list with downloads");
}

/// A secret is found in the open, and its token ends.
fn leak(browser: &mut Browser, program: &Program, desk: &str) {
    browser.open(&format!("{desk}/tokens"));
    browser.follow("a[href='/tokens/leaked']");
    accessible(browser, "leaks");
    browser.fill("secrets", "secret-of-the-old-system-2\nsecret-of-nothing-at-all");
    browser.fill("reason", "in a public repository");
    send(browser);
    browser.until("document.querySelectorAll('tbody tr').length === 2");
    browser.until("document.querySelector('.note').innerText.includes('1 token is revoked')");
    browser.until("!document.documentElement.innerHTML.includes('secret-of-')");
    picture(browser, "leaks");
    accessible(browser, "what became of leaks");
    assert_eq!(use_of(program, "secret-of-the-old-system-2").status, 401);
}

/// The leak is told to a webhook, which is then tried out.
fn notices(browser: &mut Browser, desk: &str, receiver: &Upstream) {
    browser.open(&format!("{desk}/notices"));
    browser.until("document.querySelector('tbody a').textContent === 'chat'");
    picture(browser, "notices");
    accessible(browser, "notices");
    browser.follow("tbody a");
    let before = receiver.seen().len();
    browser.follow(".head .acts button");
    browser.until("document.querySelector('.note.done')?.textContent.includes('accepted the test') && !location.search.includes('done')");
    browser.until("document.querySelector('tbody').innerText.includes('Test')");
    assert!(receiver.seen().len() > before, "it was called");
    picture(browser, "notice");
    accessible(browser, "webhook");
}

/// All that is left of a leaver's tokens is shown, and then ends.
fn revoke(browser: &mut Browser, program: &Program, desk: &str) {
    browser.open(&format!("{desk}/users/alice"));
    browser.follow("a[href='/tokens/revoke?owner=alice']");
    browser
        .until("document.querySelector('.count').innerText.includes('2 tokens will be revoked.')");
    picture(browser, "bulk");
    accessible(browser, "what would be revoked");
    browser.fill("reason", "left the company");
    browser.follow(".acts.end button.bad");
    browser.until("document.querySelector('.note.done')?.textContent.includes('The tokens are revoked') && !location.search.includes('done')");
    browser.until("document.querySelectorAll('.state-revoked').length === 3");
    accessible(browser, "list after that");
    assert_eq!(use_of(program, "secret-of-the-old-system-1").status, 401);
    browser.open(&format!("{desk}/tokens/revoke?owner=alice"));
    browser.until("document.querySelector('.count').innerText.includes('no token here')");
    accessible(browser, "nothing to revoke");
    browser.open(&format!("{desk}/tokens/revoke"));
    browser.until("document.querySelector('.wrong-summary')");
    accessible(browser, "no filter");
    browser.complaints.clear(); // Chromium logs each answer of 400.
}
