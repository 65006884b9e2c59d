//! axe-core, run in a page: what a machine can find of WCAG 2.2 and of good practice.

use std::path::Path;

use serde_json::{Value, json};

use super::browser::Browser;

/// What axe-core finds in the page as it is, each rule with the elements that break it.
///
/// # Panics
/// If it is not there, which `tests/prepare.sh` mends.
pub fn findings(browser: &mut Browser) -> Value {
    if browser.value("typeof axe") == json!("undefined") {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("tests/axe");
        let file = folder.join("axe.min.js");
        let script = std::fs::read_to_string(&file)
            .unwrap_or_else(|error| panic!("{}: {error}; run tests/prepare.sh", file.display()));
        browser.value(&format!("{script}; undefined"));
    }
    // Sizes of targets are left out where nobody asks for them; none are looked at in vain.
    browser.value(
        "axe.run(document, {resultTypes: ['violations'], rules: {'target-size': {enabled: true}}, runOnly: \
         ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}).then((found) => { \
         if (![found.violations, found.passes, found.incomplete, found.inapplicable].flat() \
           .some((one) => one.id === 'target-size')) return 'no sizes of targets'; \
         return found.violations.map((one) => ({rule: one.id, says: one.help, \
           where: one.nodes.map((node) => [node.html, node.failureSummary])})); })",
    )
}
