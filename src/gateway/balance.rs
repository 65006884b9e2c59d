//! Which endpoint a request is sent to: of two that are drawn by their weights the one with less to do.
//! When one fails the request, another is chosen in the same way, until each had its turn.
//!
//! Two are enough to keep clear of a slow one, and so few that cores which know nothing of one another
//! do not all turn to the same one (power of two choices). Where nothing is under way the first of them
//! is taken, so that requests are shared by weight.

use std::sync::Arc;

use crate::config::settings::Ejection;

use super::core::Core;
use super::ejection::WHOLE;
use super::plan::ApiPlan;
use super::targets::Target;

/// The way of one request through the endpoints of its API.
#[derive(Debug, Default)]
pub(super) struct Order {
    last: Option<usize>,
    /// Those before it.
    tried: Vec<usize>,
}

impl Order {
    /// The next one to try; none when each had its turn. Those that are left out for a while come last.
    pub(super) fn next<'a>(&mut self, core: &Core, api: &'a ApiPlan) -> Option<&'a Arc<Target>> {
        if let [only] = &*api.targets {
            return self.last.replace(0).is_none().then_some(only);
        }
        self.tried.extend(self.last);
        let turn = core.turn.get().wrapping_add(1);
        core.turn.set(turn);
        let draw = |shares: &dyn Fn(usize) -> u64| {
            let load =
                |at: usize| api.targets.get(at).map_or(0, |target| core.load.of(target.number));
            choose(api.targets.len(), shares, load, turn)
        };
        let share = |at: usize, part: fn(&Target) -> u32| {
            let (Some(target), Some(weight)) = (api.targets.get(at), api.weights.get(at)) else {
                return 0;
            };
            if self.tried.contains(&at) { 0 } else { u64::from(*weight) * u64::from(part(target)) }
        };
        let part = part_for(&api.ejection);
        let at = draw(&|at| share(at, part)).or_else(|| draw(&|at| share(at, |_| WHOLE)));
        self.last = at;
        api.targets.get(at?)
    }

    /// Whether there is another one to try that is not left out.
    pub(super) fn has_others(&self, api: &ApiPlan) -> bool {
        let part = part_for(&api.ejection);
        let is_next = |at: usize| self.last != Some(at) && !self.tried.contains(&at);
        api.targets.iter().enumerate().any(|(at, target)| is_next(at) && part(target) > 0)
    }
}

/// The share of an endpoint, which is whole for an API that leaves none out, whatever another one has found: unless a check
/// finds it down.
fn part_for(ejection: &Ejection) -> fn(&Target) -> u32 {
    match ejection.after {
        0 => |target| if target.standing.is_sick() { 0 } else { WHOLE },
        _ => Target::share,
    }
}

/// One of `count`, by their shares and loads; none where nobody has a share.
fn choose(
    count: usize,
    share: impl Fn(usize) -> u64,
    load: impl Fn(usize) -> u64,
    turn: u64,
) -> Option<usize> {
    let total: u64 = (0..count).map(&share).sum();
    let first = draw(count, &share, total, even(turn))?;
    let others = |at: usize| if at == first { 0 } else { share(at) };
    let rest = total.saturating_sub(share(first));
    let Some(second) = draw(count, others, rest, scattered(turn)) else { return Some(first) };
    // Each by what it can take.
    let less =
        load(second).saturating_mul(share(first)) < load(first).saturating_mul(share(second));
    Some(if less { second } else { first })
}

/// The one in whose part of the `total` of all shares `place`, a part of 2^32, falls.
fn draw(count: usize, share: impl Fn(usize) -> u64, total: u64, place: u32) -> Option<usize> {
    let mut point = total.saturating_mul(u64::from(place)) >> 32;
    (0..count).find(|at| {
        let share = share(*at);
        let found = point < share;
        point = point.saturating_sub(share);
        found
    })
}

