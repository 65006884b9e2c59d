//! Which owners and companies are blocked, for lists: read from the index when it is first asked for, and kept up
//! since. There are few of them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::index::Index;
use super::stopped::Stopped;
use super::{entry, keys};
use crate::store::{Record, StoreError};

const PAGE: usize = 1_000;

/// None before anybody asked.
#[derive(Debug, Default)]
pub(super) struct Blocked(Mutex<Option<Stopped>>);

impl Blocked {
    /// All of them. The first time this reads every owner and company; the writing thread waits for that if it
    /// has one to note.
    pub(super) fn all(&self, index: &Index) -> Result<Stopped, StoreError> {
        let mut known = self.known();
        if let Some(known) = &*known {
            return Ok(known.clone());
        }
        let mut stopped = Stopped::default();
        each(index, keys::OWNERS, |key, payload| {
            stopped.note(&Record::Owner(entry::read_owner(index, key, payload)?));
            Ok(())
        })?;
        each(index, keys::COMPANIES, |key, payload| {
            stopped.note(&Record::Company(entry::read_company(index, key, payload)?));
            Ok(())
        })?;
        *known = Some(stopped.clone());
        Ok(stopped)
    }

    /// Notes an owner or a company as it now is in the index.
    pub(super) fn note(&self, record: &Record) {
        // Most commits are of tokens alone.
        if matches!(record, Record::Token(_)) {
            return;
        }
        if let Some(known) = &mut *self.known() {
            known.note(record);
        }
    }

    /// After the index failed.
    pub(super) fn forget(&self) {
        *self.known() = None;
    }

    fn known(&self) -> MutexGuard<'_, Option<Stopped>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Every entry of one kind.
pub(super) fn each(
    index: &Index,
    kind: u8,
    mut take: impl FnMut(&[u8], &[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut after = None::<Vec<u8>>;
    loop {
        let found = index.list(&[kind], after.as_deref(), None, PAGE)?;
        for (key, payload) in &found {
            take(key, payload)?;
        }
        after = found.last().map(|(last, _)| last.to_vec());
        if after.is_none() {
            return Ok(());
        }
    }
}
