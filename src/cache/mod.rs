//! Records in memory, digests known to be unknown, pending touches, and what keeps them coherent.
//!
//! The cache holds records, never verdicts. It is the only way to the store for everything that
//! changes records, so that no change can be answered before the memory has forgotten the old
//! record.
//!
//! | what | bound | lifetime | when full |
//! | --- | --- | --- | --- |
//! | records (moka, TinyLFU) | `cache.records` tokens | until changed or evicted | the least used go, some eight at a time |
//! | unknown digests (moka, apart) | `cache.unknown` digests | `cache.unknown_ttl`, or until one is created | the least used goes; never a record |
//! | owners and companies | those of the records held | as long as a record holds them | grows with the records |
//! | what many tokens share (`interned`) | 4,096 of it, and as many sets of contexts and companies | until the list is full | it begins anew; tokens keep what they have |
//! | loads at the store (single flight) | `cache.loads` digests | `cache.load_timeout` for whoever waits | the next waits in the line |
//! | loads in the line | `LINE` times `cache.loads` digests | half of `cache.load_timeout` | 503 at once; 503 also after that time |
//! | pending touches (dashmap) | one for each use since the last flush in another second; two for each token of a run of 1,024 | `cache.flush_interval` | grows with the tokens in use |
//! | requests by the day | 1,024 for each core, and eight bytes for each token of a run of 1,024 | until written by the upkeep | grows with the tokens in use |
//! | rotated tokens that were shown after their end | 1,024 | until the upkeep writes that down, a second | further ones are not noted |
//! | meters of limits | one for each token with limits, with its successors, of which a record is held; others until they are empty and given back | until put away by the upkeep | grows with the tokens in use |
//!
//! Each core keeps more in front of this and beside it, none of which another core sees:
//!
//! | what | bound, for each core | lifetime | when full |
//! | --- | --- | --- | --- |
//! | records (`gateway/table.rs`) | `cache.records` and a third, in lines of four places; 64 MiB at the most | until changed, evicted above, or displaced | the oldest of its line goes |
//! | unknown digests (`gateway/unknown.rs`) | 65,536, in lines of two places | `cache.unknown_ttl` from when the core heard of it, or until any digest of its shard changes | the older of its line goes |
//! | idle upstream connections (`gateway/upstream/pool.rs`) | 1,024 for each endpoint | `upstream_idle_timeout` of the API, or until a reload removes the endpoint | closed instead of kept |
//!
//! Nothing is shared between the lists of known and unknown: unknown digests and loads of them can
//! fill the line, but push no record out.
//!
//! **Coherence.** A load notes the epoch of its digest's shard and of owners and companies before it reads
//! the store; a change moves both on after it is durable. A loaded record enters the cache only
//! under the shard's lock and only if neither moved; otherwise it is loaded again. A token whose
//! digest changes is forgotten under both. A change clears the validity flag of the record it
//! replaces, and so does eviction, so that the tables that each core keeps in front of this cache
//! see it on their next look.

mod change;
mod changed;
mod common;
mod company;
mod elsewhere;
mod entry;
mod interned;
mod load;
mod meter;
mod meters;
mod records;
mod claims;
mod reused;
mod runs;
mod tally;
mod touches;
mod waiting;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};

use crate::config::settings::CacheSettings;
use crate::domain::hasher::BuildDigestHasher;
use crate::domain::id::{OwnerId, Slug};
use crate::domain::secret::Digest;
use crate::store::Store;
use crate::telemetry::count::Count;
use crate::telemetry::durations::Durations;

pub use change::Forgotten;
pub use changed::OwnersChanged;
pub use claims::{Claims, ContextParam, Params};
pub use common::Common;
pub use company::CompanyEntry;
pub use elsewhere::{Found, News, Wanted};
pub use entry::{Entry, LastSeen, OwnerEntry};
pub use load::{LoadError, Lookup};
pub use meter::{At, Limited, Seat, Taken};
pub use tally::Tally;
pub use waiting::ApiNumber;

use changed::Changed;
use interned::Interned;
use meters::Meters;
use records::Records;
use reused::Reused;
use tally::Tallies;
use touches::Touches;

/// Locks over digests; a change holds one of them for a moment.
const SHARDS: usize = 64;

/// How many loads may wait for each one that reads the store.
const LINE: usize = 16;

/// Records in memory in front of a store.
#[derive(Debug)]
pub struct Cache {
    store: Arc<dyn Store>,
    settings: CacheSettings,
    /// Where loads and commits run, so that a slow store never blocks a core that serves clients.
    control: Handle,
    records: Records,
    unknown: moka::sync::Cache<Digest, (), BuildDigestHasher>,
    shards: Vec<Mutex<Shard>>,
    /// Moved on by every change to a digest of the shard, under its lock.
    epochs: [AtomicU64; SHARDS],
    /// Leave to read the store, in the order of asking.
    turns: Semaphore,
    /// Leave to be on the list of loads: those that read and those in the line.
    places: Arc<Semaphore>,
    owners: Mutex<Owners>,
    /// Moved on by every change to an owner or a company, under the lock of the owners.
    owners_epoch: AtomicU64,
    interned: Interned,
    touches: Touches,
    tallies: Tallies,
    meters: Meters,
    reused: Reused,
    /// Who hears of every change, if anybody.
    listener: Mutex<Option<Sender<News>>>,
    /// Who is asked for records once the store is another process's.
    elsewhere: OnceLock<Sender<Wanted>>,
    /// What happened, for metrics.
    pub counts: Counts,
}

