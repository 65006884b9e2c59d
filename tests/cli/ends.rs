//! Row E9: nothing is a surprise. Every list of tokens says when each will end, and whether by time or by lying unused.

use std::collections::BTreeMap;

use crate::Place;

fn set(place: &Place, to: &str) {
    std::fs::write(place.path("clock"), to).unwrap();
}

/// What stands below ENDS in a table of tokens, by their names.
fn ends(text: &str) -> BTreeMap<String, String> {
    let mut lines = text.lines().skip_while(|line| !line.starts_with("ID "));
    let cells = |line: &str| -> Vec<String> {
        line.split("  ")
            .map(|cell| cell.trim().to_owned())
            .filter(|cell| !cell.is_empty())
            .collect()
    };
    let heads = cells(lines.next().unwrap_or_else(|| panic!("no table of tokens: {text}")));
    let place = |name: &str| heads.iter().position(|head| head == name).unwrap();
    let (name, ends) = (place("NAME"), place("ENDS"));
    let rows = lines.map(cells);
    rows.map(|row| (row[name].clone(), row[ends].clone())).collect()
}

/// Names, options of `token create`, and what is said of the end on the first day and in the middle of February.
const TOKENS: [(&str, &[&str], &str, &str); 8] = [
    (
        "time",
        &["--lifetime", "30d", "--idle", "0"],
        "2030-01-31 (in 30 d)",
        "2030-01-31 (15 d ago)",
    ),
    (
        "idle",
        &["--idle", "60d"],
        "2030-03-02 (in 60 d), if unused",
        "2030-03-02 (in 15 d), if unused",
    ),
    (
        "idle first",
        &["--until", "2030-06-01", "--idle", "50d"],
        "2030-02-20 (in 50 d), if unused",
        "2030-02-20 (in 5 d), if unused",
    ),
    (
        "time first",
        &["--until", "2030-06-01", "--idle", "300d"],
        "2030-06-01 (in 151 d)",
        "2030-06-01 (in 106 d)",
    ),
    (
        "both at once",
        &["--lifetime", "90d", "--idle", "90d"],
        "2030-04-01 (in 90 d)",
        "2030-04-01 (in 45 d)",
    ),
    (
        "later",
        &["--from", "2030-02-01", "--idle", "30d"],
        "2030-03-03 (in 61 d), if unused",
        "2030-03-03 (in 16 d), if unused",
    ),
    ("by default", &[], "2030-04-11 (in 100 d), if unused", "2030-04-11 (in 55 d), if unused"),
    ("never", &["--idle", "0"], "never", "never"),
];

#[test]
fn e9_every_list_of_tokens_says_when_they_will_end() {
    let place = Place::empty();
    set(&place, "2030-01-01T00:00:00Z");
    let ok = |arguments: &[&str]| place.clocked_ok(&[&["--data", "d"], arguments].concat());
    ok(&["user", "add", "alice"]);
    for (name, options, ..) in TOKENS {
        ok(&[&["token", "create", "--owner", "alice", "--name", name], options].concat());
    }
    let wanted = |told: fn(usize) -> &'static str| -> BTreeMap<String, String> {
        let tokens = TOKENS.iter().enumerate();
        tokens.map(|(nth, token)| (token.0.to_owned(), told(nth).to_owned())).collect()
    };
    let today = wanted(|nth| TOKENS[nth].2);
    assert_eq!(ends(&ok(&["token", "list"])), today);
    assert_eq!(ends(&ok(&["token", "list", "--oldest", "--all"])), today);
    let plan = ok(&["token", "revoke-all", "--owner", "alice"]);
    assert_eq!(ends(&plan), today, "before many end");

    set(&place, "2030-02-15T00:00:00Z");
    assert_eq!(ends(&ok(&["token", "list"])), wanted(|nth| TOKENS[nth].3));
    // What has ended says when it did.
    ok(&["token", "revoke-all", "--name", "never", "--yes"]);
    set(&place, "2030-02-25T00:00:00Z");
    let later = ends(&ok(&["token", "list"]));
    assert_eq!(later["never"], "2030-02-15 (10 d ago)");
    assert_eq!(later["idle first"], "2030-02-20 (5 d ago)");
    assert_eq!(later["time"], "2030-01-31 (25 d ago)");
}
