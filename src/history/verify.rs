//! Checks a whole history from its first line. Called by the `history verify` and `history head`
//! commands, also beside a running server, and by backups.

use std::path::{Path, PathBuf};

use super::tail::follow;
use super::{Head, HistoryError, Lines, Mark, Place, RawLine, line, segment};

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// The newest line.
    pub head: Head,
    /// How many segments there are.
    pub segments: usize,
    /// Bytes of an unfinished last line, as a crash or a writer at work leaves them.
    pub unfinished_bytes: u64,
}

/// Lines from a mark on, each checked against the one before.
#[derive(Debug)]
pub struct Walk {
    folder: PathBuf,
    lines: Lines,
    mark: Mark,
}

impl Walk {
    /// From `mark` on.
    ///
    /// # Errors
    /// A segment that is not there, or what the operating system reports.
    pub fn from(folder: &Path, mark: Mark) -> Result<Self, HistoryError> {
        Ok(Self { folder: folder.to_owned(), lines: Lines::from(folder, mark.next)?, mark })
    }

    /// How far it has come.
    pub const fn mark(&self) -> Mark {
        self.mark
    }

    /// The next line, which must be there: up to `newest` all are whole.
    ///
    /// # Errors
    /// A line that does not verify, with its file and offset, or the end before `newest`.
    pub fn next_line(&mut self, newest: u64) -> Result<RawLine<'_>, HistoryError> {
        let Some(raw) = self.lines.next_line()? else {
            let (path, found) = (self.folder.clone(), self.mark.head.seq);
            return Err(HistoryError::Behind { path, found, expected: newest });
        };
        follow(&mut self.mark, &raw).map_err(|what| {
            let path = segment::path(&self.folder, raw.place.segment);
            HistoryError::damaged(&path, raw.place.offset, what)
        })?;
        Ok(raw)
    }
}

/// Checks every line: its checksum, its number, its link to the line before, and the segment's
/// name.
///
/// # Errors
/// The first line that does not verify, with its file and offset.
pub fn verify(folder: &Path) -> Result<Report, HistoryError> {
    let segments = segment::list(folder)?.len();
    let mut lines = Lines::from(folder, Place::START)?;
    let mut mark = Mark::START;
    let mut unfinished_bytes = 0;
    while let Some(raw) = lines.next_line()? {
        if !raw.terminated {
            unfinished_bytes = u64::try_from(raw.bytes.len()).unwrap_or(u64::MAX);
            let place = raw.place;
            if lines.next_line()?.is_some() {
                let path = segment::path(folder, place.segment);
                return Err(HistoryError::damaged(&path, place.offset, "a line is unfinished"));
            }
            break;
        }
        follow(&mut mark, &raw).map_err(|what| {
            let path = segment::path(folder, raw.place.segment);
            HistoryError::damaged(&path, raw.place.offset, what)
        })?;
    }
    Ok(Report { head: mark.head, segments, unfinished_bytes })
}

/// The newest whole line, found from the end without reading the rest.
///
/// # Errors
/// What the operating system reports.
pub fn head(folder: &Path) -> Result<Head, HistoryError> {
    let mut back = super::Backwards::from_end(folder)?;
    Ok(back
        .next_line()?
        .map_or(Head::EMPTY, |(seq, _, bytes)| Head { seq, hash: line::hash_of(&bytes) }))
}