/// What the cache did, since it was made.
#[derive(Debug, Default)]
pub struct Counts {
    /// Reads of the store for records that were not in memory.
    pub loads: Durations,
    /// Loads that a change overtook and that were done again.
    pub overtaken: Count,
    /// Changes, until they were durable or had failed.
    pub commits: Durations,
    /// From a change being durable to the memory having forgotten the old records.
    pub revocation_lag: Durations,
    /// Last uses written to the store.
    pub flushed: Count,
}

#[derive(Debug, Default)]
struct Shard {
    /// Loads under way, which others may join.
    loads: HashMap<Digest, watch::Receiver<Option<load::Outcome>>, BuildDigestHasher>,
}

#[derive(Debug, Default)]
struct Owners {
    held: HashMap<OwnerId, Weak<OwnerEntry>>,
    /// What tokens belong to beside their owners, on record or not.
    companies: HashMap<Slug, Weak<CompanyEntry>>,
    /// When to look for owners that nobody holds any more.
    prune_at: usize,
    /// The same for companies.
    prune_companies_at: usize,
    changed: Changed,
}

impl Cache {
    /// A cache over `store` that loads on `control`.
    pub fn new(store: Arc<dyn Store>, settings: CacheSettings, control: Handle) -> Arc<Self> {
        let records = Records::new(settings.records);
        let unknown = moka::sync::Cache::builder()
            .max_capacity(settings.unknown)
            .time_to_live(settings.unknown_ttl)
            .build_with_hasher(BuildDigestHasher::default());
        let turns = turns(&settings);
        Arc::new(Self {
            store,
            turns: Semaphore::new(turns),
            places: Arc::new(Semaphore::new(turns * (LINE + 1))),
            settings,
            control,
            records,
            unknown,
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            epochs: std::array::from_fn(|_| AtomicU64::new(0)),
            owners: Mutex::default(),
            owners_epoch: AtomicU64::new(0),
            interned: Interned::default(),
            touches: Touches::new(),
            tallies: Tallies::default(),
            meters: Meters::new(turns),
            reused: Reused::default(),
            listener: Mutex::default(),
            elsewhere: OnceLock::new(),
            counts: Counts::default(),
        })
    }

    /// The store behind it, for reads that need no memory: lists, history, health.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// How long an unknown digest is remembered.
    pub const fn unknown_ttl(&self) -> std::time::Duration {
        self.settings.unknown_ttl
    }

    /// The most records that are held.
    pub const fn records_max(&self) -> u64 {
        self.settings.records
    }

    /// How often last uses are to be written down.
    pub const fn flush_interval(&self) -> std::time::Duration {
        self.settings.flush_interval
    }

    /// Whether no request waits for the store, neither for a record nor for leave to count one.
    pub fn is_at_rest(&self) -> bool {
        let turns = turns(&self.settings);
        self.places.available_permits() == turns * (LINE + 1) && self.meters.are_at_rest(turns)
    }

    /// How many records and how many unknown digests are held, about.
    pub fn sizes(&self) -> (u64, u64) {
        (self.records.count(), self.unknown.entry_count())
    }

    fn shard(&self, digest: &Digest) -> MutexGuard<'_, Shard> {
        #[expect(clippy::indexing_slicing, reason = "there are SHARDS shards")]
        self.shards[shard_of(digest)].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What every change to a digest of the same shard moves on. What was found to be unknown after
    /// this was read is so as long as this stays.
    pub fn epoch(&self, digest: &Digest) -> u64 {
        self.epoch_of(digest).load(Ordering::SeqCst)
    }

    /// What every change to an owner or a company moves on: one number, so that a look compares
    /// one. An owner and a company that were seen to hold after this was read do so as long as this
    /// stays.
    pub fn owners_epoch(&self) -> u64 {
        self.owners_epoch.load(Ordering::SeqCst)
    }

    fn epoch_of(&self, digest: &Digest) -> &AtomicU64 {
        #[expect(clippy::indexing_slicing, reason = "there are SHARDS epochs")]
        &self.epochs[shard_of(digest)]
    }

    fn owners(&self) -> MutexGuard<'_, Owners> {
        self.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many loads read the store at a time.
fn turns(settings: &CacheSettings) -> usize {
    settings.loads.clamp(1, Semaphore::MAX_PERMITS / (LINE + 1))
}

/// By the last byte, since the hash tables inside use the first ones.
fn shard_of(digest: &Digest) -> usize {
    usize::from(digest.as_bytes()[31]) % SHARDS
}

/// Spreads numbers that have a pattern: all bits of a number count in the high bits of what this
/// gives, and no two numbers give the same.
const fn spread(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
impl Cache {
    /// A cache over an empty store in `folder`, for the tests of those who ask one.
    pub(crate) async fn sample(folder: &std::path::Path) -> Arc<Self> {
        let text = format!(
            "store.path = {folder:?}\n[[apis]]\nname = \"a\"\nupstream = \"http://127.0.0.1:9\"\nrules = [{{ path = \"/\" }}]\n"
        );
        let settings = crate::config::parse(
            "t.toml".as_ref(),
            text.as_bytes(),
            &crate::config::Environment::default(),
        );
        let settings = settings.unwrap_or_else(|report| panic!("{report}"));
        let store =
            crate::store::open(&settings.store, crate::clock::Clock::system()).await.unwrap();
        Self::new(store, settings.cache, Handle::current())
    }

    /// What a change to an owner or a company does to the epoch.
    pub(crate) fn sample_owners_changed(&self) {
        self.owners_epoch.fetch_add(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
pub(crate) mod tests;
