//! Changes: made durable by the store, then forgotten by the memory, then answered.

use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;
use std::sync::{Arc, MutexGuard, PoisonError};

use crate::clock;
use crate::domain::id::{OwnerId, Slug};
use crate::domain::secret::Digest;
use crate::domain::token::Revision;
use crate::store::{Change, Commit, Position, Record, StoreError};

use super::{Cache, News, Owners};

/// What a change made memory forget.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// By the digests of their secrets.
    pub tokens: Vec<Digest>,
    /// Owners.
    pub owners: Vec<OwnerId>,
    /// Companies.
    pub companies: Vec<Slug>,
}

impl Cache {
    /// Makes a change durable and forgets the old records. When this is answered, no later request
    /// on this node is decided on them. It runs to its end even if the caller goes away half-way: a
    /// change that is durable but not forgotten would leave a revoked token alive.
    ///
    /// # Errors
    /// The store's.
    pub async fn commit(self: &Arc<Self>, commit: Commit) -> Result<Position, StoreError> {
        let cache = Arc::clone(self);
        let task = self.control.spawn(async move {
            let records: Vec<Record> = commit.changes.iter().map(record_of).collect();
            let former = cache.former_digests(&commit.changes).await?;
            let begun = clock::instant();
            let result = cache.store.commit(commit).await;
            let durable_at = clock::instant();
            cache.counts.commits.observe_shared(durable_at.duration_since(begun));
            // Also after a failure: what became of the change is then for the store to say.
            let mut forgotten = Forgotten { tokens: former, ..Forgotten::default() };
            for record in records {
                match record {
                    Record::Token(token) => forgotten.tokens.push(token.digest),
                    Record::Owner(owner) => forgotten.owners.push(owner.id.clone()),
                    Record::Company(company) => forgotten.companies.push(company.id.clone()),
                }
            }
            cache.forget(&forgotten);
            cache.tell(News::Changed(forgotten));
            cache.counts.revocation_lag.observe_shared(durable_at.elapsed());
            result
        });
        task.await.unwrap_or(Err(StoreError::Closed))
    }

    /// The digests under which tokens are held now that will be held under others. Whoever changes
    /// a record has read it, so that the store has the revision that the change expects by now, or
    /// a later one, and then refuses the change.
    async fn former_digests(&self, changes: &[Change]) -> Result<Vec<Digest>, StoreError> {
        let mut former = Vec::new();
        for change in changes {
            let Record::Token(new) = &change.record else { continue };
            if change.expected == Revision::NONE {
                continue;
            }
            let old = self.store.token(new.id).await?;
            former.extend(old.map(|old| old.digest).filter(|digest| *digest != new.digest));
        }
        Ok(former)
    }

    /// Forgets what was changed, here or by the process that has the store.
    pub fn forget(&self, changed: &Forgotten) {
        changed.tokens.iter().for_each(|digest| self.forget_token(digest));
        changed.owners.iter().for_each(|id| self.forget_owner(id));
        changed.companies.iter().for_each(|id| self.forget_company(id));
    }

    /// From now on `listener` hears of every change, for another process that still holds records in memory. There is
    /// one at a time.
    pub fn tell_changes(&self, listener: Option<Sender<News>>) {
        *self.listener() = listener;
    }

    pub(super) fn tell(&self, news: News) {
        let mut listener = self.listener();
        if listener.as_ref().is_some_and(|listener| listener.send(news).is_err()) {
            *listener = None;
        }
    }

    fn listener(&self) -> MutexGuard<'_, Option<Sender<News>>> {
        self.listener.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn forget_token(&self, digest: &Digest) {
        let shard = self.shard(digest);
        self.records.forget(digest);
        self.unknown.invalidate(digest);
        // Last, so that whoever reads the new epoch finds nothing of what was before.
        self.epoch_of(digest).fetch_add(1, Ordering::SeqCst);
        drop(shard);
        // An entry that is being evicted right now is no longer found above, and its flag is
        // cleared by the listener: this waits until every eviction under way has come to that.
        self.records.settle();
    }

    fn forget_owner(&self, id: &OwnerId) {
        let mut owners = self.owners();
        if let Some(owner) = owners.held.remove(id).and_then(|held| held.upgrade()) {
            owner.invalidate();
        }
        // Last, so that whoever reads the new epoch finds the flag cleared.
        let before = self.owners_epoch.fetch_add(1, Ordering::SeqCst);
        owners.changed.note(before.wrapping_add(1), id.clone());
    }

    fn forget_company(&self, id: &Slug) {
        let mut owners = self.owners();
        if let Some(company) = owners.companies.remove(id).and_then(|held| held.upgrade()) {
            company.invalidate();
        }
        // Last, as above.
        self.owners_epoch.fetch_add(1, Ordering::SeqCst);
    }
}

impl Owners {
    /// Drops owners and companies that nobody holds, once as many came as were left the last time.
    pub(super) fn prune(&mut self) {
        if self.held.len() >= self.prune_at {
            self.held.retain(|_, held| held.strong_count() > 0);
            self.prune_at = self.held.len().saturating_mul(2).max(1_024);
        }
        if self.companies.len() >= self.prune_companies_at {
            self.companies.retain(|_, held| held.strong_count() > 0);
            self.prune_companies_at = self.companies.len().saturating_mul(2).max(1_024);
        }
    }
}

fn record_of(change: &Change) -> Record {
    change.record.clone()
}
