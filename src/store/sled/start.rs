//! From an open data folder to a store: its threads are started.

use std::os::fd::OwnedFd;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use tokio::sync::Semaphore;

use super::options::Options;
use super::shared::Shared;
use super::write::Writer;
use super::{SledStore, keeper, keys, open, run, upkeep};
use crate::store::StoreError;
use crate::store::holder::Doing;

/// How many changes may wait for the writing thread; more wait for their turn to wait.
const WAITING: usize = 8_192;

/// How many searches go on at once; others wait for their turn.
const SEARCHES: usize = 2;

impl SledStore {
    /// Opens a data folder. This blocks; building a lost index takes as long as the history is.
    pub(in crate::store) fn open(options: Options) -> Result<Self, StoreError> {
        Self::open_held(options, None)
    }

    /// The same with a lock that somebody gave to this process.
    pub(in crate::store) fn open_held(
        options: Options,
        held: Option<OwnedFd>,
    ) -> Result<Self, StoreError> {
        let opened = open::open(&options, held)?;
        Self::over(options, opened)
    }

    pub(super) fn over(options: Options, opened: open::Opened) -> Result<Self, StoreError> {
        let open::Opened { lock, space, log, index, state, uses, counts, summaries, high_water } =
            opened;
        lock.tell(Doing::Using);
        let lock = Arc::new(lock);
        let locked = Arc::downgrade(&lock);
        let keeper = keeper::Keeper::start(&options)?;
        let shared = Shared::new(
            options,
            index,
            (uses, counts, summaries),
            Arc::clone(log.probe()),
            state.applied,
        );
        shared.raise_high_water(high_water);
        let shared = Arc::new(shared);
        let upkeep = upkeep::Upkeep::new(keeper, space, lock, state, high_water);
        let writer = Writer { shared: Arc::clone(&shared), log, state, upkeep };
        let (jobs, waiting) = channel();
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || run::run(writer, &waiting))
            .map_err(|error| StoreError::Failed {
                doing: "starting a thread".to_owned(),
                cause: error.to_string(),
            })?;
        Ok(Self {
            shared,
            room: Semaphore::new(WAITING),
            searches: Semaphore::new(SEARCHES),
            turns: (0..=keys::PARTS).map(|_| Semaphore::new(1)).collect(),
            lock: locked,
            jobs: Mutex::new(Some(jobs)),
            thread: Mutex::new(Some(thread)),
        })
    }
}
