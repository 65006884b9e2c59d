//! Noting last uses: first ones are told to the history before they are written into their slots. And what is spent.

use std::sync::Arc;

use tokio::sync::oneshot::{self, Receiver};

use super::shared::{Room, Shared};
use super::space::Space;
use super::uses::{Entry, Stored};
use super::write::{Job, Request};
use super::{SledStore, entry, read};
use crate::domain::event::{Actor, Event, EventKind};
use crate::domain::left::Spent;
use crate::domain::time::Timestamp;
use crate::store::codec::{self, Encoded};
use crate::store::{Commit, NotedUse, Position, StoreError, Subject, UseKey};

/// How many first uses one event tells of, so that a line of the history stays readable.
const EVENT_TOKENS: usize = 512;
/// How many such events are handed to the writing thread at a time. Commits of others wait for these few
/// lines, and never for all first uses of a flush.
const EVENTS: usize = 8;

type Told = Result<Position, StoreError>;

/// Keeps checkpoints back while first uses are between their event and their slots.
#[derive(Debug)]
struct Linking(Arc<Shared>);

impl Linking {
    fn begin(shared: Arc<Shared>) -> Self {
        shared.uses.set_linking(true);
        Self(shared)
    }
}

impl Drop for Linking {
    fn drop(&mut self) {
        self.0.uses.set_linking(false);
    }
}

impl SledStore {
    /// Notes uses. If their event cannot be written, first uses are noted all the same, and the failure is
    /// answered, so that the event is tried again.
    pub(super) async fn note(&self, uses: Vec<NotedUse>, at: Timestamp) -> Result<(), StoreError> {
        self.ready_for_all().await?;
        ready(&self.shared)?;
        let first = uses.iter().any(|noted| noted.first);
        let linking = first.then(|| Linking::begin(Arc::clone(&self.shared)));
        let (firsts, told) = self.tell_first_uses(&uses, at).await;
        let write = move |shared: &Shared| {
            let written = write(shared, &uses, &firsts);
            drop(linking);
            written
        };
        self.aside(write).await.and(told)
    }

    /// Writes down what is spent of a token's limits.
    pub(super) async fn write_spent(&self, of: UseKey, spent: Spent) -> Result<(), StoreError> {
        let index = self.for_slot(of).await?;
        self.aside(move |shared| {
            let slot = read::slot(&index, of)?.ok_or_else(|| StoreError::Failed {
                doing: format!("counting requests of {}", of.token),
                cause: "there is no such token".to_owned(),
            })?;
            // The index is held until then, so that closing waits for it.
            shared.counts.write(slot, of.token, spent)
        })
        .await
    }

    /// Appends the events of first uses, and answers with their numbers, one for each
    /// [`EVENT_TOKENS`] first uses.
    async fn tell_first_uses(
        &self,
        uses: &[NotedUse],
        at: Timestamp,
    ) -> (Vec<u64>, Result<(), StoreError>) {
        let firsts: Vec<&NotedUse> = uses.iter().filter(|noted| noted.first).collect();
        let mut told = Vec::new();
        for group in firsts.chunks(EVENT_TOKENS.saturating_mul(EVENTS)) {
            let mut answers = Vec::with_capacity(EVENTS);
            for part in group.chunks(EVENT_TOKENS) {
                answers.push(observation(part, at).and_then(|encoded| self.begin(encoded)));
            }
            for answer in answers {
                let answered = match answer {
                    Ok(answer) => answer.await.unwrap_or(Err(StoreError::Closed)),
                    Err(error) => Err(error),
                };
                match answered {
                    Ok(position) => told.push(position.0),
                    Err(error) => return (told, Err(error)),
                }
            }
        }
        (told, Ok(()))
    }

    fn begin(&self, encoded: Encoded) -> Result<Receiver<Told>, StoreError> {
        let (answer, answered) = oneshot::channel();
        // The event names the tokens, and has no subjects for the index to find it by: their slots will.
        let (kind, changes, subjects) = (EventKind::TokenFirstUsed, Vec::new(), Vec::new());
        let request = Request { encoded, kind, changes, subjects, answer };
        self.send(Job::Commit(Box::new(request)))?;
        Ok(answered)
    }
}

/// The event that tells of some first uses.
fn observation(firsts: &[&NotedUse], at: Timestamp) -> Result<Encoded, StoreError> {
    let effective_at = firsts.iter().map(|noted| noted.last.at).min().unwrap_or(at);
    let (actor, kind) = (Actor::System, EventKind::TokenFirstUsed);
    let event = Event { at, effective_at, actor, kind, reason: String::new(), many: None };
    let subjects = firsts.iter().map(|noted| Subject::Token(noted.of.token)).collect();
    let commit = Commit { event, changes: Vec::new(), subjects };
    codec::encode(&commit).map_err(|error| StoreError::Failed {
        doing: "writing an event down".to_owned(),
        cause: error.to_string(),
    })
}

/// Whether there is an index, and room on the disk.
fn ready(shared: &Shared) -> Result<(), StoreError> {
    shared.index()?;
    let space = Space::new(&shared.options.folder, shared.options.reserve_bytes);
    space.check(0).inspect_err(|_| shared.set_room(Room::Little))
}

/// Writes uses into their slots; `firsts` are the events of the first ones among them.
pub(super) fn write(shared: &Shared, uses: &[NotedUse], firsts: &[u64]) -> Result<(), StoreError> {
    // Held to the end: closing waits for it.
    let index = shared.index()?;
    let numbers = shared.uses.numbers(uses.iter().map(|noted| &noted.last.api))?;
    let mut entries = Vec::with_capacity(uses.len());
    let mut told = 0_usize;
    for (noted, api) in uses.iter().zip(numbers) {
        let first = firsts.get(told / EVENT_TOKENS).copied().filter(|_| noted.first);
        told = told.saturating_add(usize::from(noted.first));
        let slot = match noted.of.slot {
            Some(slot) => Some(slot.number()),
            None => entry::head(&index, noted.of.token)?.map(|head| head.slot),
        };
        let Some(slot) = slot else { continue };
        let last = Some(Stored { at: noted.last.at, address: noted.last.address, api });
        entries.push(Entry { slot, token: noted.of.token, last, first });
    }
    let noted = shared.uses.note(entries);
    noted.inspect_err(|error| {
        if matches!(error, StoreError::Full { .. }) {
            shared.set_room(Room::None);
        }
    })
}
