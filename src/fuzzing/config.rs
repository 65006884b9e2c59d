//! The configuration.

use std::path::Path;

use crate::config::{Environment, Report, Settings, parse};
use crate::gateway::snapshot::Snapshot;
use crate::gateway::targets::Targets;
use crate::telemetry::counters::Counters;

/// Where the file would stand: no file lies beside it.
const FILE: &str = "/nowhere/t.toml";

/// Reads a configuration: it means the same each time, or every mistake is told with its place.
pub fn config(bytes: &[u8]) -> bool {
    match read(bytes) {
        Ok(settings) => {
            assert!(read(bytes).is_ok_and(|again| again == settings), "it is read in two ways");
            drop(Snapshot::new(&settings, &Counters::new(1), &Targets::default(), 0));
            true
        }
        Err(report) => {
            check(bytes, &report);
            false
        }
    }
}

fn read(bytes: &[u8]) -> Result<Settings, Report> {
    parse(Path::new(FILE), bytes, &Environment::default())
}

fn check(bytes: &[u8], report: &Report) {
    let source = String::from_utf8_lossy(bytes);
    let lines: Vec<_> = source.split('\n').collect();
    let text = report.to_string();
    let mut entries = 0;
    for entry in report.entries() {
        entries += 1;
        let (line, column) = entry.place.unwrap_or_else(|| panic!("no place: {}", entry.message));
        let shown = lines.get(line - 1).unwrap_or_else(|| panic!("no line {line}"));
        assert!((1..=shown.chars().count() + 1).contains(&column), "{line}:{column} in {shown:?}");
        assert!(text.contains(&format!("--> {FILE}:{line}:{column}\n")), "{text}");
        assert!(!entry.hint.is_empty() && !entry.message.is_empty(), "{text}");
    }
    assert!(entries > 0, "nothing is said");
    let carets = text.lines().filter(|line| {
        let marked = line.trim_start().strip_prefix('|').map(str::trim);
        marked.is_some_and(|carets| !carets.is_empty() && carets.bytes().all(|byte| byte == b'^'))
    });
    assert_eq!(carets.count(), entries, "{text}");
    let control = |c: char| c.is_control() && c != '\n';
    assert!(!text.contains(control), "{}", text.escape_debug());
}
