//! One portable file of everything: a header, the lines of the history as they are, the last uses, how much
//! tokens were used, a summary, and SHA-256 of all that stands before it. A cut or a changed bit anywhere is noticed.
//!
//! Sealed parameters stay sealed; the summary names the keys that they need. Written by every store,
//! read by `restore` alone.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read as _, Write};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

mod incoming;

pub use incoming::Incoming;

use super::{LastUse, StoreError, sealed};
use crate::domain::id::TokenId;
use crate::domain::left::{InPeriod, Spent};
use crate::domain::secret::Digest;
use crate::domain::time::Timestamp;
use crate::history::{self, Checked, Head};

const VERSION: u8 = 1;
const SEAL: &str = "sha256 ";
/// In the place of the seal, where the end could not be written.
const FAILED: &str = "failed ";
const PIECE_BYTES: usize = 64 * 1024;
/// The most that a first line has. What is no backup may have a line without an end.
const HEADER_BYTES: u64 = 1024;

#[derive(Serialize, Deserialize)]
struct Header {
    tollgate_backup: u8,
    at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct UseLine {
    r#use: TokenId,
    at: Timestamp,
    address: std::net::IpAddr,
    api: Box<str>,
}

/// How many requests of a token count towards its limits: in all, and for each period since when.
#[derive(Serialize, Deserialize)]
struct SpentLine {
    spent: TokenId,
    uses: u64,
    quotas: [(Timestamp, u64); 4],
}

/// What is passed on of a backup that is read.
pub(super) enum Item<'a> {
    /// A line of the history.
    Event(Checked<'a>),
    /// A last use.
    Use(TokenId, LastUse),
    /// How many requests count.
    Spent(TokenId, Spent),
}

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// How many events; the newest has this number.
    pub events: u64,
    /// The hash of the newest event.
    pub head: Digest,
    /// How many last uses.
    pub uses: u64,
    /// For how many tokens requests are counted.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub spent: u64,
    /// The wall clock's high-water mark.
    pub high_water: Timestamp,
    /// The keys that its sealed parameters need.
    pub keys: BTreeSet<String>,
}

/// A backup that is being written.
pub(super) struct Writing {
    out: BufWriter<Box<dyn Write + Send>>,
    hash: Context,
    summary: Summary,
}

impl Writing {
    /// Begins one.
    pub(super) fn begin(into: Box<dyn Write + Send>, at: Timestamp) -> Result<Self, StoreError> {
        let summary = Summary {
            events: 0,
            head: Digest::from_bytes(Head::EMPTY.hash),
            uses: 0,
            spent: 0,
            high_water: at,
            keys: BTreeSet::new(),
        };
        let out = BufWriter::with_capacity(PIECE_BYTES, into);
        let mut writing = Self { out, hash: Context::new(&SHA256), summary };
        writing.json(&Header { tollgate_backup: VERSION, at })?;
        Ok(writing)
    }

    /// Adds a line of the history.
    pub(super) fn event(&mut self, seq: u64, line: &[u8]) -> Result<(), StoreError> {
        self.summary.events = seq;
        self.summary.head = Digest::from_bytes(history::hash_of(line));
        self.summary.keys.extend(keys(line));
        self.line(line)
    }

