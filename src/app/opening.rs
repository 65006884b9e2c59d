//! A gateway that is about to run: its port is taken and its health is answered before its store is
//! open, which can take minutes where an index must be rebuilt.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use arc_swap::ArcSwap;
use sd_notify::NotifyState;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::admin::system::ServerStatus;
use crate::admin::{Handles, socket};
use crate::cache::Cache;
use crate::clock::{self, Clock};
use crate::config::settings::Listen;
use crate::config::{Settings, Source};
use crate::gateway::accept::Door;
use crate::gateway::core::Shared;
use crate::gateway::descriptors::Descriptors;
use crate::gateway::moving::Phase;
use crate::gateway::snapshot::Snapshot;
use crate::gateway::targets::Targets;
use crate::gateway::{handed, health};
use crate::notices::{Notices, Prepared};
use crate::service::Service;
use crate::store::{self, Store, sealed};
use crate::telemetry::counters::Counters;
use crate::telemetry::logs::Logs;
use crate::web::People;

use super::cores::Cores;
use super::doors::Doors;
use super::faces::{self, Faces};
use super::handover::{self, Heir, Listeners, Predecessor, Taken};
use super::standing::Standing;
use super::wall::WallClock;
use super::{AppError, Reloader, Running, Sockets, files, reload, scrub, upkeep, watched};

/// Threads of the control path. The store and the faces need little; what they must not do is wait
/// for one another.
const CONTROL_THREADS: usize = 2;

/// What there is before the store is open.
#[derive(Debug)]
pub(super) struct Opening {
    control: Runtime,
    doors: Doors,
    taken: Taken,
    faces: Faces,
    standing: Arc<Standing>,
    settings: Arc<ArcSwap<Settings>>,
    source: Option<Source>,
    clock: Clock,
    logs: Option<Logs>,
    descriptors: Descriptors,
    webhooks: Prepared,
    begun: Instant,
}

impl Opening {
    /// Takes the public port, which refuses connections until the store is open, and answers
    /// whether the process lives.
    pub(super) fn begin(
        sockets: Sockets,
        settings: Settings,
        source: Option<Source>,
        (clock, logs): (Clock, Option<Logs>),
    ) -> Result<Self, AppError> {
        sealed::check_key(&settings)?;
        let webhooks = Prepared::new(&settings).map_err(|error| AppError::Webhooks {
            report: error.report(source.as_ref()).map(Box::new),
            error,
        })?;
        let (control, begun, listen) = (control()?, clock::instant(), settings.listen.clone());
        let place = handover::place(&listen.socket);
        let mut taken = match sockets {
            Sockets::New => Taken::default(),
            Sockets::Given(given) => Taken::given(given, &listen),
            Sockets::Back(back) => back.0,
            Sockets::TakenOver => handover::ask(&place)?.unwrap_or_else(|| {
                tracing::info!("no gateway runs here whose place could be taken");
                Taken::default()
            }),
        };
        let doors = Doors::take(&listen, &mut taken.sockets)?;
        let admin = faces::port(&listen, &mut taken.sockets)?;
        // From here on nothing may fail that could have failed before.
        taken.wait_for_store().map_err(|source| AppError::HandOver { path: place, source })?;
        let standing = Arc::new(Standing::default());
        let descriptors = Descriptors::share_out(files::raise(), listen.cores, doors.count());
        files::tell(&descriptors, &settings.limits);
        reload::tell_if_closed(&settings, source.is_some());
        let settings = Arc::new(ArcSwap::from_pointee(settings));
        let faces = Faces::begin(&control, &settings, descriptors.face(), &standing, admin)?;
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            pid = std::process::id(),
            config = source.as_ref().map(|source| source.path.display().to_string()),
            data = %settings.load().store.path.display(),
            public = %doors.public(),
            plain = doors.plain().map(|plain| plain.to_string()),
            admin = %faces.admin(),
            socket = %listen.socket.display(),
            "tollgate starts"
        );
        Ok(Self {
            control,
            doors,
            taken,
            faces,
            standing,
            settings,
            source,
            clock,
            logs,
            descriptors,
            webhooks,
            begun,
        })
    }

    /// Opens the store.
    pub(super) fn store(&mut self) -> Result<Arc<dyn Store>, AppError> {
        let (settings, held) = (self.settings.load(), self.taken.lock.take());
        let mut opened = pin!(store::open_held(&settings.store, self.clock.clone(), held));
        Ok(self.control.block_on(async {
            loop {
                match tokio::time::timeout(handover::BEAT, &mut opened).await {
                    Ok(opened) => return opened,
                    Err(_) => self.taken.opens(),
                }
            }
        })?)
    }

    /// Decides requests over an open store.
    pub(super) fn serve(self, store: Arc<dyn Store>) -> Result<Running, AppError> {
        let (shared, targets) = self.share(store)?;
        let Self {
            control, doors, taken, mut faces, standing, settings, source, clock, logs, ..
        } = self;
        let webhooks = self.webhooks;
        let service = Service::new(Arc::clone(&shared.cache), Arc::clone(&settings), clock);
        let service = Arc::new(service);
        let now = settings.load_full();
        let socket = faces::local(&control, &now.listen)?;
        let public = (doors.public(), doors.plain());
        let (phase, phases) = watch::channel(Phase::Serves);
        let doors = doors.open(&now.listen)?;
        let offered = Arc::new(copied(&doors, &faces)?);
        let (cores, inboxes) = Cores::start(doors, now.listen.h2c, &shared, &phases)?;
        let mut predecessor = taken.go_on(&shared.cache, inboxes);
        let offer = offer(&control, &now.listen, Arc::clone(&offered))?;
        let notices = Notices::open(Arc::clone(&service), &now.store.path, webhooks);
        control.block_on(notices.begin());
        let people = Arc::<People>::default();
        let reloader = Arc::new(Reloader::new(
            source,
            settings,
            Arc::clone(&shared),
            (targets, Arc::clone(&notices), Arc::clone(&people)),
            logs.clone(),
        ));
        let checked = Arc::<scrub::Checked>::default();
        let metrics = watched::metrics((&shared, &reloader, &checked, &notices), logs.as_ref());
        standing.opened(Arc::clone(&shared), metrics);
        let reloads = Arc::clone(&reloader);
        let handles = Handles {
            service: Arc::clone(&service),
            reload: Some(Arc::new(move || reloads.reload())),
            server: Some(ServerStatus {
                pid: std::process::id(),
                started_at: service.now(),
                public: public.0,
                plain: public.1,
                admin: faces.admin(),
                config: reloader.source().cloned(),
            }),
            shared: Some(Arc::clone(&shared)),
            notices: Some(Arc::clone(&notices)),
            people: Arc::clone(&people),
        };
        faces.add(&control, socket, handles);
        let kept = (Arc::clone(&shared), people, Arc::clone(&reloader));
        go_on_beside(&control, &mut faces, &service, kept, (notices, checked));
        tracing::info!(public = %public.0, opening_ms = ms_since(self.begun), "requests are decided");
        tell_manager();
        // Only now may the gateway before end: the manager would take that for the end of all.
        let _ = predecessor.as_mut().map(Predecessor::is_served);
        Ok(Running {
            public,
            service,
            shared,
            cores,
            phase,
            control,
            reloader,
            faces,
            standing,
            listening: offered,
            logs,
            offer,
            predecessor,
        })
    }

    /// What all cores share, over an open store.
    fn share(&self, store: Arc<dyn Store>) -> Result<(Arc<Shared>, Arc<Targets>), AppError> {
        let Self { control, clock, logs, descriptors, .. } = self;
        let settings = self.settings.load();
        let high_water = control.block_on(store.high_water())?;
        let cache = Cache::new(store, settings.cache.clone(), control.handle().clone());
        let counters = Counters::new(settings.listen.cores);
        let targets = Arc::new(Targets::default());
        let snapshot = Snapshot::new(&settings, &counters, &targets, 0);
        let (ago, stood) = self.taken.handed();
        handed::take(&snapshot, stood, ago);
        let shared = Shared {
            clock: clock.clone(),
            high_water: AtomicU64::new(high_water.unix()),
            descriptors: descriptors.clone(),
            access: logs.as_ref().map(|logs| logs.access().clone()).unwrap_or_default(),
            ..Shared::new(cache, snapshot, counters)
        };
        Ok((Arc::new(shared), targets))
    }
}

