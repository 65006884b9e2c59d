//! The configuration room on real files: what is shipped loads, each mistake has its exact text, and no
//! file whatever makes it panic.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use tollgate::config::{self, Environment, Report, Settings};

#[path = "config/broken.rs"]
mod broken;
#[path = "config/documented.rs"]
mod documented;
#[path = "config/files.rs"]
mod files;
#[path = "config/hostile.rs"]
mod hostile;
#[path = "config/meaning.rs"]
mod meaning;
#[path = "config/ties.rs"]
mod ties;

/// What the environment holds in these tests. The value of the last is looked for in every report.
fn environment() -> Environment {
    let variables = [
        ("BILLING_HOST", "10.0.0.8"),
        ("FILES_HOST", "10.0.0.9"),
        ("MASTER_KEY", "value-of-a-secret"),
    ];
    variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn files_in(folder: &str, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|ext| ext == extension)).collect();
    files.sort();
    files
}

/// What is said of a file in `config/invalid/`. Those called `reload-` are read by a gateway that runs
/// with the same file while it was empty.
fn report_of(file: &Path) -> Result<(), Report> {
    let environment = environment();
    if file.file_name().unwrap().to_str().unwrap().starts_with("reload-") {
        let running = config::parse(file, b"", &environment).unwrap();
        config::reload(&running, file, &environment).map(drop)
    } else {
        config::load(file, &environment).map(drop)
    }
}

#[test]
fn every_example_loads() {
    let examples = files_in("config/examples", "toml");
    assert!(examples.len() >= 5, "{examples:?}");
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["api.example.com".to_owned()]).unwrap();
    fs::write(folder.path().join("gateway.pem"), made.cert.pem()).unwrap();
    fs::write(folder.path().join("gateway.key"), made.signing_key.serialize_pem()).unwrap();
    for example in examples {
        let file = folder.path().join(example.file_name().unwrap());
        fs::copy(&example, &file).unwrap();
        let loaded = config::load(&file, &environment());
        let loaded = loaded.unwrap_or_else(|report| panic!("{report}"));
        assert_eq!(loaded.files.first(), Some(&file));
        assert!(loaded.settings.apis.iter().all(|api| !api.rules.is_empty()));
    }
}

#[test]
fn each_mistake_has_its_exact_text() {
    let expected = files_in("config/invalid", "txt");
    assert!(expected.len() >= 40, "{}", expected.len());
    for text in expected {
        let file = text.with_extension("toml");
        let Err(report) = report_of(&file) else { panic!("{} was accepted", file.display()) };
        let expected = fs::read_to_string(&text).unwrap();
        assert_eq!(report.to_string(), expected, "{}", file.display());
    }
}

#[test]
fn no_file_of_mistakes_is_without_its_text() {
    for file in files_in("config/invalid", "toml") {
        assert!(file.with_extension("txt").exists(), "{}", file.display());
    }
}

#[test]
fn every_kind_of_mistake_has_a_file() {
    let source = fs::read_to_string("src/config/mistake.rs").unwrap();
    let variants: BTreeSet<_> = source
        .lines()
        .filter_map(|line| {
            line.strip_prefix("    ").filter(|line| line.starts_with(char::is_uppercase))
        })
        .map(|line| line.chars().take_while(char::is_ascii_alphanumeric).collect::<String>())
        .collect();
    assert!(variants.len() > 40, "the variants were not found: {variants:?}");
    let mut seen = BTreeSet::new();
    for text in files_in("config/invalid", "txt") {
        let report = report_of(&text.with_extension("toml")).unwrap_err();
        seen.extend(report.entries().map(|entry| entry.kind));
    }
    // What is found by those who read such a file: `tests/cli/errors.rs`.
    seen.insert("Unusable".to_owned());
    assert_eq!(variants, seen);
}

#[test]
fn an_entry_says_the_same_as_the_text() {
    let report = report_of(Path::new("config/invalid/context-unknown.toml")).unwrap_err();
    let entries: Vec<_> = report.entries().collect();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].kind, "UnknownContext");
    assert_eq!(entries[0].message, "rule `orders` names an unknown context `estok`");
    assert_eq!(entries[0].place, Some((10, 12)));
    assert_eq!(entries[0].hint, "did you mean `estoque`?");
}

#[test]
fn an_upstream_alone_is_enough() {
    let settings = Settings::for_upstream("http://127.0.0.1:9000", &environment()).unwrap();
    // The same as the shortest file, but for the name that nobody gave.
    let text = fs::read("config/examples/minimal.toml").unwrap();
    let mut minimal = config::parse(Path::new("tollgate.toml"), &text, &environment()).unwrap();
    minimal.apis[0].name = settings.apis[0].name.clone();
    assert_eq!(settings, minimal);
    let report = Settings::for_upstream("ftp://example.com", &environment()).unwrap_err();
    let text = "error: an upstream is `http://` or `https://` with a host and a port, or `unix:` with a path, and this has another scheme\n\
                hint: write it like `http://10.0.0.5:9000`, `https://` for TLS, or `unix:/run/app.sock`\n";
    assert_eq!(report.to_string(), text);
}

#[test]
fn an_upstream_on_our_own_port_is_a_loop() {
    let report = Settings::for_upstream("http://localhost:8081/", &environment()).unwrap_err();
    assert!(report.to_string().contains("`listen.admin` of this gateway"), "{report}");
}

#[test]
fn references_are_replaced() {
    let loaded = config::load(Path::new("config/examples/hosts.toml"), &environment()).unwrap();
    let endpoints: Vec<_> =
        loaded.settings.apis.iter().map(|api| api.upstream.endpoints[0].at.to_string()).collect();
    assert_eq!(endpoints, ["10.0.0.8:8000", "10.0.0.9:8000", "10.0.0.8:8002"]);
}

#[test]
fn the_scope_of_a_challenge_is_context_and_flags() {
    let loaded = config::load(Path::new("config/examples/contexts.toml"), &environment()).unwrap();
    let rules = &loaded.settings.apis[0].rules;
    let scopes: Vec<_> = rules.iter().map(|rule| &*rule.requirement.scope).collect();
    let expected = ["estoque view", "estoque view edit", "vendas view", "foccohub", "telegram"];
    assert_eq!(scopes, expected);
    assert_eq!(rules[1].requirement.flags.bits(), 3);
}

#[test]
fn the_master_key_comes_from_where_the_file_says() {
    use tollgate::config::settings::SecretSource::{Environment as Variable, File};
    let folder = tempfile::tempdir().unwrap();
    let credential = folder.path().join("tollgate-master-key");
    fs::write(&credential, "").unwrap();
    let systemd = ("CREDENTIALS_DIRECTORY".to_owned(), folder.path().display().to_string());
    let with_systemd: Environment =
        [systemd, ("KEY".to_owned(), "k".to_owned())].into_iter().collect();
    let source = |text: &str, environment| {
        let text = format!("[store]\npath = \"/srv/tollgate\"\n{text}");
        let settings = config::parse(Path::new("t.toml"), text.as_bytes(), environment);
        settings.map(|settings| settings.store.master_key).unwrap()
    };
    let bare = Environment::default();
    assert_eq!(source("", &bare), File("/srv/tollgate.key".into()));
    assert_eq!(source("", &with_systemd), File(credential.clone()));
    assert_eq!(source("master_key = \"file:/etc/k\"", &with_systemd), File("/etc/k".into()));
    assert_eq!(source("master_key = \"${KEY}\"", &with_systemd), Variable("KEY".to_owned()));
    let named = source("master_key = \"credential:tollgate-master-key\"", &with_systemd);
    assert_eq!(named, File(credential));
}
