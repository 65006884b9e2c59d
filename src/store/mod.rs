//! The index of everything that Tollgate keeps, behind one interface that names no database.
//!
//! Two kinds of fact live here. *Records* (tokens, owners) change by [`Store::commit`] alone, which is
//! acknowledged only when the change is durable in the history and visible to every read. *Last uses*
//! are kept apart, are written in batches, and may lose the last moments before a crash; where they are
//! damaged, a token counts as used rather than as unused.
//!
//! Called by `cache` (reads), `service` (changes) and `app` (opening, backups).

use std::io::Write;
use std::num::NonZeroU64;
use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::event::Event;
use crate::domain::id::{OwnerId, TokenId};
use crate::domain::owner::Owner;
use crate::domain::secret::Digest;
use crate::domain::time::Timestamp;
use crate::domain::token::{Revision, Token};

pub mod backup;
pub mod codec;
pub mod holder;
pub mod error;
pub mod patience;
pub mod sealed;
mod sled;
mod opening;

#[cfg(test)]
mod conformance;
#[cfg(test)]
pub(crate) mod sample;

pub use error::StoreError;
pub use holder::Opener;
pub use opening::{history_folder, open, open_for, repair, restore};

/// Where an event stands in the history; the first is 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u64);

/// What a repair went on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repaired {
    /// The newest event that the history held.
    pub left: Position,
    /// How many events after it were known and are lost.
    pub lost: u64,
}

/// A record as it is to be, after a change.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// A token.
    Token(Arc<Token>),
    /// A user or a service.
    Owner(Arc<Owner>),
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
    /// Tokens and owners that the event is about, beside those that it changes.
    pub subjects: Vec<Subject>,
}

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A token.
    Token(TokenId),
    /// An owner.
    Owner(OwnerId),
}

/// Where and when a token was last used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastUse {
    /// When, to the second.
    pub at: Timestamp,
    /// From which address.
    pub address: std::net::IpAddr,
    /// Through which API.
    pub api: Arc<str>,
}

/// When a token counts as last used, and what is known of that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// By which it is judged.
    pub at: Timestamp,
    /// The last use that is known. Later ones may be lost, as after a restore: then it is earlier than `at`,
    /// or none, and `at` is a moment at which nobody need have used the token.
    pub last: Option<LastUse>,
}

impl Usage {
    /// Whether `at` is not the moment of a known use.
    pub fn is_presumed(&self) -> bool {
        self.last.as_ref().is_none_or(|last| last.at < self.at)
    }
}

impl From<LastUse> for Usage {
    fn from(last: LastUse) -> Self {
        Self { at: last.at, last: Some(last) }
    }
}

/// Where a store keeps the last use of a token, as it says with the token: it spares the store a lookup,
/// and means nothing elsewhere. It stays the same for the life of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UseSlot(
    /// One more than the number, so that `Option` takes no memory: every token in memory has one.
    NonZeroU64,
);

impl UseSlot {
    const fn new(number: u64) -> Self {
        Self(NonZeroU64::MIN.saturating_add(number))
    }

    const fn number(self) -> u64 {
        self.0.get() - 1
    }
}

/// Whose last use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UseKey {
    /// The token.
    pub token: TokenId,
    /// Where its last use is kept, if that is known.
    pub slot: Option<UseSlot>,
}

/// A use that is to be written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotedUse {
    /// Of which token.
    pub of: UseKey,
    /// When and where.
    pub last: LastUse,
    /// Whether it is the first use of all, which the history is told of.
    pub first: bool,
}

impl From<TokenId> for UseKey {
    fn from(token: TokenId) -> Self {
        Self { token, slot: None }
    }
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

/// A token together with its owner and its last use, as one decision needs them.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// The record.
    pub token: Arc<Token>,
    /// Whom it acts for.
    pub owner: Arc<Owner>,
    /// When it was last used, as far as it was written down.
    pub last_use: Option<Usage>,
    /// Where that is kept.
    pub slot: Option<UseSlot>,
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
    /// It cannot be relied on at all, for this reason.
    Broken(String),
}

