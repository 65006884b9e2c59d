//! The secret of a token that was rotated and is over is shown again: somebody was not told, or should not
//! have it. The event says so, once an hour for each token; its family goes on.

use std::net::IpAddr;

use crate::domain::event::{Actor, Event, EventKind};
use crate::domain::id::TokenId;
use crate::domain::time::{Span, Timestamp};
use crate::service::{Service, ServiceError};
use crate::store::{Commit, Subject};

/// How often it is said of one token at the most.
const EVERY: Span = Span::from_seconds(3_600);

/// How many events of a token are read in one go.
const EVENTS: usize = 4;

/// What the reason of the event begins with; the address follows.
const FROM: &str = "from ";

/// Whence the secret came, as an event says it.
pub fn address_of(reason: &str) -> Option<IpAddr> {
    reason.strip_prefix(FROM)?.parse().ok()
}

impl Service {
    /// Writes down that rotated tokens were shown after their end since the last call. Called by the
    /// upkeep. What fails is told when they are shown again.
    ///
    /// # Errors
    /// The store's.
    pub async fn tell_reuse(&self, now: Timestamp) -> Result<usize, ServiceError> {
        let mut told = 0;
        for (id, address) in self.cache.take_reused() {
            let Some(token) = self.store().token(id).await? else { continue };
            if self.was_told(id, now).await? {
                continue;
            }
            let event = Event {
                at: now,
                effective_at: now,
                actor: Actor::System,
                kind: EventKind::TokenReused,
                reason: format!("{FROM}{address}"),
                many: None,
            };
            let subjects = vec![Subject::Token(id), Subject::Owner(token.owner.clone())];
            self.cache.commit(Commit { event, changes: Vec::new(), subjects }).await?;
            told += 1;
        }
        Ok(told)
    }

    /// Whether that was said within the last hour.
    async fn was_told(&self, id: TokenId, now: Timestamp) -> Result<bool, ServiceError> {
        let (subject, mut before) = (Subject::Token(id), None);
        loop {
            let page = self.store().events(Some(&subject), before, EVENTS).await?;
            for event in page.entries.iter().map(|recorded| &recorded.event) {
                if now.since(event.at) >= EVERY {
                    return Ok(false);
                }
                if event.kind == EventKind::TokenReused {
                    return Ok(true);
                }
            }
            match page.next {
                Some(next) => before = Some(next),
                None => return Ok(false),
            }
        }
    }
}
