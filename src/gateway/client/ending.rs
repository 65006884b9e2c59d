//! How answers end: by a connection that closes, or when their client does.

use super::Client;

/// How far an answer is whose end its connection marks, as for a client of HTTP/1.0 that is not
/// told the length. If such a connection closed in good order too soon, the answer would look
/// complete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Ending {
    /// There is none.
    #[default]
    Elsewhere,
    /// More of it is to come.
    Open,
    /// All of it was handed over, to be written.
    Whole,
}

impl Client {
    /// An answer begins whose end the connection may have to mark; true if it does.
    pub(in crate::gateway) fn begin_answer(&self, length: Option<u64>) -> bool {
        let open = length.is_none() && self.is_http1_0.get();
        if open {
            self.ending.set(Ending::Open);
        }
        open
    }

    /// All of an answer was handed over whose end the connection marks.
    pub(in crate::gateway) fn is_answered_whole(&self) {
        self.ending.set(Ending::Whole);
    }

    /// The connection is about to close, and all is written that was handed over.
    pub(in crate::gateway) fn closes(&self) {
        self.closing.set(true);
        if self.ending.get() == Ending::Whole {
            self.ending.set(Ending::Elsewhere);
        }
    }

    /// Whether it closes, for which it has a time of its own.
    pub(in crate::gateway) const fn is_closing(&self) -> bool {
        self.closing.get()
    }

    /// Whether an answer would look complete that is not, if the connection closed in good order.
    pub(in crate::gateway) fn is_cut(&self) -> bool {
        self.ending.get() != Ending::Elsewhere
    }

    /// The answer under way goes on for as long as its client listens, which asks for nothing meanwhile.
    pub(in crate::gateway) fn listens(&self) {
        self.listens.set(true);
    }

    /// Whether the client is gone when it sends no more.
    pub(in crate::gateway) fn is_gone_with_its_end(&self) -> bool {
        self.listens.get()
    }
}
