//! What can keep a gateway from starting or from stopping in order.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::admin::socket::SocketError;
use crate::config::Report;
use crate::notices;
use crate::store::StoreError;
use crate::store::sealed::KeyError;

/// Why a gateway did not start, or did not stop in order.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// An address that cannot be listened at.
    #[error("cannot listen on `{address}` ({key}): {source}")]
    Listen {
        /// The key of the configuration that names it.
        key: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system reports.
        source: io::Error,
    },
    /// Secret parameters, and no key for them.
    #[error("secret parameters cannot be kept: {0}")]
    MasterKey(#[from] KeyError),
    /// Webhooks that could not be called.
    #[error("{error}")]
    Webhooks {
        /// Why not.
        error: notices::SetupError,
        /// The same at its place in the file, where there is one.
        report: Option<Box<Report>>,
    },
    /// The local socket.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A gateway that runs and does not give up its place.
    #[error("the gateway that listens on `{path}` does not give up its place: {source}")]
    HandOver {
        /// Where successors ask.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// Something else that the system refused.
    #[error("{doing} failed: {source}")]
    System {
        /// What was being done.
        doing: &'static str,
        /// What the system reports.
        source: io::Error,
    },
}
