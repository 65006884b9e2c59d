//! A real store whose reads arrive late: what was read is held back for some turns of the runtime,
//! so that changes come in between. Everything else is the store's own.

use std::io::Write;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Semaphore;

use crate::domain::company::Company;
use crate::domain::day::{Day, Requests};
use crate::domain::id::{OwnerId, Slug, TokenId};
use crate::domain::left::Spent;
use crate::domain::owner::Owner;
use crate::domain::secret::Digest;
use crate::domain::time::Timestamp;
use crate::domain::token::Token;
use crate::store::{
    Commit, Due, EventFilter, Glance, Health, Held, Listed, NotedUse, Page, PendingUses, Position,
    Recorded, Searched, Store, StoreError, Subject, TokenQuery, Usage, UseKey, UseSlot,
};

/// The store behind it, and how many reads there were.
#[derive(Debug)]
pub(crate) struct Late {
    pub(crate) inner: Arc<dyn Store>,
    pub(crate) reads: AtomicUsize,
    /// Without permits no read comes to its end.
    pub(crate) gate: Semaphore,
    /// Reads that have begun and are not over.
    pub(crate) inside: AtomicUsize,
    /// Whether what stands at the gate is what was read, and not who is about to read.
    pub(crate) holds_answers: AtomicBool,
    /// Whose record cannot be read by its id.
    pub(crate) unreadable: Mutex<Option<TokenId>>,
    /// Whether no count is written down.
    pub(crate) counts_fail: AtomicBool,
    /// Whether it takes no changes, as on a full disk.
    pub(crate) is_full: AtomicBool,
}

impl Late {
    pub(crate) fn over(inner: Arc<dyn Store>, permits: usize) -> Self {
        Self {
            inner,
            reads: AtomicUsize::new(0),
            gate: Semaphore::new(permits),
            inside: AtomicUsize::new(0),
            holds_answers: AtomicBool::new(false),
            unreadable: Mutex::default(),
            counts_fail: AtomicBool::new(false),
            is_full: AtomicBool::new(false),
        }
    }
}

#[async_trait]
impl Store for Late {
    async fn held(&self, digest: &Digest) -> Result<Option<Held>, StoreError> {
        let early = self.holds_answers.load(Ordering::SeqCst);
        let before = if early { Some(self.inner.held(digest).await) } else { None };
        self.inside.fetch_add(1, Ordering::SeqCst);
        drop(self.gate.acquire().await);
        self.inside.fetch_sub(1, Ordering::SeqCst);
        let read = match before {
            Some(read) => read,
            None => self.inner.held(digest).await,
        };
        let turns = self.reads.fetch_add(1, Ordering::Relaxed) % 7;
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
        read
    }

    async fn token(&self, id: TokenId) -> Result<Option<Arc<Token>>, StoreError> {
        if *self.unreadable.lock().unwrap() == Some(id) {
            let [place, what, hint] = ["a key", "a test", "nothing"].map(str::to_owned);
            return Err(StoreError::Damaged { place, what, hint });
        }
        self.inner.token(id).await
    }

    async fn owner(&self, id: &OwnerId) -> Result<Option<Arc<Owner>>, StoreError> {
        self.inner.owner(id).await
    }

    async fn tokens(&self, query: &TokenQuery) -> Result<Page<Listed, TokenId>, StoreError> {
        self.inner.tokens(query).await
    }

    async fn glances(
        &self,
        query: &TokenQuery,
        pending: Arc<dyn PendingUses>,
    ) -> Result<Page<Glance, TokenId>, StoreError> {
        self.inner.glances(query, pending).await
    }

    async fn count_owners(&self) -> Result<(usize, usize), StoreError> {
        self.inner.count_owners().await
    }

    async fn owners(
        &self,
        after: Option<&OwnerId>,
        limit: usize,
    ) -> Result<Page<Arc<Owner>, OwnerId>, StoreError> {
        self.inner.owners(after, limit).await
    }

