//! A token that is made without a mouse: with the keys of a keyboard alone, and with a focus that is seen wherever it is
//! (WCAG 2.2, 2.1.1, 2.4.7, 2.4.11 and 1.4.11).

use serde_json::{Value, json};

use super::support::browser::Browser;
use super::support::upstream::Upstream;
use super::{BOT, DESKTOP, GOOD, program, steps, use_of};

/// The most stops on the way to a field.
const STOPS: usize = 120;

/// What is wrong with how the focus is seen: nothing, if it is well.
const UNSEEN: &str = r"(() => {
  const it = document.activeElement;
  if (!it || it === document.body) return 'nothing has the focus';
  const look = getComputedStyle(it), box = it.getBoundingClientRect();
  if (!it.matches(':focus-visible')) return 'it is not shown';
  if (look.outlineStyle !== 'solid' || parseFloat(look.outlineWidth) < 2) return 'it has no ring';
  if (box.bottom < 0 || box.top > innerHeight) return 'it is not on the screen';
  const hit = document.elementFromPoint(box.x + box.width / 2, box.y + Math.min(box.height, innerHeight) / 2);
  if (!hit || !(it.contains(hit) || hit.contains(it))) return 'it is covered by ' + hit?.outerHTML;
  const brush = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const colour = (name) => {
    brush.clearRect(0, 0, 1, 1);
    brush.fillStyle = name;
    brush.fillRect(0, 0, 1, 1);
    return [...brush.getImageData(0, 0, 1, 1).data];
  };
  const light = (name) => {
    const part = (value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    const [red, green, blue] = colour(name).map((value) => part(value / 255));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  let behind = it.parentElement;
  while (behind.parentElement && colour(getComputedStyle(behind).backgroundColor)[3] < 255) behind = behind.parentElement;
  const two = [light(look.outlineColor), light(getComputedStyle(behind).backgroundColor)].sort((a, b) => b - a);
  const contrast = (two[0] + 0.05) / (two[1] + 0.05);
  return contrast < 3 ? 'its ring is faint: ' + contrast : '';
})()";

/// Whatever has the focus is seen to have it.
fn seen(browser: &mut Browser) {
    let wrong = browser.value(UNSEEN);
    let it = "document.activeElement?.outerHTML.slice(0, 200) + ' on ' + location.pathname";
    assert_eq!(wrong, json!(""), "{}", browser.value(it));
}

fn has_focus(browser: &mut Browser, selector: &str) -> bool {
    browser.value(&format!("document.activeElement.matches({selector:?})")) == json!(true)
}

/// Goes on with the Tab key until something has the focus.
fn reach(browser: &mut Browser, selector: &str) {
    for _ in 0..STOPS {
        if has_focus(browser, selector) {
            return seen(browser);
        }
        browser.press("Tab");
        assert!(!has_focus(browser, "body"), "{selector} is not reached");
        seen(browser);
    }
    panic!("{selector} is not reached");
}

fn type_in(browser: &mut Browser, selector: &str, text: &str) {
    reach(browser, selector);
    for letter in text.chars() {
        browser.press(&letter.to_string());
    }
    let typed = browser.value("document.activeElement.value");
    assert_eq!(typed, json!(text), "{selector}");
}

/// Row E1, with the hands of somebody who has no mouse.
#[test]
fn e1_a_token_is_made_with_the_keyboard_alone() {
    let upstream = Upstream::start();
    let program = program(&upstream);
    let desk = format!("http://{}", program.admin());
    let mut browser = Browser::start();
    let browser = &mut browser;
    browser.look(DESKTOP, false);
    browser.open(&format!("{desk}/"));
    browser.until("location.pathname === '/sign-in' && document.activeElement.id === 'user'");
    type_in(browser, "#user", "root");
    type_in(browser, "#password", GOOD);
    browser.enter();
    browser.until("location.pathname === '/'");
    // Past the places of the navigation, which stand before what the page is about.
    browser.press("Tab");
    assert!(has_focus(browser, "a.skip"));
    seen(browser);
    browser.press("Enter");
    browser.until("document.activeElement.id === 'main'");
    browser.press("Tab");
    reach(browser, ".welcome a.button.main");
    browser.enter();
    browser.until("location.pathname === '/tokens/new'");
    form(browser);
    browser.until("location.pathname.endsWith('/secret')");
    let secret = copied(browser);
    assert_eq!(use_of(&program, &secret).status, 200);
    let list = program.succeed(&["token", "list", "--json"], "");
    let list: Value = serde_json::from_str(&list).unwrap();
    let token = &list["tokens"][0];
    let given = json!({"bot_token": {"sealed": true}, "language": {"value": "ru"}});
    for (field, value) in [
        ("name", json!("without-a-mouse")),
        ("owner", json!("alice")),
        ("contexts", json!(["telegram"])),
        ("flag_names", json!(["read"])),
        ("context_params", json!({ "telegram": given })),
    ] {
        assert_eq!(token[field], value, "{field}: {token}");
    }
    assert_eq!(browser.complaints, [""; 0]);
}

/// The form of a token, in the dark: a context with its parameters, and a flag.
fn form(browser: &mut Browser) {
    browser.look(DESKTOP, true);
    type_in(browser, "#name", "without-a-mouse");
    type_in(browser, "#owner", "alice");
    reach(browser, "#contexts");
    for (key, chosen) in [("ArrowUp", "access-all"), ("ArrowDown", "contexts")] {
        browser.press(key);
        browser.until(&format!("document.activeElement.id === '{chosen}'"));
        browser.until("document.activeElement.checked");
        seen(browser);
    }
    reach(browser, "#context-telegram");
    browser.press(" ");
    browser.until("document.activeElement.checked");
    type_in(browser, "[id='param.telegram.bot_token']", BOT);
    reach(browser, "[id='param.telegram.language']");
    browser.press("r");
    browser.until("document.activeElement.value === 'ru'");
    reach(browser, "#flag-read");
    browser.press(" ");
    browser.until("document.activeElement.checked");
    reach(browser, ".acts.end button.main");
    browser.enter();
}

/// The secret, copied with its button.
fn copied(browser: &mut Browser) -> String {
    let permissions = json!({"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]});
    browser.tell("Browser.grantPermissions", permissions);
    reach(browser, "button[data-copy=secret]");
    browser.press("Enter");
    browser.until("document.getElementById('secret-said').textContent === 'Copied'");
    let secret = steps::text(browser, "navigator.clipboard.readText()");
    assert_eq!(secret, steps::text(browser, "document.getElementById('secret').textContent"));
    secret
}
