//! What the writing thread does beside its jobs: checkpoints, the reserve, and opening the index again
//! after it failed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::checkpoint::{Checkpoint, Seen};
use super::heal;
use super::keeper::Keeper;
use super::lock::Lock;
use super::renew::Renewal;
use super::shared::{Access, Room, Shared};
use super::space::Space;
use super::stamp;
use super::state::State;
use super::summarise::Building;
use super::uses::Age;
use crate::clock;
use crate::domain::time::Timestamp;
use crate::history::Log;
use crate::store::StoreError;

/// A checkpoint is taken after this many events, so that a start never replays many more.
const EVENTS: u64 = 4_096;
/// Or after this long, if anything is new.
const INTERVAL: Duration = Duration::from_secs(5);
/// Or after this long, if nothing is new but the clock.
const CLOCK_INTERVAL: Duration = Duration::from_secs(60);
/// Last uses that were written are on disk after so long, and a second for the next look.
const USES_INTERVAL: Duration = Duration::from_millis(500);
/// How soon another index is built after the first, if that could not be, or is damaged too. Twice as long
/// after each further one, so that a disk that rots does not keep a core busy for ever.
const RENEW_AGAIN: Duration = Duration::from_secs(60);
/// How often that doubles at the most: to an hour.
const DOUBLINGS: u32 = 6;
/// How soon summaries are made anew again.
const BUILD_AGAIN: Duration = Duration::from_secs(if cfg!(test) { 0 } else { 30 });
/// Room on the disk for the summary of a token.
const TOKEN_BYTES: u64 = 256;
/// How often a failed index is opened again.
const RETRY: Duration = Duration::from_secs(1);

/// What is needed beside the log and the index.
#[derive(Debug)]
pub(super) struct Upkeep {
    pub(super) keeper: Keeper,
    pub(super) space: Space,
    pub(super) lock: Arc<Lock>,
    /// What the last checkpoint that was asked for said, and when.
    asked: (State, Timestamp, Instant),
    /// When a sync of the last uses was asked for.
    uses_asked: Instant,
    retried: Option<Instant>,
    /// The index that is being built in the place of a damaged one.
    pub(super) renewal: Option<Renewal>,
    /// The summaries that are being made anew, and when that was begun last.
    pub(super) building: Option<Building>,
    built: Option<Instant>,
    /// When the last one was begun, and how many there were.
    renewed: (Option<Instant>, u32),
    full_since: Option<Instant>,
}

impl Upkeep {
    pub(super) fn new(
        keeper: Keeper,
        space: Space,
        lock: Arc<Lock>,
        state: State,
        high_water: Timestamp,
    ) -> Self {
        let now = clock::instant();
        let asked = (state, high_water, now);
        Self {
            keeper,
            space,
            lock,
            asked,
            uses_asked: now,
            retried: None,
            renewal: None,
            building: None,
            built: None,
            renewed: (None, 0),
            full_since: None,
        }
    }

    /// Refuses a write for which there might be no room, and notes for the health whether there is.
    pub(super) fn check_space(&self, shared: &Shared, bytes: u64) -> Result<(), StoreError> {
        if shared.room_is(Room::NoneInIndex) {
            return Err(self.space.full());
        }
        let checked = self.space.check(bytes);
        if checked.is_err() {
            shared.set_room(Room::Little);
        }
        checked
    }

    pub(super) fn tick(&mut self, shared: &Arc<Shared>, log: &Log, state: &mut State) {
        self.renew(shared, log, state);
        self.revive(shared, log, state);
        self.look_for_room(shared);
        self.summarise(shared, state);
        let (asked, asked_high_water, at) = &self.asked;
        let since = clock::instant().saturating_duration_since(*at);
        let since_sync = clock::instant().saturating_duration_since(self.uses_asked);
        let events = state.applied.saturating_sub(asked.applied);
        let news = state != asked;
        let high_water = shared.high_water();
        let due = (news && (events >= EVENTS || since >= INTERVAL))
            || (high_water != *asked_high_water && since >= CLOCK_INTERVAL);
        let Ok(index) = shared.index() else { return };
        if due && !shared.uses.is_linking() {
            if self.keeper.request(shared, &index, Some(checkpoint(shared, log, state, None))) {
                self.asked = (*state, high_water, clock::instant());
            }
            self.space.keep_reserve();
        } else if shared.uses.is_dirty() && since_sync >= USES_INTERVAL {
            self.keeper.request(shared, &index, None);
            self.uses_asked = clock::instant();
        }
    }

