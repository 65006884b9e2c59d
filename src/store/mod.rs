//! The index of everything that Tollgate keeps, behind one interface that names no database.
//!
//! Two kinds of fact live here. *Records* (tokens, owners) change by [`Store::commit`] alone, which is
//! acknowledged only when the change is durable in the history and visible to every read. *Last uses*
//! are kept apart, are written in batches, and may lose the last moments before a crash; where they are
//! damaged, a token counts as used rather than as unused.
//!
//! Called by `cache` (reads), `service` (changes) and `app` (opening, backups).

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use tokio::task::JoinError;

use crate::clock::Clock;
use crate::config::settings::StoreSettings;
use crate::domain::id::{OwnerId, TokenId};
use crate::domain::owner::Owner;
use crate::domain::secret::Digest;
use crate::domain::time::Timestamp;
use crate::domain::token::Token;
use crate::history::SEGMENT_BYTES;

pub mod backup;
pub mod codec;
pub mod error;
mod facts;
pub mod sealed;
mod sled;
mod usage;

#[cfg(test)]
mod conformance;
#[cfg(test)]
pub(crate) mod sample;

pub use error::StoreError;
pub use facts::{
    Change, Commit, Due, Health, Held, Listed, Page, Position, Record, Recorded, Subject,
};
pub use usage::{LastUse, NotedUse, Usage, UseKey, UseSlot};

/// Opens the store that the settings name, creating it if it is not there. Building a lost index anew
/// takes as long as the history is.
///
/// # Errors
/// The folder is in use, damaged beyond what the history can mend, or cannot be read or written.
pub async fn open(settings: &StoreSettings, clock: Clock) -> Result<Arc<dyn Store>, StoreError> {
    let options = options(settings, clock);
    // Where the records will be read, and not on a thread for what blocks: the system's allocator keeps
    // memory for each thread, and what the opening leaves free (a tenth of a gigabyte after a million
    // tokens) would be of no use to the readers. Nobody else waits for this runtime yet.
    let opened = tokio::spawn(async move { sled::SledStore::open(options) }).await;
    Ok(Arc::new(finished(settings, opened)?))
}

/// Builds the index of a store that is not open from its history alone, and goes on from what the
/// history holds; answers with the number of its newest event.
///
/// # Errors
/// The folder is in use, or its history is damaged.
pub async fn repair(settings: &StoreSettings, clock: Clock) -> Result<Position, StoreError> {
    let options = options(settings, clock);
    aside(settings, move || sled::repair(options)).await
}

/// Makes a store of a backup, in a folder that must be empty or not exist. Tokens that lie idle count as
/// used at this moment, since what was used after the backup is not known.
///
/// # Errors
/// The backup does not verify, the folder is not empty, or it cannot be written; then nothing is left in
/// it.
pub async fn restore(
    from: &Path,
    settings: &StoreSettings,
    clock: Clock,
) -> Result<backup::Summary, StoreError> {
    let (from, options) = (from.to_owned(), options(settings, clock));
    aside(settings, move || sled::restore(&from, options)).await
}

/// Where the history of a data folder lies, for checking it.
pub fn history_folder(data: &Path) -> PathBuf {
    sled::history_folder(data)
}

fn options(settings: &StoreSettings, clock: Clock) -> sled::Options {
    sled::Options {
        folder: settings.path.clone(),
        cache_bytes: settings.index_cache_bytes,
        reserve_bytes: settings.reserve_bytes,
        segment_bytes: SEGMENT_BYTES,
        // A fraction of a second.
        always_read_bytes: 64 << 20,
        clock,
    }
}

async fn aside<T: Send + 'static>(
    settings: &StoreSettings,
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    finished(settings, tokio::task::spawn_blocking(work).await)
}

fn finished<T>(
    settings: &StoreSettings,
    done: Result<Result<T, StoreError>, JoinError>,
) -> Result<T, StoreError> {
    done.map_err(|error| StoreError::Failed {
        doing: format!("working on `{}`", settings.path.display()),
        cause: error.to_string(),
    })?
}

