//! Requests of each token by the day, for people to look at: what is counted, until it is written down.
//!
//! Every request is counted, so that counting has to cost next to nothing. A core writes one word for each at
//! the end of a list of its own, where with many tokens in use a counter in each record would be one more line
//! of memory to fetch, and with one token in use a line that all cores pull at. A list that is full is added
//! up at once: its words are spread over memory that comes from afar, and come together.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::day::{Day, Requests};
use crate::domain::id::TokenId;
use crate::domain::time::Timestamp;
use crate::store::{StoreError, UseKey, UseSlot};

use super::{Cache, Entry, spread};
use crate::domain::hasher::BuildDigestHasher;

/// How many requests a core lists before it adds them up, so few that nobody waits for long.
const LISTED: usize = 1_024;

/// How many neighbours in the store's file are added up in one place.
const RUN: u32 = 1_024;

/// In a word of the list, beside the slot: the request was refused.
const REFUSED: u32 = 1;

/// The requests of one core that are not yet added up.
#[derive(Debug, Default)]
pub struct Tally(Mutex<Listed>);

#[derive(Debug, Default)]
struct Listed {
    /// On which they came, all of them.
    day: Day,
    words: Vec<u32>,
}

/// The requests that are not yet written down.
#[derive(Debug, Default)]
pub(super) struct Tallies {
    cores: Mutex<Vec<Arc<Tally>>>,
    sums: Mutex<Sums>,
    /// Held while what was taken from the sums is on its way to the store.
    writing: tokio::sync::Mutex<()>,
}

/// The requests of a run of slots on a day.
type Sums = HashMap<Run, Box<[Requests]>, BuildDigestHasher>;

/// A day and a run of slots: numbers of ours, which nobody chooses, so that they need no hash that resists somebody
/// who does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Run(Day, u32);

impl Hash for Run {
    fn hash<H: Hasher>(&self, to: &mut H) {
        to.write_u64(spread(self.0.begin().unix() << 32 | u64::from(self.1)));
    }
}

impl Tally {
    fn listed(&self) -> MutexGuard<'_, Listed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tallies {
    fn sums(&self) -> MutexGuard<'_, Sums> {
        self.sums.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cores(&self) -> MutexGuard<'_, Vec<Arc<Tally>>> {
        self.cores.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add_up(&self, listed: &mut Listed) {
        let mut sums = self.sums();
        for word in listed.words.drain(..) {
            let (slot, refused) = (word >> 1, word & REFUSED);
            let one = Requests { permitted: REFUSED - refused, refused };
            add(&mut sums, (listed.day, slot), one);
        }
    }

    /// Everything that the cores have listed up to now.
    fn add_up_all(&self) {
        for tally in self.cores().iter() {
            self.add_up(&mut tally.listed());
        }
    }

    /// What is added up of a token, on a day.
    fn sum(&self, day: Day, slot: u32) -> Requests {
        let sums = self.sums();
        let run = sums.get(&Run(day, slot / RUN));
        run.and_then(|run| run.get(place(slot))).copied().unwrap_or_default()
    }
}

fn add(sums: &mut Sums, (day, slot): (Day, u32), more: Requests) {
    let run = sums.entry(Run(day, slot / RUN));
    let run = run.or_insert_with(|| vec![Requests::NONE; RUN as usize].into());
    if let Some(sum) = run.get_mut(place(slot)) {
        *sum = sum.plus(more);
    }
}

const fn place(slot: u32) -> usize {
    (slot % RUN) as usize
}

/// Those of a run that made requests.
fn counted(run: u32, sums: &[Requests]) -> Vec<(UseSlot, Requests)> {
    let first = u64::from(run) * u64::from(RUN);
    let slots = (first..).map(UseSlot::new).zip(sums.iter().copied());
    slots.filter(|(_, requests)| *requests != Requests::NONE).collect()
}

impl Cache {
    /// A list for one core. What is on it is written down with that of the others.
    pub fn tally(&self) -> Arc<Tally> {
        let tally = Arc::<Tally>::default();
        self.tallies.cores().push(Arc::clone(&tally));
        tally
    }

    /// Counts a request of a token. No core waits here for another one, but while both add up, once in a
    /// thousand requests.
    pub fn count(&self, tally: &Tally, entry: &Entry, now: Timestamp, permitted: bool) {
        // A token whose slot is not known, or which is one of too many, is not counted.
        let number = entry.slot.map_or(u64::MAX, UseSlot::number);
        let Ok(word) = u32::try_from(number.saturating_mul(2)) else { return };
        let (mut listed, day) = (tally.listed(), Day::of(now));
        if listed.words.len() >= LISTED || listed.day != day {
            self.tallies.add_up(&mut listed);
            listed.day = day;
        }
        listed.words.push(word | if permitted { 0 } else { REFUSED });
    }

    /// How many requests of a token there were on each of some days, in their order, up to this moment.
    ///
    /// # Errors
    /// The store's.
    pub async fn requests(
        &self,
        of: TokenId,
        days: RangeInclusive<Day>,
    ) -> Result<Vec<Requests>, StoreError> {
        let slot = self.store.use_slot(of).await?;
        let _writing = self.tallies.writing.lock().await;
        self.tallies.add_up_all();
        let mut requests = self.store.requests(UseKey { token: of, slot }, days.clone()).await?;
        if let Some(slot) = slot.and_then(|slot| u32::try_from(slot.number()).ok()) {
            for (sum, day) in requests.iter_mut().zip(days.start().to(*days.end())) {
                *sum = sum.plus(self.tallies.sum(day, slot));
            }
        }
        Ok(requests)
    }

    /// Writes down what was counted; what could not be written is kept.
    ///
    /// # Errors
    /// The store's.
    pub async fn flush_requests(self: &Arc<Self>) -> Result<(), StoreError> {
        let cache = Arc::clone(self);
        // To its end, whoever stops waiting: what is taken out of the sums is nowhere else.
        let task = self.control.spawn(async move { cache.write_requests().await });
        task.await.unwrap_or(Err(StoreError::Closed))
    }

    async fn write_requests(&self) -> Result<(), StoreError> {
        let _writing = self.tallies.writing.lock().await;
        self.tallies.add_up_all();
        let sums = std::mem::take(&mut *self.tallies.sums());
        let mut runs: Vec<_> = sums.into_iter().collect();
        runs.sort_unstable_by_key(|(key, _)| *key);
        let mut failed = Ok(());
        for (Run(day, run), sums) in runs {
            let counted = counted(run, &sums);
            if failed.is_ok() {
                failed = self.store.note_requests(day, counted.clone()).await;
            }
            if failed.is_err() {
                let mut kept = self.tallies.sums();
                for (slot, requests) in counted {
                    let slot = u32::try_from(slot.number()).unwrap_or(u32::MAX);
                    add(&mut kept, (day, slot), requests);
                }
            }
        }
        failed
    }
}
