//! The document against the routes, and against what is checked in.

use std::collections::BTreeSet;
use std::path::Path;

use super::*;

/// The document that is checked in is the one that is served.
#[test]
fn the_document_is_the_one_that_is_checked_in() {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    if std::env::var_os("TOLLGATE_OPENAPI").is_some() {
        std::fs::write(&place, text()).unwrap();
    }
    let kept = std::fs::read_to_string(&place).unwrap_or_default();
    assert!(
        kept == text(),
        "docs/openapi.json is not what the code makes; renew it with \
         `TOLLGATE_OPENAPI=1 cargo test --lib openapi` and look at what changed"
    );
}

#[test]
fn every_shape_is_a_schema() {
    for (name, value) in shapes::written() {
        let read = serde_json::to_value(shapes::read(value.clone())).unwrap();
        for (key, wanted) in value.as_object().unwrap() {
            let nothing = *wanted == json!([]);
            assert!(nothing || read.get(key).is_some(), "{name} lost `{key}` ({wanted})");
        }
    }
}

/// The routes of the sources, with their methods.
fn routes() -> BTreeSet<(String, String)> {
    let source = include_str!("../api.rs");
    let mut found = BTreeSet::new();
    for piece in source.split(".route(\"").skip(1) {
        let (path, rest) = piece.split_once("\", ").unwrap();
        if path.starts_with("/api/") {
            continue;
        }
        let of_route = rest.split(".route(").next().unwrap();
        let of_route = of_route.split(";\n").next().unwrap();
        for method in ["get", "post", "patch", "delete", "put"] {
            let begins = of_route.starts_with(&format!("{method}("));
            if begins || of_route.contains(&format!(".{method}(")) {
                found.insert((path.to_owned(), method.to_owned()));
            }
        }
    }
    found
}

#[test]
fn every_route_is_in_the_document_and_the_reverse() {
    let told = calls().into_iter().map(|call| (call.path.to_owned(), call.method.to_owned()));
    let told: BTreeSet<_> = told.collect();
    assert!(told.len() > 40, "{}", told.len());
    assert_eq!(told, routes());
}
