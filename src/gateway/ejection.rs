//! Which endpoints are left out for a while, since they fail, and how they come back. All cores share
//! what one of them finds. A request reads two numbers that hardly ever change; no lock, and no clock
//! unless something is wrong.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::clock;
use crate::config::settings::Ejection;
use crate::telemetry::count::Count;

mod lapse;

pub(super) use lapse::Lapse;

/// The whole share of an endpoint that stands.
pub(super) const WHOLE: u32 = 64;

/// Failures in a row that are spread over more than this are no sign of an endpoint that is down.
const WINDOW_MS: u64 = 30_000;

/// How long one that comes back takes to get its whole share.
const RETURN_MS: u64 = 10_000;

/// The most of [`WHOLE`] for one that has not answered anything since: a request that hangs there takes longer to fail than that.
const UNPROVEN: u32 = WHOLE / 8;

/// The longest that one is left out, unless the first time is longer.
const LONGEST_MS: u64 = 300_000;

/// How an endpoint stands.
#[derive(Debug)]
pub(super) struct Standing {
    start: Instant,
    /// While it is out, and while it comes back: until when it is out, in milliseconds since the
    /// start. Zero where it has its whole share.
    out_until_ms: AtomicU64,
    /// Whether its return is yet to be told.
    untold: AtomicBool,
    /// Whether it answered anything since its return.
    proven: AtomicBool,
    /// Whether a health check says that it is down.
    sick: AtomicBool,
    /// How often it went out in a row: without having come back whole.
    times: AtomicU32,
    /// Failures in a row, and when the first of them was: see [`Row`].
    failing: AtomicU64,
    /// The same of answers that broke off behind their heads. They have a row of their own, for each of them began well.
    breaking: AtomicU64,
    /// How often it was left out.
    left_out: AtomicU64,
    /// Counts its ends and returns: see [`Standing::spells`].
    spells: AtomicU64,
    /// How many requests each core has under way there, where there are others.
    under_way: Mutex<Vec<Arc<Count>>>,
}

/// Failures in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Row {
    since_ms: u64,
    count: u16,
}

impl Row {
    const fn of(word: u64) -> Self {
        Self { since_ms: word >> 16, count: word as u16 }
    }

    const fn word(self) -> u64 {
        self.since_ms << 16 | self.count as u64
    }

    /// With one more.
    const fn and_one(self, now_ms: u64) -> Self {
        if self.count == 0 || now_ms.saturating_sub(self.since_ms) > WINDOW_MS {
            return Self { since_ms: now_ms, count: 1 };
        }
        Self { count: self.count.saturating_add(1), ..self }
    }
}

/// How an endpoint stands, for those who watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// It gets requests.
    Up,
    /// It failed, and gets some again.
    Returning,
    /// It failed, and gets none for a while, where there are others.
    LeftOut,
    /// Its health check finds it down.
    Down,
}

impl Course {
    /// A word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Returning => "returning",
            Self::LeftOut => "left_out",
            Self::Down => "down",
        }
    }
}

/// What a look at an endpoint that does not stand shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share {
    /// Its part of [`WHOLE`].
    pub(super) part: u32,
    /// Whether it is back since the last look.
    pub(super) is_back: bool,
}

impl Default for Standing {
    fn default() -> Self {
        Self {
            start: clock::instant(),
            out_until_ms: AtomicU64::new(0),
            untold: AtomicBool::new(false),
            proven: AtomicBool::new(false),
            sick: AtomicBool::new(false),
            times: AtomicU32::new(0),
            failing: AtomicU64::new(0),
            breaking: AtomicU64::new(0),
            left_out: AtomicU64::new(0),
            spells: AtomicU64::new(0),
            under_way: Mutex::default(),
        }
    }
}

impl Standing {
    /// Whether it has its whole share: all that is asked of it where all is well.
    pub(super) fn is_whole(&self) -> bool {
        self.out_until_ms.load(Ordering::Relaxed) == 0 && !self.sick.load(Ordering::Relaxed)
    }

    /// Its share now.
    pub(super) fn share(&self) -> Share {
        self.share_at(self.now_ms())
    }

    fn share_at(&self, now_ms: u64) -> Share {
        let out_until_ms = self.out_until_ms.load(Ordering::Relaxed);
        if self.sick.load(Ordering::Relaxed) || now_ms < out_until_ms {
            return Share { part: 0, is_back: false };
        }
        if out_until_ms == 0 {
            return Share { part: WHOLE, is_back: false };
        }
        let is_back = self.untold.swap(false, Ordering::Relaxed);
        if is_back {
            self.spells.fetch_add(1, Ordering::Relaxed);
        }
        let back_ms = now_ms.saturating_sub(out_until_ms);
        let proven = self.proven.load(Ordering::Relaxed);
        if back_ms >= RETURN_MS && proven {
            // Unless somebody has just put it out again.
            let order = Ordering::Relaxed;
            if self.out_until_ms.compare_exchange(out_until_ms, 0, order, order).is_ok() {
                self.times.store(0, order);
            }
            return Share { part: WHOLE, is_back };
        }
        let part = u64::from(WHOLE).saturating_mul(back_ms) / RETURN_MS;
        let most = if proven { WHOLE } else { UNPROVEN };
        Share { part: u32::try_from(part).unwrap_or(WHOLE).clamp(1, most), is_back }
    }

