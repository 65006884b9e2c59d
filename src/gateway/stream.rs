//! A stream of HTTP/2 and its time limit.
//!
//! hyper does not ask an answer for more while its client leaves no room for it (RFC 9113 section
//! 5.2), so that the answer cannot watch over its client: nothing polls it. An alarm is therefore
//! set when a part of the answer is handed over, and cleared when the next one is asked for. If it
//! rings, `spawned`, which moves the stream along, drops it: that resets it and lets its upstream go.
//! Other streams of the connection go on.

use std::task::Context;
use std::time::Duration;

use super::alarm::Alarm;
use super::watch::Watch;

/// What goes to HTTP/2 at once: the payload of its usual frame (RFC 9113 section 4.2). Of a larger
/// part a slow client could not take all within its time.
pub(super) const PIECE_BYTES: usize = 16 << 10;

/// A stream, with its time limit.
#[derive(Debug)]
pub(super) struct Stream {
    alarm: Alarm,
    watch: Watch,
    stall_timeout: Duration,
}

impl Stream {
    pub(super) fn new(alarm: Alarm, stall_timeout: Duration) -> Self {
        Self { alarm, watch: Watch::default(), stall_timeout }
    }

    /// The watch over its exchange, and what wakes whoever keeps it.
    pub(super) const fn watched(&self) -> (&Watch, &Alarm) {
        (&self.watch, &self.alarm)
    }

    /// Whether its exchange has outlived its token, and did not end by itself.
    pub(super) fn is_cut(&self, context: &mut Context<'_>) -> bool {
        self.alarm.wake_me(context);
        self.watch.is_cut(&self.alarm, context)
    }

    /// Whether the client left the answer unread for too long.
    pub(super) fn is_stalled(&self) -> bool {
        self.alarm.take_rung()
    }

    /// A part of a conversation was taken, or waits for room.
    pub(super) fn passes(&self, taken: bool) {
        if taken {
            self.alarm.clear();
        } else {
            self.alarm.arm(self.stall_timeout);
        }
    }

    /// Whoever spoke on it is gone: what was said goes out as long as there is room in time, or not at all.
    pub(super) fn is_left(&self, goes_out: bool) {
        if goes_out {
            self.alarm.set(self.stall_timeout);
        } else {
            self.alarm.ring();
        }
    }

    /// The next part of the answer is asked for.
    pub(super) fn asked(&self) {
        self.alarm.clear();
    }

    /// A part of the answer was handed over; the next one will be asked for when the client has
    /// room.
    pub(super) fn handed_over(&self, context: &Context<'_>) {
        self.alarm.set(self.stall_timeout);
        self.alarm.wake_me(context);
    }
}
