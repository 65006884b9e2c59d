//! Proves by reading the sources that the rooms keep to their order: a room imports only rooms above it
//! in `lib.rs`, the files of a room form no circle, each file says what it is, and none is long.
//!
//! Functions of more than 70 lines are clippy's to refuse.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

#[path = "layering/dependencies.rs"]
mod dependencies;
#[path = "layering/fuzzing.rs"]
mod fuzzing;
#[path = "layering/references.rs"]
mod references;
#[path = "layering/rows.rs"]
mod rows;

use references::{Reference, outside_crates, references};

const MAX_LINES: usize = 400;

/// Crates that only some rooms may name: the rest of the code must not know of them.
const ONLY_IN: [(&str, &[&str]); 4] = [
    // A PostgreSQL implementor must fit behind the same interface.
    ("sled", &["store"]),
    // Never on the proxied path.
    ("axum", &["admin", "app", "cli"]),
    ("moka", &["cache"]),
    ("clap", &["cli"]),
];

/// What a pure room has no business with.
const NEVER_IN_DOMAIN: [&str; 17] = [
    "tokio",
    "hyper",
    "hyper_util",
    "http",
    "http_body",
    "http_body_util",
    "axum",
    "sled",
    "moka",
    "tracing",
    "notify",
    "rustix",
    "socket2",
    "dashmap",
    "async_trait",
    "arc_swap",
    "utoipa",
];

/// Parts of the standard library that do I/O or read a clock. Addresses alone are plain data.
const NEVER_IN_DOMAIN_STD: [&[&str]; 13] = [
    &["std", "fs"],
    &["std", "io"],
    &["std", "env"],
    &["std", "process"],
    &["std", "thread"],
    &["std", "net", "TcpStream"],
    &["std", "net", "TcpListener"],
    &["std", "net", "UdpSocket"],
    &["std", "net", "ToSocketAddrs"],
    &["std", "os"],
    &["std", "time", "SystemTime"],
    &["std", "time", "Instant"],
    &["std", "future"],
];

/// A file of the library: where it is, which module it is, and what it says.
struct Source {
    path: PathBuf,
    module: Vec<String>,
    text: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
}

fn module_of(path: &Path) -> Vec<String> {
    let path = path.with_extension("");
    let mut module: Vec<_> = path.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    if module.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
        module.pop();
    }
    module
}

fn sources() -> Vec<Source> {
    let src = root().join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    assert!(files.len() > 10, "the sources were not found");
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let module = module_of(path.strip_prefix(&src).unwrap());
        Source { path: path.strip_prefix(root()).unwrap().to_owned(), module, text }
    };
    files.into_iter().map(read).collect()
}

/// The rooms in the order of `lib.rs`.
fn rooms() -> Vec<String> {
    let text = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let name = |line: &str| Some(line.strip_prefix("pub mod ")?.strip_suffix(';')?.to_owned());
    text.lines().filter_map(name).collect()
}

