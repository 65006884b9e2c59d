//! What goes into a store and comes out of it: records and their changes, and events.

use std::sync::Arc;

use crate::domain::company::Company;
use crate::domain::event::Event;
use crate::domain::id::{OwnerId, Slug, TokenId};
use crate::domain::owner::Owner;
use crate::domain::time::Timestamp;
use crate::domain::token::{Revision, Token};

use super::usage::{Usage, UseKey, UseSlot};

/// Where an event stands in the history; the first is 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u64);

/// A record as it is to be, after a change.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// A token.
    Token(Arc<Token>),
    /// A user or a service.
    Owner(Arc<Owner>),
    /// A company.
    Company(Arc<Company>),
}

/// One record of a commit, and the revision that it replaces. The new record carries the next one.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The whole new record.
    pub record: Record,
    /// What the store must hold now; [`Revision::NONE`] for a record that must not exist.
    pub expected: Revision,
    /// For the sweeper: the last use that it judged by. If the token was used since, the commit fails
    /// with [`StoreError::Conflict`].
    pub unused_since: Option<Option<Timestamp>>,
}

/// An atomic act: one event, and the records that it changes. Without changes it is an observation.
#[derive(Clone, Debug, PartialEq)]
pub struct Commit {
    /// Who did what, when and why.
    pub event: Event,
    /// The new records.
    pub changes: Vec<Change>,
    /// Tokens, owners and companies that the event is about, beside those that it changes.
    pub subjects: Vec<Subject>,
}

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A token.
    Token(TokenId),
    /// An owner.
    Owner(OwnerId),
    /// A company.
    Company(Slug),
}

/// A token in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// The record.
    pub token: Arc<Token>,
    /// Where its last use is kept.
    pub slot: Option<UseSlot>,
}

impl Listed {
    /// For asking for its last use.
    pub fn use_key(&self) -> UseKey {
        UseKey { token: self.token.id, slot: self.slot }
    }
}

/// A token together with its owner, its company and its last use, as one decision needs them.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// The record.
    pub token: Arc<Token>,
    /// Whom it acts for.
    pub owner: Arc<Owner>,
    /// The tenant, where it has one that is on record.
    pub company: Option<Arc<Company>>,
    /// When it was last used, as far as it was written down.
    pub last_use: Option<Usage>,
    /// Where that is kept.
    pub slot: Option<UseSlot>,
}

impl Held {
    /// For asking for its last use.
    pub fn use_key(&self) -> UseKey {
        UseKey { token: self.token.id, slot: self.slot }
    }
}

/// One page of a list, and where the next one begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T, C> {
    /// The entries, at most as many as were asked for.
    pub entries: Vec<T>,
    /// What to pass as `after` for the next page; none at the end.
    pub next: Option<C>,
}

/// Something that will be over by time or by idleness, as the index of deadlines has it. The deadline
/// was computed from the last use that was known then: look again before acting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    /// When.
    pub deadline: Timestamp,
    /// Which token.
    pub token: TokenId,
}

/// An event as the history holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// Its number.
    pub position: Position,
    /// Who did what, when and why.
    pub event: Event,
    /// What it is about, the changed records first.
    pub subjects: Vec<Subject>,
    /// The whole line, as it was hashed.
    pub line: Arc<str>,
}

/// Whether the store can do its work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It reads and writes.
    Ready,
    /// It reads; changes are refused, for this reason.
    ReadOnly(String),
    /// The same until a restart.
    ReadOnlyForGood(String),
    /// It cannot be relied on at all, for this reason.
    Broken(String),
}

/// What a repair went on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repaired {
    /// The newest event that the history held.
    pub left: Position,
    /// How many events after it were known and are lost.
    pub lost: u64,
}
