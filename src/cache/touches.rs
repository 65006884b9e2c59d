//! Touches: noting that a token was used, at next to no cost, and writing it down in batches.

use std::net::IpAddr;
use std::sync::Arc;

use crate::domain::event::{Actor, Event, EventKind};
use crate::domain::id::TokenId;
use crate::domain::time::Timestamp;
use crate::domain::token::Token;
use crate::store::{Commit, LastUse, StoreError, Subject};

use super::entry::FirstUse;
use super::{Cache, Entry, LastSeen};

/// How many last uses are written at once.
const BATCH: usize = 512;

/// A use that is not yet written down. It holds the token's shared time, so that an evicted token that
/// comes back finds it.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) last_seen: Arc<LastSeen>,
    last_use: LastUse,
    first: bool,
}

impl Cache {
    /// Notes that a token was used. Called after the permit and before the request is passed on. Reads
    /// one word, and writes only once a second for each token.
    pub fn touch(&self, entry: &Entry, now: Timestamp, address: IpAddr, api: &Arc<str>) {
        let Some(FirstUse(first)) = entry.last_seen.advance(now) else { return };
        let last_use = LastUse { at: now, address, api: Arc::clone(api) };
        let pending = Pending { last_seen: Arc::clone(&entry.last_seen), last_use, first };
        self.touches
            .entry(entry.id)
            .and_modify(|earlier| {
                let first = earlier.first || first;
                *earlier = Pending { first, ..pending.clone() };
            })
            .or_insert(pending);
    }

    /// How many tokens have a use that is not yet written down.
    pub fn pending_touches(&self) -> usize {
        self.touches.len()
    }

    /// When a token was last used, also if that is not yet written down.
    ///
    /// # Errors
    /// The store's.
    pub async fn last_use(&self, token: &Token) -> Result<Option<LastUse>, StoreError> {
        if let Some(pending) = self.touches.get(&token.id) {
            return Ok(Some(pending.last_use.clone()));
        }
        Ok(self.store.last_uses(&[token.id]).await?.pop().flatten())
    }

    /// Writes pending uses down, in batches; what could not be written stays pending. First uses are
    /// also told to the history, as observations.
    ///
    /// # Errors
    /// The store's.
    pub async fn flush_touches(&self, now: Timestamp) -> Result<usize, StoreError> {
        let mut due: Vec<(TokenId, Pending)> =
            self.touches.iter().map(|entry| (*entry.key(), entry.value().clone())).collect();
        // Neighbours in the store's order cost it a fraction of what as many strangers do.
        due.sort_unstable_by_key(|(id, _)| *id);
        let mut written = 0;
        for batch in due.chunks(BATCH) {
            let uses = batch.iter().map(|(id, pending)| (*id, pending.last_use.clone())).collect();
            self.store.note_uses(uses).await?;
            self.observe_first_uses(batch, now).await?;
            for (id, flushed) in batch {
                // A use that came meanwhile stays; it is no first one any more.
                if let Some(mut pending) = self.touches.get_mut(id) {
                    pending.first &= !flushed.first;
                }
                self.touches.remove_if(id, |_, pending| pending.last_use.at <= flushed.last_use.at);
            }
            written += batch.len();
        }
        self.counts.flushed.add_shared(written as u64);
        Ok(written)
    }

    async fn observe_first_uses(
        &self,
        batch: &[(TokenId, Pending)],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let first = batch.iter().filter(|(_, pending)| pending.first);
        let Some(effective_at) = first.clone().map(|(_, pending)| pending.last_use.at).min() else {
            return Ok(());
        };
        let event = Event {
            at: now,
            effective_at,
            actor: Actor::System,
            kind: EventKind::TokenFirstUsed,
            reason: String::new(),
        };
        let subjects = first.map(|(id, _)| Subject::Token(*id)).collect();
        self.store.commit(Commit { event, changes: Vec::new(), subjects }).await.map(|_| ())
    }
}
