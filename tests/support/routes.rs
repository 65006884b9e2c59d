//! What the administrative address serves: the calls of `/api/v1` as the document tells them (a test of the library
//! holds it against the router), and the pages as their router has them.

use serde_json::Value;

/// A method, and a path with `{id}` or `{name}` in the place of what it is about.
pub type Route = (String, String);

/// Everything below `/api/v1`.
pub fn calls() -> Vec<Route> {
    let document: Value = serde_json::from_str(include_str!("../../docs/openapi.json")).unwrap();
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            found.push((method.to_uppercase(), path.clone()));
        }
    }
    assert!(found.len() > 40, "{}", found.len());
    found
}

/// All pages, and the forms that they send.
pub fn pages() -> Vec<Route> {
    let source = include_str!("../../src/admin/pages/mod.rs");
    let mut found = Vec::new();
    for piece in source.split(".route(\"").skip(1) {
        let (path, rest) = piece.split_once("\", ").unwrap();
        let handlers = rest.split('\n').next().unwrap();
        for method in ["get", "post"] {
            let begins = handlers.starts_with(&format!("{method}("));
            if begins || handlers.contains(&format!(".{method}(")) {
                found.push((method.to_uppercase(), path.to_owned()));
            }
        }
    }
    assert!(found.len() > 50, "{}", found.len());
    found
}

/// Those that may change something.
pub fn acts(routes: Vec<Route>) -> Vec<Route> {
    routes.into_iter().filter(|(method, _)| method != "GET").collect()
}
