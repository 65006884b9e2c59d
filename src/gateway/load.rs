//! How much each endpoint has to do, as far as one core has given it that: what others have given it shows
//! in how long it keeps this core's requests.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// Requests of one core that are under way, by the number of their endpoint.
#[derive(Debug, Default)]
pub(super) struct Load(RefCell<Vec<Rc<Cell<u32>>>>);

/// A request that is under way at an endpoint, until this is dropped.
#[derive(Debug)]
pub(super) struct Busy(Rc<Cell<u32>>);

impl Load {
    /// How many the endpoint has.
    pub(super) fn of(&self, number: usize) -> u32 {
        self.0.borrow().get(number).map_or(0, |count| count.get())
    }

    /// It gets one more.
    pub(super) fn begin(&self, number: usize) -> Busy {
        let mut counts = self.0.borrow_mut();
        if counts.len() <= number {
            counts.resize_with(number.saturating_add(1), Rc::default);
        }
        let count = counts.get(number).map(Rc::clone).unwrap_or_default();
        count.set(count.get().saturating_add(1));
        Busy(count)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_counts_no_more() {
        let load = Load::default();
        let (first, second) = (load.begin(2), load.begin(2));
        assert_eq!([0, 1, 2, 3].map(|number| load.of(number)), [0, 0, 2, 0]);
        drop(first);
        assert_eq!(load.of(2), 1);
        drop(second);
        assert_eq!(load.of(2), 0);
    }
}
