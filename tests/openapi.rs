//! The OpenAPI document as others read it: a validator of documents, and Schemathesis, which asks the real program
//! what the document allows and what it does not.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

use std::net::{Shutdown, SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use serde_json::Value;
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

/// Asks so many calls of the document what it allows and what it does not: nothing fails, and each answer has a status,
/// a type, fields and a schema that the document names. From a file, since Schemathesis leaves out the path that it
/// loaded a document from. `TOLLGATE_EXAMPLES` asks so much more of each call.
fn ask_everything(at: SocketAddr, calls: usize, more: &[&str]) -> String {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    let folder = tempfile::tempdir().unwrap();
    let checks = "not_a_server_error,status_code_conformance,content_type_conformance,\
                  response_headers_conformance,response_schema_conformance";
    let examples = std::env::var("TOLLGATE_EXAMPLES").unwrap_or_else(|_| "10".to_owned());
    let mut command = Command::new(tool("schemathesis"));
    command.current_dir(folder.path()).arg("run").arg(&document);
    command.args(["--url", &format!("http://{at}")]).args(more);
    command.args(["--checks", checks, "--max-examples", &examples, "--no-color"]);
    command.args(["--generation-deterministic", "--continue-on-failure", "--max-failures", "20"]);
    let said = succeed(&mut command);
    let all = operations(include_str!("../docs/openapi.json"));
    assert!(said.contains(&format!("{calls} selected / {all} total")), "{said}");
    for phase in ["Examples", "Coverage", "Fuzzing"] {
        assert!(said.contains(&format!("✅ {phase}")), "{phase}: {said}");
    }
    said
}

#[test]
fn no_answer_is_undocumented() {
    let program = program();
    program.succeed(&["user", "add", "alice"], "");
    program.succeed(&["company", "add", "acme"], "");
    let token =
        ["token", "create", "--owner", "root", "--name", "tests", "--flags=-1", "--secret-only"];
    let secret = program.succeed(&token, "");
    let known = format!("Authorization: Bearer {}", secret.trim());
    let calls = operations(include_str!("../docs/openapi.json"));
    let said = ask_everything(program.admin(), calls, &["--header", &known]);
    assert!(said.contains("✅ Stateful"), "{said}");
    let made = program.succeed(&["token", "list", "--owner", "alice"], "");
    assert!(made.contains("nightly"), "the example of a new token makes one: {made}");
}

/// The examples of an import are lines that make tokens, as JSON and as CSV.
#[test]
fn the_examples_of_an_import_make_tokens() {
    let program = program();
    program.succeed(&["user", "add", "alice"], "");
    let token =
        ["token", "create", "--owner", "root", "--name", "tests", "--flags=-1", "--secret-only"];
    let secret = program.succeed(&token, "");
    let document: Value = serde_json::from_str(include_str!("../docs/openapi.json")).unwrap();
    let kinds = &document["paths"]["/api/v1/tokens/import"]["post"]["requestBody"]["content"];
    assert_eq!(kinds.as_object().unwrap().len(), 2);
    for (kind, told) in kinds.as_object().unwrap() {
        let example = &told["example"];
        let body = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
        let answer = client::ask(
            program.admin(),
            format!(
                "POST /api/v1/tokens/import HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\
                 Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
                program.admin(),
                secret.trim(),
                body.len()
            ),
        );
        let told: Value = serde_json::from_str(&answer.text()).unwrap();
        let lines = told["lines"].as_array().unwrap();
        assert!(!lines.is_empty(), "{kind}: {told}");
        for line in lines {
            assert_eq!(line["outcome"], "good", "{kind}: {told}");
        }
    }
}

/// Acts of the machine, which are done at the local socket alone, through an address for a program that knows no such
/// sockets.
#[test]
fn no_answer_to_the_machine_is_undocumented() {
    let program = program();
    let address = forwarded(program.folder().join("data/tollgate.sock"));
    let acts = "^/api/v1/(clock|reload|backup|status)";
    let said = ask_everything(address, 6, &["--include-path-regex", acts]);
    assert!(!said.contains("403"), "{said}");
    // Each of them was done: what it answers is looked at above.
    for (line, status) in [
        ("POST /api/v1/clock/mark {\"reason\":\"x\",\"confirmed\":true}", 200),
        ("POST /api/v1/clock/trust {\"reason\":\"x\"}", 200),
        ("POST /api/v1/reload {}", 204),
        ("POST /api/v1/backup {}", 200),
    ] {
        let (head, body) = line.split_once(" {").unwrap();
        let answer = client::ask(
            address,
            format!(
                "{head} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                 Content-Length: {}\r\n\r\n{{{body}",
                body.len() + 1
            ),
        );
        assert_eq!(answer.status, status, "{line}: {}", answer.text());
        let is_backup = answer.value("content-type").as_deref() == Some("application/octet-stream");
        assert_eq!(is_backup, head.ends_with("/backup"), "{line}");
        assert!(!is_backup || answer.text().starts_with("{\"tollgate_backup\""), "{line}");
    }
}

/// An address at which a local socket is reached, for as long as the test runs.
fn forwarded(socket: PathBuf) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let Ok(server) = UnixStream::connect(&socket) else { return };
            let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || {
                let _ = std::io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Write);
            });
            let (mut from, mut to) = (server, client);
            thread::spawn(move || {
                let _ = std::io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Both);
            });
        }
    });
    address
}

fn operations(document: &str) -> usize {
    let document: Value = serde_json::from_str(document).unwrap();
    let paths = document["paths"].as_object().unwrap().values();
    paths.map(|methods| methods.as_object().unwrap().len()).sum()
}
