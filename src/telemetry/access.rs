//! The access log: one line about each request, with nothing in it that opens a door.
//!
//! Lines do not pass through `tracing`, which would visit each field by itself: a core formats into
//! a buffer of its own and hands the text to the thread that writes. `docs/operating.md` explains
//! the fields.

use std::borrow::Cow;
use std::fmt;
use std::io::Write as _;
use std::net::IpAddr;

use serde::{Serialize, Serializer};
use tracing_appender::non_blocking::NonBlocking;

use crate::clock::Clock;
use crate::domain::id::TokenId;
use crate::domain::secret;

use super::lines::Format;
use super::stamp::Stamp;

/// Where lines go. Without a destination they are dropped.
#[derive(Clone, Debug, Default)]
pub struct AccessLog(Option<Destination>);

#[derive(Clone, Debug)]
struct Destination {
    out: NonBlocking,
    format: Format,
    clock: Clock,
}

/// What one core writes lines with.
#[derive(Debug)]
pub struct LineWriter {
    to: Option<Destination>,
    buffer: Vec<u8>,
}

/// The number of a request, by which its line and the upstream's own log are brought together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId(pub u64);

/// What is told of a request. Fields that do not apply are left out.
#[derive(Clone, Debug, Serialize)]
pub struct Line<'a> {
    /// Its number, as the upstream gets it.
    pub request: RequestId,
    /// Whence it came.
    pub peer: IpAddr,
    /// Its method.
    #[serde(serialize_with = "plain")]
    pub method: &'a str,
    /// The host; none where it could not be read.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "host")]
    pub host: Option<&'a str>,
    /// The path as it was checked, or as it came where it could not be read; never the query.
    #[serde(serialize_with = "path")]
    pub path: &'a str,
    /// The version that the client spoke.
    pub http: &'static str,
    /// The status of the answer; none where the client left before there was one, or the gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Bytes of the answer's body that were handed to the client's connection.
    pub bytes: u64,
    /// The API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api: Option<&'a str>,
    /// How the API's clients speak, where that is not `bearer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialect: Option<&'static str>,
    /// The rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<&'a str>,
    /// `answered`, `preflight`, `refused`, `failed` or `abandoned`.
    pub outcome: &'static str,
    /// Exactly why it was refused or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// Who ended the answer before its end: `client` or `upstream`, `token` where that ended, `stop` where the gateway did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut: Option<&'static str>,
    /// The token, where it is known; never its secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenId>,
    /// Whom it acts for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<&'a str>,
    /// From the end of the request's head to the end of the answer, in microseconds.
    pub duration_us: u64,
    /// From the decision to the head of the upstream's answer, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream_us: Option<u64>,
}

/// A line as JSON, with the fields that every log line has.
#[derive(Serialize)]
struct Whole<'a> {
    timestamp: Stamp,
    level: &'static str,
    target: &'static str,
    #[serde(flatten)]
    line: &'a Line<'a>,
}

impl AccessLog {
    pub(super) const fn new(out: NonBlocking, format: Format, clock: Clock) -> Self {
        Self(Some(Destination { out, format, clock }))
    }

    /// What one core writes with.
    pub fn writer(&self) -> LineWriter {
        LineWriter { to: self.0.clone(), buffer: Vec::new() }
    }
}

impl LineWriter {
    /// Writes a line, without waiting for whoever reads it.
    pub fn write(&mut self, line: &Line<'_>) {
        let Some(Destination { out, format, clock }) = &mut self.to else { return };
        self.buffer.clear();
        let timestamp = Stamp::now(clock);
        let written = match format {
            Format::Human => write!(self.buffer, "{timestamp}  INFO access: {line}"),
            Format::Json => {
                let whole = Whole { timestamp, level: "INFO", target: "access", line };
                serde_json::to_writer(&mut self.buffer, &whole).map_err(Into::into)
            }
        };
        self.buffer.push(b'\n');
        // A buffer in memory takes everything, and what does not fit the queue is counted there.
        if written.is_ok() {
            let _ = out.write_all(&self.buffer);
        }
    }
}