    /// Notes that there is room again: at once where the disk said that there was little; where a write
    /// found none although the disk said otherwise, as under a quota, after a while, to try once more.
    fn look_for_room(&mut self, shared: &Shared) {
        if shared.room_is(Room::Enough) {
            self.full_since = None;
            return;
        }
        let since = *self.full_since.get_or_insert_with(clock::instant);
        let waited = clock::instant().saturating_duration_since(since) >= INTERVAL;
        if (waited || shared.room_is(Room::Little)) && self.space.check(0).is_ok() {
            shared.set_room(Room::Enough);
            self.full_since = None;
        }
    }

    /// Has a new index built where damage was met, and puts it in place when it is ready.
    fn renew(&mut self, shared: &Arc<Shared>, log: &Log, state: &mut State) {
        if let Some(renewal) = self.renewal.take_if(|renewal| renewal.is_done()) {
            self.space.make_room();
            match renewal.finish(shared, log.mark()) {
                Ok(renewed) => {
                    *state = renewed;
                    self.keeper.begin_anew();
                    tracing::info!("a new index is in the place of the damaged one");
                }
                Err(StoreError::Closed) => {}
                Err(error) => tracing::error!("the damaged index cannot be replaced yet: {error}"),
            }
        }
        let (last, times) = self.renewed;
        let pause = RENEW_AGAIN.saturating_mul(1 << times.saturating_sub(1).min(DOUBLINGS));
        let early = last.is_some_and(|at| clock::instant().saturating_duration_since(at) < pause);
        let Ok(index) = shared.index() else { return };
        if self.renewal.is_some() || early || !index.is_damaged() {
            return;
        }
        self.renewed = (Some(clock::instant()), times.saturating_add(1));
        let bytes = stamp::take(index.path()).map_or(0, |stamp| stamp.bytes);
        let started = self.space.check(bytes).and_then(|()| Renewal::start(shared));
        match started {
            Ok(renewal) => self.renewal = Some(renewal),
            Err(error) => tracing::error!("the damaged index cannot be replaced yet: {error}"),
        }
    }

    /// Has summaries that cannot be relied on made anew.
    fn summarise(&mut self, shared: &Arc<Shared>, state: &State) {
        self.building.take_if(|building| building.is_done());
        let early = self
            .built
            .is_some_and(|at| clock::instant().saturating_duration_since(at) < BUILD_AGAIN);
        let whole =
            shared.index().is_ok_and(|index| index.doubts().is_none() && !index.is_damaged());
        let wanted = whole && self.building.is_none() && shared.summaries.is_missing();
        if !wanted || early || shared.is_closing() {
            return;
        }
        self.built = Some(clock::instant());
        let bytes = state.tokens.saturating_mul(TOKEN_BYTES);
        match self.space.check(bytes).and_then(|()| Building::start(shared)) {
            Ok(building) => self.building = Some(building),
            Err(error) => tracing::error!("lists with filters stay slow: {error}"),
        }
    }

    fn revive(&mut self, shared: &Shared, log: &Log, state: &mut State) {
        let early =
            self.retried.is_some_and(|at| clock::instant().saturating_duration_since(at) < RETRY);
        if !shared.is_down() || early || shared.is_closing() {
            return;
        }
        self.retried = Some(clock::instant());
        // Another one may have to be built in its place.
        self.renewal = None;
        self.space.make_room();
        match heal::reopen(shared, log.mark()) {
            Ok((index, reopened)) => {
                *state = reopened;
                // One that was there before is in doubt.
                if index.doubts().is_none() {
                    self.keeper.begin_anew();
                }
                shared.change(Access::Open(Arc::new(index)));
                tracing::info!("the index is open again");
            }
            Err(StoreError::Closed) => {}
            Err(error) => tracing::error!("the index cannot be opened again yet: {error}"),
        }
    }
}

/// The state of a store as its checkpoint says it; whoever writes it adds the age of the last uses, which
/// begins then.
pub(super) fn checkpoint(
    shared: &Shared,
    log: &Log,
    state: &State,
    closed: Option<u64>,
) -> Checkpoint {
    Checkpoint {
        mark: log.mark(),
        batches: state.batches,
        seen: Seen {
            high_water: shared.high_water(),
            uses: Age::default(),
            counts: Some(shared.counts.floor()),
        },
        closed,
        older: None,
    }
}
