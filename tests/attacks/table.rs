//! The gateway that is attacked, and rows of what is sent, answered and passed on.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::twin::Twin;
use crate::support::client::{Answer, Client};
use crate::support::frames::{Frames, Reply, field};
use crate::support::gateway::{FREELY, Gateway, Made};
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

/// What a client does that has sent its bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Then {
    /// It takes one answer.
    Leave,
    /// And waits until the connection ends.
    Wait,
    /// The same once it has said that no more will come.
    Finish,
}

/// What a client was told: an answer, and all that came behind it.
pub(crate) struct Said {
    pub(crate) answer: Option<Answer>,
    pub(crate) rest: Vec<u8>,
}

impl Then {
    pub(super) fn say(self, address: SocketAddr, bytes: &[u8]) -> Said {
        let mut client = Client::connect(address);
        client.send(bytes);
        if matches!(self, Self::Finish) {
            client.finish();
        }
        let method = String::from_utf8_lossy(bytes).split(' ').next().unwrap_or("").to_owned();
        let answer = client.answer_to(&method);
        let rest = if matches!(self, Self::Leave) { Vec::new() } else { client.rest() };
        Said { answer, rest }
    }
}

/// A gateway, what stands behind it, and a token for `read`.
pub(crate) struct Stage {
    pub(crate) upstream: Upstream,
    pub(crate) gateway: Gateway,
    pub(crate) secret: String,
    twin: Option<Twin>,
}

fn config() -> String {
    format!("limits = {{ {FREELY}, requests_per_connection = 0 }}\n{APIS}")
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::before(Upstream::start())
    }

    /// In front of this one.
    pub(crate) fn before(upstream: Upstream) -> Self {
        Self::beside(upstream, None)
    }

    /// Whatever is asked of this one must come to the same where the upstream speaks HTTP/2.
    pub(crate) fn twofold() -> Self {
        Self::beside(Upstream::start(), Some(Twin::start(&config())))
    }

    fn beside(upstream: Upstream, twin: Option<Twin>) -> Self {
        let apis = config().replace("UPSTREAM", &upstream.address().to_string());
        let gateway = Gateway::start(&apis);
        gateway.owner("alice");
        let mut stage = Self { upstream, gateway, secret: String::new(), twin };
        let body = json!({ "owner": "alice", "name": "attacker's", "contexts": ["read"] });
        stage.secret = stage.token(&body).secret;
        stage
    }

    /// Makes a token from the body of the act.
    pub(crate) fn token(&mut self, body: &Value) -> Made {
        let made = self.gateway.token(body.clone());
        if let Some(twin) = &mut self.twin {
            twin.token(body, &made);
        }
        made
    }

    /// The line that carries the token.
    pub(crate) fn auth(&self) -> String {
        format!("Authorization: Bearer {}\r\n", self.secret)
    }

    /// Sends bytes on a connection of their own, and takes the answer.
    pub(crate) fn send(&self, bytes: &[u8]) -> (Option<Answer>, Vec<Seen>) {
        let (said, seen) = self.say(bytes, Then::Leave);
        (said.answer, seen)
    }

    /// The same, and what comes of it.
    pub(crate) fn say(&self, bytes: &[u8], then: Then) -> (Said, Vec<Seen>) {
        let (said, seen) = (then.say(self.gateway.public(), bytes), self.upstream.take());
        if let Some(twin) = &self.twin {
            twin.same(bytes, then, &said, &seen);
        }
        (said, seen)
    }

    /// Sends a request of which only this much is of interest, with the token.
    pub(crate) fn request(&self, first_line: &str, lines: &str) -> (Option<Answer>, Vec<Seen>) {
        self.send(&self.bytes(first_line, lines))
    }

    fn bytes(&self, first_line: &str, lines: &str) -> Vec<u8> {
        raw(&format!("{first_line}\r\n{lines}{}\r\n", self.auth()))
    }

    /// The same over HTTP/1.1 and, where it can say the same, over HTTP/2: the status, and what reached the upstream.
    pub(crate) fn request_both(&self, first_line: &str, lines: &str) -> Vec<(u16, Vec<Seen>)> {
        self.ask_both(first_line, &format!("{lines}{}", self.auth()), "")
    }

    /// The same with a body, whose length the lines say, and with no other token than these do.
    pub(crate) fn ask_both(
        &self,
        first_line: &str,
        lines: &str,
        body: &str,
    ) -> Vec<(u16, Vec<Seen>)> {
        let text = format!("{first_line}\r\n{lines}\r\n{body}");
        let (answer, seen) = self.send(&raw(&text));
        let mut both = vec![(answer.unwrap().status, seen)];
        if let Some(head) = http2(first_line, lines) {
            let body = Some(body.as_bytes()).filter(|body| !body.is_empty());
            let (reply, seen) = self.ask_http2(&head, body, &[]);
            both.push((reply.status.unwrap_or(400), seen));
        }
        both
    }

    /// Sends a request over HTTP/2 on a connection of its own, whose head is exactly these fields.
    pub(crate) fn ask_http2(
        &self,
        head: &[u8],
        body: Option<&[u8]>,
        trailers: &[u8],
    ) -> (Reply, Vec<Seen>) {
        let mut frames = Frames::connect(self.gateway.public(), 1 << 16);
        let (reply, seen) = (frames.ask(1, head, body, trailers), self.upstream.take());
        if let Some(twin) = &self.twin {
            twin.same_http2((head, body, trailers), &reply, &seen);
        }
        (reply, seen)
    }

    /// Checks one row over HTTP/2. What cannot be read there may be answered by a reset alone.
    pub(crate) fn check_http2(&self, row: &str, head: &[u8], outcome: Outcome) {
        let (reply, seen) = self.ask_http2(head, None, &[]);
        let shown = format!("{row}, over HTTP/2: {}", head.escape_ascii());
        match outcome {
            Refused(status) => {
                let reset = reply.status.is_none() && matches!(status, 400 | 405);
                let text = String::from_utf8_lossy(&reply.body);
                assert!(
                    reset || reply.status == Some(status),
                    "{shown}: {:?} {text}",
                    reply.status
                );
                assert!(seen.is_empty(), "{shown} reached the upstream: {seen:?}");
            }
            Reaches(line) => {
                assert_eq!(reply.status, Some(200), "{shown}");
                assert!(reply.whole, "{shown}");
                let lines: Vec<_> = seen.iter().map(Seen::line).collect();
                assert_eq!(lines, [line], "{shown}");
            }
        }
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

    /// Checks rows of targets, asked with the token on host `a.example`, over HTTP/1.1 and HTTP/2.
    pub(crate) fn check_targets(&self, rows: &[(&str, &str, Outcome)]) {
        for (row, target, outcome) in rows {
            let first_line = format!("GET {target} HTTP/1.1");
            self.check_heads(&[(row, &first_line, "Host: a.example\r\n", *outcome)]);
        }
    }

    /// Checks rows of first lines and further lines, asked with the token, over HTTP/1.1 and, where it can say the same,
    /// HTTP/2.
    pub(crate) fn check_heads(&self, rows: &[(&str, &str, &str, Outcome)]) {
        for (row, first_line, lines, outcome) in rows {
            self.check(row, &self.bytes(first_line, lines), *outcome);
            if let Some(head) = http2(first_line, &format!("{lines}{}", self.auth())) {
                self.check_http2(row, &head, *outcome);
            }
        }
    }
}

