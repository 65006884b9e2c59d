//! The gateway that is attacked, and rows of what is sent, answered and passed on.

use crate::support::client::{Answer, Client};
use crate::support::gateway::{FREELY, Gateway};
use crate::support::upstream::{Seen, Upstream};

/// One API for each of two hosts, and one that takes odd paths. The token reaches `read` alone.
const APIS: &str = r#"
[contexts.read]
[contexts.admin]

[[apis]]
name = "a"
host = "a.example"
upstream = "http://UPSTREAM"
rules = [
    { path = "/public/{*rest}", context = "read" },
    { path = "/exact", context = "read" },
    { path = "/config/1", context = "read" },
    { path = "/admin/{*rest}", context = "admin" },
    { path = "/open/{*rest}", public = true },
    { path = "/gets", methods = ["GET"], context = "read" },
    { path = "/v1/{id}", context = "read" },
    { path = "/v1/{id}:export", context = "admin" },
    { path = "/v1/@admin", context = "admin" },
    { path = "/open/a+b=c", context = "admin" },
]

[[apis]]
name = "b"
host = "b.example"
upstream = "http://UPSTREAM"
rules = [
    { path = "/public/{*rest}", context = "read" },
    { path = "/only-b/{*rest}", context = "read" },
    { path = "/admin", context = "admin" },
]

[[apis]]
name = "literal"
host = "literal.example"
keep = ["encoded-slash", "empty-segment", "path-parameter"]
upstream = "http://UPSTREAM"
rules = [
    { path = "/public/{*rest}", context = "read" },
    { path = "/admin/{*rest}", context = "admin" },
]

[[apis]]
name = "wide"
host = "wide.example"
keep = ["encoded-slash", "empty-segment", "path-parameter"]
upstream = "http://UPSTREAM"
rules = [
    { path = "/{*rest}", context = "read" },
    { path = "/admin/{*rest}", context = "admin" },
    { path = "/heads", methods = ["GET"], context = "read" },
    { path = "/heads", methods = ["HEAD"], context = "admin" },
]
"#;

/// What must become of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outcome {
    /// It is refused with this status, and nothing reaches the upstream.
    Refused(u16),
    /// It reaches the upstream with exactly this first line.
    Reaches(&'static str),
}

pub(crate) use Outcome::{Reaches, Refused};

/// A gateway, what stands behind it, and a token for `read`.
pub(crate) struct Stage {
    pub(crate) upstream: Upstream,
    pub(crate) gateway: Gateway,
    pub(crate) secret: String,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let upstream = Upstream::start();
        let apis = APIS.replace("UPSTREAM", &upstream.address().to_string());
        let gateway = Gateway::start(&format!("limits = {{ {FREELY} }}\n{apis}"));
        gateway.owner("alice");
        let token = gateway.token(serde_json::json!({
            "owner": "alice", "name": "attacker's", "contexts": ["read"],
        }));
        Self { upstream, gateway, secret: token.secret }
    }

    /// The line that carries the token.
    pub(crate) fn auth(&self) -> String {
        format!("Authorization: Bearer {}\r\n", self.secret)
    }

    /// Sends bytes on a connection of their own, says that no more will come, and takes the answer.
    pub(crate) fn send(&self, bytes: &[u8]) -> (Option<Answer>, Vec<Seen>) {
        let mut client = Client::connect(self.gateway.public());
        client.send(bytes);
        let method = String::from_utf8_lossy(bytes).split(' ').next().unwrap_or("").to_owned();
        (client.answer_to(&method), self.upstream.take())
    }

    /// Sends a request of which only this much is of interest, with the token.
    pub(crate) fn request(&self, first_line: &str, lines: &str) -> (Option<Answer>, Vec<Seen>) {
        self.send(&self.bytes(first_line, lines))
    }

    fn bytes(&self, first_line: &str, lines: &str) -> Vec<u8> {
        let text = format!("{first_line}\r\n{lines}{}\r\n", self.auth());
        // One byte for each character, so that a row can hold bytes that are not UTF-8.
        text.chars().map(|c| u8::try_from(c).unwrap()).collect()
    }

    /// Checks one row.
    pub(crate) fn check(&self, row: &str, bytes: &[u8], outcome: Outcome) {
        let (answer, seen) = self.send(bytes);
        let shown = bytes.escape_ascii().to_string();
        let answer = answer.unwrap_or_else(|| panic!("{row}: no answer to {shown}"));
        let text = answer.text();
        match outcome {
            Refused(status) => {
                assert_eq!(answer.status, status, "{row}: {shown}: {text}");
                assert!(seen.is_empty(), "{row}: {shown} reached the upstream: {seen:?}");
            }
            Reaches(line) => {
                assert_eq!(answer.status, 200, "{row}: {shown}: {text}");
                let lines: Vec<_> = seen.iter().map(Seen::line).collect();
                assert_eq!(lines, [line], "{row}: {shown}");
            }
        }
    }

    /// Checks rows of targets, asked with the token on host `a.example`.
    pub(crate) fn check_targets(&self, rows: &[(&str, &str, Outcome)]) {
        for (row, target, outcome) in rows {
            let bytes = self.bytes(&format!("GET {target} HTTP/1.1"), "Host: a.example\r\n");
            self.check(row, &bytes, *outcome);
        }
    }

    /// Checks rows of first lines and further lines, asked with the token.
    pub(crate) fn check_heads(&self, rows: &[(&str, &str, &str, Outcome)]) {
        for (row, first_line, lines, outcome) in rows {
            self.check(row, &self.bytes(first_line, lines), *outcome);
        }
    }
}
