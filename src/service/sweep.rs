//! The sweeper: ends for good what is over by time or by idleness, a batch at a time, so that lists
//! and history say so. The gateway does not wait for it: it judges each request by the clock.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::event::{Actor, EventKind};
use crate::domain::id::TokenId;
use crate::domain::time::{Span, Timestamp};
use crate::domain::token::{Act, End, Ended, Token};
use crate::store::{Change, Commit, Due, Record, StoreError, Subject};

use super::{Service, ServiceError};

/// How many tokens one commit ends.
const BATCH: usize = 128;

/// How long after its deadline a token is ended. A request that was permitted in the last second of
/// a token's life has noted its use by then.
const MARGIN: Span = Span::from_seconds(2);

/// What one sweep did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Tokens that were ended.
    pub ended: usize,
    /// Tokens that had been used since, and were filed under their new deadline.
    pub refiled: usize,
    /// Tokens that are over and whose records cannot be read: they stay filed as they are.
    pub unreadable: Vec<TokenId>,
    /// Where to go on, if more may be due.
    pub next: Option<Due>,
}

impl Service {
    /// Ends up to one batch of tokens that are over at `now`, of those filed after `after`. Uses
    /// that are not yet written down count; such a token stays filed as it is until they are, and
    /// is passed over.
    ///
    /// # Errors
    /// The store's; nothing of the batch is lost by it.
    pub async fn sweep(&self, now: Timestamp, after: Option<Due>) -> Result<Swept, ServiceError> {
        let until = now.minus(MARGIN);
        let store = self.cache.store();
        let due = store.due(until, after, BATCH).await?;
        let next = due.last().copied().filter(|_| due.len() == BATCH);
        let mut swept = Swept { next, ..Swept::default() };
        let (mut expired, mut idle) = (Vec::new(), Vec::new());
        for one in due {
            match self.over(one, until).await {
                Ok(Some((End::IdleExpired, change))) => idle.push(change),
                Ok(Some((_, change))) => expired.push(change),
                Ok(None) => {
                    store.refile(one).await?;
                    swept.refiled += 1;
                }
                // It says nothing of the others.
                Err(StoreError::Damaged { .. }) => swept.unreadable.push(one.token),
                Err(error) => return Err(error.into()),
            }
        }
        swept.ended += self.end(EventKind::TokenExpired, expired, now).await?;
        swept.ended += self.end(EventKind::TokenIdleExpired, idle, now).await?;
        Ok(swept)
    }

    /// The end of a token that is really over; none if it was used or changed since it was filed.
    async fn over(&self, due: Due, until: Timestamp) -> Result<Option<(End, Change)>, StoreError> {
        let Some(token) = self.cache.store().token(due.token).await? else { return Ok(None) };
        if token.ended.is_some() {
            return Ok(None);
        }
        let last_use = self.cache.last_use(&token).await?.map(|last| last.at);
        let expiry = token.expires_at.filter(|expiry| *expiry <= until);
        let idle = token.life().idle_deadline(last_use).filter(|deadline| *deadline <= until);
        let (how, at) = match (expiry, idle) {
            (Some(expiry), Some(idle)) if idle < expiry => (End::IdleExpired, idle),
            (Some(expiry), _) => (End::Expired, expiry),
            (None, Some(idle)) => (End::IdleExpired, idle),
            (None, None) => return Ok(None),
        };
        Ok(Some((how, ending(&token, how, at, last_use))))
    }

    async fn end(
        &self,
        kind: EventKind,
        changes: Vec<Change>,
        now: Timestamp,
    ) -> Result<usize, ServiceError> {
        let Some(effective_at) = changes.iter().filter_map(ended_at).min() else { return Ok(0) };
        let commit = |changes: Vec<Change>| Commit {
            event: crate::domain::event::Event {
                at: now,
                effective_at,
                actor: Actor::System,
                kind,
                reason: String::new(),
                many: None,
            },
            subjects: owners_of(&changes),
            changes,
        };
        let count = changes.len();
        match self.cache.commit(commit(changes.clone())).await {
            Ok(_) => return Ok(count),
            Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        // One of them was used or changed in this moment: each for itself, and that one not at all.
        let mut ended = 0;
        for change in changes {
            match self.cache.commit(commit(vec![change])).await {
                Ok(_) => ended += 1,
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(ended)
    }
}

fn ending(token: &Token, how: End, at: Timestamp, last_use: Option<Timestamp>) -> Change {
    let act = Act { at, by: Actor::System, reason: String::new() };
    let mut over = token.clone();
    over.ended = Some(Ended { how, act });
    over.revision = token.revision.next();
    Change {
        record: Record::Token(Arc::new(over)),
        expected: token.revision,
        unused_since: Some(last_use),
    }
}

/// Whose tokens end, so that it stands in their history too.
fn owners_of(changes: &[Change]) -> Vec<Subject> {
    let owner = |change: &Change| match &change.record {
        Record::Token(token) => Some(token.owner.clone()),
        Record::Owner(_) | Record::Company(_) => None,
    };
    let owners: BTreeSet<_> = changes.iter().filter_map(owner).collect();
    owners.into_iter().map(Subject::Owner).collect()
}

fn ended_at(change: &Change) -> Option<Timestamp> {
    match &change.record {
        Record::Token(token) => token.ended.as_ref().map(|ended| ended.act.at),
        Record::Owner(_) | Record::Company(_) => None,
    }
}
