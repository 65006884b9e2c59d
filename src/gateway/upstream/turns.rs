//! How many exchanges a session has, and whether they get their turn.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Waker};

/// What was handed over goes out at once, as long as the session has no more than the upstream takes. The library counts by
/// itself, and may count some for ever: a body that its upstream never has room for is not over for it, though its answer is.
const STUCK_MS: u64 = 250;

/// So many exchanges may be given up before their ends came. What still comes of them the library drops, and counts: a part as
/// unread, and whatever comes of one that it remembers no more as an error, of which it bears 1,024. A session on which many
/// were given up is better replaced before that ends it.
pub(super) const GIVEN_UP_MAX: u32 = 900;

/// The exchanges of a session.
#[derive(Debug, Default)]
pub(super) struct Turns {
    under_way: Cell<u32>,
    /// Those that do not go out yet, and since when none did.
    waiting: Cell<u32>,
    waiting_since_ms: Cell<Option<u64>>,
    abandoned: Cell<bool>,
    /// Whether those that wait are being given back right now.
    returned: Cell<bool>,
    /// Whether nothing goes out any more.
    cut: Cell<bool>,
    given_up: Cell<u32>,
    /// Who reads the session, for whom there is nothing to do once it is abandoned and the last is over.
    reader: RefCell<Option<Waker>>,
}

impl Turns {
    pub(super) fn under_way(&self) -> u32 {
        self.under_way.get()
    }

    /// Another one was handed over.
    pub(super) fn waits(&self) {
        self.waiting.set(self.waiting.get().saturating_add(1));
    }

    /// One of them goes out, or is given back.
    pub(super) fn one_went(&self) {
        self.waiting.set(self.waiting.get().saturating_sub(1));
        self.waiting_since_ms.set(None);
    }

    /// Whether they wait in vain.
    pub(super) fn are_stuck(&self, now_ms: u64) -> bool {
        if self.waiting.get() == 0 {
            return false;
        }
        let since = self.waiting_since_ms.get().unwrap_or(now_ms);
        self.waiting_since_ms.set(Some(since));
        now_ms.saturating_sub(since) > STUCK_MS
    }

    /// When to look again whether they are.
    pub(super) const fn look_at_ms(now_ms: u64) -> u64 {
        now_ms.saturating_add(STUCK_MS + 1)
    }

    /// Those that wait are given back, and no others are taken.
    pub(super) fn abandon(&self) {
        self.abandoned.set(true);
    }

    pub(super) fn are_abandoned(&self) -> bool {
        self.abandoned.get()
    }

    /// Drops what holds those that wait, of a session that is `left`. Where there are no others all of it is cut, so that none of
    /// them can still go out.
    pub(super) fn give_back<T>(&self, held: Option<T>, left: bool) {
        self.returned.set(left);
        self.cut.set(left && self.under_way.get() == self.waiting.get());
        drop(held);
        self.returned.set(false);
        if self.cut.get() {
            self.wake_reader();
        }
    }

    pub(super) fn are_cut(&self) -> bool {
        self.cut.get()
    }

    pub(super) fn are_returned(&self) -> bool {
        self.returned.get()
    }

    /// One was given up before its end came.
    pub(super) fn one_is_given_up(&self) {
        self.given_up.set(self.given_up.get().saturating_add(1));
    }

    /// Whether enough of them were.
    pub(super) fn are_enough(&self) -> bool {
        self.given_up.get() >= GIVEN_UP_MAX
    }

    fn wake_reader(&self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    /// Whether nobody needs what is read; whoever asks is woken when that is so.
    pub(super) fn are_over(&self, context: &Context<'_>) -> bool {
        match &mut *self.reader.borrow_mut() {
            Some(reader) => reader.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
        self.abandoned.get() && self.under_way.get() == 0
    }
}

/// An exchange of a session, which counts for as long as this is held.
pub(super) struct Turn(pub(super) Rc<Turns>);

impl Turn {
    pub(super) fn take(turns: &Rc<Turns>) -> Self {
        turns.under_way.set(turns.under_way.get().saturating_add(1));
        Self(Rc::clone(turns))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let left = self.0.under_way.get().saturating_sub(1);
        self.0.under_way.set(left);
        if left == 0 && self.0.abandoned.get() {
            self.0.wake_reader();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_cut_off_that_waits_for_an_answer() {
        for (left, answers, cut) in [(true, 0, true), (true, 1, false), (false, 0, false)] {
            let turns = Rc::<Turns>::default();
            let _held: Vec<_> = (0..=answers).map(|_| Turn::take(&turns)).collect();
            turns.waits();
            turns.give_back(Some(()), left);
            assert_eq!((turns.are_cut(), turns.are_returned()), (cut, false), "{answers}");
        }
    }

    #[test]
    fn many_that_are_given_up_are_enough() {
        let turns = Turns::default();
        for _ in 1..GIVEN_UP_MAX {
            turns.one_is_given_up();
        }
        assert!(!turns.are_enough());
        turns.one_is_given_up();
        assert!(turns.are_enough());
    }
}
