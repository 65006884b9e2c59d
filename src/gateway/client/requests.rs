//! How many requests a connection brings, how many it may, and how many of them their client gives up.

use std::cell::Cell;

use crate::config::settings::Limits;

/// More than so many times `limits.resets` of the requests of one connection are not given up before they are answered, where
/// that is more than half of them: an honest client changes its mind more rarely (sec-D1, rapid reset).
const GIVEN_UP: u64 = 5;

/// Requests of one connection.
#[derive(Debug)]
pub(in crate::gateway) struct Requests {
    made: Cell<u64>,
    given_up: Cell<u64>,
    /// Whether the connection had some in another process.
    elsewhere: Cell<bool>,
    /// [`u64::MAX`] is as many as come.
    most: u64,
    most_given_up: u64,
    /// How many a client of HTTP/2 may still make in good faith that is told to make no more. It has as many under way as it may
    /// have streams, gets to hear of it behind their answers, and may open as many others until then; what was accepted
    /// before it could be told is no more than that either.
    on_the_way: u64,
}

impl Requests {
    /// On a connection that begins.
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            made: Cell::new(0),
            given_up: Cell::new(0),
            elsewhere: Cell::new(false),
            most: limits.requests_per_connection.unwrap_or(u64::MAX),
            most_given_up: GIVEN_UP.saturating_mul(limits.resets as u64),
            on_the_way: 4 * u64::from(limits.streams),
        }
    }

    /// One more is made; true if it is the last that may be.
    pub(super) fn make(&self) -> bool {
        let made = self.made.get() + 1;
        self.made.set(made);
        made == self.most
    }

    /// One of them is given up.
    pub(in crate::gateway) fn give_up(&self) {
        self.given_up.set(self.given_up.get() + 1);
    }

    /// Whoever holds this waits for an answer.
    pub(in crate::gateway) const fn wait(&self) -> Waiting<'_> {
        Waiting { requests: self, answered: Cell::new(false) }
    }

    /// Some were made in another process.
    pub(super) fn go_on_here(&self) {
        self.elsewhere.set(true);
    }

    /// Whether none was made so far.
    pub(in crate::gateway) const fn are_none(&self) -> bool {
        self.made.get() == 0 && !self.elsewhere.get()
    }

    /// Whether all were made that may be, or so many given up that no more are taken.
    pub(in crate::gateway) const fn are_made(&self) -> bool {
        self.made.get() >= self.most || self.are_a_flood()
    }

    /// Whether more come although the client of HTTP/2 was told long ago to make no more.
    pub(in crate::gateway) const fn go_on(&self) -> bool {
        self.made.get() > self.most.saturating_add(self.on_the_way) || self.are_given_up(2)
    }

    /// Whether so many were given up that no more are taken.
    pub(in crate::gateway) const fn are_a_flood(&self) -> bool {
        self.are_given_up(1)
    }

    const fn are_given_up(&self, times: u64) -> bool {
        let given_up = self.given_up.get();
        given_up > self.most_given_up.saturating_mul(times) && given_up > self.made.get() / 2
    }
}

/// A request without an answer; given up if it is dropped so.
#[derive(Debug)]
pub(in crate::gateway) struct Waiting<'c> {
    requests: &'c Requests,
    answered: Cell<bool>,
}

impl Waiting<'_> {
    /// There is an answer.
    pub(in crate::gateway) fn ends(&self) {
        self.answered.set(true);
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.answered.get() {
            self.requests.give_up();
        }
    }
}
