//! What happened: the events of everything, of one token or of one owner, newest first. Also what
//! concerns the store as a whole: backups and health.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::domain::event::Event;
use crate::domain::id::{OwnerId, TokenId};
use crate::service::error::ServiceError;
use crate::service::{PAGE_ENTRIES, Service};
use crate::store::{Health, Page, Position, Recorded, Subject};

/// An event as callers are shown it: without the records, which hold digests and sealed values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
}

impl From<Recorded> for EventView {
    fn from(recorded: Recorded) -> Self {
        let mut view = Self {
            position: recorded.position.0,
            event: recorded.event,
            tokens: Vec::new(),
            users: Vec::new(),
        };
        for subject in recorded.subjects {
            match subject {
                Subject::Token(id) => view.tokens.push(id),
                Subject::Owner(id) => view.users.push(id),
            }
        }
        view
    }
}

impl Service {
    /// Events, newest first, those before `before`.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn events(
        &self,
        subject: Option<&Subject>,
        before: Option<Position>,
        limit: usize,
    ) -> Result<Page<EventView, Position>, ServiceError> {
        let page = self.store().events(subject, before, limit.clamp(1, PAGE_ENTRIES)).await?;
        let entries = page.entries.into_iter().map(EventView::from).collect();
        Ok(Page { entries, next: page.next })
    }

    /// Writes everything into one file, while the store goes on; says up to which event.
    ///
    /// # Errors
    /// A store or a disk that refuses.
    pub async fn backup(&self, to: &Path) -> Result<Position, ServiceError> {
        Ok(self.store().backup(to).await?)
    }

    /// Whether the store can do its work.
    pub fn health(&self) -> Health {
        self.store().health()
    }
}
