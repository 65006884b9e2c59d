//! How many requests a connection brings, and how many it may.

use std::cell::Cell;

/// Requests of one connection.
#[derive(Debug)]
pub(in crate::gateway) struct Requests {
    made: Cell<u64>,
    /// [`u64::MAX`] is as many as come.
    most: u64,
    /// How many a client of HTTP/2 may still make in good faith that is told to make no more. It has as many under way as it may
    /// have streams, gets to hear of it behind their answers, and may open as many others until then; what was accepted
    /// before it could be told is no more than that either.
    on_the_way: u64,
}

impl Requests {
    /// On a connection that may have so many `streams`.
    pub(super) fn new(most: Option<u64>, streams: u32) -> Self {
        let (most, on_the_way) = (most.unwrap_or(u64::MAX), 4 * u64::from(streams));
        Self { made: Cell::new(0), most, on_the_way }
    }

    /// One more is made; true if it is the last that may be.
    pub(super) fn make(&self) -> bool {
        let made = self.made.get() + 1;
        self.made.set(made);
        made == self.most
    }

    /// Whether all were made that may be.
    pub(in crate::gateway) const fn are_made(&self) -> bool {
        self.made.get() >= self.most
    }

    /// Whether more come although the client of HTTP/2 was told long ago to make no more.
    pub(in crate::gateway) const fn go_on(&self) -> bool {
        self.made.get() > self.most.saturating_add(self.on_the_way)
    }
}
