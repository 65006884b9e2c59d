//! What happened: the events of everything, of one token, owner or company, newest first. Also what
//! concerns the store as a whole: backups and health.

use std::io::Write;

use serde::{Deserialize, Serialize};

use crate::domain::event::{Event, EventKind};
use crate::domain::id::{OwnerId, Slug, TokenId};
use crate::domain::secret::Digest;
use crate::history;
use crate::service::caller::Caller;
use crate::service::diff::{FieldChange, diff};
use crate::service::error::ServiceError;
use crate::service::{Service, page_size};
use crate::store::{self, Health, Page, Position, Record, Recorded, StoreError, Subject, codec};

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
    /// Events, newest first, those before `before`.
    ///
    /// # Errors
    /// No such token, owner or company, or a store that cannot be read.
    pub async fn events(
        &self,
        by: &Caller,
        subject: Option<&Subject>,
        before: Option<Position>,
        limit: usize,
    ) -> Result<Page<EventView, Position>, ServiceError> {
        self.let_see_events(by, subject).await?;
        let page = self.store().events(subject, before, page_size(limit)?).await?;
        if let (Some(Subject::Company(id)), true) = (subject, page.entries.is_empty()) {
            // One that is not on record has a history once somebody came to it or left it.
            self.company_record(id).await?;
        }
        let mut entries = Vec::with_capacity(page.entries.len());
        for recorded in page.entries {
            entries.push(self.event_view(recorded).await?);
        }
        Ok(Page { entries, next: page.next })
    }

    /// Refuses whoever may not see the events about something.
    ///
    /// # Errors
    /// Forbidden, or nothing of that name.
    pub(super) async fn let_see_events(
        &self,
        by: &Caller,
        subject: Option<&Subject>,
    ) -> Result<(), ServiceError> {
        match subject {
            None => by.watches(),
            Some(Subject::Token(id)) => self.token_seen(by, *id).await.map(drop),
            Some(Subject::Owner(id)) => self.let_see(by, &*self.owner_record(id).await?).await,
            Some(Subject::Company(id)) => by.let_see_company(id),
        }
    }

    /// An event with what it changed.
    pub(super) async fn event_view(&self, recorded: Recorded) -> Result<EventView, ServiceError> {
        let changes = match recorded.event.kind {
            EventKind::TokenUpdated | EventKind::OwnerUpdated | EventKind::CompanyUpdated => {
                self.changes(&recorded).await?
            }
            _ => Vec::new(),
        };
        Ok(EventView { changes, ..recorded.into() })
    }

    /// What an event changed: its record against that of an earlier event about the same subject.
    async fn changes(&self, recorded: &Recorded) -> Result<Vec<FieldChange>, ServiceError> {
        let Some(after) = records(recorded)?.pop() else { return Ok(Vec::new()) };
        let before = self.record_before(recorded.position, &after.subject()).await?;
        Ok(before.map_or_else(Vec::new, |before| diff(&before, &after)))
    }

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

    /// Checks every line of the history, and that it still holds the head that was kept elsewhere.
    ///
    /// # Errors
    /// A line that does not verify, another history than that of the kept head, or one that was
    /// cut.
    pub async fn verify(&self, kept: Option<HeadView>) -> Result<VerifiedView, ServiceError> {
        let folder = store::history_folder(&self.settings().store.path);
        let checked = tokio::task::spawn_blocking(move || history::verify(&folder)).await;
        let report = checked
            .map_err(|error| StoreError::Failed {
                doing: "checking the history".to_owned(),
                cause: error.to_string(),
            })?
            .map_err(StoreError::from)?;
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
    let decoded = codec::decode(recorded.line.as_bytes()).map_err(|error| StoreError::Damaged {
        place: format!("event {}", recorded.position.0),
        what: error.to_string(),
        hint: "`tollgate history verify` checks all of them".to_owned(),
    })?;
    Ok(decoded.records.into_iter().map(|written| written.record).collect())
}

fn head_at(event: &Recorded) -> HeadView {
    HeadView { position: event.position.0, hash: Digest::of(event.line.as_bytes()) }
}
