//! Several blocks at once. A search that goes through all tokens is shared with threads that help, so that it takes
//! half as long or less; how many help is bounded for all searches together, so that requests are not kept waiting by
//! lists.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// How many blocks are searched one by one before others help: most pages are full by then.
pub(super) const ALONE: usize = 16;

/// How many blocks are shared out at once, some milliseconds' work.
pub(super) const ROUND: usize = 128;

/// The threads that may help searches.
#[derive(Debug)]
pub(super) struct Helpers {
    free: AtomicUsize,
}

/// Some of them, for as long as they are needed.
struct Taken<'a> {
    of: &'a Helpers,
    count: usize,
}

impl Helpers {
    /// Half as many as there are cores, and one at least.
    pub(super) fn new() -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self { free: AtomicUsize::new((cores / 2).max(1)) }
    }

    fn take(&self) -> Taken<'_> {
        Taken { of: self, count: self.free.swap(0, Ordering::Relaxed) }
    }

    /// Does all `jobs`, in any order, and answers in theirs; each worker has what `begin` makes.
    pub(super) fn each<J: Sync, W, T: Send>(
        &self,
        jobs: &[J],
        begin: impl Fn() -> W + Sync,
        work: impl Fn(&mut W, &J) -> T + Sync,
    ) -> Vec<T> {
        let next = AtomicUsize::new(0);
        let worker = || {
            let (mut with, mut done) = (begin(), Vec::new());
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(job) = jobs.get(at) else { return done };
                done.push((at, work(&mut with, job)));
            }
        };
        let taken = self.take();
        let mut done = thread::scope(|scope| {
            let name = || thread::Builder::new().name("search".to_owned());
            // Without a thread, whoever asked does it all.
            let helping: Vec<_> =
                (0..taken.count).filter_map(|_| name().spawn_scoped(scope, worker).ok()).collect();
            let mut done = worker();
            for helper in helping {
                match helper.join() {
                    Ok(more) => done.extend(more),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            done
        });
        done.sort_unstable_by_key(|(at, _)| *at);
        done.into_iter().map(|(_, found)| found).collect()
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.of.free.fetch_add(self.count, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_done_once_in_order_whoever_helps() {
        let helpers = Helpers { free: AtomicUsize::new(3) };
        let jobs: Vec<usize> = (0..1_000).collect();
        for _ in 0..10 {
            let done = helpers.each(
                &jobs,
                || 0,
                |count, job| {
                    *count += 1;
                    (*job, *count)
                },
            );
            assert!(done.iter().map(|(job, _)| job).eq(&jobs));
        }
        let without = {
            let _all = helpers.take();
            helpers.each(&jobs, || (), |(), job| *job)
        };
        assert_eq!(without, jobs);
        assert_eq!(helpers.free.load(Ordering::Relaxed), 3, "they are free again");
    }

    #[test]
    fn helpers_are_free_again_after_a_panic() {
        let helpers = Helpers { free: AtomicUsize::new(2) };
        let broken = std::panic::catch_unwind(|| {
            helpers.each(&[1, 2, 3], || (), |(), job| assert!(*job < 3, "it broke"))
        });
        assert!(broken.is_err());
        assert_eq!(helpers.free.load(Ordering::Relaxed), 2);
    }
}
