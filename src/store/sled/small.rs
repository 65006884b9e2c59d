//! Small files of a data folder: one line of JSON with its checksum, replaced as a whole and durably.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::history;
use crate::store::StoreError;

/// What stands in a small file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<T> {
    /// It verifies.
    Whole(T),
    /// It does not verify, is of a newer version, or cannot be read.
    Damaged,
    Missing,
}

/// Reads a small file; what is wrong with it is said.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Found<T> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Found::Missing,
        Err(error) => {
            tracing::warn!("`{}` cannot be read: {error}", path.display());
            return Found::Damaged;
        }
    };
    let Some(parsed) = parse(&text) else {
        tracing::warn!("`{}` is damaged or of another version", path.display());
        return Found::Damaged;
    };
    Found::Whole(parsed)
}

fn parse<T: DeserializeOwned>(text: &str) -> Option<T> {
    let (json, crc) = text.strip_suffix('\n')?.rsplit_once(' ')?;
    let right = crc == format!("{:08x}", crc32c::crc32c(json.as_bytes()));
    right.then(|| serde_json::from_str(json).ok()).flatten()
}

/// Replaces a small file, durably.
pub(super) fn write(path: &Path, content: &impl Serialize) -> Result<(), StoreError> {
    let json = serde_json::to_string(content).map_err(|error| failed(path, &error))?;
    let text = format!("{json} {:08x}\n", crc32c::crc32c(json.as_bytes()));
    let folder = path.parent().unwrap_or(Path::new("."));
    replace(path, text.as_bytes()).map_err(|error| {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        match error.kind() {
            StorageFull | QuotaExceeded => StoreError::Full { path: folder.display().to_string() },
            _ => StoreError::opening(format!("writing `{}`", path.display()), &error),
        }
    })?;
    history::sync_folder(folder).map_err(StoreError::from)
}

fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let temporary: PathBuf = path.with_extension("new");
    // Made anew: one that a crash left may be open to others.
    let _ = fs::remove_file(&temporary);
    let mut options = File::options();
    let mut file = options.write(true).create_new(true).mode(0o600).open(&temporary)?;
    file.write_all(bytes)?;
    // What a sync says is final, even that there was no memory.
    file.sync_all().map_err(std::io::Error::other)?;
    fs::rename(&temporary, path)
}

fn failed(path: &Path, cause: &dyn std::fmt::Display) -> StoreError {
    StoreError::Failed { doing: format!("writing `{}`", path.display()), cause: cause.to_string() }
}
