//! What `fuzz/` does for long, in short: the seeds that are kept, and changes of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof};
use proptest::sample::{Index, select};
use proptest::test_runner::TestRunner;

use super::Heads;

/// What `fuzz/` is made of.
fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// A target, by the name that it has there.
type Target = (&'static str, Box<dyn Fn(&[u8]) -> bool>);

fn targets(folder: &Path) -> Vec<Target> {
    let (one, two) = (Heads::new(&folder.join("1")), Heads::new(&folder.join("2")));
    vec![
        ("head_http1", Box::new(move |bytes: &[u8]| one.http1(bytes))),
        ("head_http2", Box::new(move |bytes: &[u8]| two.http2(bytes))),
        ("path", Box::new(super::path)),
        ("credential", Box::new(super::credential)),
        ("token", Box::new(super::token)),
        ("config", Box::new(super::config)),
        ("announced", Box::new(super::announced)),
        ("forwarded", Box::new(super::forwarded)),
        ("answer", Box::new(super::answer)),
        ("pieces", Box::new(super::pieces)),
        ("frames", Box::new(super::frames)),
        ("probe", Box::new(super::probe)),
    ]
}

fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(fuzz().join("seeds").join(target)).unwrap().collect();
    files.sort_by_key(|file| file.as_ref().unwrap().path());
    let read = |file: std::io::Result<fs::DirEntry>| {
        let path = file.unwrap().path();
        (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap())
    };
    files.into_iter().map(read).collect()
}

/// Seeds are called by what becomes of them, so that they reach what they were made for.
#[test]
fn seeds_are_taken_or_refused_as_they_are_called() {
    let folder = tempfile::tempdir().unwrap();
    for (target, run) in targets(folder.path()) {
        let seeds = seeds(target);
        let mut taken = 0;
        for (name, bytes) in &seeds {
            let wanted = name.starts_with("taken-");
            assert!(wanted || name.starts_with("refused-"), "{target}/{name}");
            assert_eq!(run(bytes), wanted, "{target}/{name}: {}", bytes.escape_ascii());
            taken += usize::from(wanted);
        }
        assert!(taken >= 3 && seeds.len() - taken >= 3, "{target}: {taken} of {}", seeds.len());
    }
}

#[test]
fn changes_of_seeds_keep_what_must_hold() {
    let folder = tempfile::tempdir().unwrap();
    for (target, run) in targets(folder.path()) {
        let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
        let (mut runner, seeds) = (TestRunner::new(config), seeds(target));
        let seeds: Vec<_> = seeds.into_iter().map(|(_, bytes)| bytes).collect();
        let ran = runner.run(&inputs(seeds), |bytes| {
            run(&bytes);
            Ok(())
        });
        ran.unwrap_or_else(|found| panic!("{target}: {found}"));
    }
}

/// What often means something.
const WORDS: [&[u8]; 30] = [
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b" ",
    b"\t",
    b":",
    b",",
    b";",
    b"/",
    b"//",
    b"..",
    b"%2e",
    b"%2F",
    b"%5c",
    b"%25",
    b"#",
    b"?",
    b"@",
    b"\"",
    b"_",
    b"\x80",
    b"\xff",
    b"0",
    b"-1",
    b"18446744073709551616",
    b"chunked",
    b"Connection: ",
    b"Content-Length: ",
    b"X_Tollgate_Owner: ",
];

#[derive(Clone, Debug)]
enum Change {
    Put(u8),
    Insert(&'static [u8]),
    Remove,
    Repeat,
    Cut,
}

/// Any bytes, and seeds with some changes.
fn inputs(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let change = prop_oneof![
        any::<u8>().prop_map(Change::Put),
        select(&WORDS[..]).prop_map(Change::Insert),
        Just(Change::Remove),
        Just(Change::Repeat),
        Just(Change::Cut),
    ];
    let changes = proptest::collection::vec((any::<Index>(), change), 0..6);
    let changed = (select(seeds), changes).prop_map(|(mut bytes, changes)| {
        for (at, change) in changes.into_iter() {
            let at = at.index(bytes.len() + 1);
            apply(&mut bytes, at, &change);
        }
        bytes
    });
    prop_oneof![8 => changed, 1 => any::<Vec<u8>>()]
}

fn apply(bytes: &mut Vec<u8>, at: usize, change: &Change) {
    match change {
        Change::Put(byte) => bytes.splice(at..(at + 1).min(bytes.len()), [*byte]).for_each(drop),
        Change::Insert(word) => bytes.splice(at..at, word.iter().copied()).for_each(drop),
        Change::Remove => bytes.splice(at..(at + 1).min(bytes.len()), []).for_each(drop),
        Change::Repeat => {
            let line = bytes[at..].split_inclusive(|byte| *byte == b'\n').next();
            let line = line.unwrap_or_default().to_vec();
            bytes.splice(at..at, line).for_each(drop);
        }
        Change::Cut => bytes.truncate(at),
    }
}

/// Each target has a program, seeds and a name in the manifest, and nothing else has.
#[test]
fn each_target_is_run() {
    let folder = tempfile::tempdir().unwrap();
    let targets: BTreeSet<_> =
        targets(folder.path()).into_iter().map(|(name, _)| name.to_owned()).collect();
    let in_folder = |name: &str| -> BTreeSet<_> {
        let files = fs::read_dir(fuzz().join(name)).unwrap();
        let name = |file: std::io::Result<fs::DirEntry>| {
            file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()
        };
        files.map(name).collect()
    };
    assert_eq!(in_folder("seeds"), targets);
    assert_eq!(in_folder("targets"), targets);
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    for target in &targets {
        let program = format!("[[bin]]\nname = \"{target}\"\npath = \"targets/{target}.rs\"\n");
        assert!(manifest.contains(&program), "{program}");
    }
}
