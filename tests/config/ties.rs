//! What the configuration lets pass leaves nothing to the order of the rules: the gateway's tree finds
//! the same rule for each path, whichever was put in first. What it refuses as a tie is one.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::{ProptestConfig, Strategy, prop_assert, prop_assert_eq, proptest};
use proptest::{collection, sample};

use tollgate::config;
use tollgate::gateway::pattern::{Captures, Tree};

use super::environment;

/// Segments of which many match one another.
const SEGMENTS: [&str; 10] =
    ["a", "b", "ab", "{x}", "a{x}", "{x}b", "a{x}b", "aa{x}", "{x}bb", "{x}a"];

fn pattern() -> impl Strategy<Value = String> {
    let segments = collection::vec(sample::select(&SEGMENTS[..]), 1..3);
    (segments, proptest::bool::ANY).prop_map(|(segments, rest)| {
        let mut pattern = String::new();
        for (place, segment) in segments.iter().enumerate() {
            write!(pattern, "/{}", segment.replace('x', &format!("x{place}"))).unwrap();
        }
        if rest {
            pattern.push_str("/{*rest}");
        }
        pattern
    })
}

/// Every path of one or two segments with up to five letters each, some of them with a third.
static PATHS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut words = vec![String::new()];
    let mut from = 0;
    for _ in 0..5 {
        let longer: Vec<_> = words[from..]
            .iter()
            .flat_map(|word| ["a", "b"].map(|c| format!("{word}{c}")))
            .collect();
        from = words.len();
        words.extend(longer);
    }
    let one: Vec<_> = words.iter().map(|word| format!("/{word}")).collect();
    let two =
        one[1..].iter().flat_map(|path| words.iter().map(move |word| format!("{path}/{word}")));
    let two: Vec<_> = two.collect();
    let three = two.iter().filter(|path| path.len() < 6 && !path.ends_with('/'));
    let three: Vec<_> = three.map(|path| format!("{path}/a")).collect();
    one.into_iter().chain(two).chain(three).collect()
});

/// The kinds of mistakes in a file with these rules.
fn mistakes(patterns: &[String]) -> Vec<String> {
    let mut text = "[[apis]]\nname = \"a\"\nupstream = \"http://b\"\n".to_owned();
    for pattern in patterns {
        writeln!(text, "[[apis.rules]]\npath = \"{pattern}\"").unwrap();
    }
    let parsed = config::parse(Path::new("t.toml"), text.as_bytes(), &environment());
    parsed.map_or_else(|report| report.entries().map(|one| one.kind).collect(), |_| Vec::new())
}

fn found<'p>(patterns: impl Iterator<Item = &'p String>) -> Vec<Option<&'p str>> {
    let mut tree = Tree::default();
    for pattern in patterns {
        tree.entry(pattern, || pattern.as_str());
    }
    PATHS.iter().map(|path| tree.find(path, &mut Captures::default()).copied()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_accepted_file_means_the_same_in_any_order(
        patterns in collection::vec(pattern(), 2..6),
    ) {
        let mistakes = mistakes(&patterns);
        prop_assert!(mistakes.iter().all(|kind| kind == "Tie"), "{mistakes:?}");
        if mistakes.is_empty() {
            let forwards = found(patterns.iter());
            let backwards = found(patterns.iter().rev());
            for ((path, one), other) in PATHS.iter().zip(forwards).zip(backwards) {
                prop_assert_eq!(one, other, "{}", path);
            }
        }
    }

    // Two patterns that no path has in common are never called a tie.
    #[test]
    fn a_tie_is_one(one in pattern(), other in pattern()) {
        if !mistakes(&[one.clone(), other.clone()]).is_empty() {
            let mut matched = found([&one].into_iter())
                .into_iter()
                .zip(found([&other].into_iter()));
            prop_assert!(matched.any(|(a, b)| a.is_some() && b.is_some()));
        }
    }
}