/// Numbers that lie evenly, whatever stretch of them is looked at: multiples of the golden ratio.
const fn even(turn: u64) -> u32 {
    (turn.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
}

/// Numbers that have nothing to do with those (splitmix64).
const fn scattered(turn: u64) -> u32 {
    let mixed = turn.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ (mixed >> 29)) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::cell::RefCell;
    use std::time::Duration;

    use crate::gateway::sample::Sample;

    const IDLE: fn(usize) -> u64 = |_| 0;

    fn shared(shares: &[u64], load: impl Fn(usize) -> u64, turns: u64) -> Vec<u64> {
        let mut counts = vec![0; shares.len()];
        for turn in 0..turns {
            counts[choose(shares.len(), |at| shares[at], &load, turn).unwrap()] += 1;
        }
        counts
    }

    #[test]
    fn where_nothing_is_under_way_requests_are_shared_by_weight() {
        for shares in [&[1, 1][..], &[1, 3], &[5, 0, 1], &[64, 6_400, 64_000], &[7; 20]] {
            let (total, turns): (u64, u64) = (shares.iter().sum(), 10_000);
            for (share, count) in shares.iter().zip(shared(shares, IDLE, turns)) {
                let wanted = share * turns / total;
                assert!(count.abs_diff(wanted) <= 5, "{shares:?}: {count} of {wanted}");
            }
        }
        assert_eq!(choose(3, |_| 0, IDLE, 1), None);
        assert_eq!(choose(0, |_| 1, IDLE, 1), None);
    }

    #[test]
    fn of_two_the_one_with_less_to_do_by_its_weight_is_taken() {
        let busy = |loads: [u64; 2]| move |at: usize| loads[at];
        assert_eq!(shared(&[1, 1], busy([1, 0]), 100), [0, 100]);
        assert_eq!(shared(&[1, 3], busy([2, 5]), 100), [0, 100], "2 of 1 are more than 5 of 3");
        assert_eq!(shared(&[1, 3], busy([1, 4]), 100), [100, 0]);
        // One of many that is slow is taken when it is drawn twice, which it is not.
        let slow = |at: usize| u64::from(at == 0);
        assert_eq!(shared(&[1; 5], slow, 1_000)[0], 0);
    }

    #[test]
    fn a_slow_one_gets_as_much_as_it_can_do() {
        // Three endpoints; a request takes the first ten times as long.
        let (ends, mut counts) = (RefCell::new([const { Vec::new() }; 3]), [0; 3]);
        for now in 0..6_000_u64 {
            for ends in ends.borrow_mut().iter_mut() {
                ends.retain(|end| *end > now);
            }
            let load = |at: usize| ends.borrow()[at].len() as u64;
            let at = choose(3, |_| 1, load, now).unwrap();
            ends.borrow_mut()[at].push(now + if at == 0 { 200 } else { 20 });
            counts[at] += 1;
        }
        assert!(counts[0] < 700 && counts[0] > 200, "{counts:?}");
        assert!(counts[1] > 2_000 && counts[2] > 2_000, "{counts:?}");
    }

    #[test]
    fn each_endpoint_has_its_turn_once_and_those_that_are_out_come_last() {
        let urls: Vec<_> = (1..6).map(|port| format!("\"http://127.0.0.1:{port}\"")).collect();
        let sample = Sample::new(&urls.join(", "), "");
        let (core, api) = (&sample.core, &sample.api);
        let order = || {
            let (mut order, mut ports) = (Order::default(), Vec::new());
            while let Some(target) = order.next(core, api) {
                ports.push(target.number);
            }
            ports
        };
        let all_of = |mut ports: Vec<usize>| {
            ports.sort_unstable();
            ports
        };
        for _ in 0..20 {
            assert_eq!(all_of(order()), [0, 1, 2, 3, 4]);
        }
        for out in [0, 1, 2] {
            (0..5).for_each(|_| _ = api.targets[out].standing.fails_now(&api.ejection));
        }
        for _ in 0..20 {
            let (first, last) = {
                let all = order();
                (all[..2].to_vec(), all[2..].to_vec())
            };
            assert_eq!((all_of(first), all_of(last)), (vec![3, 4], vec![0, 1, 2]));
        }
        for out in [3, 4] {
            (0..5).for_each(|_| _ = api.targets[out].standing.fails_now(&api.ejection));
        }
        let firsts: std::collections::BTreeSet<_> = (0..50).map(|_| order()[0]).collect();
        assert_eq!(firsts.len(), 5, "all are out, and all are used");
    }

    #[test]
    fn whoever_leaves_none_out_goes_by_no_others_findings() {
        let ejection = Ejection { after: 1, time: Duration::from_secs(9), on_errors: false };
        let never = Ejection { after: 0, ..ejection };
        let target = Target::sample();
        assert!(target.standing.fails_now(&ejection).is_some());
        let parts = || [&ejection, &never].map(|of| part_for(of)(&target));
        assert_eq!(parts(), [0, WHOLE]);
        assert!(target.standing.is_found(false));
        assert_eq!(parts(), [0, 0], "a check is another matter");
    }

    #[test]
    fn one_endpoint_is_taken_without_a_draw() {
        let sample =
            Sample::new("\"http://127.0.0.1:1\", { url = \"http://127.0.0.1:2\", weight = 0 }", "");
        let (core, api, mut order) = (&sample.core, &sample.api, Order::default());
        let turn = core.turn.get();
        assert!(matches!(order.next(core, api), Some(target) if target.number == 0));
        assert!(order.next(core, api).is_none());
        assert_eq!(core.turn.get(), turn);
    }
}
