//! What the room of notices reads: the history forwards, and records as they were.

use std::sync::Arc;

use crate::domain::id::TokenId;
use crate::domain::token::Token;
use crate::service::Service;
use crate::service::error::ServiceError;
use crate::service::history::{damaged, records};
use crate::store::{Position, Record, Recorded, StoreError, Subject, codec};

/// How many earlier events are looked at in one go for the record before an update: observations,
/// which hold no record, may stand between.
const EARLIER_EVENTS: usize = 4;

/// A record that an event wrote, beside the one before.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// None for a new record.
    pub before: Option<Record>,
    /// As it is since.
    pub after: Record,
}

impl Service {
    /// The events after `place`, oldest first, `limit` at the most. Numbers have no gaps.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn events_after(
        &self,
        place: Position,
        limit: usize,
    ) -> Result<Vec<Recorded>, StoreError> {
        let beyond = place.0.saturating_add(u64::try_from(limit).unwrap_or(u64::MAX));
        let before = Position(beyond.saturating_add(1));
        let mut events = self.store().events(None, Some(before), limit).await?.entries;
        events.retain(|event| event.position > place);
        events.reverse();
        Ok(events)
    }

    /// One event by its number.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn event_at(&self, position: Position) -> Result<Option<Recorded>, StoreError> {
        let before = Position(position.0.saturating_sub(1));
        Ok(self.events_after(before, 1).await?.pop())
    }

    /// The records that an event made, of which there was none before.
    ///
    /// # Errors
    /// A history that is damaged.
    pub fn made(&self, recorded: &Recorded) -> Result<Vec<Record>, ServiceError> {
        records(recorded)
    }

    /// The records that an event wrote.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn written(&self, recorded: &Recorded) -> Result<Vec<Written>, ServiceError> {
        let mut all = Vec::new();
        for after in records(recorded)? {
            let before = self.record_before(recorded.position, &after.subject()).await?;
            all.push(Written { before, after });
        }
        Ok(all)
    }

    /// The record of `subject` as it was before the event `position`.
    pub(super) async fn record_before(
        &self,
        position: Position,
        subject: &Subject,
    ) -> Result<Option<Record>, ServiceError> {
        let mut before = Some(position);
        while let Some(position) = before {
            let page = self.store().events(Some(subject), Some(position), EARLIER_EVENTS).await?;
            for earlier in &page.entries {
                let held = codec::record_of(&earlier.line, subject);
                if let Some(record) = held.map_err(|error| damaged(earlier.position, &error))? {
                    return Ok(Some(record));
                }
            }
            before = page.next;
        }
        Ok(None)
    }

    /// A token as it is now.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn token_told_of(&self, id: TokenId) -> Result<Option<Arc<Token>>, StoreError> {
        self.store().token(id).await
    }
}
