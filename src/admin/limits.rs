//! For how long anybody may hold one of the places of an administrative face: each comes back in
//! bounded time unless something moves. And how much they may send.
//!
//! How long an act takes is not limited: a history is verified for as long as it is long.

use std::time::Duration;

/// From the begin of a connection, or from the end of the answer before, to the end of the head of
/// a request: so also how long a connection is kept on which nothing is asked. Less than probes and
/// scrapers usually wait between two requests (10 s, 15 s), for whom it would else be closed just
/// as they ask again.
pub(super) const HEAD: Duration = Duration::from_secs(8);

/// How long a handshake may take still, where everything is about to end.
pub(super) const HANDSHAKE: Duration = Duration::from_secs(1);

/// How long one who has only just come may take to begin to ask, where everything is about to end.
pub(super) const FIRST: Duration = Duration::from_millis(250);

/// How long it may take to see that nobody waits any more in the system's queue.
pub(super) const QUEUE: Duration = Duration::from_millis(20);

/// From the head of a request to the end of its body, however it comes.
pub(super) const BODY: Duration = Duration::from_secs(30);

/// How long nothing at all may be taken of an answer. A backup goes where it is slow, or through a
/// program that asks for a passphrase first; and whoever may ask on the local socket may stop the
/// gateway too.
pub(super) const STALL: Duration = Duration::from_secs(300);

/// How long a connection over TCP takes further requests. A monitor that keeps one is answered also
/// while no file can be opened any more.
pub(super) const REUSED: Duration = Duration::from_secs(30);

/// All of a connection over TCP, which anybody may open and where every answer is short: also one
/// that is read a byte at a time.
pub(super) const WHOLE: Duration = Duration::from_secs(60);

/// The most bytes of a body: all fields at their limits, escaped.
pub(super) const BODY_BYTES: usize = 256 * 1_024;
