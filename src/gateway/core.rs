//! What one core has to itself, and what all cores share. Nothing of a core is behind a lock that
//! another core takes; the upkeep alone takes that of its list of requests, every few seconds.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use arc_swap::ArcSwap;

use crate::cache::{Cache, Entry, Tally};
use crate::clock::{Clock, ClockState, NotedState};
use crate::domain::moment;
use crate::domain::refusal::Refusal;
use crate::domain::secret::Digest;
use crate::domain::time::{Span, Timestamp};
use crate::telemetry::access::{AccessLog, LineWriter};
use crate::telemetry::counters::{CoreCounters, Counters};
use crate::telemetry::throttle::Throttle;

use super::alarm::Alarms;
use super::crowd::Crowd;
use super::descriptors::Descriptors;
use super::failures::Failures;
use super::head::Desk;
use super::host::Host;
use super::load::Load;
use super::moving::Successor;
use super::retries::Retries;
use super::snapshot::Snapshot;
use super::table::Table;
use super::unknown::UnknownDigests;
use super::upstream::{Pool, Scratch};

/// What all cores share.
#[derive(Debug)]
pub struct Shared {
    /// Records.
    pub cache: Arc<Cache>,
    /// What requests are judged by.
    pub snapshot: ArcSwap<Snapshot>,
    /// Time.
    pub clock: Clock,
    /// The latest wall-clock second that was ever relied on.
    pub high_water: AtomicU64,
    /// How often an operator has said that the wall clock is right.
    pub operator_word: AtomicU64,
    /// What happened.
    pub counters: Arc<Counters>,
    /// Open client connections, over all cores.
    pub connections: AtomicUsize,
    /// The same of each address.
    pub crowd: Crowd,
    /// Addresses whose authentications fail.
    pub failures: Failures,
    /// How many connections of each kind may be open.
    pub descriptors: Descriptors,
    /// Where the line about each request goes.
    pub access: AccessLog,
    /// Trouble that would be told with every request.
    pub warnings: Warnings,
    /// How the wall clock stands beside the clock that nobody sets, as the upkeep found it.
    pub wall: NotedState,
    /// Tokens that are over and cannot be ended, since their records cannot be read: as many as the
    /// upkeep met in its last look.
    pub unreadable: AtomicU64,
    /// Where connections go that move to another process.
    pub successor: Successor,
    /// How many cores move their connections, and read no further request on one that can be moved.
    pub moving: AtomicUsize,
    /// Whether the store has gone to another process: what is in memory may be behind, so that each request is decided by what
    /// is on record there.
    pub given: AtomicBool,
    /// Whether the gateway is about to stop, and clients had better come again elsewhere.
    pub stops_soon: AtomicBool,
}

/// Rates of warnings that concern all requests.
#[derive(Debug, Default)]
pub struct Warnings {
    /// The store cannot tell.
    pub store: Throttle,
    /// The wall clock is behind.
    pub clock: Throttle,
    /// The system gives no socket.
    pub sockets: Throttle,
    /// Too many connections are open.
    pub crowd: Throttle,
    /// Too many connections of one address are open.
    pub crowding: Throttle,
    /// An address is refused for a while, since it fails to authenticate.
    pub failures: Throttle,
    /// The certificate of a client is refused.
    pub certificates: Throttle,
    /// Whoever should announce for whom a connection is does not.
    pub unannounced: Throttle,
    /// Too many connections to upstreams are open.
    pub upstreams: Throttle,
    /// Last uses cannot be written down.
    pub touches: Throttle,
    /// The wall clock's high-water mark cannot be written down.
    pub time: Throttle,
    /// Tokens that are over cannot be ended.
    pub sweep: Throttle,
}

impl Shared {
    /// By the system's clock, with nothing under way and nobody told of anything.
    pub fn new(cache: Arc<Cache>, snapshot: Arc<Snapshot>, counters: Arc<Counters>) -> Self {
        Self {
            cache,
            snapshot: ArcSwap::new(snapshot),
            clock: Clock::system(),
            high_water: Default::default(),
            operator_word: Default::default(),
            counters,
            connections: Default::default(),
            crowd: Default::default(),
            failures: Default::default(),
            descriptors: Default::default(),
            access: Default::default(),
            warnings: Default::default(),
            wall: Default::default(),
            unreadable: Default::default(),
            successor: Default::default(),
            moving: Default::default(),
            given: Default::default(),
            stops_soon: Default::default(),
        }
    }

    /// How far the wall clock is behind what it has shown before.
    pub fn behind(&self) -> Span {
        self.mark().since(self.clock.now())
    }

    /// How far the wall clock is believed.
    pub fn clock_state(&self) -> ClockState {
        match moment::judged(self.clock.now(), self.mark()) {
            Ok(_) => self.wall.read(),
            Err(_) => ClockState::Behind,
        }
    }

    fn mark(&self) -> Timestamp {
        Timestamp::from_unix(self.high_water.load(Ordering::Relaxed))
    }

    /// The moment to judge by.
    ///
    /// # Errors
    /// The wall clock is far behind what it has shown before: an expired token could seem alive.
    pub fn now(&self) -> Result<Timestamp, Refusal> {
        let (now, high) = (self.clock.now(), self.mark());
        moment::judged(now, high).map_err(|behind| {
            if let Some(withheld) = self.warnings.clock.ready() {
                tracing::error!(
                    %now, %high, behind_seconds = behind.seconds(), withheld,
                    "the wall clock is behind what it has shown before: requests are answered 503 \
                     until it is set right"
                );
            }
            Refusal::CannotDecide
        })
    }
}

