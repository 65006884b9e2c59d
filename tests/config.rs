//! The configuration room on real files: what is shipped loads, and each mistake has its exact text.

use std::path::Path;

use tollgate::config::{self, Environment, Settings};

#[test]
fn an_upstream_alone_is_enough() {
    let environment = Environment::default();
    let settings = Settings::for_upstream("http://127.0.0.1:9000", &environment).unwrap();
    let rules: Vec<_> = settings.apis.iter().flat_map(|api| &api.rules).collect();
    assert_eq!(rules.len(), 1);
    assert_eq!(rules[0].path, "/{*rest}");
    assert!(!rules[0].public);
    let report = Settings::for_upstream("https://example.com", &environment).unwrap_err();
    let text = "error: TLS to upstreams is not there yet\n\
                hint: put the gateway beside the upstream and speak `http://` to it\n";
    assert_eq!(report.to_string(), text);
}

#[test]
fn a_missing_file_is_named() {
    let report = config::load(Path::new("no/such.toml"), &Environment::default()).unwrap_err();
    assert!(report.to_string().starts_with("error: cannot read `no/such.toml`: "), "{report}");
}
