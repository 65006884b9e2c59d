//! How connections of clients end, and what is told of it.

use std::error::Error as _;

use super::client::Client;
use super::unparsed;

/// How a connection ended.
pub(super) enum Ended {
    ByItself(hyper::Result<()>),
    /// Its time was over.
    Late,
    /// The client closed it before it had its answer.
    Left,
    /// Another process goes on with it.
    Moved,
    /// The token ended by which something was under way.
    Over,
    /// The client made more requests than it may, although it was told.
    Regardless,
    /// It is not over, but nothing moves.
    Rests,
}

/// Counts and tells it.
pub(super) fn note_end(client: &Client, ended: Ended) {
    match ended {
        Ended::ByItself(Ok(())) | Ended::Moved | Ended::Rests => {}
        Ended::Late => tracing::debug!(peer = %client.peer(), "a client took too long"),
        Ended::Over => {
            tracing::debug!(peer = %client.peer(), "a connection was cut, since its token ended");
        }
        Ended::Left => tracing::debug!(peer = %client.peer(), "a client left before its answer"),
        Ended::Regardless => {
            tracing::debug!(peer = %client.peer(), "a client went on behind a GOAWAY");
        }
        Ended::ByItself(Err(error)) => {
            if error.is_parse() {
                unparsed::note(client, error.is_parse_too_large());
            }
            // What was told to end is counted already.
            if is_flood(&error) && !client.requests().are_a_flood() {
                client.core().counters.request_floods.add(1);
            }
            tracing::debug!(peer = %client.peer(), %error, "a client's connection ended");
        }
    }
}

/// Whether HTTP/2 was ended since its client resets, or makes us reset, more streams than it may, or sends heads or bodies
/// without an end (RFC 9113 section 10.5).
fn is_flood(error: &hyper::Error) -> bool {
    let word = error.source().and_then(|source| source.downcast_ref::<h2::Error>());
    word.is_some_and(|word| {
        word.is_library() && word.reason() == Some(h2::Reason::ENHANCE_YOUR_CALM)
    })
}
