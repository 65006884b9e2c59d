//! How a data folder is opened, and where what lies in it.

use std::path::{Path, PathBuf};

use crate::clock::Clock;
use crate::store::Opener;

/// How a data folder is opened.
#[derive(Clone, Debug)]
pub(in crate::store) struct Options {
    /// The folder.
    pub(in crate::store) folder: PathBuf,
    /// Who opens it.
    pub(in crate::store) opener: Opener,
    /// Memory for sled's pages.
    pub(in crate::store) cache_bytes: u64,
    /// Size of the reserve.
    pub(in crate::store) reserve_bytes: u64,
    /// The size at which a segment of the history is followed by a new one.
    pub(in crate::store) segment_bytes: u64,
    /// An index of up to this size is read whole at every start.
    pub(in crate::store) always_read_bytes: u64,
    /// Whence the time comes.
    pub(in crate::store) clock: Clock,
}

impl Options {
    pub(super) fn history(&self) -> PathBuf {
        history_folder(&self.folder)
    }

    pub(super) fn index(&self) -> PathBuf {
        self.folder.join("index")
    }

    /// Where a new one is built.
    pub(super) fn next_index(&self) -> PathBuf {
        self.folder.join("index.next")
    }
}

/// Where the history lies in a data folder.
pub(in crate::store) fn history_folder(data: &Path) -> PathBuf {
    data.join("history")
}
