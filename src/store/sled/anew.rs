//! A new index is built beside the one that is not trusted, and takes its place only once it holds
//! the whole history. Whatever fails before leaves the old one, which may still answer, and its
//! checkpoint, which knows how far the history must go.

use std::fs;
use std::path::Path;

use super::aside;
use super::index::Index;
use super::options::Options;
use super::private;
use super::state::State;
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

/// Puts the new index in the place of the old one, which stays aside, and goes back there if that
/// fails. Both are closed. The checkpoint says already how far the new one is: after a crash in
/// between, the next start reads the index that it finds whole, or builds it once more.
pub(super) fn exchange(options: &Options, wanted: &State) -> Result<Index, StoreError> {
    let (path, next) = (options.index(), options.next_index());
    let old = path.exists().then(|| aside::set_aside(&path)).transpose();
    let old = old.map_err(|error| failed("moving away", &path, &error))?;
    let place = || {
        let placed = fs::rename(&next, &path);
        placed.map_err(|error| failed("putting in place", &next, &error))?;
        history::sync_folder(&options.folder)?;
        let index = Index::open(&path, options.cache_bytes)?;
        if index.state()? == *wanted {
            return Ok(index);
        }
        Err(StoreError::Failed {
            doing: format!("opening `{}`", path.display()),
            cause: "it is not what was written".to_owned(),
        })
    };
    let placed = place();
    if placed.is_err() {
        // Where it is removed; it may not have come that far.
        let _ = fs::rename(&path, &next);
        if let Some(old) = old
            && let Err(error) = fs::rename(&old, &path)
        {
            tracing::error!("the old index is not back from `{}`: {error}", old.display());
        }
    }
    placed
}

fn failed(doing: &str, path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Failed { doing: format!("{doing} `{}`", path.display()), cause: error.to_string() }
}
