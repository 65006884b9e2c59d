//! Carries events from the history into the index, many to a batch.

use super::apply;
use super::index::{Draft, Index, State};
use crate::domain::time::Timestamp;
use crate::history::{Checked, HistoryError, Place};
use crate::store::{StoreError, codec};

/// A batch of about this many entries is small beside sled's buffers.
const BATCH_ENTRIES: usize = 4_096;

/// An index that takes up events in their order.
#[derive(Debug)]
pub(super) struct Replay<'a> {
    index: &'a Index,
    state: State,
    draft: Draft<'a>,
    applied: u64,
    floor: Timestamp,
    /// How many events were taken up.
    pub(super) events: u64,
}

/// A failure of the history or of the store.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) struct ReplayError(#[from] pub(super) StoreError);

impl From<HistoryError> for ReplayError {
    fn from(error: HistoryError) -> Self {
        Self(error.into())
    }
}

impl<'a> Replay<'a> {
    pub(super) fn new(index: &'a Index, state: State, floor: Timestamp) -> Self {
        let draft = Draft::new(index, &state);
        let applied = state.applied;
        Self { index, state, draft, applied, floor, events: 0 }
    }

    /// Takes up an event; one that the index has already is passed over.
    pub(super) fn take(
        &mut self,
        place: Place,
        checked: Checked<'_>,
        line: &[u8],
    ) -> Result<(), ReplayError> {
        let seq = checked.seq;
        if seq <= self.applied {
            return Ok(());
        }
        let decoded = codec::decode(line).map_err(|error| StoreError::Damaged {
            place: format!("event {seq} of the history"),
            what: error.to_string(),
            hint: "it was written by a newer version of Tollgate: run that one".to_owned(),
        })?;
        let (records, subjects) = (&decoded.records, &decoded.subjects);
        apply::event(&mut self.draft, seq, place, records, subjects, self.floor)?;
        self.applied = seq;
        self.events = self.events.saturating_add(1);
        if self.draft.len() >= BATCH_ENTRIES {
            self.write()?;
        }
        Ok(())
    }

    /// Writes what is left, and says how far the index is now.
    pub(super) fn finish(mut self) -> Result<State, StoreError> {
        if self.applied > self.state.applied {
            self.write()?;
        }
        Ok(self.state)
    }

    fn write(&mut self) -> Result<(), StoreError> {
        let empty = Draft::new(self.index, &self.state);
        let draft = std::mem::replace(&mut self.draft, empty);
        self.state = draft.write(self.applied, &self.state)?;
        self.draft = Draft::new(self.index, &self.state);
        Ok(())
    }
}
