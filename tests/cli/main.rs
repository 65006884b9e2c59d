//! The real program in folders of its own: what it writes, what it answers, and how it ends.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod begin_end;
mod certificates;
#[cfg(feature = "test-clock")]
mod clock;
mod companies;
mod data;
#[cfg(feature = "test-clock")]
mod ends;
mod errors;
#[cfg(feature = "test-clock")]
mod filters;
mod first;
mod folders;
#[cfg(feature = "test-clock")]
mod idle;
mod life;
mod limits;
mod many;
mod named;
mod plain;
mod progress;
mod readme;
#[cfg(feature = "test-clock")]
mod reports;
mod secrets;
mod server;
mod unsynced;
mod waiting;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// A folder in which the program runs.
struct Place(tempfile::TempDir);

/// What the program did.
#[derive(Debug)]
struct Outcome {
    code: i32,
    out: String,
    err: String,
}

impl Place {
    /// An empty folder.
    fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// One in which `init` was run.
    fn new() -> Self {
        let place = Self::empty();
        place.ok(&["init"]);
        place
    }

    /// One with a user `alice`.
    fn with_alice() -> Self {
        let place = Self::new();
        place.ok(&["user", "add", "alice"]);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
        command.args(arguments).current_dir(self.0.path()).env_remove("TOLLGATE_CONFIG");
        command
    }

    fn run(&self, arguments: &[&str]) -> Outcome {
        self.run_with(arguments, "")
    }

    /// With something on standard input.
    fn run_with(&self, arguments: &[&str], input: &str) -> Outcome {
        Self::outcome(self.command(arguments), arguments, input)
    }

    /// By the wall clock that the file `clock` holds.
    #[cfg(feature = "test-clock")]
    fn clocked(&self, arguments: &[&str]) -> Outcome {
        let mut command = self.command(arguments);
        command.env("TOLLGATE_TEST_CLOCK", self.path("clock"));
        Self::outcome(command, arguments, "")
    }

    /// The same for what must go well; gives what it writes.
    #[cfg(feature = "test-clock")]
    fn clocked_ok(&self, arguments: &[&str]) -> String {
        let outcome = self.clocked(arguments);
        assert_eq!(outcome.code, 0, "{arguments:?}: {}", outcome.err);
        outcome.out
    }

    fn outcome(mut command: Command, arguments: &[&str], input: &str) -> Outcome {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A program that does not read its input is well too.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        Outcome {
            code: output.status.code().unwrap_or_else(|| panic!("{arguments:?} was killed")),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// What a command that must go well writes.
    fn ok(&self, arguments: &[&str]) -> String {
        let outcome = self.run(arguments);
        assert_eq!(outcome.code, 0, "{arguments:?}: {}", outcome.err);
        outcome.out
    }

    /// The answer of a command that must go well.
    fn json(&self, arguments: &[&str]) -> Value {
        let out = self.ok(&[&["--json"], arguments].concat());
        assert_eq!(out.lines().count(), 1, "one value on one line: {out}");
        serde_json::from_str(&out).unwrap()
    }

    /// How a command fails: its code, and its problem document.
    fn refused(&self, arguments: &[&str]) -> (i32, Value) {
        let outcome = self.run(&[&["--json"], arguments].concat());
        assert_eq!(outcome.out, "", "{arguments:?}");
        // Logs and warnings stand there too; the problem comes last.
        let problem = serde_json::from_str(outcome.err.lines().last().unwrap_or_default());
        (outcome.code, problem.unwrap_or_else(|_| panic!("{arguments:?}: {}", outcome.err)))
    }

    /// A token of alice's: its id and its secret.
    fn token(&self) -> (String, String) {
        let created = self.json(&["token", "create", "--owner", "alice", "--name", "ci"]);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&created["token"]["id"]), text(&created["secret"]))
    }
}

/// Every file below a folder.
fn files(below: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(below).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else if entry.file_type().unwrap().is_file() {
            found.push(entry.path());
        }
    }
    found
}

/// The status of a sign-in as the administrator that a demo has told of, where it said.
fn signed_in(ready: &Value) -> u16 {
    let body = json!({
        "user": ready["administrator"]["user"], "password": ready["administrator"]["password"]
    });
    let (admin, body) = (ready["admin"].as_str().unwrap(), body.to_string());
    let head = format!(
        "POST /api/v1/session HTTP/1.1\r\nHost: {admin}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(admin).unwrap();
    stream.write_all((head + &body).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap()
}
