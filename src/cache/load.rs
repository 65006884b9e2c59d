//! Looking a digest up, and loading it once however many ask.

use std::sync::{Arc, Weak};

use tokio::sync::{SemaphorePermit, watch};

use crate::clock;
use crate::domain::id::Slug;
use crate::domain::secret::Digest;
use crate::store::Held;

use super::company::CompanyEntry;
use super::entry::{LastSeen, OwnerEntry};
use super::{Cache, Entry, Owners};

/// Why a token could not be looked at. None of these says anything about the token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// As many loads as allowed are under way, and no turn came in time.
    #[error("too many tokens are being loaded at once")]
    Busy,
    /// The store did not answer in time.
    #[error("the store did not answer in time")]
    Slow,
    /// The store failed.
    #[error("{0}")]
    Store(Arc<str>),
}

/// What a look into the memory gives.
#[derive(Clone, Debug)]
pub enum Lookup {
    /// The record.
    Held(Arc<Entry>),
    /// The store has no such token.
    Unknown,
    /// Only the store can tell: call [`Cache::load`].
    Absent,
}

/// What a load gives to everyone who waits for it.
pub(super) type Outcome = Result<Option<Arc<Entry>>, LoadError>;

/// What there is for whoever wants a digest loaded.
enum Joined {
    Landed(Option<Arc<Entry>>),
    Flight(watch::Receiver<Option<Outcome>>),
}

/// How often a load is done again when changes overtake it, before the request is refused.
const OVERTAKEN_MAX: usize = 64;

impl Cache {
    /// Looks into the memory alone.
    pub fn look(&self, digest: &Digest) -> Lookup {
        match self.records.get(digest) {
            Some(entry) if entry.is_valid() => Lookup::Held(entry),
            Some(_) => Lookup::Absent,
            None if self.unknown.contains_key(digest) => Lookup::Unknown,
            None => Lookup::Absent,
        }
    }

    /// Loads a token from the store, together with everyone else who asks for the same one.
    ///
    /// # Errors
    /// When the store cannot tell; never a verdict.
    pub async fn load(self: &Arc<Self>, digest: &Digest) -> Outcome {
        let settled = tokio::time::timeout(self.settings.load_timeout, self.settle(digest)).await;
        settled.unwrap_or(Err(LoadError::Slow))
    }

    async fn settle(self: &Arc<Self>, digest: &Digest) -> Outcome {
        for _ in 0..OVERTAKEN_MAX {
            let mut flight = match self.join(digest)? {
                Joined::Landed(outcome) => return Ok(outcome),
                Joined::Flight(flight) => flight,
            };
            let outcome = match flight.wait_for(Option::is_some).await {
                Ok(outcome) => outcome.clone().unwrap_or(Err(LoadError::Slow)),
                // The sender went without a word: the runtime is closing.
                Err(_) => Err(LoadError::Slow),
            };
            match outcome {
                // Changed between the end of the load and this moment.
                Ok(Some(entry)) if !entry.is_valid() => {}
                outcome => return outcome,
            }
        }
        Err(LoadError::Busy)
    }

    /// Loads a token anew even if it is held: for a verdict that must not rest on old memory.
    ///
    /// # Errors
    /// As [`Cache::load`].
    pub async fn reload(self: &Arc<Self>, digest: &Digest) -> Outcome {
        self.forget_token(digest);
        self.load(digest).await
    }

