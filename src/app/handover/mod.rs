//! One gateway takes the place of another, and no request is lost: sockets that listen are handed over, the store
//! changes hands, connections move between two requests, and whoever finishes what was under way is told of every
//! change, and what is on record.

mod asking;
mod giving;
mod record;
mod taking;
mod uses;
mod wire;

use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(super) use giving::{Estate, Handing, Heir, Spare, offer};
pub(super) use taking::{Inboxes, Predecessor, Taken, ask};

/// How often a successor says that it still opens the store.
pub(super) const BEAT: Duration = Duration::from_secs(5);

/// Sockets that listen, as they are given away.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    pub(super) public: Vec<TcpListener>,
    pub(super) plain: Vec<TcpListener>,
    pub(super) admin: Vec<TcpListener>,
}

impl Listeners {
    /// All of them once more.
    ///
    /// # Errors
    /// No file is to be had.
    pub(super) fn again(&self) -> io::Result<Self> {
        let again = |those: &[TcpListener]| -> io::Result<Vec<_>> {
            those.iter().map(TcpListener::try_clone).collect()
        };
        let Self { public, plain, admin } = self;
        Ok(Self { public: again(public)?, plain: again(plain)?, admin: again(admin)? })
    }
}

/// Where a successor asks, beside the socket of the command line.
pub(super) fn place(socket: &Path) -> PathBuf {
    socket.with_extension("successor")
}
