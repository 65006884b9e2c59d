//! The administrative faces of a running gateway: metrics and health on TCP, which are there from
//! the first moment to the last, and the local socket, which is there while the store is open.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::admin::public::{self, Desk, Watch};
use crate::admin::serving::Secure;
use crate::admin::socket::{self, LocalSocket};
use crate::admin::{Handles, api};
use crate::clock;
use crate::config::Settings;
use crate::config::settings::Listen;
use crate::gateway::port::Port;

use super::AppError;
use super::handover::Listeners;
use super::standing::Standing;

const ADMIN: &str = "listen.admin";

/// How long answers under way on these faces may take once the gateway has drained.
const PATIENCE: Duration = Duration::from_secs(5);

/// The faces that are served. They end when told to, or with the runtime.
#[derive(Debug)]
pub(super) struct Faces {
    admin: SocketAddr,
    /// What is listened with there.
    listening: Vec<std::net::TcpListener>,
    /// Connections to each of them.
    most: usize,
    tasks: Vec<JoinHandle<()>>,
    close: watch::Sender<bool>,
    /// What is served over TCP beside metrics and health.
    desk: Desk,
}

impl Faces {
    /// Serves metrics and health on `most` connections at a time, before there is anything else.
    pub(super) fn begin(
        control: &Runtime,
        settings: &Arc<ArcSwap<Settings>>,
        most: usize,
        standing: &Arc<Standing>,
        port: Port,
    ) -> Result<Self, AppError> {
        let (listen, tls) = (settings.load().listen.clone(), secure(settings));
        let address = listen.admin;
        let failed = |source| AppError::Listen { key: ADMIN, address, source };
        let admin = port.address();
        let listening: Vec<_> = port.listen(1).map_err(failed)?.into_iter().flatten().collect();
        let desk = Desk::default();
        let watch = {
            let (metrics, ready) = (Arc::clone(standing), Arc::clone(standing));
            Watch {
                metrics: Arc::new(move || metrics.metrics()),
                ready: Arc::new(move || ready.readiness()),
                hosts: Arc::from(listen.admin_hosts),
                tls,
                settings: {
                    let settings = Arc::clone(settings);
                    Arc::new(move || settings.load_full())
                },
                desk: Arc::clone(&desk),
            }
        };
        let (close, closed) = watch::channel(false);
        let _inside = control.enter();
        let mut tasks = Vec::with_capacity(listening.len());
        for listener in &listening {
            let tcp = listener.try_clone().and_then(TcpListener::from_std).map_err(failed)?;
            tasks.push(control.spawn(public::serve(
                tcp,
                most,
                watch.clone(),
                until(closed.clone()),
            )));
        }
        Ok(Self { admin, listening, most, tasks, close, desk })
    }

    /// Where metrics and health are answered.
    pub(super) const fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// The sockets that listen there, for a successor.
    pub(super) fn listening(&self) -> io::Result<Vec<std::net::TcpListener>> {
        self.listening.iter().map(std::net::TcpListener::try_clone).collect()
    }

    /// Tells when they are closed, for what goes on beside them.
    pub(super) fn closed(&self) -> watch::Receiver<bool> {
        self.close.subscribe()
    }

    /// Serves the local socket too, and over TCP what people and programs administrate by.
    pub(super) fn add(&mut self, control: &Runtime, socket: LocalSocket, handles: Handles) {
        let handles = Arc::new(handles);
        // Set once, here.
        let _ = self.desk.set(api::over_tcp(Arc::clone(&handles)));
        let (router, closed) = (api::router(handles), until(self.closed()));
        self.tasks.push(control.spawn(socket.serve(router, self.most, closed)));
    }

    /// Keeps `task` until the faces are closed.
    pub(super) fn beside(&mut self, task: JoinHandle<()>) {
        self.tasks.push(task);
    }

    /// Gives the answers that are under way, and takes no further questions. All of them together have [`PATIENCE`]: somebody
    /// may have sent half a question.
    pub(super) async fn close(self) {
        let _ = self.close.send(true);
        let until = clock::instant() + PATIENCE;
        for task in self.tasks {
            let given_up = task.abort_handle();
            if tokio::time::timeout_at(until.into(), task).await.is_err() {
                given_up.abort();
                tracing::warn!("an administrative act is given up");
            }
        }
    }
}

/// Takes the administrative port, with the sockets of whoever listened there before.
///
/// # Errors
/// Somebody else has it, or it may not be taken.
pub(super) fn port(listen: &Listen, given: &mut Listeners) -> Result<Port, AppError> {
    let address = listen.admin;
    let taken = Port::take_with(address, std::mem::take(&mut given.admin));
    taken.map_err(|source| AppError::Listen { key: ADMIN, address, source })
}

/// Where the administrative address speaks TLS, what handshakes are made with: asked anew for each.
fn secure(settings: &Arc<ArcSwap<Settings>>) -> Option<Secure> {
    settings.load().tls.as_ref().filter(|tls| tls.admin)?;
    let settings = Arc::clone(settings);
    Some(Arc::new(move || {
        let tls = settings.load();
        tls.tls.as_ref().map(|tls| Arc::clone(tls.server.desk()))
    }))
}

/// Makes the local socket, so that one that is taken is known before anything runs.
pub(super) fn local(control: &Runtime, listen: &Listen) -> Result<LocalSocket, AppError> {
    let _inside = control.enter();
    Ok(socket::bind(&listen.socket)?)
}

async fn until(mut closed: watch::Receiver<bool>) {
    // An error means that the gateway itself is gone.
    let _ = closed.wait_for(|closed| *closed).await;
}
