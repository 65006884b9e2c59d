//! What comes from a client, or may come.

use std::io;

use super::Client;

impl Client {
    /// Whether a request of HTTP/1 may come any moment, which is waited for where everything ends: the first of its connection,
    /// one that has begun to come, or the next of a client that was answered just now.
    pub(in crate::gateway) fn is_about_to_ask(&self) -> bool {
        let (begun, none) = (self.head_begun.get(), self.requests.are_none());
        !self.is_asked() && (begun || none || self.was_answered_lately())
    }

    /// Whether it was answered within the last second.
    pub(in crate::gateway) fn was_answered_lately(&self) -> bool {
        self.alarm.now_ms() < self.rests_at_ms.get()
    }

    /// Whether a client of HTTP/2 has answered that it knows that everything ends, which is all that it is ever asked.
    pub(in crate::gateway) const fn has_answered(&self) -> bool {
        self.frames.has_answered()
    }

    /// It came from another process, between two of its requests.
    pub(in crate::gateway) fn lies_idle(&self) {
        self.requests.go_on_here();
        self.alarm.set(self.idle_timeout);
    }

    /// How many of these bytes that are written to it over HTTP/2 are more than frames are worth that ask for nothing.
    pub(in crate::gateway) fn answers_with(&self, written: usize) -> usize {
        self.frames.beyond_owed(written)
    }

    /// Takes note of what came.
    ///
    /// # Errors
    /// A flood of frames that ask for nothing.
    pub(in crate::gateway) fn read(&self, bytes: &[u8]) -> io::Result<()> {
        if self.http2.get() {
            return self.read_frames(bytes);
        }
        if self.is_asked() {
            return Ok(());
        }
        let mut asked = self.asked.borrow_mut();
        asked.remember(bytes);
        // Empty lines before it are none of it (RFC 9112 section 2.2).
        if asked.is_begun() && !self.head_begun.replace(true) {
            self.alarm.set(self.head_timeout);
        }
        Ok(())
    }

    fn read_frames(&self, bytes: &[u8]) -> io::Result<()> {
        if !self.frames.read(bytes, self.alarm.now_ms()) {
            self.core.counters.floods.add(1);
            return Err(io::Error::other("a flood of frames that ask for nothing"));
        }
        // However often something of it comes (sec-D2).
        let begun = self.frames.is_within_head() && !self.is_asked() && !self.closing.get();
        if begun && self.alarm.left() > self.head_timeout {
            self.alarm.set(self.head_timeout);
        }
        Ok(())
    }
}
