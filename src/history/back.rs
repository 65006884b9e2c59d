//! Reading the history backwards, newest first, and single lines by their place. Called by `store`
//! for lists of events; nothing here reads more than a window of the file at a time.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::{HistoryError, Place, line, segment};

const WINDOW_BYTES: u64 = 64 * 1024;

/// Whole lines from some point back to the beginning.
#[derive(Debug)]
pub struct Backwards {
    folder: PathBuf,
    /// Segments yet to be opened, the next one last.
    waiting: Vec<u64>,
    current: Option<Window>,
}

/// An open segment and the bytes just before the point that was reached.
#[derive(Debug)]
struct Window {
    file: File,
    path: PathBuf,
    first: u64,
    /// Where `bytes` begins.
    start: u64,
    bytes: Vec<u8>,
}

impl Backwards {
    /// From the newest line on; an unfinished one is passed over.
    ///
    /// # Errors
    /// What the operating system reports.
    pub fn from_end(folder: &Path) -> Result<Self, HistoryError> {
        Self::before(folder, u64::MAX)
    }

    /// From the line before `seq` on.
    ///
    /// # Errors
    /// A damaged line on the way there, or what the operating system reports.
    pub fn before(folder: &Path, seq: u64) -> Result<Self, HistoryError> {
        let mut waiting = segment::list(folder)?;
        waiting.retain(|first| *first < seq);
        let mut back = Self { folder: folder.to_owned(), waiting, current: None };
        if let Some(first) = back.waiting.pop() {
            let mut window = Window::open(&back.folder, first)?;
            let end = if seq == u64::MAX { window.length()? } else { window.find(seq)? };
            window.start = end;
            back.current = Some(window);
        }
        Ok(back)
    }

    /// The next older line: its number, its place and its bytes without the newline.
    ///
    /// # Errors
    /// A damaged line, or what the operating system reports.
    pub fn next_line(&mut self) -> Result<Option<(u64, Place, Vec<u8>)>, HistoryError> {
        loop {
            if self.current.is_none() {
                let Some(first) = self.waiting.pop() else { return Ok(None) };
                let mut window = Window::open(&self.folder, first)?;
                window.start = window.length()?;
                self.current = Some(window);
            }
            let Some(window) = &mut self.current else { continue };
            match window.pop_line()? {
                Some((offset, bytes)) => {
                    let checked = line::check(&bytes)
                        .map_err(|what| HistoryError::damaged(&window.path, offset, what))?;
                    let place = Place { segment: window.first, offset };
                    return Ok(Some((checked.seq, place, bytes)));
                }
                None => self.current = None,
            }
        }
    }
}

impl Window {
    fn open(folder: &Path, first: u64) -> Result<Self, HistoryError> {
        let path = segment::path(folder, first);
        let file = File::open(&path).map_err(HistoryError::opening(&path))?;
        Ok(Self { file, path, first, start: 0, bytes: Vec::new() })
    }

    fn length(&self) -> Result<u64, HistoryError> {
        let metadata = self.file.metadata();
        Ok(metadata.map_err(HistoryError::io("reading", &self.path))?.len())
    }

    fn read(&self, start: u64, end: u64) -> Result<Vec<u8>, HistoryError> {
        let mut bytes = vec![0; usize::try_from(end.saturating_sub(start)).unwrap_or_default()];
        let read = self.file.read_exact_at(&mut bytes, start);
        read.map_err(HistoryError::io("reading", &self.path))?;
        Ok(bytes)
    }

    /// Puts the bytes before `start` in front of those at hand; answers whether there were any.
    fn widen(&mut self) -> Result<bool, HistoryError> {
        let from = self.start.saturating_sub(WINDOW_BYTES);
        let mut bytes = self.read(from, self.start)?;
        let grew = from < self.start;
        bytes.append(&mut self.bytes);
        (self.start, self.bytes) = (from, bytes);
        Ok(grew)
    }

    /// The last line of the window with its offset, widening as needed. What stands after the last
    /// newline is an unfinished line, and is dropped.
    fn pop_line(&mut self) -> Result<Option<(u64, Vec<u8>)>, HistoryError> {
        let newline = |bytes: &[u8]| memchr::memrchr(b'\n', bytes);
        loop {
            let Some(end) = newline(&self.bytes) else {
                if self.widen()? {
                    continue;
                }
                return Ok(None);
            };
            let before = self.bytes.get(..end).unwrap_or_default();
            let start = match newline(before) {
                Some(at) => at + 1,
                None if self.start == 0 => 0,
                None => {
                    self.widen()?;
                    continue;
                }
            };
            let line = before.get(start..).unwrap_or_default().to_vec();
            // The newline of the line before stays, and ends that one.
            self.bytes.truncate(start);
            let offset = u64::try_from(start).unwrap_or_default();
            return Ok(Some((self.start.saturating_add(offset), line)));
        }
    }

    /// The offset of the line `seq`, or the end when it is not in this segment: by halving, since
    /// numbers grow with offsets.
    fn find(&self, seq: u64) -> Result<u64, HistoryError> {
        let (mut low, mut high) = (0, self.length()?);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.line_from(middle, high)? {
                Some((start, found, _)) if found == seq => return Ok(start),
                Some((_, found, end)) if found < seq => low = end,
                _ => high = middle,
            }
        }
        Ok(low)
    }

    /// The first line that begins at or after `from`: where it begins, its number, and where it
    /// ends.
    fn line_from(&self, from: u64, until: u64) -> Result<Option<(u64, u64, u64)>, HistoryError> {
        let mut start = from;
        if from > 0 {
            let Some(newline) = self.newline(from - 1)? else { return Ok(None) };
            start = newline + 1;
        }
        if start >= until {
            return Ok(None);
        }
        let Some(end) = self.newline(start)? else { return Ok(None) };
        let line = self.read(start, end)?;
        let checked =
            line::check(&line).map_err(|what| HistoryError::damaged(&self.path, start, what))?;
        Ok(Some((start, checked.seq, end + 1)))
    }

    /// The first newline at or after `from`.
    fn newline(&self, from: u64) -> Result<Option<u64>, HistoryError> {
        let length = self.length()?;
        let mut at = from;
        while at < length {
            let end = length.min(at.saturating_add(WINDOW_BYTES / 16));
            let bytes = self.read(at, end)?;
            if let Some(found) = bytes.iter().position(|b| *b == b'\n') {
                return Ok(Some(at + u64::try_from(found).unwrap_or_default()));
            }
            at = end;
        }
        Ok(None)
    }
}

/// The line `seq`, which stands at `place`, without its newline.
///
/// # Errors
/// Another line or none stands there, or what the operating system reports.
pub fn line_at(folder: &Path, place: Place, seq: u64) -> Result<Vec<u8>, HistoryError> {
    let window = Window::open(folder, place.segment)?;
    let damaged = |what: &str| HistoryError::damaged(&window.path, place.offset, what);
    let end = window.newline(place.offset)?.ok_or_else(|| damaged("no line ends here"))?;
    let line = window.read(place.offset, end)?;
    let checked = line::check(&line).map_err(damaged)?;
    if checked.seq == seq { Ok(line) } else { Err(damaged("another event stands here")) }
}