    /// Whether a health check says that it is down.
    pub(super) fn is_sick(&self) -> bool {
        self.sick.load(Ordering::Relaxed)
    }

    /// How often it went out, for whatever reason, and came back so far. What became of a request that began before the last of
    /// these shows nothing of how it is since.
    pub(super) fn spells(&self) -> u64 {
        self.spells.load(Ordering::Relaxed)
    }

    /// It gave a usable answer, or at least the head of one, to what began at this number of spells.
    pub(super) fn succeeds(&self, spells: u64) {
        end(&self.failing);
        if !self.is_whole() && spells == self.spells() {
            self.proven.store(true, Ordering::Relaxed);
        }
    }

    /// It gave one to its end.
    pub(super) fn ends_well(&self) {
        end(&self.breaking);
    }

    /// It gave none. For how long it is left out, if it is from now on.
    pub(super) fn fails(&self, spells: u64, limits: &Ejection) -> Option<Duration> {
        self.goes_on(&self.failing, spells, self.now_ms(), limits)
    }

    /// It gave a part of one. For how long it is left out, if it is from now on.
    pub(super) fn breaks_off(&self, spells: u64, limits: &Ejection) -> Option<Duration> {
        self.goes_on(&self.breaking, spells, self.now_ms(), limits)
    }

    /// A row goes on. For how long the endpoint is left out, if that was too much.
    fn goes_on(
        &self,
        row: &AtomicU64,
        spells: u64,
        now_ms: u64,
        limits: &Ejection,
    ) -> Option<Duration> {
        if limits.after == 0 || spells != self.spells() {
            return None;
        }
        let order = Ordering::Relaxed;
        let one_more = |word| Some(Row::of(word).and_one(now_ms).word());
        let before = row.fetch_update(order, order, one_more).unwrap_or_default();
        let so_far = Row::of(before).and_one(now_ms);
        let out_until_ms = self.out_until_ms.load(order);
        if now_ms < out_until_ms {
            // All others are out as well.
            return None;
        }
        // One that comes back has one try.
        if out_until_ms == 0 && so_far.count < limits.after {
            return None;
        }
        let first = u64::try_from(limits.time.as_millis()).unwrap_or(u64::MAX);
        let times = self.times.load(order).min(32);
        let time_ms = first.saturating_mul(1 << times).min(LONGEST_MS.max(first)).max(1);
        let until_ms = now_ms.saturating_add(time_ms);
        self.out_until_ms.compare_exchange(out_until_ms, until_ms, order, order).ok()?;
        self.times.fetch_add(1, order);
        row.store(0, order);
        self.untold.store(true, order);
        self.proven.store(false, order);
        self.left_out.fetch_add(1, order);
        self.spells.fetch_add(1, order);
        Some(Duration::from_millis(time_ms))
    }

    /// A health check finds it well or not. Whether that is news.
    pub(super) fn is_found(&self, well: bool) -> bool {
        let news = self.sick.swap(!well, Ordering::Relaxed) == well;
        if news {
            self.spells.fetch_add(1, Ordering::Relaxed);
            self.proven.store(well, Ordering::Relaxed);
        }
        if news && well {
            // It comes back slowly, too.
            self.out_until_ms.fetch_max(self.now_ms(), Ordering::Relaxed);
        }
        news
    }

    /// How it stands, for whoever watches: nothing is moved on by that.
    pub(super) fn course(&self) -> Course {
        let out_until_ms = self.out_until_ms.load(Ordering::Relaxed);
        match self.now_ms() {
            _ if self.sick.load(Ordering::Relaxed) => Course::Down,
            now_ms if now_ms < out_until_ms => Course::LeftOut,
            now_ms
                if out_until_ms > 0
                    && (now_ms < out_until_ms.saturating_add(RETURN_MS)
                        || !self.proven.load(Ordering::Relaxed)) =>
            {
                Course::Returning
            }
            _ => Course::Up,
        }
    }

    /// How often it was left out.
    pub(super) fn left_out(&self) -> u64 {
        self.left_out.load(Ordering::Relaxed)
    }

    /// A core begins to give it requests, and counts them here.
    pub(super) fn is_given_some(&self) -> Arc<Count> {
        let count = Arc::default();
        let mut all = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(Arc::clone(&count));
        count
    }

    /// How many requests are under way there.
    pub(super) fn under_way(&self) -> u64 {
        let all = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().map(|count| count.value()).sum()
    }

    /// Never zero, which says that it is not out; and so far from it that a return can have begun before the start.
    fn now_ms(&self) -> u64 {
        let since = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        since.saturating_add(RETURN_MS + 1)
    }
}

/// A row of failures ends, if there is one.
fn end(row: &AtomicU64) {
    if row.load(Ordering::Relaxed) != 0 {
        row.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
