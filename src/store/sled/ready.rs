//! Waiting until what is to be read is known to be whole, and reading it where it holds nobody up.

use std::sync::Arc;

use tokio::sync::SemaphorePermit;

use super::index::Index;
use super::shared::Shared;
use super::{SledStore, keys};
use crate::store::{StoreError, UseKey};

impl SledStore {
    /// The index, once these parts of it are known to be whole: at once, but for a short time after
    /// a crash. Then one thread reads a part, and whoever else waits for it holds none, so that
    /// thousands of requests leave threads for those who list or end tokens.
    pub(super) async fn ready_for(&self, parts: &[usize]) -> Result<Arc<Index>, StoreError> {
        loop {
            // Another one may have been put in its place meanwhile, which may be in doubt too.
            let index = self.shared.index()?;
            let doubtful = |part: &usize| index.doubts().is_some_and(|all| all.any_of(&[*part]));
            let Some(part) = parts.iter().copied().find(doubtful) else { return Ok(index) };
            let _turn = self.turn(part).await?;
            if doubtful(&part) {
                let index = Arc::clone(&index);
                self.aside(move |_| index.clear(&[part])).await?;
            }
        }
    }

    /// The same for all of it.
    pub(super) async fn ready_for_all(&self) -> Result<Arc<Index>, StoreError> {
        let index = self.shared.index()?;
        if index.doubts().is_none() {
            return Ok(index);
        }
        let _turn = self.turn(keys::PARTS).await?;
        self.aside(Shared::whole_index).await
    }

    /// The index, to find a slot by: where that is known, nothing of it is looked at.
    pub(super) async fn for_slot(&self, of: UseKey) -> Result<Arc<Index>, StoreError> {
        match of.slot {
            Some(_) => self.shared.index(),
            None => self.ready_for_all().await,
        }
    }

    async fn turn(&self, part: usize) -> Result<SemaphorePermit<'_>, StoreError> {
        let turns = self.turns.get(part).ok_or(StoreError::Closed)?;
        turns.acquire().await.map_err(|_| StoreError::Closed)
    }

    /// For what may read many pages of the disk. Reads of single records run where they are called:
    /// they take microseconds, less than the way to another thread and back, and at worst a page
    /// from the disk and the end of a batch, a few milliseconds; a last use is one more read of 64
    /// bytes. Their callers sit on the control runtime.
    pub(super) async fn aside<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Shared) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let shared = Arc::clone(&self.shared);
        let done = tokio::task::spawn_blocking(move || read(&shared)).await;
        done.map_err(|error| StoreError::Failed {
            doing: "reading the store".to_owned(),
            cause: error.to_string(),
        })?
    }
}
