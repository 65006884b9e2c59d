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
                word(error).is_none_or(h2::Error::is_io) || self.is_of_clients()
            }
            Self::Malformed(_) => false,
        }
    }

    /// Whether the library has ended the session since too much lies unread there, or came of exchanges that were given up, which
    /// is the fault of those who do not read. It ends sessions in the same way for heads without an end, and tells which it was
    /// in words alone.
    pub(in crate::gateway) fn is_of_clients(&self) -> bool {
        let Self::Session(error) = self else { return false };
        word(error).is_some_and(|word| {
            word.is_library()
                && word.reason() == Some(h2::Reason::ENHANCE_YOUR_CALM)
                && UNREAD.iter().any(|unread| word.to_string().contains(unread))
        })
    }
}

/// What the library says then.
const UNREAD: [&str; 2] = ["too_many_data_frames", "too_many_internal_resets"];

/// What HTTP/2 says of an error.
pub(super) fn word(error: &hyper::Error) -> Option<&h2::Error> {
    error.source().and_then(|source| source.downcast_ref())
}
