//! One direction of a conversation.

use bytes::{Buf, Bytes};

use super::lengths::Lengths;
use super::websocket;

/// What goes one way.
#[derive(Debug)]
pub(super) struct Pump {
    /// What came and is to go on.
    pub(super) waiting: Bytes,
    /// Where frames end in what was sent to the upstream, or is sent to the client.
    pub(super) frames: Lengths,
    /// Whether nothing more comes from whoever sends, and whether whoever receives was told.
    pub(super) ended: bool,
    pub(super) told: bool,
}

impl Pump {
    /// With this to begin with.
    pub(super) const fn new(waiting: Bytes) -> Self {
        Self { waiting, frames: websocket::frames(), ended: false, told: false }
    }

    /// So much of what waits was sent.
    pub(super) fn sent(&mut self, length: usize) {
        self.frames.pass(self.waiting.get(..length).unwrap_or_default());
        self.waiting.advance(length.min(self.waiting.len()));
    }

    /// Nothing more is sent but the frame that is under way, and this behind it. False where that cannot be, since the
    /// rest of the frame has not come, or it was said that nothing follows.
    pub(super) fn end_with(&mut self, farewell: &[u8]) -> bool {
        let between = self.frames.is_between().then_some(0);
        let rest = between.or_else(|| self.frames.end_in(&self.waiting));
        let rest = rest.and_then(|rest| self.waiting.get(..rest));
        let last = rest.filter(|_| !self.told).map(|rest| [rest, farewell].concat().into());
        self.ended = true;
        let is_told = last.is_some();
        self.waiting = last.unwrap_or_default();
        is_told
    }
}
