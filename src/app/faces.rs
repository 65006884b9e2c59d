//! The administrative faces of a running gateway: the local socket, and metrics and health on TCP.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::admin::public::{self, Metrics, Watch};
use crate::admin::socket::{self, LocalSocket};
use crate::admin::system::ServerStatus;
use crate::admin::{Handles, api};
use crate::config::settings::Listen;
use crate::gateway::core::Shared;
use crate::service::Service;

use super::{AppError, Reloader, watched};

/// Both listeners, bound and not yet served.
pub(super) struct Faces {
    socket: LocalSocket,
    tcp: TcpListener,
    admin: SocketAddr,
}

/// Binds both, so that a taken address is known before anything runs.
pub(super) fn bind(control: &Runtime, listen: &Listen) -> Result<Faces, AppError> {
    let address = listen.admin;
    let failed = |source| AppError::Listen { key: "listen.admin", address, source };
    control.block_on(async {
        let tcp = TcpListener::bind(address).await.map_err(failed)?;
        let admin = tcp.local_addr().map_err(failed)?;
        let socket = socket::bind(&listen.socket)?;
        Ok(Faces { socket, tcp, admin })
    })
}

impl Faces {
    /// Where metrics and health are answered.
    pub(super) const fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// Serves both until `stop`.
    pub(super) fn serve(
        self,
        control: &Runtime,
        (service, shared): (&Arc<Service>, &Arc<Shared>),
        metrics: Metrics,
        reloader: &Arc<Reloader>,
        (public, admin): (SocketAddr, SocketAddr),
        stop: &watch::Receiver<bool>,
    ) {
        let server = ServerStatus {
            pid: std::process::id(),
            started_at: service.now(),
            public,
            admin,
            config: reloader.source().cloned(),
        };
        let handles = Handles {
            service: Arc::clone(service),
            reload: Some({
                let reloader = Arc::clone(reloader);
                Arc::new(move || reloader.reload())
            }),
            server: Some(server),
            shared: Some(Arc::clone(shared)),
        };
        let router = api::router(Arc::new(handles));
        let ready = {
            let shared = Arc::clone(shared);
            Arc::new(move || watched::readiness(&shared))
        };
        let watch = Watch { metrics, ready, hosts: Arc::from(Vec::new()) };
        let (on_socket, on_tcp) = (until(stop.clone()), until(stop.clone()));
        control.spawn(async move {
            if let Err(error) = self.socket.serve(router, on_socket).await {
                tracing::error!(%error, "the local socket is closed");
            }
        });
        control.spawn(async move {
            if let Err(error) = public::serve(self.tcp, watch, on_tcp).await {
                tracing::error!(%error, "the administrative address is closed");
            }
        });
    }
}

async fn until(mut stop: watch::Receiver<bool>) {
    // An error means that the gateway itself is gone.
    let _ = stop.wait_for(|stop| *stop).await;
}
