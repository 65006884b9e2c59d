//! How an upstream fails to answer.

use std::io;

/// Why there is no answer, or no more of it.
#[derive(Debug, thiserror::Error)]
pub(in crate::gateway) enum Broken {
    /// The connection broke.
    #[error(transparent)]
    Socket(#[from] io::Error),
    /// It ended too soon.
    #[error("it closed the connection before its answer was complete")]
    Closed,
    /// A session of HTTP/2 ended, or the exchange on it was given up by the other side.
    #[error("its session of HTTP/2: {0}")]
    Session(hyper::Error),
    /// What came is no answer that can be passed on.
    #[error("its answer is malformed: {0}")]
    Malformed(&'static str),
}

impl Broken {
    /// Whether the connection broke, whatever came on it before.
    pub(in crate::gateway) const fn is_of_connection(&self) -> bool {
        matches!(self, Self::Socket(_) | Self::Closed)
    }
}
