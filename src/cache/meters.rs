//! The meters of the tokens that have limits and are in use, and what the store knows of their counts.
//!
//! Counts that outlive the process are reserved in blocks, on disk before the first request of a block is
//! passed on: a crash may lose the rest of a block, and never adds to one. What is left of a block goes back
//! to the store when its token is no longer in use, and at a stop.
//!
//! A token and those that it was rotated into have one meter, under the id of the first, so that rotating
//! makes no new requests. Each has the limits of its own record.

use std::sync::Arc;

use dashmap::DashMap;
use tokio::sync::{OwnedMutexGuard, Semaphore};

use crate::domain::id::TokenId;
use crate::domain::left::{Left, Spent};
use crate::domain::limits::Limits;
use crate::domain::time::Timestamp;
use crate::domain::token::Token;
use crate::store::{Commit, Held, Position, StoreError};

use super::Cache;
use super::load::LoadError;
use super::meter::{self, At, Limited, Meter, Taken};

/// How many meters are put away in one turn of the upkeep.
const PUT_AWAY: usize = 256;

/// The meters of tokens that have limits: those of records that are held, and those with something in them
/// that would be lost.
#[derive(Debug)]
pub(super) struct Meters {
    held: DashMap<TokenId, Arc<Meter>>,
    /// Leave to ask the store about counts, so that it never has more of this to do at once than loads.
    turns: Semaphore,
}

impl Meters {
    pub(super) fn new(turns: usize) -> Self {
        Self { held: DashMap::new(), turns: Semaphore::new(turns) }
    }

    /// The limits of a token for its record in memory; none for most.
    pub(super) fn of(&self, held: &Held) -> Option<Box<Limited>> {
        let (token, slot) = (&held.token, held.slot);
        if token.limits.is_empty() {
            return None;
        }
        let counted = token.metered_as();
        // The slot of a successor is not that of the meter.
        let slot = slot.filter(|_| counted == token.id);
        let meter = self.held.entry(counted).or_insert_with(|| Meter::new(counted, slot).into());
        let meter = Arc::clone(&meter);
        Some(Box::new(Limited { limits: token.limits.clone(), meter }))
    }

    /// Some that no record holds any more.
    fn unused(&self, uptime_ns: u64, most: usize) -> Vec<Arc<Meter>> {
        let alone = self.held.iter().filter(|meter| Arc::strong_count(meter) == 1);
        alone
            .filter(|meter| meter.is_idle(uptime_ns))
            .take(most)
            .map(|meter| Arc::clone(&meter))
            .collect()
    }

    /// Whether nobody reserves anything; `turns` is how many may do so at a time.
    pub(super) fn are_at_rest(&self, turns: usize) -> bool {
        self.turns.available_permits() == turns
    }
}

#[cfg(test)]
impl Meters {
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }
}

impl Cache {
    /// Counts a request of a token towards its limits where that needs the store: see
    /// [`Taken::Unreserved`]. Never answers so itself.
    ///
    /// # Errors
    /// The store cannot tell or note it, or not in time; nothing is counted then.
    pub async fn take(self: &Arc<Self>, limited: &Limited, at: At) -> Result<Taken, LoadError> {
        let most = self.settings.load_timeout;
        let taken = tokio::time::timeout(most, self.take_reserved(limited, at)).await;
        taken.unwrap_or(Err(LoadError::Slow))
    }

    async fn take_reserved(
        self: &Arc<Self>,
        limited: &Limited,
        at: At,
    ) -> Result<Taken, LoadError> {
        let mut turn = Arc::clone(&limited.meter.turn).lock_owned().await;
        loop {
            // Others may have reserved more meanwhile, and others may have used all of what was.
            match limited.take(at) {
                Taken::Unreserved => turn = self.reserve(limited, at.now, turn).await?,
                taken => return Ok(taken),
            }
        }
    }