impl RequestId {
    /// Sixteen hexadecimal digits.
    pub fn digits(self) -> [u8; 16] {
        let mut digits = [0; 16];
        for (place, digit) in digits.iter_mut().rev().enumerate() {
            let nibble = (self.0 >> (4 * place)) as u8 & 0xf;
            *digit = if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
        }
        digits
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// For people. No value holds a space: methods, hosts, paths and names cannot.
impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { request, peer, method, http, bytes, outcome, duration_us, .. } = self;
        let (method, host) = (secret::redact(method), secret::redact(self.host.unwrap_or("-")));
        write!(f, "{method} {host}{} ", without_secret(self.path))?;
        match self.status {
            Some(status) => write!(f, "{status} {outcome}")?,
            None => write!(f, "- {outcome}")?,
        }
        for (name, value) in [
            ("reason", self.reason),
            ("cut", self.cut),
            ("api", self.api),
            ("dialect", self.dialect),
            ("rule", self.rule),
            ("owner", self.owner),
        ] {
            if let Some(value) = value {
                write!(f, " {name}={value}")?;
            }
        }
        if let Some(token) = self.token {
            write!(f, " token={token}")?;
        }
        write!(f, " peer={peer} http={http} bytes={bytes} duration_us={duration_us}")?;
        if let Some(upstream_us) = self.upstream_us {
            write!(f, " upstream_us={upstream_us}")?;
        }
        write!(f, " request={request}")
    }
}

// A client can put a secret anywhere, and be refused for it.
fn plain<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&secret::redact(text))
}

fn host<S: Serializer>(host: &Option<&str>, serializer: S) -> Result<S::Ok, S::Error> {
    plain(host.unwrap_or_default(), serializer)
}

fn path<S: Serializer>(path: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&without_secret(path))
}

/// The most bytes of a path that a line holds.
const PATH_BYTES: usize = 1_024;

/// The path without secrets of our own form, which somebody may have put there by mistake (sec-L1),
/// and cut where it is very long.
fn without_secret(path: &str) -> Cow<'_, str> {
    if holds_escaped_secret(path) {
        return Cow::Borrowed("/tg_[redacted]");
    }
    let path = secret::redact(path);
    if path.len() <= PATH_BYTES {
        return path;
    }
    let end = (0..=PATH_BYTES).rev().find(|end| path.is_char_boundary(*end)).unwrap_or(0);
    Cow::Owned(format!("{}...", path.get(..end).unwrap_or_default()))
}

/// What could not be read has its escapes still.
fn holds_escaped_secret(path: &str) -> bool {
    path.contains('%') && {
        let decoded = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
        matches!(secret::redact(&decoded), Cow::Owned(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: Line<'static> = Line {
        request: RequestId(0x2a),
        peer: IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
        method: "GET",
        host: Some("a.example"),
        path: "/x",
        http: "1.1",
        status: Some(401),
        bytes: 7,
        api: Some("erp"),
        dialect: None,
        rule: None,
        outcome: "refused",
        reason: Some("revoked"),
        cut: None,
        token: None,
        owner: Some("alice"),
        duration_us: 12,
        upstream_us: None,
    };

    #[test]
    fn a_request_has_sixteen_digits() {
        for number in [0, 0x2a, u64::MAX, 0x0123_4567_89ab_cdef] {
            let id = RequestId(number);
            assert_eq!(id.digits(), *id.to_string().as_bytes());
            assert_eq!(id.digits().len(), 16);
        }
    }

    #[test]
    fn a_line_for_people() {
        assert_eq!(
            LINE.to_string(),
            "GET a.example/x 401 refused reason=revoked api=erp owner=alice peer=127.0.0.1 \
             http=1.1 bytes=7 duration_us=12 request=000000000000002a"
        );
    }

    #[test]
    fn sec_l2_json_escapes_what_a_path_may_hold() {
        let line = Line { path: "/\"\\\u{1b}", ..LINE };
        let text = serde_json::to_string(&line).unwrap();
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["path"], "/\"\\\u{1b}");
        assert_eq!((&read["request"], &read["status"]), (&"000000000000002a".into(), &401.into()));
        assert_eq!(read.get("rule"), None);
    }

    #[test]
    fn sec_l1_a_secret_in_a_path_is_not_logged() {
        let secret = "tg_0123456789012345678901234567890123ab";
        let escaped = format!("/../tg%5F{}", &secret[3..]);
        for path in [format!("/x/{secret}/y"), format!("{}{secret}", "/x".repeat(500)), escaped] {
            let line = Line { path: &path, method: secret, host: Some(secret), ..LINE };
            for text in [line.to_string(), serde_json::to_string(&line).unwrap()] {
                assert!(!text.contains(&secret[3..]), "{text}");
            }
        }
    }

    #[test]
    fn a_long_path_is_cut() {
        let path = "/\u{e4}".repeat(1_000);
        let cut = without_secret(&path);
        assert!(cut.len() <= PATH_BYTES + 3 && cut.ends_with("..."));
    }
}
