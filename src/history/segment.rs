//! Segments: files named by the number of their first line. Called by everything in this room.

use std::fs::{self, File};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::HistoryError;

/// A segment that has reached this size is followed by a new one.
pub const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;

const SUFFIX: &str = ".jsonl";

/// The path of the segment whose first line is `first`.
pub(super) fn path(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("{first:020}{SUFFIX}"))
}

/// The first numbers of all segments, in order. A folder that does not exist has none.
pub(super) fn list(folder: &Path) -> Result<Vec<u64>, HistoryError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(HistoryError::opening(folder)(error)),
    };
    let mut segments = Vec::new();
    for entry in entries {
        let name = entry.map_err(HistoryError::io("listing", folder))?.file_name();
        let digits = name.to_str().and_then(|name| name.strip_suffix(SUFFIX));
        if let Some(digits) = digits.filter(|digits| digits.len() == 20) {
            segments.extend(digits.parse::<u64>().ok());
        }
    }
    segments.sort_unstable();
    Ok(segments)
}

/// Whether a folder holds segments.
pub fn exists(folder: &Path) -> bool {
    list(folder).is_ok_and(|segments| !segments.is_empty())
}

/// Creates the folder itself, so that it is still there after a power cut.
pub(super) fn create_folder(folder: &Path) -> Result<(), HistoryError> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    let created = builder.recursive(true).mode(0o700).create(folder);
    created.map_err(HistoryError::io("creating", folder))?;
    folder.parent().map_or(Ok(()), sync_folder)
}

/// Creates an empty segment whose name is still there after a power cut.
pub(super) fn create(folder: &Path, first: u64) -> Result<File, HistoryError> {
    let path = path(folder, first);
    let file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)
        .map_err(HistoryError::opening(&path))?;
    sync_folder(folder)?;
    Ok(file)
}

/// Makes the names in a folder durable.
///
/// # Errors
/// What the operating system reports.
pub fn sync_folder(folder: &Path) -> Result<(), HistoryError> {
    let opened = File::open(folder).map_err(HistoryError::opening(folder))?;
    // Whatever the reason: what a failed sync left on disk is unknown.
    opened.sync_all().map_err(|source| HistoryError::Io {
        doing: "syncing",
        path: folder.to_owned(),
        source,
    })
}
