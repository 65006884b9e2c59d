//! Where one piece of a stream ends and the next begins, if each tells its length in a head: frames of WebSocket, messages
//! of gRPC.

/// The longest head: that of a masked frame of WebSocket (RFC 6455 section 5.2).
const HEAD_MAX: usize = 14;

/// The pieces that one side sends.
#[derive(Debug)]
pub(super) struct Lengths {
    /// How much follows a head; none where more of it is needed to tell.
    tell: fn(&[u8]) -> Option<u64>,
    /// What came of a head, and how much that is.
    head: [u8; HEAD_MAX],
    have: usize,
    /// How much of a piece is to come behind its head.
    left: u64,
}

impl Lengths {
    pub(super) const fn new(tell: fn(&[u8]) -> Option<u64>) -> Self {
        Self { tell, head: [0; HEAD_MAX], have: 0, left: 0 }
    }

    /// Whether a piece has just ended, or none has begun.
    pub(super) const fn is_between(&self) -> bool {
        self.have == 0 && self.left == 0
    }

    /// Something is passed on.
    pub(super) fn pass(&mut self, mut data: &[u8]) {
        while let Some(end) = self.end_in(data) {
            data = data.get(end..).unwrap_or_default();
        }
    }

    /// Passes on what belongs to the piece that is under way, or that begins here: how much that is; none where it goes
    /// on behind this, or there is nothing.
    pub(super) fn end_in(&mut self, data: &[u8]) -> Option<usize> {
        let mut at = 0_usize;
        while let Some(rest) = data.get(at..).filter(|rest| !rest.is_empty()) {
            if self.left > 0 {
                let some = usize::try_from(self.left).unwrap_or(usize::MAX).min(rest.len());
                self.left = self.left.saturating_sub(some as u64);
                at = at.saturating_add(some);
            } else {
                self.head_byte(rest.first().copied().unwrap_or_default());
                at = at.saturating_add(1);
            }
            if self.is_between() {
                return Some(at);
            }
        }
        None
    }

    fn head_byte(&mut self, byte: u8) {
        if let Some(place) = self.head.get_mut(self.have) {
            *place = byte;
        }
        self.have = self.have.saturating_add(1);
        if let Some(left) = (self.tell)(self.head.get(..self.have).unwrap_or_default()) {
            (self.left, self.have) = (left, 0);
        }
    }
}
