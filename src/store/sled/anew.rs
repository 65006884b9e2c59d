//! A new index is built beside the one that is not trusted, and takes its place only once it holds the whole
//! history. Whatever fails before leaves the old one, which may still answer, and its checkpoint, which
//! knows how far the history must go.

use std::fs;
use std::path::Path;

use super::aside;
use super::checkpoint::{self, Checkpoint};
use super::index::Index;
use super::open::Options;
use super::private;
use crate::history;
use crate::store::StoreError;

/// Opens an empty index beside.
pub(super) fn begin(options: &Options) -> Result<Index, StoreError> {
    let path = options.next_index();
    prepare(&path)?;
    Index::open(&path, options.cache_bytes)
}

/// Makes an empty folder for it.
pub(super) fn prepare(path: &Path) -> Result<(), StoreError> {
    remove(path)?;
    private::create_folder(path).map_err(|error| failed("creating", path, &error))
}

/// Removes one that was built in vain, or before the last start.
pub(super) fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(failed("removing", path, &error))
        }
        _ => Ok(()),
    }
}

/// Puts the new index, which is closed and on disk, in the place of the old one, which is closed too;
/// `reached` says how far it is. After a crash in between there is no index, or the new one with the old
/// checkpoint: the next start builds it once more, or reads it whole.
pub(super) fn put_in_place(options: &Options, reached: &Checkpoint) -> Result<(), StoreError> {
    let (path, next) = (options.index(), options.next_index());
    if path.exists() {
        aside::set_aside(&path).map_err(|error| failed("moving away", &path, &error))?;
    }
    fs::rename(&next, &path).map_err(|error| failed("putting in place", &next, &error))?;
    history::sync_folder(&options.folder)?;
    checkpoint::write(&options.folder, reached)
}

fn failed(doing: &str, path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Failed { doing: format!("{doing} `{}`", path.display()), cause: error.to_string() }
}
