//! Builds, starts, reloads and drains a gateway: the one place that knows all rooms.
//!
//! The data path (one thread for each core) and the control path (a small runtime for the store,
//! the administrative faces and the upkeep) share records and counters, and nothing else.

mod cores;
mod doors;
mod error;
mod faces;
mod files;
mod handover;
mod opening;
mod reload;
mod scrub;
mod standing;
mod upkeep;
mod wall;
mod watched;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::clock::{self, Clock};
use crate::config::{Settings, Source};
use crate::domain::time::Timestamp;
use crate::gateway::core::Shared;
use crate::gateway::moving::Phase;
use crate::service::Service;
use crate::store::Store;
use crate::telemetry::logs::Logs;

pub use error::AppError;
pub use reload::{Reloader, Signals};
pub use watched::start_logs;

use cores::Cores;
use faces::Faces;
use handover::{Heir, Listeners, Predecessor, Taken};
use opening::Opening;
use standing::Standing;

/// How long clients of HTTP/2 and of TLS have to learn that their connection ends, when the gateway changes hands. New
/// connections of theirs wait for so long.
const SETTLING: Duration = Duration::from_millis(500);
const SETTLING_STEP: Duration = Duration::from_millis(5);
const SETTLING_STEPS: u32 = 200;

/// How a gateway ended.
#[derive(Debug)]
pub enum Ended {
    /// In order, or with a successor that serves.
    Over,
    /// Its successor died before it served.
    Deserted(Box<Again>),
}

/// What a gateway had that can start again in its own place.
#[derive(Debug)]
pub struct Again {
    sockets: Sockets,
    settings: Arc<Settings>,
    source: Option<Source>,
    clock: Clock,
    logs: Option<Logs>,
}

impl Again {
    /// Starts it again, with the sockets and the connections that it had.
    ///
    /// # Errors
    /// As [`start`].
    pub fn start(self) -> Result<Running, AppError> {
        let Self { sockets, settings, source, clock, logs } = self;
        start_with(sockets, Settings::clone(&settings), source, clock, logs)
    }
}

/// Where the sockets come from that a gateway listens with.
#[derive(Debug)]
pub enum Sockets {
    /// It makes its own.
    New,
    /// A manager of services made them, and keeps them.
    Given(Vec<TcpListener>),
    /// From the gateway that runs on the same folder, whose place is taken; its own if none runs.
    TakenOver,
    /// It had them before.
    Back(Box<Back>),
}

/// Sockets and connections of a gateway whose successor did not come.
#[derive(Debug)]
pub struct Back(Taken);

/// A gateway that runs. Dropping it without [`Running::stop`] cuts its connections.
#[derive(Debug)]
pub struct Running {
    /// And without TLS, where that has an address of its own.
    public: (SocketAddr, Option<SocketAddr>),
    service: Arc<Service>,
    shared: Arc<Shared>,
    cores: Cores,
    phase: watch::Sender<Phase>,
    control: Runtime,
    reloader: Arc<Reloader>,
    faces: Faces,
    standing: Arc<Standing>,
    /// All sockets, for a successor.
    listening: Arc<Listeners>,
    logs: Option<Logs>,
    /// What waits for successors, and those that are ready.
    offer: (JoinHandle<()>, mpsc::Receiver<Heir>),
    /// The gateway whose place this one took.
    predecessor: Option<Predecessor>,
}

/// Opens the store and starts a gateway. Without logs there is no access log either.
///
/// # Errors
/// A store that cannot be opened, or an address that cannot be listened at. Nothing runs then.
pub fn start(
    settings: Settings,
    source: Option<Source>,
    clock: Clock,
    logs: Option<Logs>,
) -> Result<Running, AppError> {
    start_with(Sockets::New, settings, source, clock, logs)
}

/// Takes the place of the gateway that runs on this folder, if there is one, or listens with sockets that somebody else
/// keeps; otherwise as [`start`].
///
/// # Errors
/// As [`start`], or a gateway that does not give up its place.
pub fn start_with(
    sockets: Sockets,
    settings: Settings,
    source: Option<Source>,
    clock: Clock,
    logs: Option<Logs>,
) -> Result<Running, AppError> {
    let opening = Opening::begin(sockets, settings, source, (clock, logs))?;
    let store = opening.store()?;
    opening.serve(store)
}

/// Starts a gateway on a store that is open already.
///
/// # Errors
/// An address that cannot be listened at. Nothing runs then.
pub fn start_on(
    store: Arc<dyn Store>,
    settings: Settings,
    source: Option<Source>,
    clock: Clock,
    logs: Option<Logs>,
) -> Result<Running, AppError> {
    Opening::begin(Sockets::New, settings, source, (clock, logs))?.serve(store)
}

