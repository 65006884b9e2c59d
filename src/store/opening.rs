//! The ways into a data folder: opened, repaired, or made of a backup. Called by whoever calls `store`.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::task::JoinError;

use super::patience::Patience;
use super::{Opener, Repaired, Store, StoreError, backup, sled};
use crate::clock::Clock;
use crate::config::settings::StoreSettings;
use crate::domain::event::Actor;
use crate::history::SEGMENT_BYTES;

/// Opens the store that the settings name for a server, creating it if it is not there; waits some
/// seconds for a command that holds it. Building a lost index anew takes as long as the history is.
///
/// # Errors
/// The folder is in use, is somebody else's, damaged beyond what the history can mend, or cannot be read
/// or written.
pub async fn open(settings: &StoreSettings, clock: Clock) -> Result<Arc<dyn Store>, StoreError> {
    open_held(settings, clock, None).await
}

/// The same where the server before may have given the lock of the folder, so that nobody else comes between.
///
/// # Errors
/// As [`open`].
pub async fn open_held(
    settings: &StoreSettings,
    clock: Clock,
    mut held: Option<OwnedFd>,
) -> Result<Arc<dyn Store>, StoreError> {
    let mut patience = Patience::new(Opener::Server.role());
    loop {
        match open_with(held.take(), Opener::Server, settings, clock.clone()).await {
            Err(error) if patience.goes_on(&error, |why| tracing::warn!("{why}")).await => {}
            outcome => return outcome,
        }
    }
}

/// The same for anybody, without waiting for whoever holds the folder.
///
/// # Errors
/// As [`open`]; also if there is no data folder, and the opener may not make one.
pub async fn open_for(
    opener: Opener,
    settings: &StoreSettings,
    clock: Clock,
) -> Result<Arc<dyn Store>, StoreError> {
    open_with(None, opener, settings, clock).await
}

async fn open_with(
    held: Option<OwnedFd>,
    opener: Opener,
    settings: &StoreSettings,
    clock: Clock,
) -> Result<Arc<dyn Store>, StoreError> {
    let options = options(opener, settings, clock);
    // Where the records will be read, and not on a thread for what blocks: the system's allocator keeps
    // memory for each thread, and what the opening leaves free (a tenth of a gigabyte after a million
    // tokens) would be of no use to the readers. Nobody else waits for this runtime yet.
    let opened = tokio::spawn(async move { sled::SledStore::open_held(options, held) }).await;
    Ok(Arc::new(finished(settings, opened)?))
}

/// Builds the index of a store that is not open from its history alone, and goes on from what the
/// history holds. Where that lacks events that were known, nothing is changed without the word of
/// somebody, which goes on record.
///
/// # Errors
/// The folder is in use, or its history is damaged or cut.
pub async fn repair(
    settings: &StoreSettings,
    clock: Clock,
    word: Option<Actor>,
) -> Result<Repaired, StoreError> {
    let options = options(Opener::Command, settings, clock);
    aside(settings, move || sled::repair(options, word)).await
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
    let (from, options) = (from.to_owned(), options(Opener::Maker, settings, clock));
    aside(settings, move || sled::restore(&from, options)).await
}

/// Where the history of a data folder lies, for checking it.
pub fn history_folder(data: &Path) -> PathBuf {
    sled::history_folder(data)
}

fn options(opener: Opener, settings: &StoreSettings, clock: Clock) -> sled::Options {
    sled::Options {
        opener,
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