    async fn company(&self, id: &Slug) -> Result<Option<Arc<Company>>, StoreError> {
        self.inner.company(id).await
    }

    async fn companies(
        &self,
        after: Option<&Slug>,
        limit: usize,
    ) -> Result<Page<Arc<Company>, Slug>, StoreError> {
        self.inner.companies(after, limit).await
    }

    async fn use_slot(&self, of: TokenId) -> Result<Option<UseSlot>, StoreError> {
        self.inner.use_slot(of).await
    }

    async fn last_uses(&self, of: &[UseKey]) -> Result<Vec<Option<Usage>>, StoreError> {
        self.inner.last_uses(of).await
    }

    async fn note_requests(
        &self,
        day: Day,
        counts: Vec<(UseSlot, Requests)>,
    ) -> Result<(), StoreError> {
        if self.counts_fail.load(Ordering::SeqCst) {
            return Err(StoreError::Closed);
        }
        self.inner.note_requests(day, counts).await
    }

    async fn requests(
        &self,
        of: UseKey,
        days: RangeInclusive<Day>,
    ) -> Result<Vec<Requests>, StoreError> {
        self.inner.requests(of, days).await
    }

    async fn forget_requests(&self, before: Day) -> Result<usize, StoreError> {
        self.inner.forget_requests(before).await
    }

    async fn note_uses(&self, uses: Vec<NotedUse>, at: Timestamp) -> Result<(), StoreError> {
        self.inner.note_uses(uses, at).await
    }

    async fn spent(&self, of: UseKey) -> Result<Spent, StoreError> {
        self.inner.spent(of).await
    }

    async fn note_spent(&self, of: UseKey, spent: Spent) -> Result<(), StoreError> {
        if self.counts_fail.load(Ordering::SeqCst) {
            return Err(StoreError::ReadOnly("a test".to_owned()));
        }
        drop(self.gate.acquire().await);
        self.inner.note_spent(of, spent).await
    }

    async fn due(
        &self,
        until: Timestamp,
        after: Option<Due>,
        limit: usize,
    ) -> Result<Vec<Due>, StoreError> {
        self.inner.due(until, after, limit).await
    }

    async fn refile(&self, due: Due) -> Result<Option<Timestamp>, StoreError> {
        self.inner.refile(due).await
    }

    async fn commit(&self, commit: Commit) -> Result<Position, StoreError> {
        self.inner.commit(commit).await
    }

    async fn events(
        &self,
        subject: Option<&Subject>,
        before: Option<Position>,
        limit: usize,
    ) -> Result<Page<Recorded, Position>, StoreError> {
        self.inner.events(subject, before, limit).await
    }

    async fn search(
        &self,
        subject: Option<&Subject>,
        filter: &EventFilter,
        before: Option<Position>,
        limit: usize,
    ) -> Result<Searched, StoreError> {
        self.inner.search(subject, filter, before, limit).await
    }

    async fn backup(&self, into: Box<dyn Write + Send>) -> Result<Position, StoreError> {
        self.inner.backup(into).await
    }

    async fn verify_some(&self, bytes: u64) -> Result<Position, StoreError> {
        self.inner.verify_some(bytes).await
    }

    async fn high_water(&self) -> Result<Timestamp, StoreError> {
        self.inner.high_water().await
    }

    async fn raise_high_water(&self, to: Timestamp) -> Result<(), StoreError> {
        self.inner.raise_high_water(to).await
    }

    async fn lower_high_water(&self, to: Timestamp) -> Result<(), StoreError> {
        self.inner.lower_high_water(to).await
    }

    fn newest(&self) -> Position {
        self.inner.newest()
    }

    fn checkpoint_age(&self) -> Duration {
        self.inner.checkpoint_age()
    }

    fn health(&self) -> Health {
        match self.is_full.load(Ordering::SeqCst) {
            true => Health::ReadOnly("a test".to_owned()),
            false => self.inner.health(),
        }
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.inner.close().await
    }
}
