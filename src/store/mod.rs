//! The index of everything that Tollgate keeps, behind one interface that names no database.
//!
//! Two kinds of fact live here. *Records* (tokens, owners, companies) change by [`Store::commit`] alone, which is
//! acknowledged only when the change is durable in the history and visible to every read. *Last uses*
//! are kept apart, are written in batches, and may lose the last moments before a crash; where they are
//! damaged, a token counts as used rather than as unused.
//!
//! Called by `cache` (reads), `service` (changes) and `app` (opening, backups).

use std::io::Write;
use std::ops::RangeInclusive;
use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::company::Company;
use crate::domain::day::{Day, Requests};
use crate::domain::id::{OwnerId, Slug, TokenId};
use crate::domain::left::Spent;
use crate::domain::owner::Owner;
use crate::domain::secret::Digest;
use crate::domain::time::Timestamp;
use crate::domain::token::Token;

pub mod backup;
pub mod codec;
pub mod holder;
pub mod error;
mod facts;
mod glance;
pub mod patience;
pub mod query;
mod search;
pub mod sealed;
mod sled;
mod opening;
mod usage;

#[cfg(test)]
mod conformance;
#[cfg(test)]
pub(crate) mod sample;

pub use self::sled::Lock;
pub use error::StoreError;
pub use facts::{
    Change, Commit, Due, Health, Held, Listed, Page, Position, Record, Recorded, Repaired, Subject,
};
pub use glance::{Glance, OwnerKey, PendingUses};
pub use holder::Opener;
pub use opening::{history_folder, open, open_for, open_held, repair, restore};
pub use query::{Order, Rotated, Standing, TokenFilter, TokenQuery, Used};
pub use search::{EventFilter, Searched};
pub use usage::{LastUse, NotedUse, Usage, UseKey, UseSlot};

/// What a store can do. Two implementors are meant: sled with the history log, and PostgreSQL; the same
/// conformance tests run over both. No method does more work with a million tokens than with one,
/// unless it says so; what it reads may then lie on the disk and not in memory.
#[async_trait]
pub trait Store: Send + Sync + std::fmt::Debug + 'static {
    /// A token by its public id.
    async fn token(&self, id: TokenId) -> Result<Option<Arc<Token>>, StoreError>;

    /// A token with its owner and its company by the digest of its secret: what a cache miss needs.
    async fn held(&self, digest: &Digest) -> Result<Option<Held>, StoreError>;

    /// An owner.
    async fn owner(&self, id: &OwnerId) -> Result<Option<Arc<Owner>>, StoreError>;

    /// A page of the tokens that a query asks for, dead ones too. Which they are is said by
    /// [`TokenFilter::matches`], whatever leads to them; a use counts once it was noted.
    async fn tokens(&self, query: &TokenQuery) -> Result<Page<Listed, TokenId>, StoreError>;

    /// A page of the same tokens at a glance, for whoever asks about all of them; uses that wait count too. A page
    /// may have fewer entries than were asked for, and another one behind it. The cost grows with the tokens: it
    /// is some tens of nanoseconds for each.
    async fn glances(
        &self,
        query: &TokenQuery,
        pending: Arc<dyn PendingUses>,
    ) -> Result<Page<Glance, TokenId>, StoreError>;

    /// How many owners there are, and how many of them are blocked. The cost grows with the owners.
    async fn count_owners(&self) -> Result<(usize, usize), StoreError>;

    /// Owners in alphabetical order.
    async fn owners(
        &self,
        after: Option<&OwnerId>,
        limit: usize,
    ) -> Result<Page<Arc<Owner>, OwnerId>, StoreError>;

    /// A company; none for one that is not on record, though tokens may name it.
    async fn company(&self, id: &Slug) -> Result<Option<Arc<Company>>, StoreError>;

    /// Companies on record in alphabetical order.
    async fn companies(
        &self,
        after: Option<&Slug>,
        limit: usize,
    ) -> Result<Page<Arc<Company>, Slug>, StoreError>;

    /// Where the last use of a token is kept, as the store says it with the token; none for an unknown one.
    async fn use_slot(&self, of: TokenId) -> Result<Option<UseSlot>, StoreError>;

    /// The last uses of some tokens, in the order asked; none for a token that was never used.
    async fn last_uses(&self, of: &[UseKey]) -> Result<Vec<Option<Usage>>, StoreError>;

    /// Writes last uses down, and tells the history at `at` of those that are first ones. An earlier use
    /// never replaces a later one; an id that is not known is passed over. Cheapest in the order of their slots. Seen by every later read and
    /// commit; on disk a moment later. Where it fails, as on a full disk, the uses should be kept and
    /// written later; some may have been written.
    async fn note_uses(&self, uses: Vec<NotedUse>, at: Timestamp) -> Result<(), StoreError>;

    /// How many requests of a token count towards its limits; none for an unknown one.
    async fn spent(&self, of: UseKey) -> Result<Spent, StoreError>;

    /// Writes down how many requests of a token count. It is answered when that is durable: no crash takes
    /// it back. Of two that are under way for one token either may be the one that stays.
    async fn note_spent(&self, of: UseKey, spent: Spent) -> Result<(), StoreError>;

    /// Adds to the requests that some tokens made on a day, for people to look at: all or none, but for a
    /// write that fails half-way. Slots near each other cost least. Seen by every later read; on disk some
    /// time later.
    async fn note_requests(
        &self,
        day: Day,
        counts: Vec<(UseSlot, Requests)>,
    ) -> Result<(), StoreError>;

    /// How many requests a token made on each of some days, in their order; none of an unknown one. A day
    /// before the token was made may tell of another one, where a damaged history was cut.
    async fn requests(
        &self,
        of: UseKey,
        days: RangeInclusive<Day>,
    ) -> Result<Vec<Requests>, StoreError>;

    /// Forgets the requests of all days before `before`; says of how many days.
    async fn forget_requests(&self, before: Day) -> Result<usize, StoreError>;

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

    /// Those of the events before `before`, all or about one subject, that a filter wants, newest first. It goes
    /// through a bounded part of the history, and says where it stopped.
    async fn search(
        &self,
        subject: Option<&Subject>,
        filter: &EventFilter,
        before: Option<Position>,
        limit: usize,
    ) -> Result<Searched, StoreError>;

    /// The newest event that reads see; zero before the first. The history has it, unless it lost its end since.
    fn newest(&self) -> Position;

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

    /// How long ago its last checkpoint was on disk: what a start need not read again.
    fn checkpoint_age(&self) -> std::time::Duration;

    /// Whether it can do its work.
    fn health(&self) -> Health;

    /// The lock on its folder: whoever has it too keeps others out beyond the close. None after that, or without a folder.
    fn lock(&self) -> Option<Arc<Lock>> {
        None
    }

    /// Makes everything durable and lets go of the folder. Later calls fail.
    async fn close(&self) -> Result<(), StoreError>;
}