/// One byte for each character, so that a row can hold bytes that are not UTF-8.
fn raw(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(c).unwrap()).collect()
}

/// Fields that HTTP/2 has not (RFC 9113 section 8.2.2).
const OF_CONNECTION: [&str; 5] =
    ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"];

/// The head of the same request over HTTP/2 (RFC 9113 section 8.3.1); nothing for another version than 1.1, other than
/// one host, a target that is a whole address, and fields of the connection.
pub(crate) fn http2(first_line: &str, lines: &str) -> Option<Vec<u8>> {
    let (method, target) = first_line.strip_suffix(" HTTP/1.1")?.split_once(' ')?;
    let lines: Vec<_> = lines.split_terminator("\r\n").map(|line| line.split_once(':')).collect();
    let mut fields = Vec::new();
    let mut hosts = Vec::new();
    for line in lines {
        let (name, value) = line?;
        let (name, value) = (name.to_ascii_lowercase(), value.trim_matches([' ', '\t']));
        match name.as_str() {
            "host" => hosts.push(value),
            name if OF_CONNECTION.contains(&name) => return None,
            _ => fields.push((name, value)),
        }
    }
    let [host] = hosts[..] else { return None };
    if target.split('/').next().is_some_and(|begin| begin.contains(':')) {
        return None;
    }
    let own = [(":method", method), (":scheme", "http"), (":authority", host), (":path", target)];
    let own = own.iter().map(|(name, value)| ((*name).to_owned(), *value));
    Some(own.chain(fields).flat_map(|(name, value)| field(raw(&name), raw(value))).collect())
}