/// Tells the manager of services that this process serves, which may be another one than it started.
fn tell_manager() {
    let running = [NotifyState::MainPid(std::process::id()), NotifyState::Ready];
    if let Err(error) = sd_notify::notify(&running) {
        tracing::warn!(%error, "the manager of services cannot be told that the gateway runs");
    }
}

/// Starts what goes on beside the requests.
fn go_on_beside(
    control: &Runtime,
    faces: &mut Faces,
    service: &Arc<Service>,
    kept: (Arc<Shared>, Arc<People>, Arc<Reloader>),
    (notices, checked): (Arc<Notices>, Arc<scrub::Checked>),
) {
    let shared = Arc::clone(&kept.0);
    let wall = WallClock::trust(&shared.clock);
    let upkeep = upkeep::run(Arc::clone(service), kept, wall, faces.closed());
    faces.beside(control.spawn(upkeep));
    faces.beside(control.spawn(notices.run(faces.closed())));
    let store = Arc::clone(shared.cache.store());
    faces.beside(control.spawn(health::run(shared, faces.closed())));
    faces.beside(control.spawn(scrub::run(store, checked, faces.closed())));
}

fn ms_since(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// All sockets once more, for a successor.
fn copied(doors: &[Vec<Door>], faces: &Faces) -> Result<Listeners, AppError> {
    let copies = |tls: bool| {
        let those = doors.iter().flatten().filter(move |door| door.listening.tls == tls);
        those.map(|door| door.listener.try_clone()).collect::<std::io::Result<Vec<_>>>()
    };
    let all = copies(true).and_then(|public| {
        Ok(Listeners { public, plain: copies(false)?, admin: faces.listening()? })
    });
    all.map_err(|source| AppError::System { doing: "copying a socket", source })
}

/// Waits for successors beside the local socket.
fn offer(
    control: &Runtime,
    listen: &Listen,
    offered: Arc<Listeners>,
) -> Result<(JoinHandle<()>, mpsc::Receiver<Heir>), AppError> {
    let _inside = control.enter();
    let socket = socket::bind(&handover::place(&listen.socket))?;
    let (heirs, ready) = mpsc::channel(1);
    Ok((control.spawn(handover::offer(socket, offered, heirs)), ready))
}

fn control() -> Result<Runtime, AppError> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(CONTROL_THREADS)
        .thread_name("tollgate-control")
        .enable_all()
        .build()
        .map_err(|source| AppError::System { doing: "starting the control runtime", source })
}
