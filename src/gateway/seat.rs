//! Whose turn it is when something moves on a connection.

use std::cell::RefCell;
use std::task::{Context, Waker};

/// The task that is to be woken by what it polls through others, who know it not.
#[derive(Debug, Default)]
pub(super) struct Seat(RefCell<Option<Waker>>);

impl Seat {
    /// From here on it is this task's turn.
    pub(super) fn take(&self, context: &Context<'_>) {
        let mut sitting = self.0.borrow_mut();
        match &mut *sitting {
            Some(known) if known.will_wake(context.waker()) => {}
            seat => *seat = Some(context.waker().clone()),
        }
    }

    /// From here on it is nobody's turn.
    pub(super) fn leave(&self) {
        *self.0.borrow_mut() = None;
    }

    /// Polls something in the name of whoever has the seat.
    pub(super) fn polling<T>(&self, poll: impl FnOnce(&mut Context<'_>) -> T) -> T {
        let sitting = self.0.borrow();
        poll(&mut Context::from_waker(sitting.as_ref().unwrap_or(Waker::noop())))
    }
}
