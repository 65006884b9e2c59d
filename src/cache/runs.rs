//! The list of a run of slots: what waits to be written of its tokens.

use crate::store::UseKey;

use super::waiting::{RUN, Waiting, keep_newest};

/// The most uses that a list has room for: two for each slot.
const ROOM: usize = 2 * RUN as usize;

/// The uses of the tokens of a run that are not yet written down, where a token that was evicted and comes
/// back finds its own.
#[derive(Debug)]
pub(super) struct Group {
    /// Its number.
    pub(super) run: u64,
    /// Those that came since the last flush began, in the order in which they came.
    fresh: Vec<Waiting>,
    /// Those that the flush under way, or one that failed, is to write; one for each token, by slot.
    pub(super) due: Vec<Waiting>,
}

impl Group {
    pub(super) const fn new(run: u64) -> Self {
        Self { run, fresh: Vec::new(), due: Vec::new() }
    }

    pub(super) fn add(&mut self, waiting: Waiting) {
        if self.fresh.len() == self.fresh.capacity() {
            // Also while it is short: the lists of few tokens in use stay near the processor.
            keep_newest(self.run, &mut self.fresh);
            // At least half of it is free now, or it becomes twice as long as what is left.
            self.fresh.reserve_exact(self.fresh.len().max(4));
        }
        self.fresh.push(waiting);
    }

    /// The newest use of a token.
    pub(super) fn newest(&self, of: UseKey) -> Option<&Waiting> {
        let uses = self.all().filter(|waiting| waiting.is_of(of.token));
        uses.max_by_key(|waiting| waiting.at())
    }

    /// Those that are due, and those that came since.
    pub(super) fn all(&self) -> impl Iterator<Item = &Waiting> {
        self.due.iter().chain(&self.fresh)
    }

    /// Begins a flush: what came up to now is due, together with what the one before could not write.
    pub(super) fn begin_flush(&mut self) {
        // About as many will come before the next one.
        let likely = self.fresh.len().saturating_add(self.fresh.len() / 4).min(ROOM);
        let mut fresh = std::mem::replace(&mut self.fresh, Vec::with_capacity(likely));
        if self.due.is_empty() {
            self.due = fresh;
        } else {
            self.due.append(&mut fresh);
        }
        keep_newest(self.run, &mut self.due);
    }

    pub(super) fn len(&self) -> usize {
        self.due.len().saturating_add(self.fresh.len())
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::cache::waiting::ApiNumber;
    use crate::domain::time::Timestamp;
    use crate::store::{UseSlot, sample};

    fn key(token: u64, slot: Option<u64>) -> UseKey {
        UseKey { token: sample::token(token, "alice").id, slot: slot.map(UseSlot::new) }
    }

    fn waiting(of: UseKey, second: u64, first: bool) -> Waiting {
        let (at, address) = (Timestamp::from_unix(second), IpAddr::from([127, 0, 0, 1]));
        Waiting::new(of, (at, address), ApiNumber::default(), first)
    }

    #[test]
    fn a_list_stays_short_however_often_its_tokens_are_used() {
        let mut group = Group::new(0);
        for second in 1..=1_000 {
            (0..10).for_each(|n| group.add(waiting(key(n, Some(n)), second, second == 1)));
        }
        assert!(group.fresh.capacity() <= 40, "{}", group.fresh.capacity());
        for n in 0..10 {
            assert_eq!(group.newest(key(n, Some(n))).unwrap().at().unix(), 1_000);
        }
        keep_newest(0, &mut group.fresh);
        assert_eq!(group.fresh.len(), 10);
        assert!(group.fresh.iter().all(|use_| use_.is_first() && use_.at().unix() == 1_000));
    }

    #[test]
    fn a_list_that_is_full_at_every_flush_has_no_more_room_after_it() {
        let mut group = Group::new(0);
        for flush in 1..20 {
            while group.fresh.len() < group.fresh.capacity().max(ROOM) {
                let n = group.fresh.len() as u64 % RUN;
                group.add(waiting(key(n, Some(n)), flush, false));
            }
            group.begin_flush();
            assert!(group.fresh.capacity() <= ROOM && group.due.len() <= RUN as usize);
        }
    }

    #[test]
    fn what_a_failed_flush_leaves_is_due_with_what_came_later() {
        let mut group = Group::new(0);
        for second in 1..=5 {
            group.add(waiting(key(1, Some(1)), second, second == 1));
            group.begin_flush();
            assert_eq!((group.due.len(), group.fresh.len()), (1, 0), "one use of one token");
        }
        assert!(group.due[0].is_first() && group.due[0].at().unix() == 5);
    }
}