    /// The load of this digest that is under way, or a new one; or what one has brought since the
    /// last look, for loads land under the same lock.
    fn join(self: &Arc<Self>, digest: &Digest) -> Result<Joined, LoadError> {
        let mut shard = self.shard(digest);
        if let Some(flight) = shard.loads.get(digest) {
            return Ok(Joined::Flight(flight.clone()));
        }
        match self.look(digest) {
            Lookup::Held(entry) => return Ok(Joined::Landed(Some(entry))),
            Lookup::Unknown => return Ok(Joined::Landed(None)),
            Lookup::Absent => {}
        }
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| LoadError::Busy)?;
        let (sender, receiver) = watch::channel(None);
        shard.loads.insert(*digest, receiver.clone());
        drop(shard);
        let (cache, digest) = (Arc::clone(self), *digest);
        self.control.spawn(async move {
            let mut landing = Landing { cache: &cache, digest, landed: false };
            let outcome = match cache.turn().await {
                Ok(_turn) if cache.is_abandoned(&digest, &sender) => {
                    landing.landed = true;
                    Err(LoadError::Slow)
                }
                Ok(_turn) => cache.fetch(&digest).await,
                Err(busy) => Err(busy),
            };
            landing.landed |= outcome.is_ok();
            drop(landing);
            drop(place);
            sender.send_replace(Some(outcome));
        });
        Ok(Joined::Flight(receiver))
    }

    /// Waits for a turn at the store: first come, first served, so that a flood of strangers takes
    /// its place in the line like everybody else. Half of the time that a load has is kept for the
    /// store.
    async fn turn(&self) -> Result<SemaphorePermit<'_>, LoadError> {
        let turn = tokio::time::timeout(self.settings.load_timeout / 2, self.turns.acquire()).await;
        turn.ok().and_then(Result::ok).ok_or(LoadError::Busy)
    }

    /// Whether nobody waits for a load any more whose turn has come; then it is off the list, and
    /// the store is not asked. Whoever joins holds the same lock.
    fn is_abandoned(&self, digest: &Digest, sender: &watch::Sender<Option<Outcome>>) -> bool {
        let mut shard = self.shard(digest);
        // The one receiver that is left is the list's own.
        let abandoned = sender.receiver_count() <= 1;
        if abandoned {
            shard.loads.remove(digest);
        }
        abandoned
    }

    /// Reads the store until nothing changed between the reading and the insertion.
    async fn fetch(&self, digest: &Digest) -> Outcome {
        let mut outcome = Err(LoadError::Busy);
        for _ in 0..OVERTAKEN_MAX {
            let (epochs, forgotten) = (self.epochs(digest), self.touches.forgotten());
            let begun = clock::instant();
            let read = self.read(digest).await;
            self.counts.loads.observe_shared(begun.elapsed());
            match read {
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
                Ok(held) => {
                    let seen = held.as_ref().map(|held| self.last_seen(held, forgotten));
                    let overtaken = matches!(seen, Some(None));
                    let held = held.as_ref().zip(seen.flatten());
                    if !overtaken && let Some(admitted) = self.admit(digest, epochs, held) {
                        outcome = Ok(admitted);
                        break;
                    }
                    self.counts.overtaken.add_shared(1);
                }
            }
        }
        outcome
    }

    fn epochs(&self, digest: &Digest) -> (u64, u64) {
        (self.epoch(digest), self.owners_epoch())
    }

    /// Puts what was read into the memory, unless a change came between; then none. From here on
    /// nobody can join the load: whoever asks after a later change is answered must not get its
    /// outcome.
    fn admit(
        &self,
        digest: &Digest,
        (shard_epoch, owners_epoch): (u64, u64),
        held: Option<(&Held, LastSeen)>,
    ) -> Option<Option<Arc<Entry>>> {
        let mut shard = self.shard(digest);
        if self.epoch(digest) != shard_epoch {
            return None;
        }
        let entry = match held {
            None => {
                self.unknown.insert(*digest, ());
                None
            }
            Some((held, last_seen)) => {
                let of = self.admit_owner(owners_epoch, held)?;
                let shared = (&self.interned, self.meters.of(held));
                let entry = Arc::new(Entry::new(held, of, last_seen, shared));
                self.records.insert(&entry);
                Some(entry)
            }
        };
        shard.loads.remove(digest);
        drop(shard);
        Some(entry)
    }

    /// Whom and what the token belongs to, as others hold them too; none if any was changed.
    fn admit_owner(
        &self,
        epoch: u64,
        held: &Held,
    ) -> Option<(Arc<OwnerEntry>, Option<Arc<CompanyEntry>>)> {
        let mut owners = self.owners();
        if self.owners_epoch() != epoch {
            return None;
        }
        let company = held.token.company.as_ref().map(|id| owners.company(id, held));
        let id = &held.owner.id;
        if let Some(owner) = owners.held.get(id).and_then(Weak::upgrade) {
            return Some((owner, company));
        }
        owners.prune();
        let owner = Arc::new(OwnerEntry::new(&held.owner));
        owners.held.insert(id.clone(), Arc::downgrade(&owner));
        Some((owner, company))
    }

    /// When the token was last used: the pending use where there is one, since it is the later. A
    /// request that is under way with the record before may still note a use that this one does not
    /// hear of; then this record is behind by a second or two, which
    /// [`Entry::idleness_is_doubtful`] allows for. None where the first use of all may have been
    /// written after the store was read, and have left the memory since `forgotten`: nobody may
    /// take the next use for the first.
    fn last_seen(&self, held: &Held, forgotten: u64) -> Option<LastSeen> {
        let pending = self.touches.newest(held.use_key()).map(|last| last.at);
        let known = pending.max(held.last_use.as_ref().map(|last| last.at));
        let sure = known.is_some() || self.touches.forgotten() == forgotten;
        sure.then(|| LastSeen::new(known))
    }
}

impl Owners {
    /// A company as all its tokens hold it.
    fn company(&mut self, id: &Slug, held: &Held) -> Arc<CompanyEntry> {
        if let Some(company) = self.companies.get(id).and_then(Weak::upgrade) {
            return company;
        }
        self.prune();
        let company = Arc::new(CompanyEntry::new(id, held.company.as_deref()));
        self.companies.insert(id.clone(), Arc::downgrade(&company));
        company
    }
}

/// Takes a load that failed, or that was dropped half-way, off the list of those under way.
struct Landing<'a> {
    cache: &'a Cache,
    digest: Digest,
    landed: bool,
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        if !self.landed {
            self.cache.shard(&self.digest).loads.remove(&self.digest);
        }
    }
}
