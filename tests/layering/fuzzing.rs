//! What `fuzz/` is let in by is in nothing that is shipped: it stands behind a feature of its own, which nobody has
//! without asking, and no other code names it.

use std::fs;

use super::{complain, references, root, sources};

const GUARD: &str = "#[cfg(any(test, feature = \"fuzzing\"))]";

#[test]
fn what_fuzzing_needs_is_behind_its_feature() {
    let mut faults = Vec::new();
    let mut guarded = 0;
    for source in sources() {
        let name = source.path.display();
        let lines: Vec<_> = source.text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            if line.ends_with("mod fuzzing;") {
                guarded += 1;
                if at == 0 || lines[at - 1] != GUARD {
                    faults.push(format!("{name}:{}: no `{GUARD}` above it", at + 1));
                }
            }
        }
        let within = source.module.iter().any(|part| part == "fuzzing");
        let named = references(&source.text, &source.module);
        let named = named.iter().filter(|one| one.path.iter().any(|part| part == "fuzzing"));
        faults.extend(
            named
                .filter(|_| !within)
                .map(|one| format!("{name}:{}: nothing but `fuzz/` calls it", one.line)),
        );
    }
    assert!(guarded > 0, "there is nothing to guard");
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let features = manifest.split("\n[features]\n").nth(1).unwrap();
    let features = features.split("\n[").next().unwrap();
    if features.lines().any(|line| line.starts_with("default")) {
        faults.push("Cargo.toml: nothing that is shipped has a feature".to_owned());
    }
    assert!(features.lines().any(|line| line == "fuzzing = []"), "the feature was not found");
    complain(&faults);
}
