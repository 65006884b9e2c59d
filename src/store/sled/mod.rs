//! The embedded store: the history on disk, sled as the index over it, and a flat file of last
//! uses.
//!
//! Every change of a record goes through one thread (`write`); reads go to the index directly. The
//! history is the truth: the index may be lost, damaged or behind, and is brought up from it
//! (`open`). Last uses are written past that thread (`notes`, `uses`).

use std::io::Write;
use std::ops::RangeInclusive;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Semaphore, oneshot};

use super::{
    Commit, Due, EventFilter, Glance, Health, Held, Listed, NotedUse, Page, PendingUses, Position,
    Recorded, Searched, Store, StoreError, Subject, TokenQuery, Usage, UseKey, UseSlot, codec,
};
use crate::domain::company::Company;
use crate::domain::day::{Day, Requests};
use crate::domain::id::{OwnerId, Slug, TokenId};
use crate::domain::left::Spent;
use crate::domain::owner::Owner;
use crate::domain::secret::Digest;
use crate::domain::time::Timestamp;
use crate::domain::token::Token;

mod anew;
mod apply;
mod aside;
mod blocked;
mod checkpoint;
mod chunk;
mod close;
mod counts;
mod days;
mod doubt;
mod draft;
mod entry;
mod events;
mod find;
mod folder;
mod glances;
mod heal;
mod index;
mod keeper;
mod keys;
mod lock;
mod notes;
mod offline;
mod open;
mod options;
mod packed;
mod portable;
mod private;
mod read;
mod ready;
mod renew;
mod replay;
mod run;
mod scrub;
mod shared;
mod small;
mod space;
mod stamp;
mod start;
mod state;
mod stopped;
mod summaries;
mod summarise;
mod upgrade;
mod upkeep;
mod uses;
mod validate;
mod value;
mod whole;
mod write;

pub(super) use offline::{repair, restore};
pub(super) use options::{Options, history_folder};

#[cfg(test)]
mod tests;

pub use lock::Lock;
use shared::Shared;
use write::{Job, Request};

/// An open data folder.
#[derive(Debug)]
pub(super) struct SledStore {
    shared: Arc<Shared>,
    room: Semaphore,
    /// One turn for each part of an index in doubt, and one for all of it.
    turns: Vec<Semaphore>,
    /// For searches that may look at every token, so that many of them leave the processors to others.
    searches: Semaphore,
    /// Of the writing thread, which lets it go when it has closed everything.
    lock: Weak<Lock>,
    jobs: Mutex<Option<Sender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl SledStore {
    async fn ask<T>(
        &self,
        job: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Job,
    ) -> Result<T, StoreError> {
        let _waiting = self.room.acquire().await.map_err(|_| StoreError::Closed)?;
        let (answer, answered) = oneshot::channel();
        self.send(job(answer))?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// For a thread that may block.
    fn close_now(&self) -> Result<(), StoreError> {
        let (answer, answered) = oneshot::channel();
        self.send(Job::Close(answer))?;
        answered.blocking_recv().map_err(|_| StoreError::Closed)?
    }

    fn send(&self, job: Job) -> Result<(), StoreError> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = jobs.as_ref().map(|jobs| jobs.send(job));
        sent.and_then(Result::ok).ok_or(StoreError::Closed)
    }
}

impl Drop for SledStore {
    /// Closes what was not closed, and waits for it, so that the folder is free when this is gone.
    fn drop(&mut self) {
        self.shared.begin_closing();
        *self.jobs.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the writing thread of the store had failed");
        }
    }
}

#[async_trait]
impl Store for SledStore {
    async fn token(&self, id: TokenId) -> Result<Option<Arc<Token>>, StoreError> {
        entry::token(&*self.ready_for_all().await?, id)
    }

    async fn held(&self, digest: &Digest) -> Result<Option<Held>, StoreError> {
        let parts = [keys::part(&keys::digest(digest)), keys::OWNERS_PART];
        read::held(&*self.ready_for(&parts).await?, digest, &self.shared.uses)
    }

    async fn owner(&self, id: &OwnerId) -> Result<Option<Arc<Owner>>, StoreError> {
        entry::owner(&*self.ready_for(&[keys::OWNERS_PART]).await?, id)
    }

    async fn tokens(&self, query: &TokenQuery) -> Result<Page<Listed, TokenId>, StoreError> {
        let (query, index) = (query.clone(), self.ready_for_all().await?);
        let _turn = match query.filter.is_open() {
            true => None,
            false => Some(self.searches.acquire().await.map_err(|_| StoreError::Closed)?),
        };
        self.aside(move |shared| find::tokens(&index, shared, &query)).await
    }

    async fn glances(
        &self,
        query: &TokenQuery,
        pending: Arc<dyn PendingUses>,
    ) -> Result<Page<Glance, TokenId>, StoreError> {
        let (query, index) = (query.clone(), self.ready_for_all().await?);
        let _turn = self.searches.acquire().await.map_err(|_| StoreError::Closed)?;
        self.aside(move |shared| glances::glances(&index, shared, &query, &*pending)).await
    }

    async fn count_owners(&self) -> Result<(usize, usize), StoreError> {
        let index = self.ready_for_all().await?;
        self.aside(move |shared| glances::count_owners(&index, shared)).await
    }

    async fn owners(
        &self,
        after: Option<&OwnerId>,
        limit: usize,
    ) -> Result<Page<Arc<Owner>, OwnerId>, StoreError> {
        let (after, index) = (after.cloned(), self.ready_for_all().await?);
        self.aside(move |_| read::owners(&index, after.as_ref(), limit)).await
    }

