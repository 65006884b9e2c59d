//! Making the files anew from the records, beside the writing thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{Inside, Summaries, Trust};
use crate::store::StoreError;
use crate::store::sled::shared::Shared;
use crate::store::sled::{entry, keys};

/// How many records are read while the writing thread may have to wait: less than a millisecond's.
const PIECE: usize = 64;
/// Until it may have its turn.
const PAUSE: Duration = Duration::from_micros(50);

/// A thread that makes the files anew.
#[derive(Debug)]
pub(in crate::store::sled) struct Building {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Building {
    /// Begins. For the writing thread, between two batches: from here on it writes rows too.
    pub(in crate::store::sled) fn start(shared: &Arc<Shared>) -> Result<Self, StoreError> {
        shared.summaries.begin()?;
        let stop = Arc::new(AtomicBool::new(false));
        let (shared, stopped) = (Arc::clone(shared), Arc::clone(&stop));
        let run = move || {
            let begun = crate::clock::instant();
            match build(&shared, &stopped) {
                Ok(()) => {
                    let (rows, took) = (shared.summaries.shared().rows, begun.elapsed());
                    tracing::info!("summaries of {rows} tokens were made anew in {took:?}");
                }
                Err(StoreError::Closed) => {}
                Err(error) => shared.summaries.distrust(&error.to_string()),
            }
        };
        let thread = std::thread::Builder::new().name("store-summaries".to_owned()).spawn(run);
        let thread = thread.map_err(|error| StoreError::Failed {
            doing: "starting a thread".to_owned(),
            cause: error.to_string(),
        })?;
        Ok(Self { stop, thread: Some(thread) })
    }

    pub(in crate::store::sled) fn is_done(&self) -> bool {
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

impl Summaries {
    /// Empties the files. A start that finds them so does not trust them.
    fn begin(&self) -> Result<(), StoreError> {
        self.empty(Trust::Growing)
    }

    /// The same where there is no token yet.
    pub(in crate::store::sled) fn begin_empty(&self) -> Result<(), StoreError> {
        self.empty(Trust::Whole)
    }

    fn empty(&self, trust: Trust) -> Result<(), StoreError> {
        let mut salt = [0; 4];
        aws_lc_rs::rand::fill(&mut salt).map_err(|_| StoreError::Failed {
            doing: "making a file for summaries".to_owned(),
            cause: "no randomness".to_owned(),
        })?;
        let mut inside = self.alone();
        let times = inside.times.wrapping_add(1);
        *inside = Inside {
            trust,
            times,
            salt: u32::from_le_bytes(salt),
            rows: 0,
            end: 0,
            live: 0,
            zones: Vec::new(),
        };
        let emptied = self.rows.set_len(0).and_then(|()| self.texts.set_len(0));
        emptied.map_err(|error| {
            inside.trust = Trust::None;
            super::uses::failed(&self.path, "emptying", &error)
        })
    }
}

fn build(shared: &Shared, stop: &AtomicBool) -> Result<(), StoreError> {
    let (summaries, mut after) = (&shared.summaries, None::<Vec<u8>>);
    loop {
        if stop.load(Ordering::Acquire) || shared.is_closing() {
            return Err(StoreError::Closed);
        }
        // Not for longer than a piece: another one may be put in its place. It has the same slots.
        let index = shared.whole_index()?;
        let mut inside = summaries.alone();
        if inside.trust != Trust::Growing {
            return Ok(());
        }
        let found = index.list(&[keys::TOKENS], after.as_deref(), None, PIECE)?;
        let Some((last, _)) = found.last() else {
            inside.trust = Trust::Whole;
            return Ok(());
        };
        after = Some(last.to_vec());
        let read = found.iter().map(|(key, payload)| {
            let (token, head) = entry::read_token(&index, key, payload)?;
            Ok((head.slot, token))
        });
        let tokens = read.collect::<Result<Vec<_>, StoreError>>()?;
        let written = summaries.put(&mut inside, &tokens);
        written.map_err(|error| super::uses::failed(&summaries.path, "writing", &error))?;
        drop((inside, index));
        std::thread::sleep(PAUSE);
    }
}
