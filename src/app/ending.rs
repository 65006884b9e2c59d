//! How a gateway ends: it stops, or gives its place to a successor.

use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::clock;
use crate::domain::time::Timestamp;
use crate::gateway::core::Shared;
use crate::gateway::handed;
use crate::gateway::moving::{Moved, Phase};
use crate::store::Health;

use super::handover::{Estate, Handing, Heir, Spare, Taken};
use super::signals::Leaving;
use super::{Again, AppError, Back, Ended, Running, Sockets};

/// How long clients of HTTP/2 and of TLS have to learn that their connection ends, when the gateway changes hands. New
/// connections of theirs wait for so long.
const SETTLING: Duration = Duration::from_millis(500);
const SETTLING_STEP: Duration = Duration::from_millis(5);
const SETTLING_STEPS: u32 = 200;

/// How long the gateway before this one has at the least to pass on what was the last to be answered here.
const PASSING_ON: Duration = Duration::from_millis(500);

impl Running {
    /// Takes no new connection, finishes what is under way, writes everything down and closes the
    /// store. The administrative faces close last: a token can be revoked while others finish what
    /// they began.
    ///
    /// # Errors
    /// A store that could not be closed in order; its history holds everything that was
    /// acknowledged.
    pub fn stop(self) -> Result<(), AppError> {
        let at_most = self.shared.snapshot.load().limits.drain_timeout.as_secs();
        let open = self.connections();
        tracing::info!(connections = open, at_most_seconds = at_most, "the gateway drains");
        self.standing.drains();
        self.offer.0.abort();
        // Otherwise the system would go on to take clients, whom nobody would serve.
        drop(self.listening);
        // What is answered before its core knows is the last of its connection, too.
        self.shared.stops_soon.store(true, Ordering::Relaxed);
        reach(&self.phase, Phase::Drains);
        let begun = clock::instant();
        let (shared, left) = (Arc::clone(&self.shared), self.cores.join());
        if let Some(predecessor) = self.predecessor {
            // Not before, for it may have the keys of what was under way here, and has to pass on the last of that, or has something
            // under way itself.
            let patience = shared.snapshot.load().limits.drain_timeout;
            let within = patience.saturating_sub(begun.elapsed()).max(PASSING_ON);
            predecessor.may_end(within, || *self.phase.borrow() == Phase::Ends);
            predecessor.leave();
        }
        let took = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(cut = left, drain_ms = took, "the gateway has drained");
        self.control.block_on(self.faces.close());
        let closed = self.control.block_on(close_store(&shared));
        self.control.shutdown_timeout(Duration::from_secs(5));
        closed?;
        tracing::info!("tollgate has stopped in order");
        Ok(())
    }

    /// Gives the successor its place. From its first word to the end no connection is closed that could go on, and none
    /// is refused: new ones wait until the successor has opened the store. Where it dies before it serves, or the store cannot
    /// be closed in order, what was under way is cut, and the place is free.
    pub(super) fn hand_over(self, (heir, spare): (Heir, Spare), leaving: Option<Leaving>) -> Ended {
        let Self {
            shared,
            service,
            cores,
            phase,
            control,
            faces,
            standing,
            listening,
            reloader,
            logs,
            offer,
            predecessor,
            ..
        } = self;
        drop(listening);
        tracing::info!(
            connections = shared.connections.load(Ordering::Relaxed),
            "the gateway changes hands"
        );
        standing.drains();
        // Connections within TLS need more files for a while than they had.
        shared.descriptors.call_in();
        // Its socket is removed before the successor makes one of its own.
        drop(offer.1);
        offer.0.abort();
        let _ = control.block_on(offer.0);
        if let Some(predecessor) = predecessor {
            predecessor.leave();
        }
        let (sender, moved) = std::sync::mpsc::channel();
        shared.successor.is(sender);
        let announces = service.settings().listen.h2c || shared.snapshot.load().tls.is_some();
        // Everybody is served meanwhile: nobody who administrates slowly keeps others waiting.
        control.block_on(faces.close());
        if announces {
            reach(&phase, Phase::Announces);
            control.block_on(async { tokio::time::sleep(SETTLING).await });
        }
        reach(&phase, Phase::Moves);
        control.block_on(settle(&shared));
        shared.given.store(true, Ordering::Relaxed);
        reach(&phase, Phase::Drains);
        let begun = clock::instant();
        let handing = give(heir, (&control, &shared), (moved, Arc::clone(&spare)), &phase);
        if handing.is_err() {
            // Nobody tells of ended tokens.
            phase.send_replace(Phase::Ends);
        }
        let left = cores.join();
        shared.successor.is_gone();
        let took = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(cut = left, drain_ms = took, "the gateway has drained");
        let finished = match handing {
            Ok(handing) => handing.finish(),
            Err(waiting) => Err(waiting.try_iter().collect()),
        };
        let settings = service.settings();
        // Whoever starts again follows what nobody has followed here.
        let signals = leaving.and_then(|leaving| control.block_on(leaving.end()));
        control.shutdown_timeout(Duration::from_secs(5));
        let sockets = spare.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (Err(moved), Some(sockets)) = (finished, sockets) else { return Ended::Over };
        let back = Back(Taken::back(sockets, moved, handed::tell(&shared.snapshot.load())));
        let sockets = Sockets::Back(Box::new(back));
        let (source, clock) = (reloader.configured().cloned(), shared.clock.clone());
        let again = Again { sockets, settings, source, clock, logs, signals };
        Ended::Deserted(Box::new(again))
    }