    async fn company(&self, id: &Slug) -> Result<Option<Arc<Company>>, StoreError> {
        entry::company(&*self.ready_for(&[keys::OWNERS_PART]).await?, id)
    }

    async fn companies(
        &self,
        after: Option<&Slug>,
        limit: usize,
    ) -> Result<Page<Arc<Company>, Slug>, StoreError> {
        let (after, index) = (after.cloned(), self.ready_for_all().await?);
        self.aside(move |_| read::companies(&index, after.as_ref(), limit)).await
    }

    async fn use_slot(&self, of: TokenId) -> Result<Option<UseSlot>, StoreError> {
        let head = entry::head(&*self.ready_for_all().await?, of)?;
        Ok(head.map(|head| UseSlot::new(head.slot)))
    }

    async fn last_uses(&self, of: &[UseKey]) -> Result<Vec<Option<Usage>>, StoreError> {
        let index = self.ready_for_all().await?;
        of.iter().map(|key| read::last_use(&index, *key, &self.shared.uses)).collect()
    }

    async fn note_uses(&self, uses: Vec<NotedUse>, at: Timestamp) -> Result<(), StoreError> {
        self.note(uses, at).await
    }

    async fn spent(&self, of: UseKey) -> Result<Spent, StoreError> {
        let index = self.for_slot(of).await?;
        match read::slot(&index, of)? {
            Some(slot) => self.shared.counts.read(slot, of.token),
            None => Ok(Spent::default()),
        }
    }

    async fn note_spent(&self, of: UseKey, spent: Spent) -> Result<(), StoreError> {
        self.write_spent(of, spent).await
    }

    async fn note_requests(
        &self,
        day: Day,
        counts: Vec<(UseSlot, Requests)>,
    ) -> Result<(), StoreError> {
        self.add_requests(day, counts).await
    }

    async fn requests(
        &self,
        of: UseKey,
        days: RangeInclusive<Day>,
    ) -> Result<Vec<Requests>, StoreError> {
        self.requests_of(of, days).await
    }

    async fn forget_requests(&self, before: Day) -> Result<usize, StoreError> {
        self.shared.index()?;
        self.aside(move |shared| days::forget(&shared.options.folder, before)).await
    }

    async fn due(
        &self,
        until: Timestamp,
        after: Option<Due>,
        limit: usize,
    ) -> Result<Vec<Due>, StoreError> {
        let index = self.ready_for_all().await?;
        self.aside(move |_| read::due(&index, until, after, limit)).await
    }

    async fn refile(&self, due: Due) -> Result<Option<Timestamp>, StoreError> {
        self.ask(|answer| Job::Refile(due, answer)).await
    }

    async fn commit(&self, commit: Commit) -> Result<Position, StoreError> {
        let encoded = codec::encode(&commit).map_err(|error| StoreError::Failed {
            doing: "writing an event down".to_owned(),
            cause: error.to_string(),
        })?;
        self.ask(|answer| Job::Commit(Box::new(Request::new(commit, encoded, answer)))).await
    }

    async fn events(
        &self,
        subject: Option<&Subject>,
        before: Option<Position>,
        limit: usize,
    ) -> Result<Page<Recorded, Position>, StoreError> {
        let about = subject.cloned();
        self.aside(move |shared| events::events(shared, about.as_ref(), before, limit)).await
    }

    async fn search(
        &self,
        subject: Option<&Subject>,
        filter: &EventFilter,
        before: Option<Position>,
        limit: usize,
    ) -> Result<Searched, StoreError> {
        let asked = (subject.cloned(), filter.clone(), before, limit);
        self.aside(move |shared| events::search(shared, &asked)).await
    }

    async fn backup(&self, into: Box<dyn Write + Send>) -> Result<Position, StoreError> {
        self.aside(move |shared| portable::back_up(shared, into)).await
    }

    async fn verify_some(&self, bytes: u64) -> Result<Position, StoreError> {
        self.aside(move |shared| {
            let mut scrub = shared.scrub.lock().unwrap_or_else(PoisonError::into_inner);
            scrub.go_on(shared.applied(), bytes)
        })
        .await
    }

    async fn high_water(&self) -> Result<Timestamp, StoreError> {
        self.shared.index()?;
        Ok(self.shared.high_water())
    }

    async fn raise_high_water(&self, to: Timestamp) -> Result<(), StoreError> {
        self.shared.index()?;
        self.shared.raise_high_water(to);
        Ok(())
    }

    async fn lower_high_water(&self, to: Timestamp) -> Result<(), StoreError> {
        self.shared.index()?;
        self.shared.lower_high_water(to);
        self.aside(move |shared| shared.uses.lower_high_water(to)).await
    }

    fn newest(&self) -> Position {
        Position(self.shared.applied())
    }

    fn checkpoint_age(&self) -> Duration {
        self.shared.checkpoint_age()
    }

    fn health(&self) -> Health {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let stopped = thread.as_ref().is_none_or(JoinHandle::is_finished);
        match self.shared.health() {
            Health::Ready | Health::ReadOnly(_) | Health::ReadOnlyForGood(_) if stopped => {
                Health::Broken("the thread that makes changes has stopped; restart".to_owned())
            }
            health => health,
        }
    }

    fn lock(&self) -> Option<Arc<Lock>> {
        self.lock.upgrade()
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.shared.begin_closing();
        match self.ask(Job::Close).await {
            Ok(()) | Err(StoreError::Closed) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
