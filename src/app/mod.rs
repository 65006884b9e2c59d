//! Builds, starts, reloads and drains a gateway: the one place that knows all rooms.
//!
//! The data path (one thread for each core) and the control path (a small runtime for the store,
//! the administrative faces and the upkeep) share records and counters, and nothing else.

mod cores;
mod doors;
mod ending;
mod error;
mod faces;
mod files;
mod handover;
mod opening;
mod reload;
mod scrub;
mod signals;
mod standing;
mod upkeep;
mod wall;
mod watched;
#[cfg(test)]
mod tests;

use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::config::{Settings, Source};
use crate::gateway::core::Shared;
use crate::gateway::moving::Phase;
use crate::service::Service;
use crate::store::Store;
use crate::telemetry::logs::Logs;

pub use error::AppError;
pub use reload::Reloader;
pub use signals::Signals;
pub use watched::start_logs;

use cores::Cores;
use faces::Faces;
use handover::{Heir, Listeners, Predecessor, Taken};
use opening::Opening;
use signals::Leaving;
use standing::Standing;

/// How a gateway ended.
#[derive(Debug)]
pub enum Ended {
    /// In order, or with a successor that serves.
    Over,
    /// Its successor ended before it served.
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
    /// What it was told since it gave its place away.
    signals: Option<Signals>,
}

impl Again {
    /// The signals that came since it gave its place away, and those that come; for [`Running::run`].
    pub fn signals(&mut self) -> Option<Signals> {
        self.signals.take()
    }

    /// Starts it again, with the sockets and the connections that it had.
    ///
    /// # Errors
    /// As [`start`].
    pub fn start(self) -> Result<Running, AppError> {
        let Self { sockets, settings, source, clock, logs, .. } = self;
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
    open(sockets, settings, source, clock, logs)?.serve()
}

/// A gateway whose store is open, and which decides nothing yet. Whoever drops it has changed nothing: its predecessor, which
/// has given it everything, starts again.
#[derive(Debug)]
pub struct Opened {
    opening: Opening,
    store: Arc<dyn Store>,
}

impl Opened {
    /// Decides requests from now on.
    ///
    /// # Errors
    /// An address that somebody else has by now, or what the operating system reports.
    pub fn serve(self) -> Result<Running, AppError> {
        self.opening.serve(self.store)
    }
}

/// The first half of [`start_with`], which may take its time.
///
/// # Errors
/// As [`start_with`].
pub fn open(
    sockets: Sockets,
    settings: Settings,
    source: Option<Source>,
    clock: Clock,
    logs: Option<Logs>,
) -> Result<Opened, AppError> {
    let mut opening = Opening::begin(sockets, settings, source, (clock, logs))?;
    let store = opening.store()?;
    Ok(Opened { opening, store })
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

    /// Runs until the process is told to stop (SIGTERM, SIGINT), and takes new settings at SIGHUP
    /// and when the file changes; at SIGUSR2 it does `replace`, which is to start a successor unless one is under way. Then stops, or gives its
    /// place to a successor. Told once more, it waits for nobody to notice; and once more, for nothing that is under way.
    ///
    /// # Errors
    /// As [`Running::stop`].
    pub fn run(
        mut self,
        mut signals: Signals,
        replace: fn() -> std::io::Result<()>,
    ) -> Result<Ended, AppError> {
        let watch = reload::watch(&self.reloader);
        let heir = loop {
            let heirs = &mut self.offer.1;
            let told = signals::until_told(&mut signals, &self.reloader, heirs, replace);
            let Some(heir) = self.control.block_on(told) else { break None };
            let can = self.control.block_on(self.can_give(heir));
            if can.is_some() {
                break can;
            }
        };
        let phase = self.phase.clone();
        let cut = move || {
            tracing::warn!("told to stop once more: what is still under way is cut");
            phase.send_replace(Phase::Ends);
        };
        let Some(heir) = heir else {
            let reloader = Arc::clone(&self.reloader);
            self.control.block_on(self.is_noticed(signals.told_to_stop(&reloader)));
            self.control.spawn(async move {
                signals.told_to_stop(&reloader).await;
                cut();
            });
            let stopped = self.stop().map(|()| Ended::Over);
            drop(watch);
            return stopped;
        };
        drop(watch);
        let leaving = Leaving::begin(&self.control, signals, cut);
        Ok(self.hand_over(heir, Some(leaving)))
    }

    /// Says that it is about to stop, and waits until who asks for that knows, or somebody is `impatient`.
    async fn is_noticed(&self, impatient: impl Future<Output = ()>) {
        self.standing.drains();
        let delay = self.shared.snapshot.load().limits.drain_delay;
        if !delay.is_zero() {
            let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
            tracing::info!(delay_ms, "the gateway is about to stop, and is not ready any more");
            let mut impatient = pin!(impatient);
            for part in 0..2 {
                // Clients of HTTP/1 are told with their answers in the second half; those of HTTP/2 lose nothing when it ends.
                self.shared.stops_soon.store(part > 0, Ordering::Relaxed);
                if tokio::time::timeout(delay / 2, &mut impatient).await.is_ok() {
                    return;
                }
            }
        }
    }

    /// Waits for a successor that is ready, and gives it this gateway's place: for tests, which send no signals.
    ///
    /// # Errors
    /// As [`Running::stop`].
    pub fn give_up(mut self) -> Result<Ended, AppError> {
        loop {
            let Some(heir) = self.control.block_on(self.offer.1.recv()) else {
                return self.stop().map(|()| Ended::Over);
            };
            if let Some(heir) = self.control.block_on(self.can_give(heir)) {
                return Ok(self.hand_over(heir, None));
            }
        }
    }
}
