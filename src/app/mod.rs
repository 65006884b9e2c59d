//! Builds, starts, reloads and drains a gateway: the one place that knows all rooms.
//!
//! The data path (one thread for each core) and the control path (a small runtime for the store,
//! the administrative faces and the upkeep) share records and counters, and nothing else.

mod cores;
mod doors;
mod error;
mod faces;
mod files;
mod opening;
mod reload;
mod scrub;
mod standing;
mod upkeep;
mod wall;
mod watched;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::clock::{self, Clock};
use crate::config::{Settings, Source};
use crate::domain::time::Timestamp;
use crate::gateway::core::Shared;
use crate::service::Service;
use crate::store::Store;
use crate::telemetry::logs::Logs;

pub use error::AppError;
pub use reload::{Reloader, Signals};
pub use watched::start_logs;

use cores::Cores;
use faces::Faces;
use opening::Opening;
use standing::Standing;

/// A gateway that runs. Dropping it without [`Running::stop`] cuts its connections.
#[derive(Debug)]
pub struct Running {
    /// And without TLS, where that has an address of its own.
    public: (SocketAddr, Option<SocketAddr>),
    service: Arc<Service>,
    shared: Arc<Shared>,
    cores: Cores,
    stop: watch::Sender<bool>,
    control: Runtime,
    reloader: Arc<Reloader>,
    faces: Faces,
    standing: Arc<Standing>,
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
    let opening = Opening::begin(settings, source, (clock, logs))?;
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
    Opening::begin(settings, source, (clock, logs))?.serve(store)
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
    /// and when the file changes. Then stops.
    ///
    /// # Errors
    /// As [`Running::stop`].
    pub fn run(self, signals: Signals) -> Result<(), AppError> {
        let watch = reload::watch(&self.reloader);
        self.control.block_on(reload::until_told(signals, &self.reloader));
        drop(watch);
        self.stop()
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
        let _ = self.stop.send(true);
        let begun = clock::instant();
        let (shared, left) = (Arc::clone(&self.shared), self.cores.join());
        let took = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(cut = left, drain_ms = took, "the gateway has drained");
        self.control.block_on(self.faces.close());
        let (cache, now) = (&shared.cache, shared.clock.now());
        let high_water = Timestamp::from_unix(shared.high_water.load(Ordering::Relaxed));
        let closed = self.control.block_on(async {
            let flushed = cache.flush_touches(now).await.map(|_| ());
            let given = cache.give_back().await;
            let counted = cache.flush_requests().await;
            let noted = cache.store().raise_high_water(high_water).await;
            flushed.and(given).and(counted).and(noted).and(cache.store().close().await)
        });
        self.control.shutdown_timeout(Duration::from_secs(5));
        closed?;
        tracing::info!("tollgate has stopped in order");
        Ok(())
    }

    fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }
}
