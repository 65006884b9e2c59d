//! The append-only log of every change: one JSON object per line, in segments, each line bound to
//! the one before it by a hash and guarded by a checksum.
//!
//! This room knows files and raw lines alone; what a line means is the business of `store`, its
//! only caller beside the `history` command. Durability rests on this room: a line that
//! [`Log::append`] has answered for is on disk.

use std::io;
use std::path::{Path, PathBuf};

mod back;
mod line;
mod log;
mod probe;
mod scan;
mod segment;
mod tail;
mod verify;

pub use back::{Backwards, line_at};
pub use line::{Checked, check, hash_of};
pub use log::Log;
#[cfg(test)]
pub(crate) use probe::Fault;
pub use probe::Probe;
pub use scan::{Lines, RawLine};
pub use segment::{SEGMENT_BYTES, exists, sync_folder};
pub use tail::{Recovered, check_all, recover};
pub use verify::{Report, Walk, head, verify};

#[cfg(test)]
mod tests;

/// The newest line of a history: its number and its hash, to be kept elsewhere, since a cut tail
/// cannot be noticed from inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The number of the line; zero for an empty history.
    pub seq: u64,
    /// SHA-256 of the line without its newline; zeros for an empty history.
    pub hash: [u8; 32],
}

impl Head {
    /// Before the first line.
    pub const EMPTY: Self = Self { seq: 0, hash: [0; 32] };

    /// The hash as 64 hexadecimal digits.
    pub fn hex(&self) -> String {
        line::to_hex(&self.hash)
    }
}

/// Where a line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The number of the first line of the segment, which is the segment's name.
    pub segment: u64,
    /// The byte at which the line begins.
    pub offset: u64,
}

impl Place {
    /// Where the first line of all stands.
    pub const START: Self = Self { segment: 1, offset: 0 };
}

/// A point from which the history can be read on: what stands before it, and where it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The last line before the point.
    pub head: Head,
    /// Where the next line begins. The segment may be full, and the next line stand in the one
    /// after.
    pub next: Place,
}

impl Mark {
    /// The beginning.
    pub const START: Self = Self { head: Head::EMPTY, next: Place::START };
}

/// What can go wrong with the history.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// No space: nothing of the batch was kept, and the next one may succeed.
    #[error("the disk that holds `{}` is full", path.display())]
    Full {
        /// The folder.
        path: PathBuf,
    },
    /// The system had no descriptor or no memory for another open file: nothing was begun, and the
    /// next try may succeed.
    #[error("opening `{}` failed: {source}", path.display())]
    Exhausted {
        /// The file or folder.
        path: PathBuf,
        /// What was reported.
        #[source]
        source: io::Error,
    },
    /// An earlier failure left it unknown what is on disk: nothing is appended any more.
    #[error("{0}")]
    Refused(String),
    /// Bytes that do not verify.
    #[error("`{}` is damaged at byte {offset}: {what}", path.display())]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// Where the bad line begins.
        offset: u64,
        /// What does not verify.
        what: String,
    },
    /// Events are missing that are known to have been written.
    #[error("`{}` ends at event {found}, but event {expected} was written", path.display())]
    Behind {
        /// The folder.
        path: PathBuf,
        /// The last event there is.
        found: u64,
        /// The last event that is known of.
        expected: u64,
    },
    /// The operating system refused.
    #[error("{doing} `{}` failed: {source}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which file or folder.
        path: PathBuf,
        /// What was reported.
        #[source]
        source: io::Error,
    },
}

/// Whether the system had no descriptor or no memory to open a file with, which passes by itself. To
/// be asked only of what opens files: after a failed sync nothing passes.
pub fn is_exhausted(error: &io::Error) -> bool {
    use rustix::io::Errno;
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM))
}

impl HistoryError {
    fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path },
            _ => Self::Io { doing, path, source },
        }
    }

    /// The same for what opens a file.
    fn opening(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| {
            if is_exhausted(&source) {
                Self::Exhausted { path, source }
            } else {
                Self::io("opening", &path)(source)
            }
        }
    }

    fn damaged(path: &Path, offset: u64, what: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), offset, what: what.into() }
    }
}
