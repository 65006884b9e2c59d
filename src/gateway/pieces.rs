//! Where one piece of a stream ends and the next begins, so that a stream that has to end does so between two: events
//! (HTML section 9.2.6), and messages of gRPC.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::domain::refusal::Refusal;

use super::lengths::Lengths;
use super::upstream::Kind;

/// The pieces of an answer.
#[derive(Debug)]
pub(super) enum Pieces {
    Events(Events),
    Messages(Lengths),
}

impl Pieces {
    /// Those of an answer of this kind whose length nobody knows.
    pub(super) fn of(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Events => Some(Self::Events(Events::default())),
            Kind::Grpc => Some(Self::Messages(Lengths::new(message))),
            Kind::Other => None,
        }
    }

    /// Something is passed on.
    pub(super) fn pass(&mut self, data: &[u8]) {
        match self {
            Self::Events(events) => events.pass(data),
            Self::Messages(messages) => messages.pass(data),
        }
    }

    /// Whether a piece has just ended, or none has begun.
    pub(super) fn is_between(&self) -> bool {
        match self {
            Self::Events(events) => events.is_between(),
            Self::Messages(messages) => messages.is_between(),
        }
    }

    /// How much of this belongs to the piece that is under way; none if it goes on behind it.
    pub(super) fn end_in(&mut self, data: &[u8]) -> Option<usize> {
        match self {
            Self::Events(events) => events.end_in(data),
            Self::Messages(messages) => messages.end_in(data),
        }
    }

    /// What the end is told with, if it is.
    pub(super) fn trailers(&self, refusal: Refusal) -> Option<HeaderMap> {
        matches!(self, Self::Messages(_)).then(|| grpc_status(refusal))
    }
}

/// How a call of gRPC is told that it is over, or that it does not begin (gRPC over HTTP/2, "Responses"): as its libraries read
/// the status of HTTP that other requests get, but for a limit, which they would take for a fault of the moment.
pub(super) fn grpc_status(refusal: Refusal) -> HeaderMap {
    let code = match refusal.status() {
        400 => "13",
        401 => "16",
        403 => "7",
        404 => "12",
        429 => "8",
        500.. => "14",
        _ => "2",
    };
    let fields = [("grpc-status", code), ("grpc-message", refusal.detail())];
    let fields = fields
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    fields.into_iter().collect()
}

/// How much follows the five bytes before a message of gRPC.
fn message(head: &[u8]) -> Option<u64> {
    let [_, length @ ..] = *head.first_chunk::<5>()?;
    Some(u32::from_be_bytes(length).into())
}

/// The last bytes of what was passed on.
#[derive(Debug, Default)]
pub(super) struct Events {
    tail: [u8; 4],
    begun: bool,
}

impl Events {
    fn pass(&mut self, data: &[u8]) {
        let from = data.len().saturating_sub(self.tail.len());
        data.iter().skip(from).for_each(|byte| self.push(*byte));
    }

    fn push(&mut self, byte: u8) {
        self.tail.rotate_left(1);
        self.tail[3] = byte;
        self.begun = true;
    }

    /// Lines end with a line feed, a carriage return or both.
    fn is_between(&self) -> bool {
        let ends = |end: &[u8]| self.tail.ends_with(end);
        !self.begun || ends(b"\n\n") || ends(b"\r\r") || ends(b"\n\r\n")
    }

    fn end_in(&mut self, data: &[u8]) -> Option<usize> {
        let ends = |byte: &u8| {
            self.push(*byte);
            self.is_between()
        };
        data.iter().position(ends).map(|last| last.saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(text: &str) -> Events {
        let mut events = Events::default();
        text.as_bytes().chunks(3).for_each(|some| events.pass(some));
        events
    }

    #[test]
    fn an_event_ends_with_an_empty_line_however_lines_end() {
        for between in
            ["", "data: a\n\n", "data: a\r\n\r\n", "data: a\r\r", ": hello\n\n", "a\n\r\n"]
        {
            assert!(after(between).is_between(), "{between:?}");
        }
        for within in
            ["d", "data: a\n", "data: a\r\n", "data: a\r", "data: a\n\nd", "data: a\n\nid: 1\n"]
        {
            assert!(!after(within).is_between(), "{within:?}");
        }
    }

    #[test]
    fn the_rest_of_an_event_is_told_from_the_next() {
        assert_eq!(after("data: a").end_in(b"bc\n\ndata: d\n\n"), Some(4));
        assert_eq!(after("data: a\n").end_in(b"\ndata"), Some(1));
        assert_eq!(after("data: a\r\n\r").end_in(b"\n"), Some(1));
        assert_eq!(after("data: a").end_in(b"bc\n"), None);
    }

    #[test]
    fn messages_of_grpc_end_where_their_length_says() {
        let sent = |length: usize| {
            [&[0][..], &u32::try_from(length).unwrap().to_be_bytes(), &vec![7; length]].concat()
        };
        let all = [sent(0), sent(1), sent(300), sent(0)].concat();
        for size in [1, 2, 5, 7, 100, all.len()] {
            let mut messages = Lengths::new(message);
            all.chunks(size).for_each(|some| messages.pass(some));
            assert!(messages.is_between(), "{size}");
        }
        let mut messages = Lengths::new(message);
        messages.pass(&sent(300)[..7]);
        assert!(!messages.is_between());
        assert_eq!(messages.end_in(&[&sent(300)[7..], &sent(9)].concat()), Some(298));
    }
}