impl Running {
    /// Where clients come in.
    pub const fn public(&self) -> SocketAddr {
        self.public.0
    }

    /// Where they come in without TLS, beside that.
    pub const fn plain(&self) -> Option<SocketAddr> {
        self.public.1
    }

    /// Where pages, the REST API, metrics and health are answered.
    pub const fn admin(&self) -> SocketAddr {
        self.faces.admin()
    }

    /// All acts.
    pub const fn service(&self) -> &Arc<Service> {
        &self.service
    }

    /// What puts new settings in place.
    pub const fn reloader(&self) -> &Arc<Reloader> {
        &self.reloader
    }

    /// What all cores share, for tests and benchmarks.
    pub const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Where tasks may be spawned that must not be in a client's way.
    pub fn control(&self) -> &tokio::runtime::Handle {
        self.control.handle()
    }

    /// Takes signals from here on. Asked before anybody is told that the gateway runs, since whoever
    /// knows may stop it at once.
    ///
    /// # Errors
    /// What the operating system reports.
    pub fn signals(&self) -> Result<Signals, AppError> {
        let _runtime = self.control.enter();
        let doing = "waiting for signals";
        Signals::new().map_err(|source| AppError::System { doing, source })
    }

    /// Runs until the process is told to stop (SIGTERM, SIGINT), and takes new settings at SIGHUP
    /// and when the file changes; at SIGUSR2 it does `replace`, which is to start a successor. Then stops, or gives its
    /// place to a successor.
    ///
    /// # Errors
    /// As [`Running::stop`] and [`Running::hand_over`].
    pub fn run(
        mut self,
        signals: Signals,
        replace: fn() -> std::io::Result<()>,
    ) -> Result<Ended, AppError> {
        let watch = reload::watch(&self.reloader);
        let told = reload::until_told(signals, &self.reloader, &mut self.offer.1, replace);
        let heir = self.control.block_on(told);
        drop(watch);
        match heir {
            Some(heir) => self.hand_over(heir),
            None => self.stop().map(|()| Ended::Over),
        }
    }

    /// Waits for a successor that is ready, and gives it this gateway's place: for tests, which send no signals.
    ///
    /// # Errors
    /// As [`Running::hand_over`].
    pub fn give_up(mut self) -> Result<Ended, AppError> {
        match self.control.block_on(self.offer.1.recv()) {
            Some(heir) => self.hand_over(heir),
            None => self.stop().map(|()| Ended::Over),
        }
    }

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
        if let Some(predecessor) = self.predecessor {
            predecessor.leave();
        }
        let _ = self.phase.send(Phase::Drains);
        let begun = clock::instant();
        let (shared, left) = (Arc::clone(&self.shared), self.cores.join());
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
    /// is refused: new ones wait until the successor has opened the store. Where it dies before it serves, what was under way is
    /// cut, and the place is free.
    ///
    /// # Errors
    /// A store that could not be closed in order, or sockets that cannot be kept.
    fn hand_over(self, heir: Heir) -> Result<Ended, AppError> {
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
        let sockets = listening.again().map_err(|source| {
            let doing = "keeping the sockets";
            AppError::System { doing, source }
        })?;
        tracing::info!(
            connections = shared.connections.load(Ordering::Relaxed),
            "the gateway changes hands"
        );
        standing.drains();
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
        if announces {
            let _ = phase.send(Phase::Announces);
        }
        // Requests are decided meanwhile: nobody who administrates slowly keeps them waiting.
        control.block_on(async {
            let announced = tokio::time::sleep(if announces { SETTLING } else { Duration::ZERO });
            tokio::join!(faces.close(), announced)
        });
        let _ = phase.send(Phase::Moves);
        control.block_on(settle(&shared));
        shared.given.store(true, Ordering::Relaxed);
        let _ = phase.send(Phase::Drains);
        control.block_on(close_store(&shared))?;
        let begun = clock::instant();
        let handing = heir.take_over(moved, Arc::clone(&shared.cache), phase.clone());
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
        control.shutdown_timeout(Duration::from_secs(5));
        let Err(moved) = finished else { return Ok(Ended::Over) };
        let back = Back(Taken::back(sockets, moved));
        let sockets = Sockets::Back(Box::new(back));
        let (source, clock) = (reloader.configured().cloned(), shared.clock.clone());
        Ok(Ended::Deserted(Box::new(Again { sockets, settings, source, clock, logs })))
    }

    fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
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
