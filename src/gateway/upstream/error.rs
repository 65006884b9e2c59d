//! How an upstream fails to answer.

use std::error::Error as _;
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
    pub(in crate::gateway) fn is_of_connection(&self) -> bool {
        match self {
            Self::Socket(_) | Self::Closed => true,
            // A word of the other side is about this exchange, and one of the library about what came.
            Self::Session(error) => {
                let word = error.source().and_then(|source| source.downcast_ref::<h2::Error>());
                word.is_none_or(h2::Error::is_io)
            }
            Self::Malformed(_) => false,
        }
    }
}
