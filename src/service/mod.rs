//! What can be done to tokens, owners and companies, each act with its checks and its event.
//!
//! Called by `admin` (the local REST API, and through it the command line). Nothing else writes
//! administrative changes; the sweeper's ends and the touches are `app`'s and `cache`'s.

use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use aws_lc_rs::hmac;

use crate::cache::Cache;
use crate::clock::Clock;
use crate::config::Settings;
use crate::domain::event::{Event, EventKind};
use crate::domain::id::{Slug, TokenId};
use crate::domain::moment;
use crate::domain::time::Timestamp;
use crate::store::sealed::{Binding, MasterKey};
use crate::store::{Change, Commit, Position, Store, StoreError, Subject};

pub mod caller;
pub mod error;
mod rights;
mod lift;
mod kept;
mod walk;
pub mod input;
pub mod view;
mod check;
mod known;
pub mod diff;
pub mod bulk;
mod bulk_set;
pub mod leaks;
pub mod export;
mod import_line;
pub mod unread;
pub mod import;
mod cursor;
mod grant;
mod limits;
mod params;
pub mod create;
pub mod tokens;
pub mod usage;
pub mod list;
pub mod widening;
mod update;
pub mod sweep;
pub mod warn;
pub mod reuse;
pub mod feed;
pub mod offers;
pub mod overview;
pub mod owner_list;
mod owners;
mod passwords;
mod one_left;
pub mod rotate;
pub mod program;
mod owner_update;
mod companies;
pub mod contexts;
pub mod events;
pub mod acts;
mod family;
pub mod sight;
pub mod history;
pub mod mark;
#[cfg(test)]
pub(crate) mod tests;

pub use caller::Caller;
pub use error::{SECRET_HERE, ServiceError};

use kept::Kept;
use overview::{OwnerCounts, Tally};

/// The most entries of one page.
pub const PAGE_ENTRIES: usize = 1_000;

/// How many entries of a list are asked for, if that is a page.
fn page_size(limit: usize) -> Result<usize, ServiceError> {
    let problem = || format!("`{limit}` is not from 1 to {PAGE_ENTRIES}, the entries of one page");
    let page = (1..=PAGE_ENTRIES).contains(&limit).then_some(limit);
    page.ok_or_else(|| ServiceError::field("limit", problem()))
}

/// How often an act that does not name a revision is tried again when somebody else changed the
/// record in between.
const ATTEMPTS: usize = 5;

/// All acts. One for a whole process.
#[derive(Debug)]
pub struct Service {
    cache: Arc<Cache>,
    settings: Arc<ArcSwap<Settings>>,
    clock: Clock,
    /// Whether time may not go back.
    obeys_mark: bool,
    /// Held by whoever gives an owner another superior.
    parents: tokio::sync::Mutex<()>,
    /// Held by whoever may take an administrator away, behind the one before.
    administrators: tokio::sync::Mutex<()>,
    /// What whoever sees everything was told of the tokens, and of the owners.
    tally: Kept<Arc<Tally>>,
    owner_tally: Kept<OwnerCounts>,
    /// All owners in short, as they were read last.
    family: tokio::sync::Mutex<family::Family>,
    /// How many tokens one call ends at the most.
    of_a_call: usize,
    /// The key of all cursors, once there is a first event to make it of, which stays for ever.
    cursor_key: OnceLock<hmac::Key>,
}

impl Service {
    /// Acts on the store behind `cache` by the present `settings`.
    pub fn new(cache: Arc<Cache>, settings: Arc<ArcSwap<Settings>>, clock: Clock) -> Self {
        let (parents, cursor_key) = (tokio::sync::Mutex::default(), OnceLock::new());
        let (tally, owner_tally) = (Kept::default(), Kept::default());
        let (obeys_mark, of_a_call) = (true, bulk::OF_A_CALL);
        Self {
            cache,
            settings,
            clock,
            obeys_mark,
            parents,
            administrators: tokio::sync::Mutex::default(),
            tally,
            owner_tally,
            family: tokio::sync::Mutex::default(),
            of_a_call,
            cursor_key,
        }
    }

    /// The same at whatever moment its clock shows: for a demo, which shows what was made long ago.
    #[must_use]
    pub fn of_long_ago(self) -> Self {
        Self { obeys_mark: false, ..self }
    }

    /// The same that ends no more tokens in one call.
    #[cfg(test)]
    fn in_calls_of(self, of_a_call: usize) -> Self {
        Self { of_a_call, ..self }
    }

    /// The present settings.
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.load_full()
    }

    /// What the wall clock shows.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// By the clock that is never set, for rates: in nanoseconds.
    fn uptime_ns(&self) -> u64 {
        u64::try_from(self.clock.uptime().as_nanos()).unwrap_or(u64::MAX)
    }

    /// The moment by which tokens are shown and changed, as requests are judged.
    ///
    /// # Errors
    /// The wall clock is far behind what it has shown before: a token that has expired could seem
    /// alive, and be given a new end. Or the store cannot be read.
    async fn moment(&self) -> Result<Timestamp, ServiceError> {
        let (wall, mark) = (self.clock.now(), self.mark_obeyed().await?);
        moment::judged(wall, mark).map_err(|behind| ServiceError::ClockBehind {
            wall,
            mark,
            behind,
        })
    }

    /// The same for what is written down, and for acts that only take away: no clock stands in
    /// their way.
    async fn at(&self) -> Result<Timestamp, StoreError> {
        let wall = self.clock.now();
        Ok(moment::judged(wall, self.mark_obeyed().await?).unwrap_or(wall))
    }

    async fn mark_obeyed(&self) -> Result<Timestamp, StoreError> {
        if self.obeys_mark { self.store().high_water().await } else { Ok(Timestamp::EPOCH) }
    }

    /// Encrypts a secret parameter for one place in one token. The key is read each time, for this
    /// is rare, and a key that was put right is then taken up without a restart.
    fn seal(
        &self,
        token: TokenId,
        context: &Slug,
        parameter: &str,
        text: &str,
    ) -> Result<String, ServiceError> {
        let key = MasterKey::load(&self.settings().store.master_key)?;
        Ok(key.seal(&Binding { token, context, parameter }, text)?)
    }

    /// What is read from.
    fn store(&self) -> &Arc<dyn Store> {
        self.cache.store()
    }

    /// The one way in which the acts write.
    async fn write(
        &self,
        by: &Caller,
        kind: EventKind,
        reason: &str,
        change: Change,
        subjects: Vec<Subject>,
    ) -> Result<Position, StoreError> {
        let at = self.at().await?;
        let event = Event {
            at,
            effective_at: at,
            actor: by.actor.clone(),
            kind,
            reason: self.kept(reason).await,
            many: None,
        };
        self.cache.commit(Commit { event, changes: vec![change], subjects }).await
    }
}
