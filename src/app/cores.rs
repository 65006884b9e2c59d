//! The threads that serve clients, each with its own listener on the same port.

use std::sync::Arc;
use std::thread::JoinHandle;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use tokio::sync::{mpsc, watch};

use crate::gateway::accept::{self, Door};
use crate::gateway::core::Shared;
use crate::gateway::moving::Phase;
use crate::gateway::serving::Listening;

use super::AppError;
use super::handover::Inboxes;

/// The running threads.
#[derive(Debug)]
pub(super) struct Cores {
    threads: Vec<JoinHandle<usize>>,
}

impl Cores {
    /// Starts a thread for each of these lots of doors. Gives where connections are brought to each; these are without TLS.
    pub(super) fn start(
        doors: Vec<Vec<Door>>,
        h2c: bool,
        shared: &Arc<Shared>,
        phase: &watch::Receiver<Phase>,
    ) -> Result<(Self, Inboxes), AppError> {
        let mut threads = Vec::with_capacity(doors.len());
        let mut inboxes = Vec::with_capacity(doors.len());
        for (index, doors) in doors.into_iter().enumerate() {
            let (shared, phase) = (Arc::clone(shared), phase.clone());
            let (inbox, coming) = mpsc::unbounded_channel();
            inboxes.push(inbox);
            let first = first_request(index);
            let thread = std::thread::Builder::new().name(format!("tollgate-core-{index}")).spawn(
                move || {
                    let moved = (coming, Listening { h2c, tls: false });
                    accept::serve_core(index, shared, doors, moved, phase, first).unwrap_or_else(
                        |error| {
                            tracing::error!(core = index, %error, "a core cannot serve clients");
                            0
                        },
                    )
                },
            );
            threads.push(
                thread.map_err(|source| AppError::System { doing: "starting a core", source })?,
            );
        }
        Ok((Self { threads }, inboxes))
    }

    /// Waits until every core has finished. Gives how many connections had to be cut.
    pub(super) fn join(self) -> usize {
        let mut cut = 0;
        for thread in self.threads {
            match thread.join() {
                Ok(left) => cut += left,
                Err(_) => tracing::error!("a core ended in a panic"),
            }
        }
        cut
    }
}

/// Where a core begins to number requests: at random, and apart from the other cores, so that
/// numbers of different runs are not taken for one another.
fn first_request(core: usize) -> u64 {
    let mut random = [0; 8];
    // Numbers that begin at zero are still told apart within this run.
    let _ = SystemRandom::new().fill(&mut random);
    u64::from_le_bytes(random).rotate_left(8).wrapping_add((core as u64) << 40)
}
