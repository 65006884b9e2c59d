//! Whose turn it is when something moves on a connection.

use std::cell::RefCell;
use std::task::{Context, Waker};

/// The task that is to be woken by what it polls through others, who know it not.
#[derive(Debug, Default)]
pub(super) struct CurrentTask(RefCell<Option<Waker>>);

impl CurrentTask {
    /// From here on it is this task's turn.
    pub(super) fn take(&self, context: &Context<'_>) {
        let mut current = self.0.borrow_mut();
        match &mut *current {
            Some(known) if known.will_wake(context.waker()) => {}
            other => *other = Some(context.waker().clone()),
        }
    }

    /// From here on it is nobody's turn.
    pub(super) fn leave(&self) {
        *self.0.borrow_mut() = None;
    }

    /// Polls something in the name of the task whose turn it is.
    pub(super) fn polling<T>(&self, poll: impl FnOnce(&mut Context<'_>) -> T) -> T {
        let current = self.0.borrow();
        poll(&mut Context::from_waker(current.as_ref().unwrap_or(Waker::noop())))
    }
}
