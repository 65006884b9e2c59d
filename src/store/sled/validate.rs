//! Whether a commit may be made: against the index, and against the commits that share its batch.

use std::collections::HashMap;

use super::draft::Places;
use super::index::Index;
use super::uses::Uses;
use super::{entry, keys};
use crate::domain::id::TokenId;
use crate::domain::secret::Digest;
use crate::domain::time::Timestamp;
use crate::domain::token::{Revision, Token};
use crate::store::{Change, Record, StoreError, Subject};

/// What the commits of a batch change that were accepted so far.
#[derive(Debug, Default)]
pub(super) struct Staged {
    revisions: HashMap<Subject, Revision>,
    digests: HashMap<Digest, TokenId>,
    /// Where it was looked whether a digest is taken: there it will be written.
    places: Places,
}

impl Staged {
    /// Accepts a whole commit, or says why it cannot be made; then nothing of it is staged.
    pub(super) fn accept(
        &mut self,
        index: &Index,
        changes: &[Change],
        uses: &Uses,
    ) -> Result<(), StoreError> {
        let mut own = Self::default();
        for change in changes {
            self.check(&mut own, index, change, uses)?;
            own.revisions.insert(change.record.subject(), change.record.revision());
            if let Record::Token(token) = &change.record {
                own.digests.insert(token.digest, token.id);
            }
        }
        self.revisions.extend(own.revisions);
        self.digests.extend(own.digests);
        self.places.extend(own.places);
        Ok(())
    }

    /// Hands out the places that were found; they are right until the index is written to.
    pub(super) fn into_places(self) -> Places {
        self.places
    }

    fn check(
        &self,
        own: &mut Self,
        index: &Index,
        change: &Change,
        uses: &Uses,
    ) -> Result<(), StoreError> {
        let subject = change.record.subject();
        let staged = own.revisions.get(&subject).or_else(|| self.revisions.get(&subject));
        let found = match (staged, &subject) {
            (Some(revision), _) => *revision,
            (None, Subject::Token(id)) => {
                entry::token(index, *id)?.map_or(Revision::NONE, |token| token.revision)
            }
            (None, Subject::Owner(id)) => {
                entry::owner(index, id)?.map_or(Revision::NONE, |owner| owner.revision)
            }
            (None, Subject::Company(id)) => {
                entry::company(index, id)?.map_or(Revision::NONE, |company| company.revision)
            }
        };
        let conflict = |what| StoreError::Conflict { what, found, expected: change.expected };
        if found != change.expected {
            return Err(conflict(name(&subject)));
        }
        if change.record.revision() != change.expected.next() {
            return Err(StoreError::Failed {
                doing: format!("changing {}", name(&subject)),
                cause: "the new record does not carry the next revision".to_owned(),
            });
        }
        let Record::Token(token) = &change.record else { return Ok(()) };
        let staged = own.digests.get(&token.digest).or_else(|| self.digests.get(&token.digest));
        let holder = match staged {
            Some(id) => Some(*id),
            None => holder_of(index, &token.digest, &mut own.places)?,
        };
        if holder.is_some_and(|id| id != token.id) {
            return Err(StoreError::DuplicateSecret);
        }
        match change.unused_since {
            Some(judged) if last_use(index, token, uses)? > judged => {
                Err(conflict(format!("the last use of {}", name(&subject))))
            }
            _ => Ok(()),
        }
    }
}

fn name(subject: &Subject) -> String {
    match subject {
        Subject::Token(id) => format!("token `{id}`"),
        Subject::Owner(id) => format!("owner `{id}`"),
        Subject::Company(id) => format!("company `{id}`"),
    }
}

fn holder_of(
    index: &Index,
    digest: &Digest,
    places: &mut Places,
) -> Result<Option<TokenId>, StoreError> {
    let key = keys::digest(digest);
    let place = index.place_of(&key)?;
    let payload = index.read_at(&place, &key)?;
    let holder = payload.map(|payload| entry::read_digest(index, &key, &payload)).transpose()?;
    places.insert(key, place);
    Ok(holder.map(|(id, _)| id))
}

fn last_use(index: &Index, token: &Token, uses: &Uses) -> Result<Option<Timestamp>, StoreError> {
    let Some(head) = entry::head(index, token.id)? else { return Ok(None) };
    let stored = uses.read(head.slot, token.id)?;
    Ok(entry::counting(token, stored, uses.floor()).map(|last| last.at))
}
