//! One webhook: how far it has come in the history, what waits to be told, and what was tried.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;

use crate::domain::id::Slug;
use crate::domain::time::Timestamp;
use crate::notices::attempt::{Attempt, Outcome};
use crate::notices::journal::{KEPT, Line, Restored, keep};
use crate::notices::payload::Notice;
use crate::notices::prepare::Setup;

/// How many calls of one webhook may be under way.
pub(super) const AT_ONCE: usize = 4;

/// How many attempts may end while another one is under way. All of them are kept then, so that a crash repeats
/// nothing but what was under way.
pub(super) const AHEAD: u64 = KEPT as u64 / 2;

/// How many notices may wait: reading the history pauses then.
pub(super) const WAITING: usize = 1_000;

/// A webhook.
#[derive(Debug)]
pub(super) struct Hook {
    pub(super) name: Slug,
    pub(super) setup: ArcSwap<Setup>,
    /// No longer configured.
    pub(super) gone: AtomicBool,
    pub(super) counts: Counts,
    state: Mutex<State>,
}

/// Attempts since the start, by how they ended.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) delivered: AtomicU64,
    pub(super) retried: AtomicU64,
    pub(super) given_up: AtomicU64,
}

/// A notice, by the event and its number among those of the event.
type Key = (u64, usize);

#[derive(Debug, Default)]
struct State {
    /// The last event that was read; none for a webhook that was never there before.
    read: Option<u64>,
    waiting: BTreeMap<Key, Waiting>,
    attempts: VecDeque<Attempt>,
    /// How many attempts have ended since the start.
    ended: u64,
    /// What is under way, with how many had ended when it began.
    calls: BTreeMap<Key, u64>,
    /// Of before the start: the last attempts of notices that are yet to be read.
    open: HashMap<String, Attempt>,
}

#[derive(Debug)]
struct Waiting {
    notice: Arc<Notice>,
    /// Attempts so far.
    attempts: u32,
    /// The last one.
    last: Option<Attempt>,
    due: Timestamp,
}

