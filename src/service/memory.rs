//! A store in memory for the tests of this room: the acts themselves are tested here, durability and
//! every real store elsewhere.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use crate::domain::id::{OwnerId, TokenId};
use crate::domain::owner::Owner;
use crate::domain::secret::Digest;
use crate::domain::time::Timestamp;
use crate::domain::token::{Revision, Token};
use crate::store::{
    Change, Commit, Due, Health, Held, LastUse, Page, Position, Record, Recorded, Store,
    StoreError, Subject, codec,
};

/// Everything, behind one lock.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    tokens: BTreeMap<TokenId, Arc<Token>>,
    owners: BTreeMap<OwnerId, Arc<Owner>>,
    uses: BTreeMap<TokenId, LastUse>,
    events: Vec<Recorded>,
}

impl Kept {
    fn revision(&self, record: &Record) -> (String, Revision) {
        match record {
            Record::Token(token) => (
                format!("token {}", token.id),
                self.tokens.get(&token.id).map_or(Revision::NONE, |token| token.revision),
            ),
            Record::Owner(owner) => (
                format!("user `{}`", owner.id),
                self.owners.get(&owner.id).map_or(Revision::NONE, |owner| owner.revision),
            ),
        }
    }

    fn check(&self, change: &Change) -> Result<(), StoreError> {
        let (what, found) = self.revision(&change.record);
        if found != change.expected {
            return Err(StoreError::Conflict { what, found, expected: change.expected });
        }
        match &change.record {
            Record::Token(new) if found == Revision::NONE => {
                let taken = self.tokens.values().any(|token| token.digest == new.digest);
                if taken { Err(StoreError::DuplicateSecret) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }
}

fn page<K: Clone + Ord, V: Clone>(
    entries: impl Iterator<Item = (K, V)>,
    limit: usize,
) -> Page<V, K> {
    let mut entries: Vec<_> = entries.take(limit + 1).collect();
    let more = entries.len() > limit;
    entries.truncate(limit);
    let next = entries.last().filter(|_| more).map(|(key, _)| key.clone());
    Page { entries: entries.into_iter().map(|(_, value)| value).collect(), next }
}

#[async_trait]
impl Store for Memory {
    async fn token(&self, id: TokenId) -> Result<Option<Arc<Token>>, StoreError> {
        Ok(self.0.lock().unwrap().tokens.get(&id).cloned())
    }

    async fn held(&self, digest: &Digest) -> Result<Option<Held>, StoreError> {
        let kept = self.0.lock().unwrap();
        let found = kept.tokens.values().find(|token| token.digest == *digest);
        Ok(found.map(|token| Held {
            token: Arc::clone(token),
            owner: Arc::clone(&kept.owners[&token.owner]),
            last_use: kept.uses.get(&token.id).cloned(),
        }))
    }

    async fn owner(&self, id: &OwnerId) -> Result<Option<Arc<Owner>>, StoreError> {
        Ok(self.0.lock().unwrap().owners.get(id).cloned())
    }

    async fn tokens(
        &self,
        owner: Option<&OwnerId>,
        after: Option<TokenId>,
        limit: usize,
    ) -> Result<Page<Arc<Token>, TokenId>, StoreError> {
        let kept = self.0.lock().unwrap();
        let wanted = |token: &Token| {
            after.is_none_or(|after| token.id > after)
                && owner.is_none_or(|owner| token.owner == *owner)
        };
        let entries = kept.tokens.iter().filter(|(_, token)| wanted(token));
        Ok(page(entries.map(|(id, token)| (*id, Arc::clone(token))), limit))
    }

    async fn owners(
        &self,
        after: Option<&OwnerId>,
        limit: usize,
    ) -> Result<Page<Arc<Owner>, OwnerId>, StoreError> {
        let kept = self.0.lock().unwrap();
        let entries = kept.owners.iter().filter(|(id, _)| after.is_none_or(|after| *id > after));
        Ok(page(entries.map(|(id, owner)| (id.clone(), Arc::clone(owner))), limit))
    }

    async fn last_uses(&self, ids: &[TokenId]) -> Result<Vec<Option<LastUse>>, StoreError> {
        let kept = self.0.lock().unwrap();
        Ok(ids.iter().map(|id| kept.uses.get(id).cloned()).collect())
    }

    async fn note_uses(&self, uses: Vec<(TokenId, LastUse)>) -> Result<(), StoreError> {
        self.0.lock().unwrap().uses.extend(uses);
        Ok(())
    }

    async fn due(&self, _: Timestamp, _: Option<Due>, _: usize) -> Result<Vec<Due>, StoreError> {
        Ok(Vec::new())
    }

    async fn refile(&self, _: Due) -> Result<Option<Timestamp>, StoreError> {
        Ok(None)
    }

    async fn commit(&self, commit: Commit) -> Result<Position, StoreError> {
        let body = codec::encode(&commit).unwrap().body;
        let mut kept = self.0.lock().unwrap();
        commit.changes.iter().try_for_each(|change| kept.check(change))?;
        let mut subjects = Vec::new();
        for change in commit.changes {
            match change.record {
                Record::Token(token) => {
                    subjects.push(Subject::Token(token.id));
                    kept.tokens.insert(token.id, token);
                }
                Record::Owner(owner) => {
                    subjects.push(Subject::Owner(owner.id.clone()));
                    kept.owners.insert(owner.id.clone(), owner);
                }
            }
        }
        subjects.extend(commit.subjects);
        let position = Position(kept.events.len() as u64 + 1);
        let line = format!("{{\"seq\":{},{body}}}", position.0).into();
        kept.events.push(Recorded { position, event: commit.event, subjects, line });
        Ok(position)
    }

    async fn events(
        &self,
        subject: Option<&Subject>,
        before: Option<Position>,
        limit: usize,
    ) -> Result<Page<Recorded, Position>, StoreError> {
        let kept = self.0.lock().unwrap();
        let wanted = |event: &&Recorded| {
            before.is_none_or(|before| event.position < before)
                && subject.is_none_or(|subject| event.subjects.contains(subject))
        };
        let entries = kept.events.iter().rev().filter(wanted);
        Ok(page(entries.map(|event| (event.position, event.clone())), limit))
    }

    async fn backup(&self, _: &Path) -> Result<Position, StoreError> {
        Err(StoreError::Closed)
    }

    async fn high_water(&self) -> Result<Timestamp, StoreError> {
        Ok(Timestamp::EPOCH)
    }

    async fn raise_high_water(&self, _: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }

    fn health(&self) -> Health {
        Health::Ready
    }

    async fn close(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
