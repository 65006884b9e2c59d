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
    browser.value(
        "axe.run(document, {resultTypes: ['violations']}).then((found) => found.violations.map((one) => \
         ({rule: one.id, says: one.help, where: one.nodes.map((node) => [node.html, node.failureSummary])})))",
    )
}
