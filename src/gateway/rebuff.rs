//! What a failed authentication gets: its answer at once, the same later, or none for a while (429).
//!
//! It is asked behind a refusal, so that a request whose token opens something never meets it, but for one whose token is
//! not in memory while its address is refused (`authenticate`).

use std::rc::Rc;
use std::time::Duration;

use crate::config::settings::Dialect;
use crate::domain::refusal::Refusal;
use crate::domain::secret::Digest;

use super::core::Core;
use super::failures::Fate;
use super::intake::Inbound;
use super::places;
use super::snapshot::Snapshot;

/// How many answers of one core wait at a time: what each holds is memory. Beyond these nothing is answered late, but
/// refused at once.
const WAITING_MOST: usize = 1_024;

/// When to come again where too many wait.
const SOON: Duration = Duration::from_secs(1);

/// How a refusal is told.
#[derive(Debug)]
pub(super) struct Rebuff {
    /// Of an answer that comes later.
    pub(super) wait: Option<Wait>,
    /// When it is worth to come again.
    pub(super) retry_after: Duration,
}

/// Leave for an answer to wait, until it is dropped.
#[derive(Debug)]
pub(super) struct Wait {
    core: Rc<Core>,
    time: Duration,
}

impl Wait {
    fn begin(core: &Rc<Core>, time: Duration) -> Option<Self> {
        let late = core.late.get();
        (late < WAITING_MOST).then(|| {
            core.late.set(late + 1);
            core.counters.failures_late.add(1);
            Self { core: Rc::clone(core), time }
        })
    }

    /// Waits. A client that leaves meanwhile takes this with it.
    pub(super) async fn pass(self) {
        tokio::time::sleep(self.time).await;
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.core.late.set(self.core.late.get().saturating_sub(1));
    }
}

/// Takes note of a refusal, if it is a failed authentication. Gives what becomes of its request.
pub(super) fn of(
    refusal: Refusal,
    inbound: &Inbound,
    dialect: Dialect,
    core: &Rc<Core>,
    snapshot: &Snapshot,
) -> (Refusal, Option<Box<Rebuff>>) {
    let (shared, limits) = (&core.shared, &snapshot.limits.failures);
    let address = inbound.origin.address();
    let too_many = |retry_after| {
        let rebuff = Rebuff { wait: None, retry_after };
        (Refusal::TooManyFailures, Some(Box::new(rebuff)))
    };
    if refusal == Refusal::TooManyFailures {
        return too_many(shared.failures.refused_for(address, &shared.clock).unwrap_or(SOON));
    }
    // Many clients come through a proxy that is believed, so that it is none of them.
    if !is_failure(refusal) || limits.are_off() || snapshot.proxies.trusts(address) {
        return (refusal, None);
    }
    let carried = places::carried(inbound, dialect).ok();
    let Some(secret) = carried.and_then(|carried| carried.secret) else { return (refusal, None) };
    match shared.failures.note(address, &Digest::of(secret), limits, &shared.clock) {
        Fate::Refused(left) => too_many(left),
        Fate::ShutOut(time) => {
            core.counters.failures_shut_out.add(1);
            if let Some(withheld) = shared.warnings.failures.ready() {
                tracing::warn!(
                    %address, seconds = time.as_secs(), withheld,
                    "an address fails to authenticate again and again, and is refused for a while"
                );
            }
            too_many(time)
        }
        Fate::Late(Duration::ZERO) => (refusal, None),
        Fate::Late(time) => match Wait::begin(core, time) {
            None => too_many(SOON),
            wait => (refusal, Some(Box::new(Rebuff { wait, retry_after: SOON }))),
        },
    }
}

/// Whether a secret opens nothing, as far as its client is told: these read all alike (row X1), and so they count alike.
/// What says more is for whoever has a live secret, and what is no secret at all is no guess.
const fn is_failure(refusal: Refusal) -> bool {
    matches!(
        refusal,
        Refusal::Unknown
            | Refusal::Revoked
            | Refusal::Disabled
            | Refusal::OwnerBlocked
            | Refusal::CompanyBlocked
            | Refusal::NotYetActive
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x1_what_reads_alike_counts_alike() {
        for refusal in Refusal::ALL {
            let alike = refusal.detail() == Refusal::Unknown.detail();
            assert_eq!(is_failure(refusal), alike, "{}", refusal.reason());
        }
    }
}