    /// The heir with the sockets once more, which are kept until it serves, if this gateway's place can be given away; otherwise
    /// it is told that it does not get it. Nothing is taken apart before that.
    pub(super) async fn can_give(&self, heir: Heir) -> Option<(Heir, Spare)> {
        let kept = self.listening.again().inspect_err(|error| {
            tracing::error!(%error, "the sockets cannot be kept: this gateway goes on, and not its successor");
        });
        match kept {
            Ok(sockets) if self.can_give_store().await => {
                Some((heir, Arc::new(Mutex::new(Some(sockets)))))
            }
            _ => {
                heir.refuse();
                None
            }
        }
    }

    /// Whether the store can be closed, as far as can be seen: while the disk is full nobody could open it again. One that takes
    /// no changes until a restart is worth a try.
    async fn can_give_store(&self) -> bool {
        let (cache, now) = (&self.shared.cache, self.shared.clock.now());
        let flushed = cache.flush_touches(now).await;
        match (cache.store().health(), flushed) {
            (Health::ReadOnly(why), _) => {
                tracing::error!(
                    why,
                    "the store takes no changes: this gateway goes on, and not its successor"
                );
                false
            }
            (Health::Ready, Err(error)) => {
                tracing::error!(%error, "the store cannot be written: this gateway goes on, and not its successor");
                false
            }
            (Health::Ready | Health::ReadOnlyForGood(_) | Health::Broken(_), _) => true,
        }
    }

    fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }
}

/// Comes this far on the way out, unless it is further: whoever is told twice cuts what is under way.
fn reach(phase: &watch::Sender<Phase>, next: Phase) {
    phase.send_if_modified(|phase| {
        let comes = *phase < next;
        *phase = next.max(*phase);
        comes
    });
}

/// Closes the store and gives it away; the connections that wait, where it cannot be given or nobody takes it.
fn give(
    heir: Heir,
    (control, shared): (&Runtime, &Shared),
    (moved, spare): (Receiver<Moved>, Spare),
    phase: &watch::Sender<Phase>,
) -> Result<Handing, Receiver<Moved>> {
    let (wants, wanted) = std::sync::mpsc::channel();
    if heir.answers() {
        // Before the store is closed: until the successor hears of it, what is wanted waits.
        shared.cache.ask_elsewhere(wants);
    }
    let lock = shared.cache.store().lock();
    match control.block_on(close_store(shared)) {
        Ok(()) => {
            let handed = handed::tell(&shared.snapshot.load());
            let estate = Estate { lock, handed, moved, wanted, spare };
            heir.take_over(estate, Arc::clone(&shared.cache), phase.clone())
        }
        Err(error) => {
            tracing::error!(%error, "the store cannot be closed in order, and is not given away");
            heir.refuse();
            Err(moved)
        }
    }
}

/// Waits until no request that has come asks the store any more, but not for ever.
async fn settle(shared: &Shared) {
    let cores = shared.counters.cores.len();
    for _ in 0..SETTLING_STEPS {
        tokio::time::sleep(SETTLING_STEP).await;
        if shared.moving.load(Ordering::SeqCst) == cores && shared.cache.is_at_rest() {
            return;
        }
    }
}

/// Writes everything down and lets go of the folder.
async fn close_store(shared: &Shared) -> Result<(), AppError> {
    let (cache, now) = (&shared.cache, shared.clock.now());
    let high_water = Timestamp::from_unix(shared.high_water.load(Ordering::Relaxed));
    let flushed = cache.flush_touches(now).await.map(|_| ());
    let given = cache.give_back().await;
    let counted = cache.flush_requests().await;
    let noted = cache.store().raise_high_water(high_water).await;
    flushed.and(given).and(counted).and(noted).and(cache.store().close().await)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_cuts_what_is_under_way_is_not_overheard() {
        let (phase, _seen) = watch::channel(Phase::Serves);
        reach(&phase, Phase::Announces);
        assert_eq!(*phase.borrow(), Phase::Announces);
        phase.send_replace(Phase::Ends);
        reach(&phase, Phase::Drains);
        assert_eq!(*phase.borrow(), Phase::Ends);
    }
}
