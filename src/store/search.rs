//! Which events somebody looks for, and how far a search for them came.

use std::collections::BTreeSet;

use crate::domain::event::{Actor, Event, EventKind};
use crate::domain::time::Timestamp;
use crate::store::{Position, Recorded};

/// What an event must be to be found; what is not said does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// One of these happened.
    pub kinds: Option<BTreeSet<EventKind>>,
    /// Who did it.
    pub actor: Option<Actor>,
    /// It was written down then or later.
    pub since: Option<Timestamp>,
    /// It was written down before.
    pub until: Option<Timestamp>,
}

impl EventFilter {
    /// Whether an event is one of them.
    pub fn matches(&self, event: &Event) -> bool {
        self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&event.kind))
            && self.actor.as_ref().is_none_or(|actor| *actor == event.actor)
            && self.since.is_none_or(|since| event.at >= since)
            && self.until.is_none_or(|until| event.at < until)
    }
}

/// What a search found in the part of the history that it went through.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Searched {
    /// The events, newest first, at most as many as were asked for.
    pub found: Vec<Recorded>,
    /// Before which event it goes on; none at the beginning of the history.
    pub next: Option<Position>,
    /// How many bytes of the history it went through: what it cost.
    pub bytes: u64,
}
