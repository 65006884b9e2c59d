//! Opening a history: reads what stands after a mark, cuts a torn last line, and hands out the
//! writing end. Called by `store` when it opens.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::{Backwards, Checked, HistoryError, Lines, Log, Mark, Place, RawLine, line, segment};

/// More than the largest batch, so that rewriting this much rewrites all that may not be durable.
const REWRITE_BYTES: u64 = 16 * 1024 * 1024;

/// How a history is to be opened.
#[derive(Clone, Copy, Debug)]
pub struct Recovered {
    /// The last line that is known already; the lines after it are read.
    pub from: Mark,
    /// The highest number that is known to have been durable: a bad line up to here is damage,
    /// never a torn end.
    pub durable: u64,
    /// Whether the last writer ended without closing. What it wrote last may be in memory alone, so
    /// it is written once more before anything relies on it.
    pub unclean: bool,
    /// The size at which a segment is followed by a new one.
    pub segment_bytes: u64,
}

/// Opens the history in `folder` for appending, after passing every line that follows `how.from` to
/// `each`. A torn last line is cut off.
///
/// # Errors
/// A bad line before the end, a missing or cut segment, what the operating system reports, or what
/// `each` reports.
pub fn recover<E: From<HistoryError>>(
    folder: &Path,
    how: Recovered,
    each: impl FnMut(Place, Checked<'_>, &[u8]) -> Result<(), E>,
) -> Result<Log, E> {
    segment::create_folder(folder)?;
    check_reaches(folder, &how)?;
    let (mut mark, torn) = read_on(folder, how.from, how.durable, each)?;
    if let Some(place) = torn {
        cut(folder, place)?;
        mark.next = place;
    }
    let file = open_last(folder, &mut mark, how.durable)?;
    if how.unclean {
        rewrite(folder, &file, mark.next)?;
    }
    Ok(Log::resume(folder, mark, file, how.segment_bytes))
}

/// Checks that a history can be opened as far as its lines go, and changes nothing; answers with
/// the number of the last one.
///
/// # Errors
/// As [`recover`].
pub fn check_all(folder: &Path) -> Result<u64, HistoryError> {
    read_on(folder, Mark::START, 0, |_, _, _| Ok(())).map(|(mark, _)| mark.head.seq)
}

/// Reads the lines after `from`; answers with the last one, and where a torn one begins.
fn read_on<E: From<HistoryError>>(
    folder: &Path,
    from: Mark,
    durable: u64,
    mut each: impl FnMut(Place, Checked<'_>, &[u8]) -> Result<(), E>,
) -> Result<(Mark, Option<Place>), E> {
    let mut mark = from;
    let mut lines = Lines::from(folder, mark.next)?;
    let mut bad = None;
    while let Some(raw) = lines.next_line()? {
        match follow(&mut mark, &raw) {
            Ok(checked) => each(raw.place, checked, raw.bytes)?,
            Err(what) => {
                bad = Some((raw.place, what, looks_torn(&raw)));
                break;
            }
        }
    }
    let Some((place, what, torn)) = bad else { return Ok((mark, None)) };
    if torn && mark.head.seq >= durable && is_end(folder, place, lines)? {
        return Ok((mark, Some(place)));
    }
    Err(HistoryError::damaged(&segment::path(folder, place.segment), place.offset, what).into())
}

/// Checks that a line follows `mark`, and moves it on.
pub(super) fn follow<'a>(mark: &mut Mark, raw: &RawLine<'a>) -> Result<Checked<'a>, String> {
    let checked = line::check(raw.bytes)?;
    if !raw.terminated {
        return Err("the last line has no newline".to_owned());
    }
    let seq = mark.head.seq.saturating_add(1);
    if checked.seq != seq {
        return Err(format!("event {} stands where event {seq} should", checked.seq));
    }
    if checked.prev != mark.head.hash {
        return Err(format!("event {seq} does not carry the hash of the event before it"));
    }
    if raw.place.offset == 0 && raw.place.segment != seq {
        return Err(format!("the file is named after event {}", raw.place.segment));
    }
    let end = u64::try_from(raw.bytes.len()).unwrap_or(u64::MAX).saturating_add(1);
    mark.head.seq = seq;
    mark.head.hash = line::hash_of(raw.bytes);
    mark.next = Place { segment: raw.place.segment, offset: raw.place.offset.saturating_add(end) };
    Ok(checked)
}