    /// Adds a last use.
    pub(super) fn last_use(&mut self, token: TokenId, last: &LastUse) -> Result<(), StoreError> {
        self.summary.uses = self.summary.uses.saturating_add(1);
        let api = last.api.as_ref().into();
        self.json(&UseLine { r#use: token, at: last.at, address: last.address, api })
    }

    /// Adds how many requests of a token count.
    pub(super) fn spent(&mut self, token: TokenId, spent: Spent) -> Result<(), StoreError> {
        self.summary.spent = self.summary.spent.saturating_add(1);
        let quotas = spent.quotas.map(|held| (held.begin, held.requests));
        self.json(&SpentLine { spent: token, uses: spent.uses, quotas })
    }

    /// Ends it.
    pub(super) fn finish(mut self, high_water: Timestamp) -> Result<Summary, StoreError> {
        self.summary.high_water = high_water;
        let summary = self.summary.clone();
        self.json(&summary)?;
        let seal = hex(self.hash.clone().finish().as_ref());
        let ended = writeln!(self.out, "{SEAL}{seal}").and_then(|()| self.out.flush());
        ended.map_err(unwritten)?;
        Ok(summary)
    }

    /// Ends it by saying why it cannot be finished, to whoever reads it elsewhere.
    pub(super) fn fail(mut self, why: &StoreError) {
        let line = why.to_string().replace('\n', " ");
        // Whoever does not get this sees that the seal is missing.
        let _ = writeln!(self.out, "{FAILED}{line}").and_then(|()| self.out.flush());
    }

    fn json(&mut self, value: &impl Serialize) -> Result<(), StoreError> {
        let json = serde_json::to_vec(value);
        self.line(&json.map_err(unwritten)?)
    }

    fn line(&mut self, line: &[u8]) -> Result<(), StoreError> {
        self.hash.update(line);
        self.hash.update(b"\n");
        let written = self.out.write_all(line).and_then(|()| self.out.write_all(b"\n"));
        written.map_err(unwritten)
    }
}

const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Reads a whole backup, passing on what it holds in order. What is passed on must not be
/// relied on before this has returned: the seal stands at the end.
pub(super) fn read(
    path: &Path,
    take: impl FnMut(Item<'_>) -> Result<(), StoreError>,
) -> Result<Summary, StoreError> {
    let file = File::open(path).map_err(|error| failed("reading", path, error))?;
    read_from(path, BufReader::with_capacity(256 * 1024, file), take)
}

/// The same from anywhere; errors name `path`.
pub(super) fn read_from(
    path: &Path,
    from: impl BufRead,
    mut take: impl FnMut(Item<'_>) -> Result<(), StoreError>,
) -> Result<Summary, StoreError> {
    let mut lines = SealedLines::new(path, from);
    let header: Header = lines.json()?.ok_or_else(|| damaged(path, 0, "it is empty"))?;
    if header.tollgate_backup != VERSION {
        let what = format!("it has version {}, not {VERSION}", header.tollgate_backup);
        return Err(damaged(path, 0, what));
    }
    let (mut head, mut keys_needed) = (Head::EMPTY, BTreeSet::new());
    let (mut uses, mut spent) = (0_u64, 0_u64);
    let mut summary: Option<Summary> = None;
    while let Some(line) = lines.next_line()? {
        let at = lines.at;
        let bad = |what: &str| damaged(path, at, what);
        if summary.is_some() {
            return Err(bad("something stands after the summary"));
        }
        if line.starts_with(b"{\"seq\":") {
            let checked = history::check(&line).map_err(bad)?;
            if checked.seq != head.seq.saturating_add(1) || checked.prev != head.hash {
                return Err(bad("an event does not follow the one before it"));
            }
            head = Head { seq: checked.seq, hash: history::hash_of(&line) };
            keys_needed.extend(keys(&line));
            take(Item::Event(checked))?;
        } else if line.starts_with(b"{\"use\":") {
            let line: UseLine = serde_json::from_slice(&line).map_err(|_| bad("it is no use"))?;
            uses = uses.saturating_add(1);
            let last = LastUse { at: line.at, address: line.address, api: line.api.into() };
            take(Item::Use(line.r#use, last))?;
        } else if line.starts_with(b"{\"spent\":") {
            let line: SpentLine =
                serde_json::from_slice(&line).map_err(|_| bad("it is no count"))?;
            spent = spent.saturating_add(1);
            let quotas = line.quotas.map(|(begin, requests)| InPeriod { begin, requests });
            take(Item::Spent(line.spent, Spent { uses: line.uses, quotas }))?;
        } else {
            summary = serde_json::from_slice(&line).map_err(|_| bad("a line is unknown"))?;
        }
    }
    let head = Digest::from_bytes(head.hash);
    let counted = |summary: &Summary| {
        (summary.uses, summary.spent, summary.head) == (uses, spent, head)
            && summary.keys == keys_needed
    };
    summary
        .filter(counted)
        .ok_or_else(|| damaged(path, lines.at, "its summary does not match what it holds"))
}

/// Checks a whole backup, and says what it holds. This blocks.
///
/// # Errors
/// It was cut, changed, or is no backup.
pub fn verify(path: &Path) -> Result<Summary, StoreError> {
    read(path, |_| Ok(()))
}

/// The lines of a backup up to its seal, which is checked when it is reached.
struct SealedLines<R> {
    path: PathBuf,
    reader: R,
    hash: Context,
    /// Where the last line that was read began.
    at: u64,
    next: u64,
}

impl<R: BufRead> SealedLines<R> {
    fn new(path: &Path, reader: R) -> Self {
        Self { path: path.to_owned(), reader, hash: Context::new(&SHA256), at: 0, next: 0 }
    }

    fn json<T: serde::de::DeserializeOwned>(&mut self) -> Result<Option<T>, StoreError> {
        let Some(line) = self.next_line()? else { return Ok(None) };
        let parsed = serde_json::from_slice(&line);
        parsed.map(Some).map_err(|_| damaged(&self.path, self.at, "this is not a backup"))
    }

    fn next_line(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        let mut line = Vec::new();
        let most = if self.next == 0 { HEADER_BYTES } else { u64::MAX };
        let read = self.reader.by_ref().take(most).read_until(b'\n', &mut line);
        let read = read.map_err(|error| failed("reading", &self.path, error))?;
        self.at = self.next;
        self.next = self.next.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        let bad = |what: &str| damaged(&self.path, self.at, what);
        if !line.ends_with(b"\n") && self.at == 0 && read > 0 {
            return Err(bad("this is not a backup"));
        }
        if !line.ends_with(b"\n") {
            return Err(bad("it was cut short"));
        }
        if let Some(seal) = line.strip_prefix(SEAL.as_bytes()) {
            let wanted = hex(self.hash.clone().finish().as_ref()) + "\n";
            if seal != wanted.as_bytes() {
                return Err(bad("its seal does not match: something in it was changed"));
            }
            let rest =
                self.reader.fill_buf().map_err(|error| failed("reading", &self.path, error))?;
            return if rest.is_empty() {
                Ok(None)
            } else {
                Err(bad("something stands after its seal"))
            };
        }
        if let Some(why) = line.strip_prefix(FAILED.as_bytes()) {
            let why = String::from_utf8_lossy(why);
            return Err(StoreError::Failed {
                doing: "taking the backup".to_owned(),
                cause: why.trim_end().to_owned(),
            });
        }
        self.hash.update(&line);
        line.pop();
        Ok(Some(line))
    }
}

/// The ids of the keys under which parameters in a line were sealed.
fn keys(line: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(line).unwrap_or_default();
    let sealed = text.split("\"sealed\":\"").skip(1);
    sealed.filter_map(|rest| sealed::key_of(rest.split('"').next()?)).map(str::to_owned).collect()
}

fn hex(bytes: &[u8]) -> String {
    let digit = |n: u8| char::from_digit(u32::from(n), 16).unwrap_or('0');
    bytes.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]).collect()
}

fn unwritten(cause: impl std::fmt::Display) -> StoreError {
    StoreError::Failed { doing: "writing the backup".to_owned(), cause: cause.to_string() }
}

fn failed(doing: &str, path: &Path, cause: impl std::fmt::Display) -> StoreError {
    StoreError::Failed { doing: format!("{doing} `{}`", path.display()), cause: cause.to_string() }
}

fn damaged(path: &Path, at: u64, what: impl std::fmt::Display) -> StoreError {
    StoreError::Damaged {
        place: path.display().to_string(),
        what: format!("at byte {at}: {what}"),
        hint: "take another backup: nothing of this one was used".to_owned(),
    }
}
