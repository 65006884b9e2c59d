//! Carries events from the history into the index, many to a batch.

use std::sync::Arc;

use super::apply::{self, Told};
use super::draft::Draft;
use super::entry;
use super::index::Index;
use super::state::State;
use super::summaries::Summaries;
use super::uses::{Entry, Uses};
use crate::history::{Checked, HistoryError, Place};
use crate::store::codec::{self, Written};
use crate::store::{Record, StoreError};

/// A batch of about this many entries is small beside sled's buffers.
const BATCH_ENTRIES: usize = 4_096;

/// What stands in the line of an event that tells of first uses.
const FIRST_USE: &[u8] = b"\"kind\":\"token.first_used\"";

/// An index that takes up events in their order.
#[derive(Debug)]
pub(super) struct Replay<'a> {
    index: &'a Index,
    state: State,
    draft: Draft<'a>,
    applied: u64,
    uses: &'a Uses,
    /// What is to be written into slots after the batch.
    links: Vec<Entry>,
    /// Told of the tokens of events after a number, also of those that the index has.
    summaries: Option<(&'a Summaries, u64)>,
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
    pub(super) fn new(index: &'a Index, state: State, uses: &'a Uses) -> Self {
        let draft = Draft::new(index, &state);
        let applied = state.applied;
        let links = Vec::new();
        Self { index, state, draft, applied, uses, links, summaries: None, events: 0 }
    }

    /// Has the summaries told of the tokens of events after `since`: they may not have been on disk.
    pub(super) const fn telling(mut self, summaries: &'a Summaries, since: u64) -> Self {
        self.summaries = Some((summaries, since));
        self
    }

    /// Takes up an event. One that the index has already is passed over, unless it tells of first uses: the
    /// slots may have been lost, or not yet written.
    pub(super) fn take(
        &mut self,
        place: Place,
        checked: Checked<'_>,
        line: &[u8],
    ) -> Result<(), ReplayError> {
        let seq = checked.seq;
        let known = seq <= self.applied;
        let tells =
            self.summaries.filter(|(_, since)| seq > *since).map(|(summaries, _)| summaries);
        let first_use = || line.windows(FIRST_USE.len()).any(|part| part == FIRST_USE);
        if known && tells.is_none() && !first_use() {
            return Ok(());
        }
        let decoded = codec::decode(line).map_err(|error| StoreError::Damaged {
            place: format!("event {seq} of the history"),
            what: error.to_string(),
            hint: "it was written by a newer version of Tollgate: run that one".to_owned(),
        })?;
        let (records, subjects) = (&decoded.records, &decoded.subjects);
        let told = Told { kind: decoded.event.kind, records, subjects };
        if known {
            if let Some(summaries) = tells {
                self.tell(summaries, records)?;
            }
            for subject in subjects {
                self.links.extend(apply::first_use(&self.draft, told, subject, seq)?);
            }
            return self.link(BATCH_ENTRIES);
        }
        self.links.extend(apply::event(&mut self.draft, seq, place, told, self.uses)?);
        self.applied = seq;
        self.events = self.events.saturating_add(1);
        if self.draft.len() >= BATCH_ENTRIES {
            self.write()?;
        }
        self.link(BATCH_ENTRIES)
    }

    /// Tells of the tokens of an event that the index has.
    fn tell(&self, summaries: &Summaries, records: &[Written]) -> Result<(), StoreError> {
        for written in records {
            let Record::Token(token) = &written.record else { continue };
            match entry::drafted_head(&self.draft, token.id)? {
                Some(head) => summaries.write(&[(head.slot, Arc::clone(token))]),
                None => summaries.distrust("the index lacks a token"),
            }
        }
        Ok(())
    }

    /// Writes what is left, and says how far the index is now.
    pub(super) fn finish(mut self) -> Result<State, StoreError> {
        if self.applied > self.state.applied {
            self.write()?;
        }
        self.link(0).map_err(|ReplayError(error)| error)?;
        self.uses.sync()?;
        Ok(self.state)
    }

    /// Writes into slots what is to be written, if it is more than `most`.
    fn link(&mut self, most: usize) -> Result<(), ReplayError> {
        if self.links.len() > most {
            self.uses.note(std::mem::take(&mut self.links))?;
        }
        Ok(())
    }

    fn write(&mut self) -> Result<(), StoreError> {
        let empty = Draft::new(self.index, &self.state);
        let mut draft = std::mem::replace(&mut self.draft, empty);
        let changed = draft.take_changed();
        self.state = draft.write(self.applied, &self.state)?;
        if let Some((summaries, _)) = self.summaries {
            summaries.write(&changed);
        }
        self.draft = Draft::new(self.index, &self.state);
        Ok(())
    }
}
