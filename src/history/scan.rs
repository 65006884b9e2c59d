//! Reading the history forwards, line by line, without judging the lines.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::{HistoryError, Place, segment};

/// The bytes of one line, without its newline.
#[derive(Debug)]
pub struct RawLine<'a> {
    /// Where it stands.
    pub place: Place,
    /// The bytes.
    pub bytes: &'a [u8],
    /// Whether it ends with a newline; only the very last line may lack one.
    pub terminated: bool,
}

/// Lines from a place on, over all segments. It sees what was in the folder when it was made, and
/// what was appended to the last segment since.
#[derive(Debug)]
pub struct Lines {
    folder: PathBuf,
    /// Segments yet to be opened, the next one last.
    waiting: Vec<u64>,
    current: Option<(BufReader<File>, Place)>,
    line: Vec<u8>,
}

impl Lines {
    /// From `from` on. A place at the very end yields nothing.
    ///
    /// # Errors
    /// A segment that is not there, or what the operating system reports.
    pub fn from(folder: &Path, from: Place) -> Result<Self, HistoryError> {
        let mut waiting = segment::list(folder)?;
        waiting.retain(|first| *first >= from.segment);
        waiting.reverse();
        let mut lines =
            Self { folder: folder.to_owned(), waiting, current: None, line: Vec::new() };
        if from.offset > 0 {
            if lines.waiting.pop() != Some(from.segment) {
                let path = segment::path(folder, from.segment);
                return Err(HistoryError::damaged(&path, from.offset, "the file is missing"));
            }
            lines.open(from)?;
        }
        Ok(lines)
    }

    fn open(&mut self, at: Place) -> Result<(), HistoryError> {
        let path = segment::path(&self.folder, at.segment);
        let open = || {
            let mut file = File::open(&path)?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(at.offset))?;
            Ok((file, length))
        };
        let (file, length) = open().map_err(HistoryError::opening(&path))?;
        if length < at.offset {
            return Err(HistoryError::damaged(&path, length, "the file was cut short"));
        }
        self.current = Some((BufReader::with_capacity(256 * 1024, file), at));
        Ok(())
    }

    /// The next line; none at the end.
    ///
    /// # Errors
    /// What the operating system reports.
    pub fn next_line(&mut self) -> Result<Option<RawLine<'_>>, HistoryError> {
        loop {
            if self.current.is_none() {
                let Some(first) = self.waiting.pop() else { return Ok(None) };
                self.open(Place { segment: first, offset: 0 })?;
            }
            self.line.clear();
            let Some((reader, at)) = &mut self.current else { continue };
            let read = reader.read_until(b'\n', &mut self.line).map_err(|error| {
                let path = segment::path(&self.folder, at.segment);
                HistoryError::io("reading", &path)(error)
            })?;
            if read == 0 {
                self.current = None;
                continue;
            }
            let place = *at;
            at.offset = at.offset.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
            let terminated = self.line.last() == Some(&b'\n');
            let bytes = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
            return Ok(Some(RawLine { place, bytes, terminated }));
        }
    }
}