fn complain(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// What breaks the order of the rooms in one file.
fn upward_imports(rooms: &[String], source: &Source) -> Vec<String> {
    let place = |room: &String| rooms.iter().position(|known| known == room);
    let Some(mine) = source.module.first() else { return Vec::new() };
    let Some(my_place) = place(mine) else {
        return vec![format!("{}: room `{mine}` is not in lib.rs", source.path.display())];
    };
    let upward = |reference: &Reference| {
        let theirs = reference.path.first()?;
        let at = format!("{}:{}", source.path.display(), reference.line);
        match place(theirs) {
            None => Some(format!("{at}: `crate::{theirs}` is not a room")),
            Some(their_place) if their_place > my_place => {
                Some(format!("{at}: `{mine}` imports `{theirs}`, which stands below it in lib.rs"))
            }
            Some(_) => None,
        }
    };
    references(&source.text, &source.module).iter().filter_map(upward).collect()
}

#[test]
fn rooms_import_only_rooms_above_them() {
    let rooms = rooms();
    assert_eq!(rooms.first().map(String::as_str), Some("domain"));
    let faults: Vec<_> =
        sources().iter().flat_map(|source| upward_imports(&rooms, source)).collect();
    complain(&faults);
}

/// For every module that has children: which of its children name which others.
type Neighbours = BTreeMap<Vec<String>, BTreeMap<String, BTreeSet<String>>>;

fn neighbours(sources: &[Source]) -> Neighbours {
    let modules: BTreeSet<_> = sources.iter().map(|source| source.module.clone()).collect();
    let mut found = Neighbours::new();
    for source in sources {
        for reference in references(&source.text, &source.module) {
            let shared = source.module.iter().zip(&reference.path).take_while(|(a, b)| a == b);
            let (parent, rest) = source.module.split_at(shared.count());
            let (Some(from), Some(to)) = (rest.first(), reference.path.get(parent.len())) else {
                continue;
            };
            let is_module = modules.contains(&[parent, std::slice::from_ref(to)].concat());
            if is_module && !parent.is_empty() {
                let edges = found.entry(parent.to_vec()).or_default();
                edges.entry(from.clone()).or_default().insert(to.clone());
            }
        }
    }
    found
}

/// A circle among `edges`, if there is one, beginning and ending with the same name.
fn circle(edges: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    fn walk(
        at: &String,
        edges: &BTreeMap<String, BTreeSet<String>>,
        way: &mut Vec<String>,
        done: &mut BTreeSet<String>,
    ) -> Option<Vec<String>> {
        if let Some(begin) = way.iter().position(|passed| passed == at) {
            let mut circle = way.split_off(begin);
            circle.push(at.clone());
            return Some(circle);
        }
        if done.contains(at) {
            return None;
        }
        way.push(at.clone());
        let next = edges.get(at).into_iter().flatten();
        let found = next.into_iter().find_map(|to| walk(to, edges, way, done));
        way.pop();
        done.insert(at.clone());
        found
    }
    let mut done = BTreeSet::new();
    edges.keys().find_map(|at| walk(at, edges, &mut Vec::new(), &mut done))
}

#[test]
fn files_of_a_room_form_no_circle() {
    let circles = neighbours(&sources());
    assert!(!circles.is_empty(), "no file of a room names its neighbour: the reading is broken");
    let faults: Vec<_> = circles
        .iter()
        .filter_map(|(parent, edges)| Some((parent.join("::"), circle(edges)?)))
        .map(|(parent, circle)| format!("in `{parent}`: {}", circle.join(" -> ")))
        .collect();
    complain(&faults);
}

#[test]
fn the_domain_is_pure() {
    let mut faults = Vec::new();
    for source in sources()
        .iter()
        .filter(|source| source.module.first().unwrap_or(&String::new()) == "domain")
    {
        for outside in outside_crates(&source.text) {
            let at = format!("{}:{}", source.path.display(), outside.line);
            let words: Vec<_> = outside.path.iter().map(String::as_str).collect();
            if words.first().is_some_and(|name| NEVER_IN_DOMAIN.contains(name))
                || NEVER_IN_DOMAIN_STD.iter().any(|banned| words.starts_with(banned))
            {
                faults.push(format!("{at}: `{}` has no place in the domain", words.join("::")));
            }
        }
        for word in ["async", "await", "unsafe", "async_trait"] {
            if references::has_word(&source.text, word) {
                faults.push(format!(
                    "{}: `{word}` has no place in the domain",
                    source.path.display()
                ));
            }
        }
    }
    complain(&faults);
}

#[test]
fn some_crates_stay_in_their_rooms() {
    let mut faults = Vec::new();
    for source in sources() {
        let Some(room) = source.module.first() else { continue };
        for outside in outside_crates(&source.text) {
            let name = outside.path.first().map_or("", String::as_str);
            let allowed = ONLY_IN.iter().find(|(banned, _)| *banned == name);
            if allowed.is_some_and(|(_, rooms)| !rooms.contains(&room.as_str())) {
                let at = format!("{}:{}", source.path.display(), outside.line);
                faults.push(format!("{at}: `{room}` must not know of `{name}`"));
            }
        }
    }
    complain(&faults);
}

/// Rooms whose code runs on the cores, where waiting for a disk would hold up all their clients.
const NO_FILES_IN: [&str; 3] = ["wire", "cache", "gateway"];

#[test]
fn the_data_path_opens_no_file() {
    let mut faults = Vec::new();
    for source in sources() {
        let Some(room) = source.module.first().filter(|room| NO_FILES_IN.contains(&room.as_str()))
        else {
            continue;
        };
        for outside in outside_crates(&source.text) {
            let names_files = |part: &[&str]| outside.path.iter().take(2).eq(part.iter());
            if [&["std", "fs"][..], &["tokio", "fs"], &["rustix", "fs"]]
                .into_iter()
                .any(names_files)
            {
                let at = format!("{}:{}", source.path.display(), outside.line);
                faults.push(format!("{at}: `{room}` must not open files"));
            }
        }
    }
    complain(&faults);
}

#[test]
fn every_file_says_what_it_is_and_none_is_long() {
    let mut files = Vec::new();
    for folder in ["src", "tests", "benches", "fuzz/targets"] {
        rust_files(&root().join(folder), &mut files);
    }
    let mut faults = Vec::new();
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.strip_prefix(root()).unwrap().display();
        if !text.starts_with("//! ") {
            faults.push(format!("{name}: does not begin with a `//!` that says what is here"));
        }
        let lines = text.lines().count();
        if lines > MAX_LINES {
            faults.push(format!("{name}: {lines} lines, {MAX_LINES} at most"));
        }
    }
    complain(&faults);
}