/// Refuses a history that ends before the place from which it is to be read on, or that is another
/// one.
fn check_reaches(folder: &Path, how: &Recovered) -> Result<(), HistoryError> {
    let Mark { head, next } = how.from;
    if head.seq == 0 {
        return Ok(());
    }
    let path = segment::path(folder, next.segment);
    let length = std::fs::metadata(&path).map_or(0, |file| file.len());
    if length < next.offset {
        let newest = Backwards::from_end(folder)?.next_line()?;
        let (path, found) = (folder.to_owned(), newest.map_or(0, |(seq, _, _)| seq));
        return Err(HistoryError::Behind { path, found, expected: how.durable.max(head.seq) });
    }
    match Backwards::before(folder, head.seq.saturating_add(1))?.next_line()? {
        Some((seq, _, line)) if seq == head.seq && line::hash_of(&line) == head.hash => Ok(()),
        _ => {
            let what = format!("event {} is not the one that was written", head.seq);
            Err(HistoryError::damaged(&path, next.offset, what))
        }
    }
}

/// Whether a bad line can be what an interrupted write left: it stops short, or a part of it never
/// reached the disk and reads as zeros. A whole line whose checksum is wrong was damaged later,
/// perhaps after it was acknowledged, and so was one whose newline alone is wrong.
fn looks_torn(raw: &RawLine<'_>) -> bool {
    let without_last = raw.bytes.split_last().map_or(raw.bytes, |(_, rest)| rest);
    let stops_short = !raw.terminated && line::check(without_last).is_err();
    stops_short || raw.bytes.contains(&0)
}

/// Whether a bad line is the end of everything: no whole line and no other segment stands after it.
fn is_end(folder: &Path, bad: Place, mut rest: Lines) -> Result<bool, HistoryError> {
    if segment::list(folder)?.last() != Some(&bad.segment) {
        return Ok(false);
    }
    while let Some(raw) = rest.next_line()? {
        if line::check(raw.bytes).is_ok() {
            return Ok(false);
        }
    }
    Ok(true)
}

fn cut(folder: &Path, at: Place) -> Result<(), HistoryError> {
    let path = segment::path(folder, at.segment);
    let cut = || {
        let file = File::options().write(true).open(&path)?;
        let bytes = file.metadata()?.len().saturating_sub(at.offset);
        file.set_len(at.offset)?;
        file.sync_all()?;
        Ok(bytes)
    };
    let bytes = cut().map_err(HistoryError::io("cutting", &path))?;
    let (path, offset) = (path.display(), at.offset);
    tracing::warn!("cut {bytes} bytes of an unfinished event off `{path}` at byte {offset}");
    Ok(())
}

/// Opens the segment that the next line goes to, and moves the mark there.
fn open_last(folder: &Path, mark: &mut Mark, durable: u64) -> Result<File, HistoryError> {
    let next = mark.head.seq.saturating_add(1);
    let last = segment::list(folder)?.last().copied();
    let path = segment::path(folder, last.unwrap_or(mark.next.segment));
    if mark.head.seq < durable {
        let (path, found) = (folder.to_owned(), mark.head.seq);
        return Err(HistoryError::Behind { path, found, expected: durable });
    }
    match last {
        None => segment::create(folder, next),
        Some(last) => {
            if last != mark.next.segment {
                // A new segment was made, and nothing was written to it yet.
                if last != next {
                    let what = format!("it is empty, and not named after event {next}");
                    return Err(HistoryError::damaged(&path, 0, what));
                }
                mark.next = Place { segment: last, offset: 0 };
            }
            let open = File::options().read(true).write(true).open(&path);
            open.map_err(HistoryError::io("opening", &path))
        }
    }
}

/// Writes the last bytes again, as they are, and syncs them: after a failed or missing `fsync`,
/// what was read may be in memory alone.
fn rewrite(folder: &Path, file: &File, end: Place) -> Result<(), HistoryError> {
    let start = end.offset.saturating_sub(REWRITE_BYTES);
    let rewrite = || {
        let mut bytes = vec![0; usize::try_from(end.offset - start).unwrap_or_default()];
        file.read_exact_at(&mut bytes, start)?;
        file.write_all_at(&bytes, start)?;
        file.sync_all()
    };
    rewrite().map_err(HistoryError::io("rewriting", &segment::path(folder, end.segment)))
}