    /// Reserves more of each limit that needs it. It goes on where stores are waited for, with the turn, also
    /// if whoever waits for it goes away: of two writes the later one must be the one that was begun later.
    async fn reserve(
        self: &Arc<Self>,
        limited: &Limited,
        now: Timestamp,
        turn: OwnedMutexGuard<()>,
    ) -> Result<OwnedMutexGuard<()>, LoadError> {
        let (cache, meter) = (Arc::clone(self), Arc::clone(&limited.meter));
        let limits = limited.limits.clone();
        let task = self.control.spawn(async move {
            cache.ask_for_more(&meter, &limits, now).await?;
            Ok::<_, StoreError>(turn)
        });
        let done = task.await.unwrap_or(Err(StoreError::Closed));
        done.map_err(|error| LoadError::Store(error.to_string().into()))
    }

    async fn ask_for_more(
        &self,
        meter: &Meter,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let _turn = self.meters.turns.acquire().await.map_err(|_| StoreError::Closed)?;
        if !meter.is_read() {
            meter.begin(self.store.spent(meter.key()).await?);
        }
        if let Some(wanted) = meter.wanted(limits, now) {
            self.store.note_spent(meter.key(), wanted).await?;
            meter.reserved(wanted);
        }
        Ok(())
    }

    /// Commits a new token of whose limits something was used elsewhere. It is counted from there from its first
    /// request on; a crash in the moment before that is on disk, too, forgets it.
    ///
    /// # Errors
    /// The store's; the token may be there if it is the second write that failed.
    pub async fn commit_spent(
        self: &Arc<Self>,
        commit: Commit,
        token: TokenId,
        spent: Spent,
    ) -> Result<Position, StoreError> {
        let meter = self.meters.held.entry(token).or_insert_with(|| Meter::new(token, None).into());
        let meter = Arc::clone(&meter);
        meter.begin(spent);
        let position = self.commit(commit).await?;
        self.store.note_spent(meter.key(), spent).await?;
        Ok(position)
    }

    /// What is left of the limits of a token; none for one without limits.
    ///
    /// # Errors
    /// The store's.
    pub async fn left(&self, token: &Token, at: At) -> Result<Option<Left>, StoreError> {
        if token.limits.is_empty() {
            return Ok(None);
        }
        let counted = token.metered_as();
        let held = self.meters.held.get(&counted).map(|meter| Arc::clone(&meter));
        let meter = held.unwrap_or_else(|| Meter::new(counted, None).into());
        if token.limits.is_counted() && !meter.is_read() {
            let spent = self.store.spent(meter.key()).await?;
            let limited = Limited { limits: token.limits.clone(), meter };
            let (left, counted) = (limited.left(at), meter::left_of(&token.limits, at, spent));
            return Ok(Some(Left { rate: left.rate, concurrent: left.concurrent, ..counted }));
        }
        let limited = Limited { limits: token.limits.clone(), meter };
        Ok(Some(limited.left(at)))
    }

    /// Puts meters away that no record holds and that hold nothing which would be lost; some at a time.
    ///
    /// # Errors
    /// The store's; what could not be given back stays.
    pub async fn put_meters_away(&self, uptime_ns: u64) -> Result<(), StoreError> {
        for meter in self.meters.unused(uptime_ns, PUT_AWAY) {
            // Whoever has the turn uses it.
            let Ok(turn) = Arc::clone(&meter.turn).try_lock_owned() else { continue };
            if let Some(spent) = meter.give_back() {
                self.store.note_spent(meter.key(), spent).await?;
            }
            drop(turn);
            let id = meter.key().token;
            drop(meter);
            let unused = |held: &Arc<Meter>| Arc::strong_count(held) == 1;
            self.meters.held.remove_if(&id, |_, held| unused(held) && held.is_at_rest(uptime_ns));
        }
        Ok(())
    }

    /// Gives back what is left of all blocks, before the store is closed and after the last request.
    ///
    /// # Errors
    /// The store's.
    pub async fn give_back(&self) -> Result<(), StoreError> {
        let all: Vec<_> = self.meters.held.iter().map(|meter| Arc::clone(&meter)).collect();
        for meter in all {
            let _turn = Arc::clone(&meter.turn).lock_owned().await;
            if let Some(spent) = meter.give_back() {
                self.store.note_spent(meter.key(), spent).await?;
            }
        }
        Ok(())
    }
}
