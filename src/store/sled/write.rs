//! Every change, made by the one thread of `run`: many commits at a time are appended to the history with
//! one write and one `fdatasync`, put into the index, and then answered all. Last uses are not its business.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::apply::{self, Told};
use super::draft::{Draft, Places};
use super::index::Index;
use super::shared::{Access, Room, Shared};
use super::state::State;
use super::upkeep::Upkeep;
use super::uses::Entry;
use super::validate::Staged;
use crate::domain::event::EventKind;
use crate::domain::time::Timestamp;
use crate::history::{HistoryError, Log, Place};
use crate::store::codec::Encoded;
use crate::store::{Change, Commit, Due, Position, StoreError, Subject};

pub(super) type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

/// A commit on its way.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) encoded: Encoded,
    pub(super) kind: EventKind,
    pub(super) changes: Vec<Change>,
    pub(super) subjects: Vec<Subject>,
    pub(super) answer: Answer<Position>,
}

impl Request {
    /// A commit with its written form. What it is about is what it changes, and then what it names.
    pub(super) fn new(commit: Commit, encoded: Encoded, answer: Answer<Position>) -> Self {
        let changed = commit.changes.iter().map(|change| change.record.subject());
        let mut subjects: Vec<Subject> = changed.chain(commit.subjects).collect();
        let mut seen = HashSet::new();
        subjects.retain(|subject| seen.insert(subject.clone()));
        let (kind, changes) = (commit.event.kind, commit.changes);
        Self { encoded, kind, changes, subjects, answer }
    }
}

/// What the thread can be asked for.
#[derive(Debug)]
pub(super) enum Job {
    Commit(Box<Request>),
    Refile(Due, Answer<Option<Timestamp>>),
    Close(Answer<()>),
}

/// What the thread owns.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) shared: Arc<Shared>,
    pub(super) log: Log,
    pub(super) state: State,
    pub(super) upkeep: Upkeep,
}

impl Writer {
    pub(super) fn work(&mut self, jobs: impl Iterator<Item = Job>) -> Option<Answer<()>> {
        let mut commits = Vec::new();
        let mut refiles = Vec::new();
        let mut close = None;
        for job in jobs {
            match job {
                Job::Commit(request) => commits.push(*request),
                Job::Refile(due, answer) => refiles.push((due, answer)),
                Job::Close(answer) => close = Some(answer),
            }
        }
        self.commit(commits);
        for (due, answer) in refiles {
            let _ = answer.send(self.refile(due));
        }
        close
    }

    /// Reads what is doubtful of the index: before that no change is made. Answers whether damage was met,
    /// which was said already and which the upkeep mends.
    pub(super) fn clear_doubts(&self) -> bool {
        let Ok(index) = self.shared.index() else { return false };
        if index.doubts().is_none() {
            return false;
        }
        match index.clear_all() {
            Ok(()) => tracing::info!("the index is whole"),
            // Else the store is being closed.
            Err(_) => return index.is_damaged(),
        }
        false
    }

    pub(super) fn look_after(&mut self) {
        let Self { shared, log, state, upkeep } = self;
        upkeep.tick(shared, log, state);
    }

    fn refile(&mut self, due: Due) -> Result<Option<Timestamp>, StoreError> {
        let index = self.writable()?;
        let (filed, state) = match apply::refile(&index, &self.state, due, &self.shared.uses) {
            Ok((filed, state)) => (filed, Ok(state)),
            Err(error) => (None, Err(error)),
        };
        self.keep(state).map(|()| filed)
    }

    /// The index, if there is room to write to it.
    fn writable(&self) -> Result<Arc<Index>, StoreError> {
        let index = self.shared.whole_index()?;
        self.upkeep.check_space(&self.shared, 0)?;
        Ok(index)
    }

    fn keep(&mut self, state: Result<State, StoreError>) -> Result<(), StoreError> {
        match state {
            Ok(state) => {
                self.state = state;
                Ok(())
            }
            Err(error) => {
                self.give_up(&error);
                Err(error)
            }
        }
    }