/// What a store can do. Two implementors are meant: sled with the history log, and PostgreSQL; the same
/// conformance tests run over both. No method costs more with a million tokens than with one, unless it
/// says so.
#[async_trait]
pub trait Store: Send + Sync + std::fmt::Debug + 'static {
    /// A token by its public id.
    async fn token(&self, id: TokenId) -> Result<Option<Arc<Token>>, StoreError>;

    /// A token with its owner by the digest of its secret: what a cache miss needs.
    async fn held(&self, digest: &Digest) -> Result<Option<Held>, StoreError>;

    /// An owner.
    async fn owner(&self, id: &OwnerId) -> Result<Option<Arc<Owner>>, StoreError>;

    /// Tokens in the order of their creation, of one owner or of all, dead ones too.
    async fn tokens(
        &self,
        owner: Option<&OwnerId>,
        after: Option<TokenId>,
        limit: usize,
    ) -> Result<Page<Listed, TokenId>, StoreError>;

    /// Owners in alphabetical order.
    async fn owners(
        &self,
        after: Option<&OwnerId>,
        limit: usize,
    ) -> Result<Page<Arc<Owner>, OwnerId>, StoreError>;

    /// The last uses of some tokens, in the order asked; none for a token that was never used.
    async fn last_uses(&self, of: &[UseKey]) -> Result<Vec<Option<Usage>>, StoreError>;

    /// Writes last uses down, and tells the history at `at` of those that are first ones. An earlier use
    /// never replaces a later one; an id that is not known is passed over. Seen by every later read and
    /// commit; on disk a moment later. Where it fails, as on a full disk, the uses should be kept and
    /// written later; some may have been written.
    async fn note_uses(&self, uses: Vec<NotedUse>, at: Timestamp) -> Result<(), StoreError>;

    /// Tokens whose deadline is at or before `until`, soonest first, those after `after` in that order.
    async fn due(
        &self,
        until: Timestamp,
        after: Option<Due>,
        limit: usize,
    ) -> Result<Vec<Due>, StoreError>;

    /// Moves a token in the index of deadlines to the one that its record and last use give now, and
    /// says which that is.
    async fn refile(&self, due: Due) -> Result<Option<Timestamp>, StoreError>;

    /// The only write to records. It is answered when the event is durable and every later read sees
    /// the change; otherwise it fails, and nothing of it is visible. A commit whose answer nobody waits
    /// for any more is made all the same.
    async fn commit(&self, commit: Commit) -> Result<Position, StoreError>;

    /// Events, newest first, all or about one subject, those before `before`.
    async fn events(
        &self,
        subject: Option<&Subject>,
        before: Option<Position>,
        limit: usize,
    ) -> Result<Page<Recorded, Position>, StoreError>;

    /// Writes one portable backup of everything, while the store goes on; if it fails, the end says so. The
    /// cost grows with the store.
    async fn backup(&self, into: Box<dyn Write + Send>) -> Result<Position, StoreError>;

    /// Reads about `bytes` more of the history, to find damage before what is old is needed; answers with the
    /// last event of the present pass that is known to be whole. New passes begin by themselves.
    async fn verify_some(&self, bytes: u64) -> Result<Position, StoreError>;

    /// The largest wall-clock time that was ever persisted: a clock behind it cannot be trusted.
    async fn high_water(&self) -> Result<Timestamp, StoreError>;

    /// Persists the wall clock's high-water mark; a lower value than before changes nothing.
    async fn raise_high_water(&self, to: Timestamp) -> Result<(), StoreError>;

    /// Takes the high-water mark back to `to`, at the word of an operator who knows that it was raised by
    /// a wrong clock; a higher value than before changes nothing. Durable at the next checkpoint.
    async fn lower_high_water(&self, to: Timestamp) -> Result<(), StoreError>;

    /// Whether it can do its work.
    fn health(&self) -> Health;

    /// Makes everything durable and lets go of the folder. Later calls fail.
    async fn close(&self) -> Result<(), StoreError>;
}
