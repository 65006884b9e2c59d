//! What a client may do.

use std::time::Duration;

/// Bounds of what a client may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Open client connections, over all cores.
    pub connections: usize,
    /// The same of one address, or of a /64 of IPv6; zero is as many as there are.
    pub connections_per_address: usize,
    /// Requests on one connection; none is as many as come.
    pub requests_per_connection: Option<u64>,
    /// Requests under way on one connection of HTTP/2.
    pub streams: u32,
    /// Streams of such a connection that its client has reset and nobody has looked at yet.
    pub resets: usize,
    /// Frames of such a connection that ask for nothing, in ten seconds, beside those that belong to requests.
    pub frames: u32,
    /// Bytes of a request head.
    pub head_bytes: usize,
    /// Header fields of a request.
    pub headers: usize,
    /// Bytes of a request target.
    pub target_bytes: usize,
    /// How long a handshake of TLS may take.
    pub handshake_timeout: Duration,
    /// How long a client may take to send a request head.
    pub head_timeout: Duration,
    /// How long a connection may lie between two requests.
    pub idle_timeout: Duration,
    /// How long a body may stall, in either direction.
    pub stall_timeout: Duration,
    /// How long everything goes on once the gateway is told to stop, while `/ready` says that it will.
    pub drain_delay: Duration,
    /// How long what is under way may take once the gateway stops.
    pub drain_timeout: Duration,
    /// Bytes a second that the body of a request must bring, seen over `stall_timeout`; zero asks
    /// for none.
    pub body_rate: u64,
    /// What becomes of an address whose authentications fail.
    pub failures: FailureLimits,
}

/// What becomes of an address whose authentications fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailureLimits {
    /// How many in a minute are answered at once; further ones later and later. Zero is all of them.
    pub slow_after: u32,
    /// The longest that an answer is held back.
    pub longest_delay: Duration,
    /// After how many secrets beyond what each minute forgives an address is refused; zero is never.
    pub refuse_after: u32,
    /// For how long it is.
    pub refuse_for: Duration,
}

impl FailureLimits {
    /// Whether nothing becomes of any.
    pub const fn are_off(&self) -> bool {
        self.slow_after == 0 && self.refuse_after == 0
    }
}
