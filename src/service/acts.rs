//! Events as people read them: the parts in which an act on many tokens is written down are one.

use crate::service::Service;
use crate::service::caller::Caller;
use crate::service::error::ServiceError;
use crate::service::events::EventList;
use crate::service::history::EventView;
use crate::store::{Page, Position, Subject};

/// How many events are read for the parts of an act, when a page of its own is read.
const PARTS: usize = 200;

/// How often: an act on very many tokens goes on behind the page.
const READS: usize = 5;

/// What somebody did at once: one event, or neighbouring events that are parts of one act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gathered {
    /// The newest event, about what all of them are about.
    pub view: EventView,
    /// The number of the oldest.
    pub oldest: u64,
}

impl From<EventView> for Gathered {
    fn from(view: EventView) -> Self {
        Self { oldest: view.position, view }
    }
}

impl Gathered {
    /// Takes an older event in, if it is a part of the same act; else it comes back.
    fn join(&mut self, older: EventView) -> Option<EventView> {
        let (act, part) = (&self.view.event, &older.event);
        let same = act.many.is_some() && act.many == part.many && act.actor == part.actor;
        if !same || act.kind != part.kind || act.reason != part.reason {
            return Some(older);
        }
        self.oldest = older.position;
        self.view.tokens.extend(older.tokens);
        for user in older.users {
            if !self.view.users.contains(&user) {
                self.view.users.push(user);
            }
        }
        None
    }
}

/// Neighbouring events, newest first, as acts.
pub fn gathered(events: impl IntoIterator<Item = EventView>) -> Vec<Gathered> {
    let mut acts: Vec<Gathered> = Vec::new();
    for event in events {
        let alone = joined(&mut acts, event);
        acts.extend(alone.map(Gathered::from));
    }
    acts
}

/// Takes an event into the last act, if it is a part of that; else it comes back.
fn joined(acts: &mut [Gathered], event: EventView) -> Option<EventView> {
    match acts.last_mut() {
        Some(act) => act.join(event),
        None => Some(event),
    }
}

impl Service {
    /// Events as [`Service::events_like`] finds them, as acts. A page may have fewer of them than were asked for, and
    /// more behind it.
    ///
    /// # Errors
    /// As there.
    pub async fn acts(
        &self,
        by: &Caller,
        subject: Option<&Subject>,
        (asked, mut before): (&EventList, Option<Position>),
        limit: usize,
    ) -> Result<Page<Gathered, Position>, ServiceError> {
        let (mut acts, mut wanted): (Vec<Gathered>, _) = (Vec::new(), limit);
        for _ in 0..READS {
            let page = self.events_like(by, subject, (asked, before), wanted).await?;
            let searched_enough = page.entries.len() < wanted;
            for event in page.entries {
                let Some(alone) = joined(&mut acts, event) else { continue };
                if acts.len() == limit {
                    let next = acts.last().map(|last| Position(last.oldest));
                    return Ok(Page { entries: acts, next });
                }
                acts.push(alone.into());
            }
            before = page.next;
            let in_parts = acts.last().is_some_and(|act| act.view.event.many.is_some());
            if before.is_none() || searched_enough || (acts.len() == limit && !in_parts) {
                break;
            }
            wanted = PARTS;
        }
        Ok(Page { entries: acts, next: before })
    }
}
