//! Files that are no TOML: a slip in one place is told there, and leads to no other mistake.

use std::fs;
use std::path::Path;

use super::{environment, files_in};
use tollgate::config;

/// What is typed by accident, or left out.
const SLIPS: [(usize, &str); 8] =
    [(1, ""), (0, "\""), (0, "["), (0, "]"), (0, "{"), (0, "="), (1, "'"), (0, "\"\"\"")];

#[test]
fn one_slip_in_a_good_file_leads_to_no_other_mistake() {
    let mut files = files_in("config/examples", "toml");
    files.push("config/tollgate.toml".into());
    let mut broken = 0;
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        // Comments are most of a file, and no slip in them says anything.
        let places = text.char_indices().filter(|(at, _)| {
            let line = text[..*at].rfind('\n').map_or(0, |end| end + 1);
            !text[line..].starts_with('#')
        });
        for ((at, c), (length, typed)) in places.zip(SLIPS.iter().cycle()) {
            // A header with another name is TOML, and what follows belongs to that name.
            let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
            if text[line..].starts_with('[') && c.is_alphanumeric() && *length > 0 {
                continue;
            }
            let end = at + length * c.len_utf8();
            let changed = format!("{}{typed}{}", &text[..at], &text[end..]);
            let parsed = config::parse(Path::new("t.toml"), changed.as_bytes(), &environment());
            let Err(report) = parsed else { continue };
            let entries: Vec<_> = report.entries().collect();
            if entries.iter().any(|entry| entry.kind == "Syntax") {
                broken += 1;
                let all = entries.iter().all(|entry| entry.kind == "Syntax");
                assert!(all && entries.len() <= 2, "{}:\n{report}", file.display());
            }
        }
    }
    assert!(broken > 500, "only {broken} slips were noticed");
}

#[test]
fn a_file_that_is_no_toml_at_all_is_told_of_in_seconds() {
    let begun = tollgate::clock::instant();
    for line in ["x\n", "[x\n", "x = [\n", "\"\"\"\n", "= [[{{\n", "x = {y\n"] {
        let text = line.repeat(60_000 / line.len());
        assert!(config::parse(Path::new("t.toml"), text.as_bytes(), &environment()).is_err());
    }
    let took = tollgate::clock::instant() - begun;
    assert!(took.as_secs() < 20, "{took:?}");
}