    /// After a failure in the index nobody reads from it, until it was opened again.
    fn give_up(&self, error: &StoreError) {
        tracing::error!("the index failed: {error}");
        if matches!(error, StoreError::Full { .. }) {
            self.shared.set_room(Room::NoneInIndex);
            self.shared.change(Access::Full);
        } else {
            self.shared.change(Access::Down(error.to_string()));
        }
        self.shared.summaries.distrust("the index failed");
        self.shared.blocked.forget();
    }

    fn commit(&mut self, requests: Vec<Request>) {
        if requests.is_empty() {
            return;
        }
        // No use is noted between the look at the last use and the end of the token.
        let shared = Arc::clone(&self.shared);
        let conditional = |change: &Change| change.unused_since.is_some();
        let turn = requests.iter().flat_map(|request| &request.changes).any(conditional);
        let turn = turn.then(|| shared.uses.turn());
        let Some((index, accepted, known)) = self.accept(requests) else { return };
        let draft = Draft::knowing(&index, &self.state, known);
        let bodies = accepted.iter().map(|request| request.encoded.body.as_str());
        match self.log.append(bodies) {
            Ok(places) => {
                self.shared.set_room(Room::Enough);
                let last = self.log.mark().head.seq;
                let links = self.apply(draft, &accepted, &places);
                drop(turn);
                if let Err(error) = links.and_then(|links| shared.uses.note(links)) {
                    // The change is durable, so it is acknowledged; until the index is open again, every
                    // read fails rather than show the record as it was.
                    self.give_up(&error);
                }
                self.shared.set_applied(last);
                let count = u64::try_from(places.len()).unwrap_or_default();
                for (request, seq) in accepted.into_iter().zip(last.saturating_sub(count) + 1..) {
                    let _ = request.answer.send(Ok(Position(seq)));
                }
            }
            Err(error) => {
                if let HistoryError::Refused(reason) = &error {
                    self.shared.refuse(reason);
                }
                if matches!(error, HistoryError::Full { .. }) {
                    self.shared.set_room(Room::None);
                }
                for request in accepted {
                    let _ = request.answer.send(Err(StoreError::from(&error)));
                }
            }
        }
    }

    /// Answers the commits that cannot be made, each alone, and returns the others, with the places that were
    /// found on the way.
    fn accept(&self, requests: Vec<Request>) -> Option<(Arc<Index>, Vec<Request>, Places)> {
        let bytes = requests.iter().map(|request| request.encoded.body.len()).sum::<usize>();
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let ready = || {
            if let Some(reason) = self.log.refused() {
                return Err(StoreError::ReadOnly(reason.to_owned()));
            }
            let index = self.shared.whole_index()?;
            self.upkeep.check_space(&self.shared, bytes)?;
            Ok(index)
        };
        let mut staged = Staged::default();
        let mut accepted = Vec::with_capacity(requests.len());
        let mut open = None;
        for request in requests {
            let index = match &open {
                Some(index) => Ok(Arc::clone(index)),
                None => ready(),
            };
            let checked = index.and_then(|index| {
                staged.accept(&index, &request.changes, &self.shared.uses)?;
                Ok(index)
            });
            match checked {
                Ok(index) => {
                    open = Some(index);
                    accepted.push(request);
                }
                Err(error) => {
                    let _ = request.answer.send(Err(error));
                }
            }
        }
        open.map(|index| (index, accepted, staged.into_places()))
    }

    /// Answers with what is to be written into slots.
    fn apply(
        &mut self,
        mut draft: Draft<'_>,
        requests: &[Request],
        places: &[Place],
    ) -> Result<Vec<Entry>, StoreError> {
        let mut seq = self.state.applied;
        let mut links = Vec::new();
        for (request, place) in requests.iter().zip(places) {
            seq = seq.saturating_add(1);
            let Request { encoded, kind, subjects, .. } = request;
            let told = Told { kind: *kind, records: &encoded.records, subjects };
            links.extend(apply::event(&mut draft, seq, *place, told, &self.shared.uses)?);
        }
        self.shared.index_room_fault()?;
        self.shared.index_fault()?;
        let changed = draft.take_changed();
        self.state = draft.write(seq, &self.state)?;
        // Before anybody is answered.
        self.shared.summaries.write(&changed);
        for written in requests.iter().flat_map(|request| &request.encoded.records) {
            self.shared.blocked.note(&written.record);
        }
        Ok(links)
    }
}
