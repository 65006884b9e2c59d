//! Builds, starts, reloads and drains a gateway: the one place that knows all rooms.
//!
//! The data path (one thread for each core) and the control path (a small runtime for the store, the
//! administrative faces and the upkeep) share records and counters, and nothing else.

mod cores;
mod error;
mod faces;
mod reload;
mod upkeep;
mod wall;
mod watched;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::cache::Cache;
use crate::clock::Clock;
use crate::config::{Settings, Source};
use crate::domain::time::Timestamp;
use crate::gateway::core::Shared;
use crate::gateway::snapshot::Snapshot;
use crate::gateway::targets::Targets;
use crate::service::Service;
use crate::store::{self, Store, sealed};
use crate::telemetry::counters::Counters;
use crate::telemetry::logs::Logs;

pub use error::AppError;
pub use reload::Reloader;
pub use watched::start_logs;

use cores::Cores;

/// Threads of the control path. The store and the faces need little; what they must not do is wait for
/// one another.
const CONTROL_THREADS: usize = 2;

/// How long what is under way may take once the gateway is told to stop.
const DRAIN: Duration = Duration::from_secs(30);

/// A gateway that runs. Dropping it without [`Running::stop`] cuts its connections.
#[derive(Debug)]
pub struct Running {
    public: SocketAddr,
    admin: SocketAddr,
    service: Arc<Service>,
    shared: Arc<Shared>,
    cores: Cores,
    stop: watch::Sender<bool>,
    control: Runtime,
    reloader: Arc<Reloader>,
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
    let control = control()?;
    let store = control.block_on(store::open(&settings.store, clock.clone()))?;
    build(control, store, settings, source, (clock, logs))
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
    build(control()?, store, settings, source, (clock, logs))
}

fn control() -> Result<Runtime, AppError> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(CONTROL_THREADS)
        .thread_name("tollgate-control")
        .enable_all()
        .build()
        .map_err(|source| AppError::System { doing: "starting the control runtime", source })
}

fn build(
    control: Runtime,
    store: Arc<dyn Store>,
    settings: Settings,
    source: Option<Source>,
    (clock, logs): (Clock, Option<Logs>),
) -> Result<Running, AppError> {
    sealed::check_key(&settings)?;
    let high_water = control.block_on(store.high_water())?;
    let cache = Cache::new(store, settings.cache.clone(), control.handle().clone());
    let counters = Counters::new(settings.listen.cores);
    let targets = Arc::new(Targets::default());
    let snapshot = Snapshot::new(&settings, &counters, &targets, 0);
    let shared = Arc::new(Shared {
        cache: Arc::clone(&cache),
        snapshot: ArcSwap::new(snapshot),
        clock: clock.clone(),
        high_water: AtomicU64::new(high_water.unix()),
        operator_word: AtomicU64::new(0),
        counters,
        connections: Default::default(),
        access: logs.as_ref().map(|logs| logs.access().clone()).unwrap_or_default(),
        warnings: Default::default(),
        wall: Default::default(),
    });
    let settings = Arc::new(ArcSwap::from_pointee(settings));
    let service = Arc::new(Service::new(cache, Arc::clone(&settings), clock));
    let (stop, stopped) = watch::channel(false);

    let listen = settings.load().listen.clone();
    let faces = faces::bind(&control, &listen)?;
    let cores = Cores::start(&settings.load(), &shared, &stopped)?;
    let reloader =
        Arc::new(Reloader::new(source, settings, Arc::clone(&shared), targets, logs.clone()));
    let metrics = watched::metrics(&shared, &reloader, logs.as_ref());
    let addresses = (cores.address(), faces.admin());
    faces.serve(&control, (&service, &shared), metrics, &reloader, addresses, &stopped);
    control.spawn(upkeep::run(Arc::clone(&service), Arc::clone(&shared), stopped.clone()));
    let (public, admin) = addresses;
    Ok(Running { public, admin, service, shared, cores, stop, control, reloader })
}

impl Running {
    /// Where clients come in.
    pub const fn public(&self) -> SocketAddr {
        self.public
    }

    /// Where metrics and health are answered.
    pub const fn admin(&self) -> SocketAddr {
        self.admin
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

    /// Runs until the process is told to stop (SIGTERM, SIGINT), and takes new settings at SIGHUP and
    /// when the file changes. Then stops.
    ///
    /// # Errors
    /// As [`Running::stop`].
    pub fn run(self) -> Result<(), AppError> {
        let watch = reload::watch(&self.reloader);
        let told = self.control.block_on(reload::until_told(&self.reloader));
        drop(watch);
        told.map_err(|source| AppError::System { doing: "waiting for signals", source })?;
        self.stop()
    }

    /// Takes no new connection, finishes what is under way, writes everything down and closes the store.
    ///
    /// # Errors
    /// A store that could not be closed in order; its history holds everything that was acknowledged.
    pub fn stop(self) -> Result<(), AppError> {
        let _ = self.stop.send(true);
        self.cores.join();
        let (cache, now) = (&self.shared.cache, self.shared.clock.now());
        let high_water = Timestamp::from_unix(self.shared.high_water.load(Ordering::Relaxed));
        let closed = self.control.block_on(async {
            let flushed = cache.flush_touches(now).await.map(|_| ());
            let noted = cache.store().raise_high_water(high_water).await;
            flushed.and(noted).and(cache.store().close().await)
        });
        self.control.shutdown_timeout(Duration::from_secs(5));
        Ok(closed?)
    }
}
