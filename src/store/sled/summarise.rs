//! Making summaries anew from the records, beside the writing thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::shared::Shared;
use super::{entry, keys};
use crate::store::StoreError;

/// How many records are read while the writing thread may have to wait: less than a millisecond's.
const PIECE: usize = 64;
/// Until it may have its turn.
const PAUSE: Duration = Duration::from_micros(50);

/// A thread that makes the files anew.
#[derive(Debug)]
pub(super) struct Building {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Building {
    /// Begins. For the writing thread, between two batches: from here on it writes rows too.
    pub(super) fn start(shared: &Arc<Shared>) -> Result<Self, StoreError> {
        shared.summaries.begin()?;
        let stop = Arc::new(AtomicBool::new(false));
        let (shared, stopped) = (Arc::clone(shared), Arc::clone(&stop));
        let run = move || match build(&shared, &stopped) {
            Ok(()) | Err(StoreError::Closed) => {}
            Err(error) => shared.summaries.distrust(&error.to_string()),
        };
        let thread = std::thread::Builder::new().name("store-summaries".to_owned()).spawn(run);
        let thread = thread.map_err(|error| StoreError::Failed {
            doing: "starting a thread".to_owned(),
            cause: error.to_string(),
        })?;
        Ok(Self { stop, thread: Some(thread) })
    }

    pub(super) fn is_done(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for Building {
    /// What is not finished is begun again after the next start.
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn build(shared: &Shared, stop: &AtomicBool) -> Result<(), StoreError> {
    let mut after = None::<Vec<u8>>;
    loop {
        if stop.load(Ordering::Acquire) || shared.is_closing() {
            return Err(StoreError::Closed);
        }
        // Not for longer than a piece: another one may be put in its place. It has the same slots.
        let index = shared.whole_index()?;
        let more = shared.summaries.go_on(|| {
            let found = index.list(&[keys::TOKENS], after.as_deref(), None, PIECE)?;
            after = found.last().map(|(last, _)| last.to_vec());
            let read = found.iter().map(|(key, payload)| {
                let (token, head) = entry::read_token(&index, key, payload)?;
                Ok((head.slot, token))
            });
            read.collect()
        });
        drop(index);
        if !more? {
            return Ok(());
        }
        std::thread::sleep(PAUSE);
    }
}