/// A core's own handle of what all cores share. Counting on it stays on the core, where counting on
/// the [`Arc`] would pass a cache line between cores with every request.
pub(super) type Own<T> = Rc<Arc<T>>;

/// What one core has to itself.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) index: usize,
    pub(super) shared: Arc<Shared>,
    pub(super) counters: Arc<CoreCounters>,
    /// The requests of each token.
    tally: Arc<Tally>,
    pub(super) access_log: RefCell<LineWriter>,
    pub(super) pool: Pool,
    /// What upstreams send is read into here.
    pub(super) scratch: Scratch,
    /// Heads of answers are put together here.
    pub(super) desk: Desk,
    pub(super) alarms: Rc<Alarms>,
    /// Set once, when connections that cannot move to another process are told that they end.
    pub(super) announcing: Cell<bool>,
    /// Set once, when connections are to move to another process as soon as nothing is under way on them.
    pub(super) moving: Cell<bool>,
    /// Set once, when the core is to finish what it has and take nothing new.
    pub(super) closing: Cell<bool>,
    /// Set once, when who has come and not asked for anything is waited for no longer.
    pub(super) impatient: Cell<bool>,
    /// Set once, when what never ends by itself has to end, since the time to close is nearly over.
    pub(super) leaving: Cell<bool>,
    /// Set once, when what is still under way ends with the core.
    pub(super) is_cut: Cell<bool>,
    /// Connections being served.
    pub(super) serving: Cell<usize>,
    /// Answers that wait, since their address fails to authenticate again and again.
    pub(super) late: Cell<usize>,
    /// The snapshot as this core last saw it: shared without touching the count that all cores
    /// share.
    snapshot: RefCell<Own<Snapshot>>,
    entries: Table,
    pub(super) unknown: UnknownDigests,
    /// The last host that was new to a client: the next client is likely to name it.
    pub(super) host: RefCell<Host>,
    next_request: Cell<u64>,
    /// How often one of several endpoints was chosen.
    pub(super) turn: Cell<u64>,
    /// What each endpoint has of this core.
    pub(super) load: Load,
    retries: Retries,
}

impl Core {
    pub(super) fn new(index: usize, shared: Arc<Shared>, first_request: u64) -> Rc<Self> {
        let counters = shared.counters.cores.get(index).map(Arc::clone).unwrap_or_default();
        let snapshot = RefCell::new(Rc::new(shared.snapshot.load_full()));
        let access_log = RefCell::new(shared.access.writer());
        let entries = Table::new(shared.cache.records_max());
        let tally = shared.cache.tally();
        Rc::new(Self {
            index,
            shared,
            counters,
            tally,
            access_log,
            pool: Pool::default(),
            scratch: Scratch::default(),
            desk: Desk::default(),
            alarms: Alarms::new(),
            announcing: Cell::new(false),
            moving: Cell::new(false),
            closing: Cell::new(false),
            impatient: Cell::new(false),
            leaving: Cell::new(false),
            is_cut: Cell::new(false),
            serving: Cell::new(0),
            late: Cell::new(0),
            snapshot,
            entries,
            unknown: UnknownDigests::default(),
            host: RefCell::default(),
            next_request: Cell::new(first_request),
            turn: Cell::new(first_request),
            load: Load::default(),
            retries: Retries::new(first_request),
        })
    }

    /// Whether it is on its way out.
    pub(super) fn is_leaving(&self) -> bool {
        self.closing.get() || self.moving.get()
    }

    /// Whether what it has is to end here: no other process would go on with it.
    pub(super) fn ends(&self) -> bool {
        self.closing.get() && !self.moving.get()
    }

    /// Whether also that is to end which has not begun, although it had the time to.
    pub(super) fn gives_up(&self) -> bool {
        self.ends() && self.impatient.get()
    }

    /// Whether what cannot move to another process is on its way out.
    pub(super) fn takes_leave(&self) -> bool {
        self.announcing.get() || self.is_leaving()
    }

    /// What a request that begins now is judged by.
    pub(super) fn snapshot(&self) -> Own<Snapshot> {
        let newest = self.shared.snapshot.load();
        if !Arc::ptr_eq(&newest, &self.snapshot.borrow()) {
            *self.snapshot.borrow_mut() = Rc::new(Arc::clone(&newest));
        }
        Rc::clone(&self.snapshot.borrow())
    }

    /// The record of a digest in this core's own table, if it is still good.
    pub(super) fn known(&self, digest: &Digest) -> Option<Arc<Entry>> {
        self.entries.find(digest, &self.shared.cache)
    }

    /// Keeps a record for the next look; it was seen to hold after `owners_epoch` was read.
    pub(super) fn keep(&self, entry: &Arc<Entry>, owners_epoch: u64) {
        self.entries.put(entry, owners_epoch);
    }

    /// Counts a request of a token, for the numbers of its day.
    pub(super) fn count(&self, entry: &Entry, now: Timestamp, permitted: bool) {
        self.shared.cache.count(&self.tally, entry, now, permitted);
    }

    /// Whether a request may be sent a second time, which is then counted.
    pub(super) fn may_retry(&self) -> bool {
        let may = self.retries.spend(self.next_request.get(), self.alarms.now_ms());
        if may {
            self.counters.retried.add(1);
        }
        may
    }

    /// A number for a request that no other request of this gateway has.
    pub(super) fn request_number(&self) -> u64 {
        let number = self.next_request.get();
        self.next_request.set(number.wrapping_add(1));
        number
    }
}
