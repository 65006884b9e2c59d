//! Answers of upstreams, for `crate::fuzzing`.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what is found is told by panicking"
)]

mod frames;
mod probe;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http::header::{self, HeaderMap};
use tokio::io::{AsyncRead, ReadBuf};

use crate::wire;

use super::answer::{self, Answer, Wanted};
use super::error::Broken;
use super::fields::Without;
use super::framing::Framing;
use super::lines::{MARK, Waiting};
use super::part::Part;

pub use frames::frames;
pub use probe::probe;

const LINES: Wanted = Wanted {
    bodiless: false,
    websocket: false,
    accept: None,
    lines: true,
    without: Without { cors: false, caching: false },
};
const MAP: Wanted = Wanted { lines: false, ..LINES };

/// Fields, with names in lower case.
type Fields = Vec<(String, Vec<u8>)>;

/// What an upstream said.
#[derive(Debug, Default, PartialEq)]
struct Said {
    heads: Vec<(u16, Fields)>,
    body: Vec<u8>,
    trailers: Option<HeaderMap>,
    /// Whether another answer may follow, and what came behind this one.
    persists: bool,
    rest: Vec<u8>,
    whole: bool,
}

/// What comes, in pieces of this size.
struct Pieces<'a> {
    bytes: &'a [u8],
    size: usize,
}

impl AsyncRead for Pieces<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let size = self.size.min(self.bytes.len()).min(buffer.remaining());
        let (now, later) = self.bytes.split_at(size);
        buffer.put_slice(now);
        self.bytes = later;
        Poll::Ready(Ok(()))
    }
}

/// Reads an answer to its end: it does not matter in which pieces it comes, and what goes on has one reading.
pub fn answer(bytes: &[u8]) -> bool {
    let whole = read(bytes, bytes.len().max(1), LINES);
    for size in [1, 3, 64] {
        assert_eq!(read(bytes, size, LINES), whole, "in pieces of {size}");
    }
    assert_eq!(read(bytes, bytes.len().max(1), MAP), whole, "as a map");
    whole.whole
}

/// What comes in pieces of this size, as a connection reads it.
fn read(bytes: &[u8], size: usize, wanted: Wanted) -> Said {
    let mut said = Said::default();
    let (mut unread, mut looked, mut framing) = (Bytes::new(), 0, None);
    for piece in bytes.chunks(size) {
        let mut joined = BytesMut::from(&unread[..]);
        joined.extend_from_slice(piece);
        unread = joined.freeze();
        if take(&mut said, (&mut unread, &mut looked), &mut framing, wanted).is_err() {
            return said;
        }
    }
    if let Some(framing) = &mut framing {
        said.persists &= framing.is_over();
        said.whole = framing.is_over() || framing.close().is_ok();
        said.rest = unread.to_vec();
    }
    said
}

fn take(
    said: &mut Said,
    (unread, looked): (&mut Bytes, &mut usize),
    framing: &mut Option<Framing>,
    wanted: Wanted,
) -> Result<(), Broken> {
    while framing.is_none() {
        if !answer::may_be_whole(unread, *looked) {
            return Ok(());
        }
        let before = unread.clone();
        let Some(answer) = answer::read(unread, wanted, &mut HeaderMap::new())? else {
            *looked = unread.len();
            return Ok(());
        };
        *looked = 0;
        let head = &before[..before.len() - unread.len()];
        let status = answer.response.status();
        said.heads.push((status.as_u16(), check(&answer, head)));
        if !status.is_informational() || status == 101 {
            said.persists = answer.persists;
            *framing = Some(answer.framing);
        }
    }
    let Some(framing) = framing else { return Ok(()) };
    let left = framing.left();
    let mut come = 0;
    loop {
        match framing.next(unread)? {
            Part::Data(data) => {
                come += data.len() as u64;
                said.body.extend_from_slice(&data);
            }
            Part::Trailers(trailers) => {
                for name in trailers.keys() {
                    let travels = wire::is_hop_by_hop(name.as_str());
                    assert!(!travels && *name != header::CONTENT_LENGTH, "{name} trails");
                }
                said.trailers = Some(trailers);
            }
            Part::End | Part::More => break,
        }
    }
    assert_eq!(framing.left(), left.map(|left| left - come));
    Ok(())
}

