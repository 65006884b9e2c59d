//! The threads that serve clients, each with its own listener on the same port.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use tokio::sync::watch;

use crate::config::Settings;
use crate::gateway::accept::{self, Listening};
use crate::gateway::core::Shared;

use super::{AppError, DRAIN};

/// The running threads.
#[derive(Debug)]
pub(super) struct Cores {
    address: SocketAddr,
    threads: Vec<JoinHandle<()>>,
}

impl Cores {
    /// Listens, and starts a thread for each core. All listeners stand before the first thread runs.
    pub(super) fn start(
        settings: &Settings,
        shared: &Arc<Shared>,
        stop: &watch::Receiver<bool>,
    ) -> Result<Self, AppError> {
        let (address, listeners) = listen(settings)?;
        let listening = Listening {
            h2c: settings.listen.h2c,
            connections: settings.limits.connections,
            head_bytes: settings.limits.head_bytes,
            headers: settings.limits.headers,
            drain: DRAIN,
        };
        let mut threads = Vec::with_capacity(listeners.len());
        for (index, listener) in listeners.into_iter().enumerate() {
            let (shared, stop) = (Arc::clone(shared), stop.clone());
            let first = first_request(index);
            let thread = std::thread::Builder::new().name(format!("tollgate-core-{index}")).spawn(
                move || {
                    let served =
                        accept::serve_core(index, shared, listener, listening, stop, first);
                    if let Err(error) = served {
                        tracing::error!(core = index, %error, "a core cannot serve clients");
                    }
                },
            );
            threads.push(
                thread.map_err(|source| AppError::System { doing: "starting a core", source })?,
            );
        }
        Ok(Self { address, threads })
    }

    /// Where clients come in.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until every core has finished.
    pub(super) fn join(self) {
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a core ended in a panic");
            }
        }
    }
}

fn listen(settings: &Settings) -> Result<(SocketAddr, Vec<TcpListener>), AppError> {
    let key = "listen.public";
    let asked = settings.listen.public;
    let failed = |source| AppError::Listen { key, address: asked, source };
    let first = accept::listen(asked).map_err(failed)?;
    // With port 0 the system has chosen one, which the others share.
    let address = first.local_addr().map_err(failed)?;
    let mut listeners = vec![first];
    for _ in 1..settings.listen.cores {
        listeners.push(accept::listen(address).map_err(failed)?);
    }
    Ok((address, listeners))
}

/// Where a core begins to number requests: at random, and apart from the other cores, so that numbers
/// of different runs are not taken for one another.
fn first_request(core: usize) -> u64 {
    let mut random = [0; 8];
    // Numbers that begin at zero are still told apart within this run.
    let _ = SystemRandom::new().fill(&mut random);
    u64::from_le_bytes(random).rotate_left(8).wrapping_add((core as u64) << 40)
}
