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

/// What is served is what is checked in, without a credential too; a validator takes it, and its examples fit.
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
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/openapi_examples.py");
    succeed(Command::new(tool("python")).arg(script).arg(&file));
}

/// What the document allows and what it does not is asked of the real program: nothing fails in it, and each
/// answer has a status, a type and a schema that the document names. From a file, since Schemathesis leaves out the
/// path that it loaded a document from. `TOLLGATE_EXAMPLES` asks so much more of each call.
#[test]
fn no_answer_is_undocumented() {
    let program = program();
    program.succeed(&["user", "add", "alice"], "");
    program.succeed(&["company", "add", "acme"], "");
    let token =
        ["token", "create", "--owner", "root", "--name", "tests", "--flags=-1", "--secret-only"];
    let secret = program.succeed(&token, "");
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    let folder = tempfile::tempdir().unwrap();
    let checks = "not_a_server_error,status_code_conformance,content_type_conformance,\
                  response_schema_conformance";
    let examples = std::env::var("TOLLGATE_EXAMPLES").unwrap_or_else(|_| "10".to_owned());
    let mut command = Command::new(tool("schemathesis"));
    command.current_dir(folder.path()).arg("run").arg(&document);
    command.args(["--url", &format!("http://{}", program.admin())]);
    command.args(["--header", &format!("Authorization: Bearer {}", secret.trim())]);
    command.args(["--checks", checks, "--max-examples", &examples, "--no-color"]);
    command.args(["--generation-deterministic", "--continue-on-failure", "--max-failures", "20"]);
    let said = succeed(&mut command);

    let calls = operations(include_str!("../docs/openapi.json"));
    assert!(said.contains(&format!("{calls} selected / {calls} total")), "{said}");
    for phase in ["Examples", "Coverage", "Fuzzing", "Stateful"] {
        assert!(said.contains(&format!("✅ {phase}")), "{phase}: {said}");
    }
    let made = program.succeed(&["token", "list", "--owner", "alice"], "");
    assert!(made.contains("nightly"), "the example of a new token makes one: {made}");
}

fn operations(document: &str) -> usize {
    let document: serde_json::Value = serde_json::from_str(document).unwrap();
    let paths = document["paths"].as_object().unwrap().values();
    paths.map(|methods| methods.as_object().unwrap().len()).sum()
}
