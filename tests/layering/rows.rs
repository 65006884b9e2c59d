//! The table of rows in ARCHITECTURE.md names tests that are there, one for each row and with its number.

use std::collections::BTreeSet;
use std::fs;

use super::{complain, root};

/// The rows that must have a test of the real program: all numbers up to this one.
const GROUPS: [(&str, u32); 13] = [
    ("E", 11),
    ("F", 9),
    ("sec-P", 15),
    ("sec-A", 5),
    ("sec-H", 6),
    ("sec-S", 13),
    ("sec-D", 5),
    ("sec-C", 6),
    ("sec-T", 1),
    ("sec-W", 6),
    ("sec-L", 2),
    ("sec-F", 3),
    ("sec-G", 2),
];

/// Numbers among these that have none, and why.
const ELSEWHERE: [(&str, &str); 4] = [
    (
        "sec-D5",
        "it is a measurement; `cargo bench --bench floods` has the memory that attacks take, and the processor's time of a head of 10 kB",
    ),
    ("sec-C2", "there is one issuer of tokens, and their digest is the whole key"),
    ("sec-T1", "it is a measurement: `cargo bench --bench timing`"),
    ("sec-C5", "the race needs a store that waits: `src/cache/tests/mod.rs`"),
];

fn wanted() -> BTreeSet<String> {
    let numbers =
        GROUPS.iter().flat_map(|(letter, last)| (1..=*last).map(move |n| format!("{letter}{n}")));
    numbers.filter(|row| !ELSEWHERE.iter().any(|(elsewhere, _)| elsewhere == row)).collect()
}

/// Whether the name of a test bears a number: by itself, or within `p1_to_p10`.
fn bears(name: &str, number: &str) -> bool {
    let parts: Vec<_> = name.split('_').collect();
    let split = |text: &str| -> Option<(String, u32)> {
        let at = text.find(|c: char| c.is_ascii_digit())?;
        Some((text[..at].to_owned(), text[at..].parse().ok()?))
    };
    let within = |first: &str, last: &str| {
        let (Some(first), Some(last), Some(one)) = (split(first), split(last), split(number))
        else {
            return false;
        };
        first.0 == one.0 && last.0 == one.0 && (first.1..=last.1).contains(&one.1)
    };
    parts.contains(&number)
        || parts.windows(3).any(|three| three[1] == "to" && within(three[0], three[2]))
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
fn a_name_bears_its_numbers_and_no_others() {
    for (name, number) in
        [("sec_p1_a", "p1"), ("sec_p1_to_p10_and_p14_x", "p7"), ("sec_p1_to_p10_and_p14_x", "p14")]
    {
        assert!(bears(name, number), "{name} {number}");
    }
    for (name, number) in [
        ("sec_p1_a", "p2"),
        ("sec_p1_to_p10_x", "p11"),
        ("sec_p1_to_p10_x", "s7"),
        ("sec_p15", "p1"),
    ] {
        assert!(!bears(name, number), "{name} {number}");
    }
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
        if !bears(&name, number) {
            faults.push(format!("{row}: `{name}` does not bear its number"));
        }
        let source = fs::read_to_string(root().join("tests").join(&file)).unwrap_or_default();
        if !source.contains(&format!("#[test]\nfn {name}() {{")) {
            faults.push(format!("{row}: there is no test `{name}` in `tests/{file}`"));
        }
    }
    complain(&faults);
}
