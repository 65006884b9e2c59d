//! The OpenAPI document as others read it: a validator of documents, and Schemathesis, which asks the real program
//! what the document allows and what it does not.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use support::client;
use support::program::Program;

fn tool(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    folder.join("tests/schemathesis/bin").join(name)
}

/// Runs a tool and fails with what it says.
fn succeed(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}; run tests/prepare.sh"));
    let said =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(output.status.success(), "{}{}", said[0], said[1]);
    said.concat()
}

fn program() -> Program {
    let program = Program::start(
        "[[apis]]\nname = \"api\"\nupstream = \"http://127.0.0.1:9\"\n[[apis.rules]]\npath = \"/{*rest}\"\n",
    );
    program.succeed(&["user", "add", "root", "--role", "administrator"], "");
    program
}

/// What is served is what is checked in, without a credential too, and a validator takes it.
#[test]
fn the_served_document_is_openapi() {
    let program = program();
    let answer = client::ask(
        program.admin(),
        format!("GET /api/v1/openapi.json HTTP/1.1\r\nHost: {}\r\n\r\n", program.admin()),
    );
    assert_eq!(answer.status, 200);
    assert_eq!(answer.text(), include_str!("../docs/openapi.json"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("openapi.json");
    std::fs::write(&file, answer.text()).unwrap();
    let said = succeed(Command::new(tool("openapi-spec-validator")).arg(&file));
    assert!(said.contains("OK"), "{said}");
}
