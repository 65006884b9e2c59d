//! The table of rows in ARCHITECTURE.md names tests that are there, one for each row and with its number.

use std::collections::BTreeSet;
use std::fs;

use super::{complain, root};

/// The rows that must have a test of the real program.
fn wanted() -> BTreeSet<String> {
    let numbered = |letter: &str, last: u32| -> Vec<String> {
        (1..=last).map(|number| format!("{letter}{number}")).collect()
    };
    let groups = [
        numbered("E", 11),
        numbered("F", 9),
        numbered("sec-W", 6),
        numbered("sec-L", 2),
        numbered("sec-F", 1),
    ];
    groups.into_iter().flatten().collect()
}

/// The cells of each line of the table: the row, the file and the name of its test.
fn table(text: &str) -> Vec<[String; 3]> {
    let lines = text.lines().skip_while(|line| !line.starts_with("| row | what must hold | test"));
    let lines = lines.skip(2).take_while(|line| line.starts_with('|'));
    let cells = |line: &str| {
        let row = line.split('|').nth(1).unwrap_or_default().trim().to_owned();
        let test = line.rsplit('|').nth(1).unwrap_or_default();
        let mut quoted = test.split('`').skip(1).step_by(2).map(str::to_owned);
        [row, quoted.next().unwrap_or_default(), quoted.next().unwrap_or_default()]
    };
    lines.map(cells).collect()
}

#[test]
fn every_row_has_a_test_that_bears_its_number() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let table = table(&text);
    let rows: BTreeSet<_> = table.iter().map(|[row, ..]| row.clone()).collect();
    let mut faults: Vec<_> = wanted()
        .symmetric_difference(&rows)
        .map(|row| format!("{row}: not in the table, or no row at all"))
        .collect();
    for [row, file, name] in table {
        let number = row.to_lowercase().replace('-', "_");
        let number = number.strip_prefix("sec_").unwrap_or(&number);
        if !name.split('_').any(|part| part == number) {
            faults.push(format!("{row}: `{name}` does not bear its number"));
        }
        let source = fs::read_to_string(root().join("tests").join(&file)).unwrap_or_default();
        if !source.contains(&format!("#[test]\nfn {name}() {{")) {
            faults.push(format!("{row}: there is no test `{name}` in `tests/{file}`"));
        }
    }
    complain(&faults);
}
