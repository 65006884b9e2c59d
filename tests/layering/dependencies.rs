//! What `[dependencies]` names is used, and ARCHITECTURE.md says what for.

use std::collections::BTreeSet;
use std::fs;

use super::{complain, outside_crates, root, rust_files};

/// The keys of the tables of Cargo.toml that are called so.
fn named(table: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let lines = text.lines().skip_while(|line| *line != format!("[{table}]")).skip(1);
    let lines = lines.take_while(|line| !line.starts_with('['));
    lines.filter_map(|line| Some(line.split_once(" = ")?.0.to_owned())).collect()
}

/// The crates that the files of these folders name.
fn used(folders: &[&str]) -> BTreeSet<String> {
    let mut files = Vec::new();
    for folder in folders {
        rust_files(&root().join(folder), &mut files);
    }
    let mut found = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        found.extend(outside_crates(&text).into_iter().map(|one| one.path[0].clone()));
    }
    found
}

#[test]
fn every_dependency_is_used() {
    let mut faults = Vec::new();
    for (table, folders) in
        [("dependencies", &["src"][..]), ("dev-dependencies", &["src", "tests", "benches"])]
    {
        let (named, used) = (named(table), used(folders));
        assert!(!named.is_empty(), "`[{table}]` was not found");
        let idle = named.into_iter().filter(|name| !used.contains(&name.replace('-', "_")));
        faults.extend(idle.map(|name| format!("Cargo.toml: nothing uses `{name}`")));
    }
    complain(&faults);
}

#[test]
fn architecture_says_what_each_dependency_is_for() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let (_, section) = text.split_once("\n## Dependencies\n").unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
    let names = rows.skip(1).filter(|first| !first.starts_with("---"));
    let names = names.flat_map(|first| first.split(", "));
    // A version may stand behind the name.
    let told: BTreeSet<_> =
        names.filter_map(|name| name.split(' ').next()).map(str::to_owned).collect();
    let mut there = named("dependencies");
    let dev = named("dev-dependencies");
    let untold = there.iter().filter(|name| !told.contains(*name));
    let mut faults: Vec<_> =
        untold.map(|name| format!("ARCHITECTURE.md does not say what `{name}` is for")).collect();
    there.extend(dev);
    let gone = told.iter().filter(|name| !there.contains(*name));
    faults.extend(gone.map(|name| format!("ARCHITECTURE.md tells of `{name}`, which nobody has")));
    complain(&faults);
}

/// sec-F3: a panic ends the task of one connection, and not the process of all.
#[test]
fn no_panic_ends_the_process() {
    let text = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let lines = text.lines().map(|line| line.replace(' ', ""));
    let faults: Vec<_> = lines.filter(|line| line == "panic=\"abort\"").collect();
    complain(&faults);
}