/// What a store can do. Two implementors are meant: sled with the history log, and PostgreSQL; the same
/// conformance tests run over both. No method costs more with a million tokens than with one, unless it
/// says so.
#[async_trait]
pub trait Store: Send + Sync + std::fmt::Debug + 'static {
    /// A token by its public id.
    async fn token(&self, id: TokenId) -> Result<Option<Arc<Token>>, StoreError>;

    /// A token with its owner by the digest of its secret: what a cache miss needs.
    async fn held(&self, digest: &Digest) -> Result<Option<Held>, StoreError>;

    /// An owner.
    async fn owner(&self, id: &OwnerId) -> Result<Option<Arc<Owner>>, StoreError>;

    /// Tokens in the order of their creation, of one owner or of all, dead ones too.
    async fn tokens(
        &self,
        owner: Option<&OwnerId>,
        after: Option<TokenId>,
        limit: usize,
    ) -> Result<Page<Listed, TokenId>, StoreError>;

    /// Owners in alphabetical order.
    async fn owners(
        &self,
        after: Option<&OwnerId>,
        limit: usize,
    ) -> Result<Page<Arc<Owner>, OwnerId>, StoreError>;

    /// Where the last use of a token is kept, as the store says it with the token; none for an unknown one.
    async fn use_slot(&self, of: TokenId) -> Result<Option<UseSlot>, StoreError>;

    /// The last uses of some tokens, in the order asked; none for a token that was never used.
    async fn last_uses(&self, of: &[UseKey]) -> Result<Vec<Option<Usage>>, StoreError>;

    /// Writes last uses down, and tells the history at `at` of those that are first ones. An earlier use
    /// never replaces a later one; an id that is not known is passed over. Cheapest in the order of their slots. Seen by every later read and
    /// commit; on disk a moment later. Where it fails, as on a full disk, the uses should be kept and
    /// written later; some may have been written.
    async fn note_uses(&self, uses: Vec<NotedUse>, at: Timestamp) -> Result<(), StoreError>;

    /// Tokens whose deadline is at or before `until`, soonest first, those after `after` in that order.
    async fn due(
        &self,
        until: Timestamp,
        after: Option<Due>,
        limit: usize,
    ) -> Result<Vec<Due>, StoreError>;

    /// Moves a token in the index of deadlines to the one that its record and last use give now, and
    /// says which that is.
    async fn refile(&self, due: Due) -> Result<Option<Timestamp>, StoreError>;

    /// The only write to records. It is answered when the event is durable and every later read sees
    /// the change; otherwise it fails, and nothing of it is visible. A commit whose answer nobody waits
    /// for any more is made all the same.
    async fn commit(&self, commit: Commit) -> Result<Position, StoreError>;

    /// Events, newest first, all or about one subject, those before `before`.
    async fn events(
        &self,
        subject: Option<&Subject>,
        before: Option<Position>,
        limit: usize,
    ) -> Result<Page<Recorded, Position>, StoreError>;

    /// Writes one portable backup of everything, while the store goes on; if it fails, the end says so. The
    /// cost grows with the store.
    async fn backup(&self, into: Box<dyn Write + Send>) -> Result<Position, StoreError>;

    /// Reads about `bytes` more of the history, to find damage before what is old is needed; answers with the
    /// last event of the present pass that is known to be whole. New passes begin by themselves.
    async fn verify_some(&self, bytes: u64) -> Result<Position, StoreError>;

    /// The largest wall-clock time that was ever persisted: a clock behind it cannot be trusted.
    async fn high_water(&self) -> Result<Timestamp, StoreError>;

    /// Persists the wall clock's high-water mark; a lower value than before changes nothing.
    async fn raise_high_water(&self, to: Timestamp) -> Result<(), StoreError>;

    /// Takes the high-water mark back to `to`, at the word of an operator who knows that it was raised by
    /// a wrong clock; a higher value than before changes nothing. Durable at the next checkpoint.
    async fn lower_high_water(&self, to: Timestamp) -> Result<(), StoreError>;

    /// How long ago its last checkpoint was on disk: what a start need not read again.
    fn checkpoint_age(&self) -> std::time::Duration;

    /// Whether it can do its work.
    fn health(&self) -> Health;

    /// Makes everything durable and lets go of the folder. Later calls fail.
    async fn close(&self) -> Result<(), StoreError>;
}