/// What goes on of a head.
fn check(answer: &Answer, head: &[u8]) -> Fields {
    let shown = head.escape_ascii().to_string();
    let fields = match &answer.lines {
        None => {
            let headers = answer.response.headers().iter();
            headers.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect()
        }
        Some(lines) => parse(&lines.text, &shown),
    };
    let count = |wanted: &str| fields.iter().filter(|(name, _)| name == wanted).count();
    assert!(count("content-length") <= 1 && count("transfer-encoding") == 0, "{shown}");
    for (name, value) in &fields {
        assert!(!wire::is_hop_by_hop(name) && *name != MARK.0.as_str(), "{name} of {shown}");
        if name == "trailer" {
            let mut announced = wire::trailers::announced(value);
            assert!(announced.all(|one| wire::trailers::may_trail(&one)), "{name} of {shown}");
            continue;
        }
        assert!(memchr::memmem::find(head, value).is_some(), "{name} of {shown}");
    }
    match &answer.framing {
        Framing::Length(length) => {
            let no_body = *length == 0;
            let told = fields.iter().find(|(name, _)| name == "content-length");
            let same = |value: &[u8]| {
                value.iter().fold(0_u64, |sum, digit| {
                    sum.saturating_mul(10).saturating_add(u64::from(digit.saturating_sub(b'0')))
                }) == *length
            };
            assert!(no_body || told.is_some_and(|(_, value)| same(value)), "{shown}");
        }
        _ => assert_eq!(count("content-length"), 0, "{shown}"),
    }
    merge(answer, &fields, &shown);
    // A map has those of one name together.
    let mut fields = fields;
    fields.sort_by(|one, other| one.0.cmp(&other.0));
    fields
}

fn parse(text: &[u8], shown: &str) -> Fields {
    let text = text.strip_suffix(b"\r\n").unwrap_or(text);
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let fields = lines.map(|line| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let colon = memchr::memmem::find(line, b": ").unwrap_or_else(|| panic!("{shown}"));
        assert!(memchr::memchr2(b'\r', 0, line).is_none(), "{shown}");
        let name = std::str::from_utf8(&line[..colon]).unwrap().to_ascii_lowercase();
        (name, line[colon + 2..].to_vec())
    });
    fields.collect()
}

/// Puts the fields into a head as hyper writes it, and what stands behind it stays.
fn merge(answer: &Answer, fields: &Fields, shown: &str) {
    let Some(lines) = &answer.lines else { return };
    let copy = super::lines::Lines {
        text: lines.text.clone(),
        has_length: lines.has_length,
        has_date: lines.has_date,
        has_trailer: lines.has_trailer,
    };
    let (mut waiting, mut written) = (Waiting::default(), Vec::new());
    waiting.push(copy);
    let begin = "HTTP/1.1 200 OK\r\ntollgate-fields: \r\nconnection: close\r\ndate: now\r\n\r\n";
    waiting.put_into(format!("{begin}date: of a body\r\n").as_bytes(), &mut written);
    let mut wanted = fields.clone();
    wanted.push(("connection".to_owned(), b"close".to_vec()));
    if !fields.iter().any(|(name, _)| name == "date") {
        wanted.push(("date".to_owned(), b"now".to_vec()));
    }
    let head =
        written.strip_suffix(b"\r\n\r\ndate: of a body\r\n").unwrap_or_else(|| panic!("{shown}"));
    let head = head.strip_prefix(b"HTTP/1.1 200 OK\r\n").unwrap_or_else(|| panic!("{shown}"));
    assert_eq!(parse(head, shown), wanted, "{shown}");
    assert!(waiting.is_empty());
}
