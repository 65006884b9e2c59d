//! The parts that the body of an answer comes in, and the bounds of what is no body.

use bytes::{Buf, Bytes};
use http::header::HeaderMap;

/// Fields of an answer's head, and of its trailers. nginx counts none and takes a head of 4 KiB; so
/// many fit into that only if they are 8 bytes long.
pub(super) const FIELDS_MAX: usize = 500;

/// Bytes of an answer's head, and of its trailers. Envoy takes 60 KiB, nginx 4 or 8.
pub(super) const HEAD_BYTES_MAX: usize = 64 << 10;

/// What the next bytes of a body are.
#[derive(Debug)]
pub(super) enum Part {
    Data(Bytes),
    Trailers(HeaderMap),
    /// Nothing of the body follows.
    End,
    /// More has to be read to tell.
    More,
}

/// As much of what was read as there is, and not more than `most`.
pub(super) fn take(unread: &mut Bytes, most: u64) -> Bytes {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    unread.split_to(most.min(unread.remaining()))
}