impl Hook {
    pub(super) fn new(name: Slug, setup: Arc<Setup>, restored: Option<Restored>) -> Self {
        let state = restored.map_or_else(State::default, |restored| State {
            read: Some(restored.place),
            attempts: restored.attempts,
            open: restored.open,
            ..State::default()
        });
        Self {
            name,
            setup: ArcSwap::new(setup),
            gone: AtomicBool::new(false),
            counts: Counts::default(),
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it has a place in the history.
    pub(super) fn is_placed(&self) -> bool {
        self.state().read.is_some()
    }

    /// Where to go on reading; none where as much waits as may. One that was never there before begins at
    /// `newest`, as does one that has read more than there is: the history was put back.
    pub(super) fn place(&self, newest: u64) -> Option<u64> {
        let mut state = self.state();
        let read = *state.read.get_or_insert(newest);
        let read = read.min(newest);
        state.read = Some(read);
        (state.waiting.len() < WAITING).then_some(read)
    }

    /// Events whose notices were tried before the start and are to be tried again, if they lie before what
    /// is yet to be read.
    pub(super) fn left_open(&self) -> Vec<u64> {
        let state = self.state();
        let read = state.read.unwrap_or(0);
        let mut events: Vec<_> = state
            .open
            .values()
            .filter(|last| last.outcome == Outcome::Retry)
            .filter_map(|last| last.event.filter(|event| *event <= read))
            .collect();
        events.sort_unstable();
        events.dedup();
        events
    }

    /// Takes the notices of an event. What was tried before the start goes on as it was.
    pub(super) fn take(&self, event: u64, notices: Vec<Notice>, now: Timestamp) {
        let kinds = &self.setup.load().kinds;
        let mut state = self.state();
        for notice in notices {
            let last = state.open.remove(&notice.id);
            let over = last.as_ref().is_some_and(|last| last.outcome != Outcome::Retry);
            if over || !kinds.contains(&notice.kind) {
                continue;
            }
            let due = last.as_ref().and_then(|last| last.next_at).unwrap_or(now);
            let attempts = last.as_ref().map_or(0, |last| last.attempt);
            let key = (event, notice.nth);
            let waiting = Waiting { notice: Arc::new(notice), attempts, last, due };
            state.waiting.insert(key, waiting);
        }
        // What is left of it is of an event that reads otherwise now.
        state.open.retain(|_, last| last.event != Some(event));
        state.read = Some(state.read.unwrap_or(0).max(event));
    }

    /// The notice to be tried now, with how often it was tried: of those that are due and not under way the one
    /// that is so for the longest time. It is under way from now on, until it was tried; none while as much is as
    /// may.
    pub(super) fn due(&self, now: Timestamp) -> Option<(Arc<Notice>, u32)> {
        let mut state = self.state();
        let oldest = state.calls.values().min();
        let is_slow = oldest.is_some_and(|began| state.ended - began >= AHEAD);
        if is_slow || state.calls.len() >= AT_ONCE {
            return None;
        }
        let idle = |key| !state.calls.contains_key(key);
        let due = state.waiting.iter().filter(|(key, waiting)| waiting.due <= now && idle(key));
        let (key, first) = due.min_by_key(|(key, waiting)| (waiting.due, **key))?;
        let (key, due) = (*key, (Arc::clone(&first.notice), first.attempts));
        let ended = state.ended;
        state.calls.insert(key, ended);
        Some(due)
    }

    /// Takes note of an attempt, and gives the line that says so.
    pub(super) fn tried(&self, notice: &Notice, attempt: Attempt) -> Line {
        let count = match attempt.outcome {
            Outcome::Delivered => &self.counts.delivered,
            Outcome::Retry => &self.counts.retried,
            Outcome::GivenUp => &self.counts.given_up,
        };
        count.fetch_add(1, Ordering::Relaxed);
        let mut state = self.state();
        state.ended += 1;
        if let Some(event) = notice.event {
            let key = (event, notice.nth);
            state.calls.remove(&key);
            match (attempt.next_at, state.waiting.get_mut(&key)) {
                (Some(due), Some(waiting)) => {
                    waiting.attempts = attempt.attempt;
                    waiting.last = Some(attempt.clone());
                    waiting.due = due;
                }
                _ => drop(state.waiting.remove(&key)),
            }
        }
        keep(&mut state.attempts, attempt.clone());
        self.line(&state, Some(attempt))
    }

    /// The line that says how far it has come, and nothing else.
    pub(super) fn place_line(&self) -> Line {
        self.line(&self.state(), None)
    }

    /// All that is to be known of it after a restart.
    pub(super) fn lines(&self) -> Vec<Line> {
        let state = self.state();
        if state.read.is_none() {
            return Vec::new();
        }
        let waiting = state.waiting.values().filter_map(|waiting| waiting.last.as_ref());
        let open = waiting.chain(state.open.values());
        let mut lines: Vec<_> = open
            .filter(|last| !state.attempts.contains(last))
            .chain(&state.attempts)
            .map(|attempt| self.line(&state, Some(attempt.clone())))
            .collect();
        lines.push(self.line(&state, None));
        lines
    }

    fn line(&self, state: &State, attempt: Option<Attempt>) -> Line {
        let untried = state.waiting.iter().find(|(_, waiting)| waiting.attempts == 0);
        let before = untried.map(|((event, _), _)| event.saturating_sub(1));
        let place = before.or(state.read).unwrap_or(0);
        Line { webhook: self.name.clone(), place, attempt, gone: false }
    }

    /// How many notices wait.
    pub(super) fn waiting(&self) -> usize {
        let state = self.state();
        state.waiting.len() + state.open.values().filter(|last| last.next_at.is_some()).count()
    }

    /// The attempts that are kept, newest first.
    pub(super) fn attempts(&self) -> Vec<Attempt> {
        self.state().attempts.iter().rev().cloned().collect()
    }
}
