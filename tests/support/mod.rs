//! What the tests that speak over sockets share: an upstream that records, clients that say exactly
//! what they are told, and the gateway itself.
//!
//! Nothing here waits without a limit, and everything that is started ends with the value that stands
//! for it.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of this")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::thread;
use std::time::Duration;

use tollgate::clock::instant;

pub mod axe;
pub mod browser;
pub mod client;
pub mod desk;
pub mod routes;
pub mod spellings;
pub mod frames;
pub mod gateway;
pub mod http2;
pub mod process;
pub mod program;
pub mod recorder;
pub mod relay;
pub mod steps;
pub mod tls;
pub mod upstream;

/// How long anything may take before a test gives up on it. Far more than it ever takes, for machines
/// with many builds at a time.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Looks again and again until it `is` so, and fails with `what` if that takes longer than `within`.
pub fn wait_until(what: &str, within: Duration, mut is: impl FnMut() -> bool) {
    let begun = instant();
    while !is() {
        assert!(begun.elapsed() < within, "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Where `needle` begins in `hay`.
pub fn position(hay: &[u8], needle: &[u8]) -> Option<usize> {
    hay.windows(needle.len()).position(|window| window == needle)
}

/// Header lines of a head, without the first line: names as they were written, values as bytes.
pub fn fields(head: &[u8]) -> Vec<(String, Vec<u8>)> {
    let lines = head.split(|byte| *byte == b'\n').skip(1);
    lines
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let value = line[colon + 1..].trim_ascii().to_vec();
            Some((String::from_utf8_lossy(&line[..colon]).into_owned(), value))
        })
        .collect()
}

/// How the end of a body is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is no body.
    None,
    /// A `Content-Length`.
    Length(u64),
    /// Chunks.
    Chunked,
    /// The end of the connection.
    Close,
}

/// The framing that the fields declare; `Close` where they declare nothing.
pub fn framing(fields: &[(String, Vec<u8>)]) -> Framing {
    let value = |wanted: &str| {
        let found = fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| String::from_utf8_lossy(value).trim().to_ascii_lowercase())
    };
    if value("transfer-encoding").is_some_and(|coding| coding.ends_with("chunked")) {
        return Framing::Chunked;
    }
    value("content-length")
        .and_then(|length| length.parse().ok())
        .map_or(Framing::Close, Framing::Length)
}
