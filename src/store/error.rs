//! What can go wrong in a store, told apart by what the caller can do about it.

use std::io;

use crate::domain::token::Revision;
use crate::history::{self, HistoryError};
use crate::store::holder::{Holder, described};

/// A failure of the store. None of them is a verdict about a token.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else changed the record first: read it again. Nothing was written.
    #[error("{what} is at revision {}, not {}: somebody changed it meanwhile", found.0, expected.0)]
    Conflict {
        /// Which record.
        what: String,
        /// The revision in the store; zero when there is none.
        found: Revision,
        /// The revision that the change was made from.
        expected: Revision,
    },
    /// Something stands where something new was to be put. Nothing was written.
    #[error("{doing} is refused: {cause}")]
    Taken {
        /// What was to be done.
        doing: String,
        /// What stands there.
        cause: String,
    },
    /// The digest of a new token is in use already. Nothing was written.
    #[error("another token has the same secret")]
    DuplicateSecret,
    /// The disk is full: changes wait until there is space again. Nothing was written.
    #[error(
        "the disk that holds `{path}` is full; free some space, and changes go on by themselves"
    )]
    Full {
        /// The folder of the store.
        path: String,
    },
    /// Changes are refused because an earlier one could not be made durable.
    #[error("changes are refused: {0}")]
    ReadOnly(String),
    /// Another process has the folder open.
    #[error("`{path}` is in use by {}", described(holder))]
    Locked {
        /// The folder.
        path: String,
        /// The process that holds it, if it says so.
        holder: Option<Holder>,
    },
    /// The folder is not one of Tollgate's. Nothing was written to it.
    #[error("`{path}` is not a data folder of Tollgate: {why}")]
    NotData {
        /// The folder.
        path: String,
        /// How that was seen.
        why: String,
    },
    /// The history ends before events that were known. Nothing was changed.
    #[error(
        "the history in `{path}` has lost its end: {known} events were known, {left} are left; \
         tokens that were revoked in the others would live again"
    )]
    Cut {
        /// The folder.
        path: String,
        /// The newest event of which something is known.
        known: u64,
        /// The newest one that is there.
        left: u64,
    },
    /// A file or a value does not verify.
    #[error("`{place}` is damaged: {what}; {hint}")]
    Damaged {
        /// The file with the offset, or the key.
        place: String,
        /// What does not verify.
        what: String,
        /// What to do about it.
        hint: String,
    },
    /// The system had no descriptor or no memory for another open file. Nothing was done, and the next
    /// try may succeed.
    #[error(
        "{doing} failed: {cause}; it goes on by itself once fewer files and connections are open"
    )]
    Exhausted {
        /// What was being done, with the path.
        doing: String,
        /// What was reported.
        cause: String,
    },
    /// The operating system or the database refused.
    #[error("{doing} failed: {cause}")]
    Failed {
        /// What was being done, with the path.
        doing: String,
        /// What was reported.
        cause: String,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// Whether it passes by itself, as a full disk does, and says nothing of what is on disk.
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Full { .. } | Self::Exhausted { .. })
    }

    /// What the system said where a file was to be opened.
    pub(super) fn opening(doing: String, error: &io::Error) -> Self {
        let cause = error.to_string();
        if history::is_exhausted(error) {
            Self::Exhausted { doing, cause }
        } else {
            Self::Failed { doing, cause }
        }
    }
}

impl From<&HistoryError> for StoreError {
    fn from(error: &HistoryError) -> Self {
        match error {
            HistoryError::Full { path } => Self::Full { path: path.display().to_string() },
            HistoryError::Refused(reason) => Self::ReadOnly(reason.clone()),
            HistoryError::Damaged { path, offset, what } => Self::Damaged {
                place: path.display().to_string(),
                what: format!("at byte {offset}: {what}"),
                hint: "look after the disk and check the rest with `tollgate history verify`; restore \
                       the data folder from a backup that was taken before"
                    .to_owned(),
            },
            HistoryError::Behind { path, found, expected } => Self::Damaged {
                place: path.display().to_string(),
                what: format!("it ends at event {found}, but event {expected} was written"),
                hint: "restore the data folder from a backup; `tollgate repair` says how to go on with \
                       what is left"
                    .to_owned(),
            },
            HistoryError::Exhausted { path, source } => {
                Self::opening(format!("opening `{}`", path.display()), source)
            }
            HistoryError::Io { doing, path, source } => Self::Failed {
                doing: format!("{doing} `{}`", path.display()),
                cause: source.to_string(),
            },
        }
    }
}

impl From<HistoryError> for StoreError {
    fn from(error: HistoryError) -> Self {
        Self::from(&error)
    }
}