fn source(module: &[&str], text: &str) -> Source {
    let module = module.iter().map(|part| (*part).to_owned()).collect();
    Source { path: "made-up.rs".into(), module, text: text.to_owned() }
}

#[test]
fn a_broken_order_is_noticed() {
    let rooms = ["domain", "store", "gateway"].map(str::to_owned);
    for broken in [
        "use crate::gateway::journey;",
        "use crate::{domain::id, gateway::{self, route}};",
        "fn f() { crate::gateway::journey::handle(); }",
        "fn f() { assert!(crate::gateway::ok()); }",
        "use super::super::gateway;",
        "mod tests { use super::super::super::gateway::X; }",
        "use crate::unheard_of;",
    ] {
        let faults = upward_imports(&rooms, &source(&["store", "disk"], broken));
        assert!(!faults.is_empty(), "{broken}");
    }
    for kept in [
        "use crate::domain::id;",
        "use super::error::StoreError;",
        "// crate::gateway is a comment",
        "/// [`crate::gateway`] is documentation\nfn f() {}",
        "const A: &str = \"crate::gateway\";",
        "mod tests { use super::gateway; }",
    ] {
        assert_eq!(upward_imports(&rooms, &source(&["store", "disk"], kept)), [""; 0], "{kept}");
    }
}

#[test]
fn a_circle_is_noticed() {
    let a = source(&["store", "a"], "use super::b::X;");
    let b = source(&["store", "b"], "fn f() { crate::store::c::g() }");
    let c = |text| source(&["store", "c"], text);
    let open = neighbours(&[a, b, c("use super::error;")]);
    assert_eq!(circle(&open[&vec!["store".to_owned()]]), None);

    let a = source(&["store", "a"], "use super::b::X;");
    let b = source(&["store", "b"], "fn f() { crate::store::c::g() }");
    let closed = neighbours(&[a, b, c("mod tests { use super::super::a; }")]);
    let names = ["a", "b", "c", "a"].map(str::to_owned).to_vec();
    assert_eq!(circle(&closed[&vec!["store".to_owned()]]), Some(names));
}
