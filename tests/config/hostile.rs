//! Files that nobody meant to write: arbitrary bytes, shipped files with a change anywhere, and secrets
//! in every place.

use std::fs;
use std::path::Path;

use proptest::prelude::{ProptestConfig, any, prop_assert, proptest};
use proptest::sample::{Index, select};

use super::{environment, files_in};
use tollgate::config;

const SECRET: &str = "value-of-a-secret";

fn shipped() -> Vec<Vec<u8>> {
    let mut files = files_in("config/examples", "toml");
    files.extend(files_in("config/invalid", "toml"));
    files.push("config/tollgate.toml".into());
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// The whole text of what is wrong, if anything is; reaching the end is the test.
fn text_of(bytes: &[u8]) -> String {
    let parsed = config::parse(Path::new("t.toml"), bytes, &environment());
    parsed.map_or_else(|report| report.to_string(), |_| String::new())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_survived(bytes: Vec<u8>) {
        text_of(&bytes);
    }

    #[test]
    fn text_that_looks_like_toml_is_survived(text in "([a-z\\[\\]{}\"'=., \n\\\\/*$-]|apis|rules|é|0x1){0,80}") {
        text_of(text.as_bytes());
    }

    #[test]
    fn a_shipped_file_with_changes_is_survived(
        file in select(shipped()),
        changes: Vec<(Index, Option<u8>, bool)>,
    ) {
        let mut bytes = file;
        for (at, byte, replace) in changes.into_iter().take(8) {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match byte {
                Some(byte) if replace => bytes[at] = byte,
                Some(byte) => bytes.insert(at, byte),
                None => { bytes.remove(at); }
            }
        }
        text_of(&bytes);
    }

    #[test]
    fn a_shipped_file_that_is_cut_is_survived(file in select(shipped()), from: Index, to in any::<Index>()) {
        let (from, to) = (from.index(file.len()), to.index(file.len()));
        let text = text_of(&file[from.min(to)..from.max(to)]);
        let escape = char::from(27);
        prop_assert!(!text.contains(escape));
    }
}

/// Every text of a file, one after the other, is exchanged for a secret of the environment.
#[test]
fn sec_l1_no_report_tells_a_secret_of_the_environment() {
    let mut reports = 0;
    for file in shipped() {
        let text = String::from_utf8_lossy(&file);
        let quotes: Vec<_> = text.match_indices('"').map(|(at, _)| at).collect();
        for pair in quotes.chunks_exact(2) {
            for secret in
                ["${MASTER_KEY}", "${MASTER_KEY} ", "/${MASTER_KEY}", "http://${MASTER_KEY}:1/x"]
            {
                let changed = format!("{}\"{secret}{}", &text[..pair[0]], &text[pair[1]..]);
                let report = text_of(changed.as_bytes());
                reports += usize::from(!report.is_empty());
                assert!(!report.contains(SECRET), "{changed}\n{report}");
            }
        }
    }
    assert!(reports > 1_000, "only {reports} reports");
}
