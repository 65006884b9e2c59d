//! `DATA/deliveries`: what was tried and how far each webhook has come in the history, one line of JSON
//! for each attempt. It is not synced: what a crash of the machine takes from its end is told again. A line
//! that was cut is passed over.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::domain::id::Slug;
use crate::notices::attempt::{Attempt, Outcome};

/// Above so many bytes it is written anew, with what still matters.
const BYTES: u64 = 1 << 20;

/// How many attempts of each webhook are kept for whoever looks.
pub(super) const KEPT: usize = 200;

/// The most bytes that are read at a start: many times what is ever written.
const BYTES_READ: u64 = 64 << 20;

/// One line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) webhook: Slug,
    /// Everything up to this event was tried at least once, or is nothing to tell.
    pub(super) place: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) attempt: Option<Attempt>,
    /// It is no longer configured: one of this name that comes later is a new one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) gone: bool,
}

/// What a journal says of one webhook.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Restored {
    pub(super) place: u64,
    /// The newest last.
    pub(super) attempts: VecDeque<Attempt>,
    /// The last attempt of each notice that is tried again, or that is of an event after the place.
    pub(super) open: HashMap<String, Attempt>,
}

/// The open file.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: Option<File>,
    bytes: u64,
    /// How many it had when it was last written anew.
    fewest: u64,
}

impl Journal {
    /// That of a data folder; it is not written before it is written anew.
    pub(super) fn of(folder: &Path) -> Self {
        Self { path: folder.join("deliveries"), file: None, bytes: 0, fewest: 0 }
    }

    /// What it says, by webhook.
    ///
    /// # Errors
    /// What the system reports. That there is none is no error.
    pub(super) fn read(&self) -> io::Result<BTreeMap<Slug, Restored>> {
        use std::io::Read as _;
        let mut text = Vec::new();
        match File::open(&self.path) {
            Ok(file) => file.take(BYTES_READ).read_to_end(&mut text).map(drop)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let mut webhooks = BTreeMap::new();
        for line in text.split(|byte| *byte == b'\n') {
            if let Ok(line) = serde_json::from_slice::<Line>(line) {
                take(&mut webhooks, line);
            }
        }
        Ok(webhooks)
    }

    /// Whether it has grown so much that it should be written anew.
    pub(super) fn is_long(&self) -> bool {
        self.file.is_none() || self.bytes > BYTES.max(self.fewest.saturating_mul(2))
    }

    /// Adds a line.
    ///
    /// # Errors
    /// What the system reports; it is to be written anew then.
    pub(super) fn add(&mut self, line: &Line) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let text = written(line)?;
        let added = file.write_all(text.as_bytes());
        self.bytes = self.bytes.saturating_add(text.len() as u64);
        if added.is_err() {
            // Half a line may stand at its end.
            self.file = None;
        }
        added
    }

    /// Replaces it.
    ///
    /// # Errors
    /// What the system reports; the old one stays.
    pub(super) fn rewrite(&mut self, lines: &[Line]) -> io::Result<()> {
        let text: Result<Vec<_>, _> = lines.iter().map(written).collect();
        let text = text?.concat();
        let temporary = self.path.with_extension("new");
        // Made anew: one that a crash left may be open to others.
        let _ = fs::remove_file(&temporary);
        let mut options = File::options();
        let mut file = options.append(true).create_new(true).mode(0o600).open(&temporary)?;
        file.write_all(text.as_bytes())?;
        fs::rename(&temporary, &self.path)?;
        self.file = Some(file);
        self.bytes = text.len() as u64;
        self.fewest = self.bytes;
        Ok(())
    }
}

fn written(line: &Line) -> io::Result<String> {
    Ok(serde_json::to_string(line).map_err(io::Error::other)? + "\n")
}

fn take(webhooks: &mut BTreeMap<Slug, Restored>, line: Line) {
    if line.gone {
        webhooks.remove(&line.webhook);
        return;
    }
    let known = webhooks.entry(line.webhook).or_default();
    known.place = line.place;
    if let Some(attempt) = line.attempt {
        keep(&mut known.attempts, attempt.clone());
        known.open.insert(attempt.notice.clone(), attempt);
    }
    let place = known.place;
    known.open.retain(|_, last| {
        last.outcome == Outcome::Retry || last.event.is_some_and(|event| event > place)
    });
}

/// Adds an attempt, and drops the oldest ones.
pub(super) fn keep(attempts: &mut VecDeque<Attempt>, attempt: Attempt) {
    // A line can stand there twice: once more where it was written anew meanwhile.
    if attempts.contains(&attempt) {
        return;
    }
    attempts.push_back(attempt);
    while attempts.len() > KEPT {
        attempts.pop_front();
    }
}
