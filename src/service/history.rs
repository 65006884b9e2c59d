//! An event as it is shown, and what concerns the store as a whole: its head, backups and health. Lists of events
//! are of `events`.

use std::io::Write;

use serde::{Deserialize, Serialize};

use crate::domain::event::Event;
use crate::domain::id::{OwnerId, Slug, TokenId};
use crate::domain::secret::Digest;
use crate::history;
use crate::service::Service;
use crate::service::diff::FieldChange;
use crate::service::error::ServiceError;
use crate::store::{self, Health, Position, Record, Recorded, StoreError, Subject, codec};

/// An event as callers are shown it: without the records, which hold digests and sealed values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EventView {
    /// Its number; the first is 1.
    pub position: u64,
    /// Who did what, when and why.
    #[serde(flatten)]
    pub event: Event,
    /// The tokens that it is about, those that it changed first.
    pub tokens: Vec<TokenId>,
    /// The users that it is about, those that it changed first.
    pub users: Vec<OwnerId>,
    /// The companies that it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub companies: Vec<Slug>,
    /// What an update changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<FieldChange>,
}

/// The newest event, to be kept elsewhere: a tail that was cut off cannot be noticed from inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HeadView {
    /// Its number; zero before the first.
    pub position: u64,
    /// SHA-256 of its line.
    pub hash: Digest,
}

/// What a check of the whole history found: no line that does not verify.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct VerifiedView {
    /// The newest event.
    #[serde(flatten)]
    pub head: HeadView,
    /// How many files it is in.
    pub segments: usize,
    /// Bytes of a last line that is just being written, or that a crash left.
    pub unfinished_bytes: u64,
}

impl From<history::Head> for HeadView {
    fn from(head: history::Head) -> Self {
        Self { position: head.seq, hash: Digest::from_bytes(head.hash) }
    }
}

impl From<Recorded> for EventView {
    fn from(recorded: Recorded) -> Self {
        let mut view = Self {
            position: recorded.position.0,
            event: recorded.event,
            tokens: Vec::new(),
            users: Vec::new(),
            companies: Vec::new(),
            changes: Vec::new(),
        };
        for subject in recorded.subjects {
            match subject {
                Subject::Token(id) => view.tokens.push(id),
                Subject::Owner(id) => view.users.push(id),
                Subject::Company(id) => view.companies.push(id),
            }
        }
        view
    }
}

impl Service {
    /// The newest event, for the machine itself.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn newest(&self) -> Result<Option<(Position, Event)>, StoreError> {
        let newest = self.store().events(None, None, 1).await?.entries.pop();
        Ok(newest.map(|newest| (newest.position, newest.event)))
    }

    /// Where the history ends.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn head(&self) -> Result<HeadView, ServiceError> {
        let newest = self.store().events(None, None, 1).await?.entries.pop();
        Ok(newest.map_or_else(|| history::Head::EMPTY.into(), |event| head_at(&event)))
    }

    /// Checks every line of the history, that it ends no sooner than this process knows, and that it still holds the
    /// head that was kept elsewhere.
    ///
    /// # Errors
    /// A line that does not verify, another history than that of the kept head, or one that was
    /// cut.
    pub async fn verify(&self, kept: Option<HeadView>) -> Result<VerifiedView, ServiceError> {
        let folder = store::history_folder(&self.settings().store.path);
        let (known, path) = (self.store().newest().0, folder.display().to_string());
        let checked = tokio::task::spawn_blocking(move || history::verify(&folder)).await;
        let report = checked
            .map_err(|error| StoreError::Failed {
                doing: "checking the history".to_owned(),
                cause: error.to_string(),
            })?
            .map_err(StoreError::from)?;
        let left = report.head.seq;
        if left < known {
            return Err(StoreError::Cut { path, known, left }.into());
        }
        if let Some(kept) = kept.filter(|kept| kept.position > 0) {
            let before = Position(kept.position.saturating_add(1));
            let found = self.store().events(None, Some(before), 1).await?.entries.pop();
            if found.as_ref().map(head_at).as_ref() != Some(&kept) {
                let problem = format!(
                    "the history does not hold event {} with this hash: it was cut or replaced",
                    kept.position
                );
                return Err(ServiceError::History(problem));
            }
        }
        Ok(VerifiedView {
            head: report.head.into(),
            segments: report.segments,
            unfinished_bytes: report.unfinished_bytes,
        })
    }

    /// Writes one backup of everything, while the store goes on; says up to which event.
    ///
    /// # Errors
    /// A store that cannot be read, or whoever takes the backup.
    pub async fn backup(&self, into: Box<dyn Write + Send>) -> Result<Position, ServiceError> {
        Ok(self.store().backup(into).await?)
    }

    /// Whether the store can do its work.
    pub fn health(&self) -> Health {
        self.store().health()
    }
}

pub(super) fn records(recorded: &Recorded) -> Result<Vec<Record>, ServiceError> {
    let decoded = codec::decode(recorded.line.as_bytes());
    let decoded = decoded.map_err(|error| damaged(recorded.position, &error))?;
    Ok(decoded.records.into_iter().map(|written| written.record).collect())
}

/// What is said of an event that cannot be read.
pub(super) fn damaged(position: Position, error: &codec::CodecError) -> StoreError {
    StoreError::Damaged {
        place: format!("event {}", position.0),
        what: error.to_string(),
        hint: "`tollgate history verify` checks all of them".to_owned(),
    }
}

fn head_at(event: &Recorded) -> HeadView {
    HeadView { position: event.position.0, hash: Digest::of(event.line.as_bytes()) }
}
