//! Which owners are blocked, for lists: read from the index when it is first asked for, and kept up since. There
//! are few of them.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::index::Index;
use super::{entry, keys};
use crate::domain::id::OwnerId;
use crate::domain::owner::Owner;
use crate::store::StoreError;

const PAGE: usize = 1_000;

/// None before anybody asked.
#[derive(Debug, Default)]
pub(super) struct Blocked(Mutex<Option<BTreeSet<OwnerId>>>);

impl Blocked {
    /// All of them. The first time this reads every owner; the writing thread waits for that if it has an owner
    /// to note.
    pub(super) fn all(&self, index: &Index) -> Result<BTreeSet<OwnerId>, StoreError> {
        let mut known = self.known();
        if let Some(known) = &*known {
            return Ok(known.clone());
        }
        let (mut blocked, mut after) = (BTreeSet::new(), None::<Vec<u8>>);
        loop {
            let found = index.list(&[keys::OWNERS], after.as_deref(), None, PAGE)?;
            for (key, payload) in &found {
                let owner = entry::read_owner(index, key, payload)?;
                if owner.blocked.is_some() {
                    blocked.insert(owner.id.clone());
                }
            }
            after = found.last().map(|(last, _)| last.to_vec());
            if after.is_none() {
                *known = Some(blocked.clone());
                return Ok(blocked);
            }
        }
    }

    /// Notes an owner as it now is in the index.
    pub(super) fn note(&self, owner: &Owner) {
        let mut known = self.known();
        let Some(known) = &mut *known else { return };
        if owner.blocked.is_some() {
            known.insert(owner.id.clone());
        } else {
            known.remove(&owner.id);
        }
    }

    /// After the index failed.
    pub(super) fn forget(&self) {
        *self.known() = None;
    }

    fn known(&self) -> MutexGuard<'_, Option<BTreeSet<OwnerId>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
