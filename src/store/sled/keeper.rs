//! The thread that takes checkpoints and syncs last uses, so that commits do not wait for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use super::checkpoint::{self, Checkpoint, Seen};
use super::index::Index;
use super::options::Options;
use super::shared::Shared;
use super::space::Space;
use crate::store::StoreError;

/// Takes checkpoints one at a time.
#[derive(Debug)]
pub(super) struct Keeper {
    requests: Option<Sender<Request>>,
    thread: Option<JoinHandle<()>>,
    state: Arc<Progress>,
}

/// What is to be made durable: last uses always, for slots must not be behind the events that a checkpoint
/// lets a start pass over.
#[derive(Debug)]
struct Request {
    shared: Arc<Shared>,
    index: Arc<Index>,
    checkpoint: Option<Checkpoint>,
}

#[derive(Debug, Default)]
struct Progress {
    busy: AtomicBool,
    failed: AtomicBool,
    /// Whether the last sync of the last uses failed.
    uses_fail: AtomicBool,
}

/// Syncs the last uses; says so the first time that it fails.
fn sync(shared: &Shared, progress: &Progress) -> bool {
    let synced = shared.uses.sync();
    let failed = synced.is_err();
    if let Err(error) = synced
        && !progress.uses_fail.load(Ordering::Relaxed)
    {
        tracing::error!("last uses are not on disk: {error}");
    }
    progress.uses_fail.store(failed, Ordering::Relaxed);
    !failed
}

impl Keeper {
    /// Starts the thread.
    pub(super) fn start(options: &Options) -> Result<Self, StoreError> {
        let (requests, waiting) = channel::<Request>();
        let state = Arc::new(Progress::default());
        let progress = Arc::clone(&state);
        let folder = options.folder.clone();
        let space = Space::new(&folder, options.reserve_bytes);
        let run = move || {
            for Request { shared, index, checkpoint } in waiting {
                // Whatever fails here fails the sync too, or is tried again with the next checkpoint.
                let aged = |checkpoint: Checkpoint| {
                    let uses = shared.uses.begin_generation().ok()?;
                    Some(Checkpoint { seen: Seen { uses, ..checkpoint.seen }, ..checkpoint })
                };
                let checkpoint = checkpoint.and_then(aged);
                let synced = sync(&shared, &progress);
                // After a failed sync it is unknown what of the index is on disk: the last good checkpoint
                // stays, and the next start doubts what of the index was not read.
                let checkpoint = checkpoint.filter(|_| synced);
                if let Some(checkpoint) = checkpoint
                    && !progress.failed.load(Ordering::Acquire)
                {
                    space.make_room();
                    shared.summaries.sync(checkpoint.seen.uses.generation);
                    let synced = shared.open_fault().and_then(|()| index.sync());
                    let taken = synced.and_then(|()| checkpoint::write(&folder, &checkpoint));
                    if let Err(error) = taken {
                        tracing::error!("no checkpoint could be taken: {error}");
                        // Only a failed sync leaves unknown what is on disk.
                        let passing = error.is_passing();
                        progress.failed.store(!passing, Ordering::Release);
                    } else {
                        shared.note_checkpoint();
                    }
                }
                drop((index, shared));
                progress.busy.store(false, Ordering::Release);
            }
        };
        let thread = std::thread::Builder::new().name("store-checkpoint".to_owned()).spawn(run);
        let thread = thread.map_err(|error| StoreError::Failed {
            doing: "starting a thread".to_owned(),
            cause: error.to_string(),
        })?;
        Ok(Self { requests: Some(requests), thread: Some(thread), state })
    }

    /// Asks for a sync of the last uses, and for a checkpoint of what is in the index now; answers whether
    /// that was begun.
    pub(super) fn request(
        &self,
        shared: &Arc<Shared>,
        index: &Arc<Index>,
        checkpoint: Option<Checkpoint>,
    ) -> bool {
        if self.state.busy.swap(true, Ordering::AcqRel) {
            return false;
        }
        let requests = self.requests.as_ref();
        let (shared, index) = (Arc::clone(shared), Arc::clone(index));
        requests.is_some_and(|to| to.send(Request { shared, index, checkpoint }).is_ok())
    }

    #[cfg(test)]
    pub(super) fn is_busy(&self) -> bool {
        self.state.busy.load(Ordering::Acquire)
    }

    /// After another index was put in the place of one whose files may not have been synced.
    pub(super) fn begin_anew(&self) {
        self.state.failed.store(false, Ordering::Release);
    }

    /// Waits for the last checkpoint, and says whether none ever failed for good.
    pub(super) fn stop(&mut self) -> bool {
        self.requests = None;
        let joined = self.thread.take().is_none_or(|thread| thread.join().is_ok());
        joined && !self.state.failed.load(Ordering::Acquire)
    }
}
