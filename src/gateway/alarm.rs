//! Time limits without a timer for each request: every connection has one alarm, and a core looks
//! at all of its alarms four times a second.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::Context;
use std::time::{Duration, Instant};

use crate::clock;

use super::task::CurrentTask;

/// How often a core looks at its alarms, and so how late one can ring.
pub(super) const TICK: Duration = Duration::from_millis(250);

/// The alarms of one core.
#[derive(Debug)]
pub(super) struct Alarms {
    start: Instant,
    now_ms: Cell<u64>,
    all: RefCell<Vec<Rc<Bell>>>,
}

/// A time limit that can be set anew as often as is wanted, at the cost of storing a number.
#[derive(Debug)]
pub(super) struct Alarm {
    bell: Rc<Bell>,
    alarms: Rc<Alarms>,
}

#[derive(Debug)]
struct Bell {
    rings_at_ms: Cell<u64>,
    /// When to wake whoever waits without a ring.
    wakes_at_ms: Cell<u64>,
    rung: Cell<bool>,
    place: Cell<usize>,
    turn: CurrentTask,
}

const NEVER: u64 = u64::MAX;

impl Alarms {
    pub(super) fn new() -> Rc<Self> {
        Rc::new(Self { start: clock::instant(), now_ms: Cell::new(0), all: RefCell::default() })
    }

    /// Milliseconds since the core began, as of the last tick.
    pub(super) fn now_ms(&self) -> u64 {
        self.now_ms.get()
    }

    /// A new alarm, not set.
    pub(super) fn add(self: &Rc<Self>) -> Alarm {
        let mut all = self.all.borrow_mut();
        let bell = Rc::new(Bell {
            rings_at_ms: Cell::new(NEVER),
            wakes_at_ms: Cell::new(NEVER),
            rung: Cell::new(false),
            place: Cell::new(all.len()),
            turn: CurrentTask::default(),
        });
        all.push(Rc::clone(&bell));
        Alarm { bell, alarms: Rc::clone(self) }
    }

    /// Looks at all alarms; called once in each [`TICK`].
    pub(super) fn tick(&self) {
        self.tick_at(u64::try_from(self.start.elapsed().as_millis()).unwrap_or(NEVER));
    }

    /// The same so many milliseconds after the core began.
    pub(super) fn tick_at(&self, now: u64) {
        self.now_ms.set(now);
        for bell in self.all.borrow().iter() {
            let (rings, wakes) = (bell.rings_at_ms.get() <= now, bell.wakes_at_ms.get() <= now);
            if rings {
                bell.rings_at_ms.set(NEVER);
                bell.rung.set(true);
            }
            if wakes {
                bell.wakes_at_ms.set(NEVER);
            }
            if rings || wakes {
                bell.wake();
            }
        }
    }

    /// Wakes whoever waits at any alarm, so that it sees that the core is closing.
    pub(super) fn wake_all(&self) {
        for bell in self.all.borrow().iter() {
            bell.wake();
        }
    }
}

impl Alarm {
    /// Rings once `after` has passed.
    pub(super) fn set(&self, after: Duration) {
        let after = u64::try_from(after.as_millis()).unwrap_or(NEVER);
        self.bell.rings_at_ms.set(self.alarms.now_ms.get().saturating_add(after));
        // A ring that nobody heard was about something that is over.
        self.bell.rung.set(false);
    }

    /// Rings once `after` has passed, unless it is set already or has rung unheard: for what is
    /// asked again and again while nothing moves.
    pub(super) fn arm(&self, after: Duration) {
        if self.bell.rings_at_ms.get() == NEVER && !self.bell.rung.get() {
            self.set(after);
        }
    }

    /// Rings no sooner than `after` from now, if it is set.
    pub(super) fn prolong(&self, after: Duration) {
        if self.bell.rings_at_ms.get() != NEVER {
            self.set(after);
        }
    }

    /// How long until it rings, as of the last tick, nothing where it has rung unheard; [`Duration::MAX`] where it is not set.
    pub(super) fn left(&self) -> Duration {
        match self.bell.rings_at_ms.get() {
            _ if self.bell.rung.get() => Duration::ZERO,
            NEVER => Duration::MAX,
            at => Duration::from_millis(at.saturating_sub(self.alarms.now_ms.get())),
        }
    }

    /// Rings now.
    pub(super) fn ring(&self) {
        self.bell.rings_at_ms.set(NEVER);
        self.bell.rung.set(true);
        self.bell.wake();
    }

    /// Wakes whoever waits at it once it is `at_ms`, without a ring; whatever else it is set to stays.
    pub(super) fn wake_at(&self, at_ms: u64) {
        self.bell.wakes_at_ms.set(at_ms);
    }

    /// Wakes whoever waits at it, without a ring.
    pub(super) fn wake(&self) {
        self.bell.wake();
    }

    /// Does not ring until it is set again.
    pub(super) fn clear(&self) {
        self.bell.rings_at_ms.set(NEVER);
        self.bell.rung.set(false);
    }

    /// Milliseconds since the core began, as of the last tick.
    pub(super) fn now_ms(&self) -> u64 {
        self.alarms.now_ms()
    }

    /// Whether it rang since it was last looked at with this.
    pub(super) fn take_rung(&self) -> bool {
        self.bell.rung.take()
    }

    /// Whose turn it is when it rings.
    pub(super) fn wake_me(&self, context: &Context<'_>) {
        self.bell.turn.take(context);
    }

    /// Nobody waits at it any more.
    pub(super) fn leave(&self) {
        self.bell.turn.leave();
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        let mut all = self.alarms.all.borrow_mut();
        let place = self.bell.place.get();
        if place < all.len() {
            all.swap_remove(place);
        }
        if let Some(moved) = all.get(place) {
            moved.place.set(place);
        }
    }
}

impl Bell {
    fn wake(&self) {
        self.turn.polling(|context| context.waker().wake_by_ref());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removal_keeps_the_others_in_place() {
        let alarms = Alarms::new();
        let (a, b, c) = (alarms.add(), alarms.add(), alarms.add());
        drop(a);
        c.set(Duration::ZERO);
        b.set(Duration::from_secs(3_600));
        alarms.tick();
        assert_eq!((b.take_rung(), c.take_rung(), c.take_rung()), (false, true, false));
        drop(c);
        b.set(Duration::ZERO);
        alarms.tick();
        assert!(b.take_rung());
    }

    #[test]
    fn a_ring_that_nobody_heard_is_not_kept_for_the_next() {
        let alarms = Alarms::new();
        let (a, b) = (alarms.add(), alarms.add());
        for alarm in [&a, &b] {
            alarm.set(Duration::ZERO);
        }
        alarms.tick();
        a.clear();
        b.set(Duration::from_secs(3_600));
        assert!(!a.take_rung() && !b.take_rung());
    }

    #[test]
    fn what_has_rung_unheard_has_no_time_left() {
        let alarms = Alarms::new();
        let alarm = alarms.add();
        assert_eq!(alarm.left(), Duration::MAX);
        alarm.set(Duration::from_secs(2));
        assert_eq!(alarm.left(), Duration::from_secs(2));
        alarm.set(Duration::ZERO);
        alarms.tick();
        assert_eq!(alarm.left(), Duration::ZERO);
        assert!(alarm.take_rung());
        assert_eq!(alarm.left(), Duration::MAX);
    }

    #[test]
    fn a_cleared_alarm_does_not_ring() {
        let alarms = Alarms::new();
        let alarm = alarms.add();
        alarm.set(Duration::ZERO);
        alarm.clear();
        alarms.tick();
        assert!(!alarm.take_rung());
    }
}
