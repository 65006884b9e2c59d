//! How far a gateway has come, for monitors: it opens its store, decides requests, or finishes what
//! is under way.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use crate::admin::public::{Exposition, Readiness};
use crate::clock::ClockState;
use crate::domain::time::Span;
use crate::gateway::core::Shared;
use crate::store::Health;

/// What writes all metrics.
pub(super) type Metrics = Box<dyn Fn() -> Exposition + Send + Sync>;

/// How far a gateway has come. It begins while the store is being opened.
#[derive(Default)]
pub(super) struct Standing {
    /// What there is to tell of, once the store is open.
    open: OnceLock<(Arc<Shared>, Metrics)>,
    draining: AtomicBool,
}

impl fmt::Debug for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Standing").field("draining", &self.draining).finish_non_exhaustive()
    }
}

impl Standing {
    /// The store is open, and requests are about to be decided.
    pub(super) fn opened(&self, shared: Arc<Shared>, metrics: Metrics) {
        // There is one store for the life of a gateway.
        let _ = self.open.set((shared, metrics));
    }

    /// New connections had better go elsewhere from here on.
    pub(super) fn drains(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// All metrics; none while the store is being opened.
    pub(super) fn metrics(&self) -> Option<Exposition> {
        self.open.get().map(|(_, metrics)| metrics())
    }

    /// Whether requests had better come here.
    pub(super) fn readiness(&self) -> Readiness {
        let Some((shared, _)) = self.open.get() else {
            let reason =
                "opening: the store is being opened; a damaged index is rebuilt, which can take \
                          minutes"
                    .to_owned();
            return Readiness { refused: Some(reason), store: "opening", clock: None };
        };
        let draining = self.draining.load(Ordering::Relaxed);
        let (health, clock) = (shared.cache.store().health(), shared.clock_state());
        judge(health, clock, shared.behind(), draining)
    }
}

/// A balancer takes away the traffic of a gateway that is not ready: so it is ready while it
/// decides requests and nobody has to come. A full disk takes no changes and passes by itself. After
/// a failed sync revocations fail until somebody restarts it: requests that still come are decided,
/// but another gateway had better have them.
fn judge(health: Health, clock: ClockState, behind: Span, draining: bool) -> Readiness {
    let (store, lasting) = match health {
        Health::Ready => ("ready", None),
        Health::ReadOnly(_) => ("read-only", None),
        Health::ReadOnlyForGood(why) => {
            let why = format!("no token can be made or revoked until a restart: {why}");
            ("read-only", Some(why))
        }
        Health::Broken(why) => ("broken", Some(why)),
    };
    let refused = if draining {
        Some(
            "draining: the gateway stops, and takes no new connection, or soon will not".to_owned(),
        )
    } else if clock == ClockState::Behind {
        Some(format!(
            "the wall clock is {} seconds behind what it has shown before: requests that need a \
             token are answered 503 until it is set right (`tollgate clock`)",
            behind.seconds()
        ))
    } else {
        lasting
    };
    Readiness { refused, store, clock: Some(clock.name()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_is_ready_while_it_decides_requests_and_can_mend_itself() {
        let why = || "why".to_owned();
        let behind = ClockState::Behind;
        let trusted = ClockState::Trusted;
        for (health, clock, draining, store, refused) in [
            (Health::Ready, trusted, false, "ready", None),
            (Health::Ready, ClockState::Stepped, false, "ready", None),
            (Health::Ready, ClockState::Settling, false, "ready", None),
            (Health::ReadOnly(why()), trusted, false, "read-only", None),
            (Health::ReadOnly(why()), behind, false, "read-only", Some("the wall clock is 70")),
            (Health::ReadOnlyForGood(why()), trusted, false, "read-only", Some("no token can be")),
            (Health::Broken(why()), trusted, false, "broken", Some("why")),
            (Health::Ready, behind, false, "ready", Some("the wall clock is 70")),
            (Health::Ready, trusted, true, "ready", Some("draining")),
            (Health::Broken(why()), behind, true, "broken", Some("draining")),
        ] {
            let told = judge(health.clone(), clock, Span::from_seconds(70), draining);
            assert_eq!((told.store, told.clock), (store, Some(clock.name())), "{health:?}");
            match (told.refused, refused) {
                (None, None) => {}
                (Some(told), Some(begin)) if told.starts_with(begin) => {}
                (told, wanted) => panic!("{health:?} {clock:?}: {told:?}, not {wanted:?}"),
            }
        }
    }

    #[test]
    fn a_gateway_that_opens_its_store_is_not_ready_and_has_no_metrics() {
        let standing = Standing::default();
        let told = standing.readiness();
        assert!(told.refused.unwrap().starts_with("opening"));
        assert_eq!((told.store, told.clock), ("opening", None));
        assert!(standing.metrics().is_none());
    }
}
