//! How much each endpoint has to do, as far as one core has given it that: what others have given it shows
//! in how long it keeps this core's requests.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use crate::telemetry::count::Count;

use super::ejection::Standing;
use super::targets::Target;

/// The endpoints that one core has given requests, by their number.
#[derive(Debug, Default)]
pub(super) struct Load(RefCell<Vec<Option<Rc<Given>>>>);

/// What one core has given an endpoint. It holds no target, whose number would stay taken.
#[derive(Debug)]
struct Given {
    under_way: Arc<Count>,
    standing: Arc<Standing>,
    name: Box<str>,
}

/// A request that is under way at an endpoint, until this is dropped.
#[derive(Debug)]
pub(super) struct Busy {
    given: Rc<Given>,
    spells: u64,
}

impl Load {
    /// How many the endpoint has.
    pub(super) fn of(&self, number: usize) -> u64 {
        let all = self.0.borrow();
        all.get(number).and_then(Option::as_ref).map_or(0, |given| given.under_way.value())
    }

    /// It gets one more.
    pub(super) fn begin(&self, target: &Target) -> Busy {
        let mut all = self.0.borrow_mut();
        if all.len() <= target.number {
            all.resize_with(target.number.saturating_add(1), || None);
        }
        let is_its = |given: &&Rc<Given>| Arc::ptr_eq(&given.standing, &target.standing);
        let known = all.get(target.number).and_then(Option::as_ref).filter(is_its).map(Rc::clone);
        let given = known.unwrap_or_else(|| {
            let given = Rc::new(Given::to(target));
            if let Some(place) = all.get_mut(target.number) {
                *place = Some(Rc::clone(&given));
            }
            given
        });
        given.under_way.add(1);
        Busy { given, spells: target.standing.spells() }
    }
}

impl Given {
    fn to(target: &Target) -> Self {
        let standing = Arc::clone(&target.standing);
        Self { under_way: standing.is_given_some(), standing, name: target.to_string().into() }
    }
}

impl Busy {
    /// How the endpoint stands.
    pub(super) fn standing(&self) -> &Standing {
        &self.given.standing
    }

    /// How often the endpoint had been out when this began.
    pub(super) const fn spells(&self) -> u64 {
        self.spells
    }
}

/// The name of the endpoint.
impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.given.name.fmt(f)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.given.under_way.sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_counts_no_more() {
        let (load, other) = (Load::default(), Load::default());
        let target = Target::sample();
        let (first, second) = (load.begin(&target), load.begin(&target));
        let of_another_core = other.begin(&target);
        assert_eq!([0, 1].map(|number| load.of(number)), [2, 0]);
        assert_eq!(target.standing.under_way(), 3);
        drop((first, of_another_core));
        assert_eq!((load.of(0), target.standing.under_way()), (1, 1));
        // Another that has its number.
        let next = Target::sample();
        let begun = load.begin(&next);
        drop(second);
        assert_eq!((load.of(0), next.standing.under_way(), target.standing.under_way()), (1, 1, 0));
        drop(begun);
        assert_eq!(load.of(0), 0);
    }
}
