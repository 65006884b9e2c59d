//! Checks a whole history from its first line. Called by the `history verify` and `history head`
//! commands, also beside a running server, and by backups.

use std::path::Path;

use super::tail::follow;
use super::{Head, HistoryError, Lines, Mark, Place, line, segment};

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
