//! Whose turn it is: that of somebody who notes uses, or that of a commit that is conditional on them.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// One at a time, and commits before notes, however many pieces a note has.
#[derive(Debug, Default)]
pub(super) struct Turns {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    taken: bool,
    commits: usize,
}

/// The turn, until it is dropped.
#[derive(Debug)]
pub(in crate::store::sled) struct Turn<'a>(&'a Turns);

impl Turns {
    /// Waits for the turn to write a piece of a note.
    pub(super) fn note(&self) -> Turn<'_> {
        let busy = |state: &mut State| state.taken || state.commits > 0;
        let state = self.changed.wait_while(self.state(), busy);
        state.unwrap_or_else(PoisonError::into_inner).taken = true;
        Turn(self)
    }

    /// Waits for the turn to make a commit: for the end of one piece at most.
    pub(super) fn commit(&self) -> Turn<'_> {
        let mut state = self.state();
        state.commits = state.commits.saturating_add(1);
        let state = self.changed.wait_while(state, |state| state.taken);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        state.commits = state.commits.saturating_sub(1);
        state.taken = true;
        Turn(self)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.state().taken = false;
        self.0.changed.notify_all();
    }
}
