//! How many requests an upstream has at a time, where its API bounds that: over all endpoints and all
//! cores, and exactly. Those beyond wait in the order in which they came; whoever leaves frees the place,
//! and whoever finds too many before it is turned away at once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::settings::Concurrency;
use crate::domain::refusal::Refusal;
use crate::telemetry::count::Count;

/// The bound of one API.
#[derive(Debug)]
pub struct Gate {
    limits: Concurrency,
    seats: Arc<Seats>,
}

/// What outlives a reload that leaves the bound as it is.
#[derive(Debug)]
struct Seats {
    bound: usize,
    free: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// Leave for one request, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    _permit: OwnedSemaphorePermit,
}

/// A place among those that wait, and among those of its core.
struct Waiting<'a>(&'a AtomicUsize, &'a Count);

impl Gate {
    /// Waits until it is this request's turn; counted in `waiting` meanwhile.
    ///
    /// # Errors
    /// As many wait as may, or it took as long as it may.
    pub(super) async fn enter(&self, waiting: &Count) -> Result<Turn, Refusal> {
        let free = Arc::clone(&self.seats.free);
        // Whoever waits comes first: what becomes free is theirs before it is seen here.
        if let Ok(permit) = Arc::clone(&free).try_acquire_owned() {
            return Ok(Turn { _permit: permit });
        }
        waiting.add(1);
        let waiting = Waiting(&self.seats.waiting, waiting);
        if waiting.0.fetch_add(1, Ordering::Relaxed) >= self.limits.queue {
            return Err(Refusal::UpstreamBusy);
        }
        let acquired = tokio::time::timeout(self.limits.queue_timeout, free.acquire_owned()).await;
        let permit = acquired.ok().and_then(Result::ok).ok_or(Refusal::UpstreamBusy)?;
        Ok(Turn { _permit: permit })
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
        self.1.sub(1);
    }
}

/// The bounds of all APIs that have one. A reload which changes how many requests there may be begins to
/// count anew: those that are under way end beside the new ones.
#[derive(Debug, Default)]
pub(super) struct Gates(Mutex<BTreeMap<Box<str>, Weak<Seats>>>);

impl Gates {
    /// The bound of an API.
    pub(super) fn of(&self, api: &str, limits: Concurrency) -> Arc<Gate> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, seats| seats.strong_count() > 0);
        let before = known.get(api).and_then(Weak::upgrade);
        let seats = before.filter(|seats| seats.bound == limits.requests).unwrap_or_else(|| {
            let (bound, waiting) = (limits.requests, AtomicUsize::new(0));
            Arc::new(Seats { bound, free: Arc::new(Semaphore::new(bound)), waiting })
        });
        known.insert(api.into(), Arc::downgrade(&seats));
        Arc::new(Gate { limits, seats })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::pin::pin;
    use std::task::{Context, Poll, Waker};
    use std::time::Duration;

    const LIMITS: Concurrency =
        Concurrency { requests: 2, queue: 2, queue_timeout: Duration::from_secs(10) };

    fn poll<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> Poll<T> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[tokio::test(start_paused = true)]
    async fn first_come_first_served_and_whoever_leaves_frees_the_place() {
        let told = Count::default();
        let gate = Gates::default().of("a", LIMITS);
        let (first, second) = (gate.enter(&told).await.unwrap(), gate.enter(&told).await.unwrap());
        let (mut third, mut fourth) = (pin!(gate.enter(&told)), Box::pin(gate.enter(&told)));
        assert!(poll(third.as_mut()).is_pending() && poll(fourth.as_mut()).is_pending());
        assert_eq!(gate.enter(&told).await.unwrap_err(), Refusal::UpstreamBusy, "two wait already");
        drop(first);
        assert_eq!(gate.enter(&told).await.unwrap_err(), Refusal::UpstreamBusy, "it is not theirs");
        let Poll::Ready(Ok(third)) = poll(third.as_mut()) else { panic!("it is its turn") };
        assert!(poll(fourth.as_mut()).is_pending());
        drop(fourth);
        // Nobody is before this one.
        let mut fifth = pin!(gate.enter(&told));
        assert!(poll(fifth.as_mut()).is_pending());
        drop((second, third));
        let Poll::Ready(Ok(fifth)) = poll(fifth.as_mut()) else { panic!("it is its turn") };
        assert!(gate.enter(&told).await.is_ok());
        drop(fifth);
        assert_eq!(gate.seats.waiting.load(Ordering::Relaxed), 0);
        assert_eq!(gate.seats.free.available_permits(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_longer_than_they_may() {
        let told = Count::default();
        let gate = Gates::default().of("a", LIMITS);
        let _all = [gate.enter(&told).await.unwrap(), gate.enter(&told).await.unwrap()];
        assert_eq!(gate.enter(&told).await.unwrap_err(), Refusal::UpstreamBusy);
        assert_eq!(gate.seats.waiting.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn the_bound_holds_over_a_reload_that_leaves_it() {
        let told = Count::default();
        let gates = Gates::default();
        let before = gates.of("a", LIMITS);
        let _all = [before.enter(&told).await.unwrap(), before.enter(&told).await.unwrap()];
        let none = Concurrency { queue: 0, ..LIMITS };
        assert!(gates.of("a", none).enter(&told).await.is_err());
        assert!(gates.of("b", none).enter(&told).await.is_ok(), "another API");
        assert!(gates.of("a", Concurrency { requests: 3, ..none }).enter(&told).await.is_ok());
    }

    #[test]
    fn the_bound_holds_exactly_over_all_threads() {
        let told = Count::default();
        let limits = Concurrency { requests: 3, queue: 1_000, ..LIMITS };
        let (gate, inside) = (Gates::default().of("a", limits), AtomicUsize::new(0));
        let most = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut runtime = tokio::runtime::Builder::new_current_thread();
                    let runtime = runtime.enable_time().build().unwrap();
                    for _ in 0..50 {
                        runtime.block_on(async {
                            let turn = gate.enter(&told).await.unwrap();
                            let now = inside.fetch_add(1, Ordering::SeqCst) + 1;
                            most.fetch_max(now, Ordering::SeqCst);
                            tokio::time::sleep(Duration::from_millis(1)).await;
                            inside.fetch_sub(1, Ordering::SeqCst);
                            drop(turn);
                        });
                    }
                });
            }
        });
        assert_eq!(most.into_inner(), 3);
    }
}
