//! A new index beside one in which damage was met, while that one goes on answering what it can.
//!
//! A thread of its own carries the history into `index.next`. When it is done, the writing thread adds what
//! came since and puts it in the place of the damaged one; only then is there no index, for a moment.
//! Whatever fails leaves the damaged one in place, or puts it back, and then it is opened again as after any
//! failure (`heal`). What was built in vain is removed at once: it may be what fills the disk.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use super::anew;
use super::checkpoint::{self, Checkpoint, Seen};
use super::index::Index;
use super::replay::{Replay, ReplayError};
use super::shared::{self, Access, Shared};
use super::space::Space;
use super::state::State;
use crate::history::{self, Lines, Mark, Place};
use crate::store::StoreError;

/// Memory for the pages of the new index while it is built.
const CACHE_BYTES: u64 = 64 << 20;

/// The thread goes on while there are more new events than this: the writing thread must not be kept long.
const LEFT: u64 = 4_096;
/// After so many events it is seen to that the disk is not being filled.
const LOOK: u64 = 64;

/// How far a new index has come.
#[derive(Clone, Copy, Debug)]
struct Built {
    state: State,
    /// Where the next event stands.
    next: Place,
}

/// A new index that is being built.
#[derive(Debug)]
pub(super) struct Renewal {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<Built, StoreError>>>,
    path: PathBuf,
}

impl Renewal {
    /// Begins to build, up to the newest event of this moment.
    pub(super) fn start(shared: &Arc<Shared>) -> Result<Self, StoreError> {
        let (stop, path) = (Arc::new(AtomicBool::new(false)), shared.options.next_index());
        let (shared, stopped) = (Arc::clone(shared), Arc::clone(&stop));
        let run = move || {
            let path = shared.options.next_index();
            let prepared = anew::prepare(&path);
            let built = prepared.and_then(|()| build(&shared, &path, &stopped));
            built.inspect_err(|_| drop(anew::remove(&path)))
        };
        let thread = std::thread::Builder::new().name("store-renewal".to_owned()).spawn(run);
        let thread = thread.map_err(|error| StoreError::Failed {
            doing: "starting a thread".to_owned(),
            cause: error.to_string(),
        })?;
        tracing::warn!("building a new index beside the damaged one");
        Ok(Self { stop, thread: Some(thread), path })
    }

    pub(super) fn is_done(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Puts the new index in the place of the damaged one, with every event up to `until`. For the writing
    /// thread: no event comes meanwhile. One that is read for too long stays.
    pub(super) fn finish(mut self, shared: &Shared, until: Mark) -> Result<State, StoreError> {
        let built = match self.thread.take().map(JoinHandle::join) {
            Some(Ok(built)) => built?,
            _ => return Err(failed("building a new index", "its thread gave up")),
        };
        let next = shared.options.next_index();
        let built = carry(shared, &next, built, until.head.seq, &self.stop)?;
        let options = &shared.options;
        let known = checkpoint::read(&options.folder);
        let seen = checkpoint::seen(&options.folder, known.as_ref());
        let seen = Seen { high_water: shared.high_water(), ..seen };
        let batches = built.state.batches;
        shared.summaries.sync(seen.uses.generation);
        // Whatever takes long or wants room comes while the damaged one still answers. After a crash it is
        // in doubt with this checkpoint, or not trusted.
        checkpoint::write(&options.folder, &Checkpoint::at(until, batches, seen))?;
        let reason = "a new index is being put in its place".to_owned();
        if let Some(Err(old)) = shared.change(Access::Down(reason)).map(shared::sole) {
            shared.change(Access::Open(old));
            return Err(failed("closing the damaged index", "it is still being read"));
        }
        shared.change(Access::Open(Arc::new(anew::exchange(options, &built.state)?)));
        Ok(built.state)
    }
}

impl Drop for Renewal {
    /// What is not finished is not waited for.
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        // Gone already if it was put in its place.
        if let Err(error) = anew::remove(&self.path) {
            tracing::warn!("{error}");
        }
    }
}

/// Builds an index, until hardly any event is missing.
fn build(shared: &Shared, path: &Path, stop: &AtomicBool) -> Result<Built, StoreError> {
    let mut built = Built { state: State::default(), next: Place::START };
    loop {
        let until = shared.applied();
        built = carry(shared, path, built, until, stop)?;
        // sled notes where its pages are only when it opens: the writing thread must not wait for that.
        drop(Index::open(path, CACHE_BYTES)?);
        if shared.applied().saturating_sub(until) <= LEFT {
            return Ok(built);
        }
    }
}

/// Carries events up to `until` into the new index, and syncs it.
fn carry(
    shared: &Shared,
    path: &Path,
    from: Built,
    until: u64,
    stop: &AtomicBool,
) -> Result<Built, StoreError> {
    let space = Space::new(&shared.options.folder, shared.options.reserve_bytes);
    let index = Index::open(path, CACHE_BYTES)?;
    let mut replay = Replay::new(&index, from.state, &shared.uses);
    let mut lines = Lines::from(&shared.options.history(), from.next)?;
    let (mut next, mut applied) = (from.next, from.state.applied);
    while applied < until
        && let Some(raw) = lines.next_line()?
    {
        if stop.load(Ordering::Acquire) || shared.is_closing() {
            return Err(StoreError::Closed);
        }
        if applied.is_multiple_of(LOOK) {
            space.check(0)?;
        }
        let checked =
            history::check(raw.bytes).map_err(|what| failed("reading the history", what))?;
        (applied, next) = (checked.seq, after(&raw.place, raw.bytes));
        replay.take(raw.place, checked, raw.bytes).map_err(|ReplayError(error)| error)?;
    }
    let state = replay.finish()?;
    if state.applied != until {
        let what = format!("it ends at event {} of {until}", state.applied);
        return Err(failed("reading the history", &what));
    }
    index.sync()?;
    Ok(Built { state, next })
}

/// Where the line after this one stands, or where its segment ends.
fn after(place: &Place, line: &[u8]) -> Place {
    let bytes = u64::try_from(line.len()).unwrap_or(u64::MAX).saturating_add(1);
    Place { offset: place.offset.saturating_add(bytes), ..*place }
}

fn failed(doing: &str, cause: &str) -> StoreError {
    StoreError::Failed { doing: doing.to_owned(), cause: cause.to_owned() }
}
