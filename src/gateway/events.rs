//! Where one event of an event stream ends and the next begins (HTML section 9.2.6), so that a stream that has to end
//! does so between two.

/// The last bytes of what was passed on.
#[derive(Debug, Default)]
pub(super) struct Events {
    tail: [u8; 4],
    begun: bool,
}

impl Events {
    /// Something is passed on.
    pub(super) fn pass(&mut self, data: &[u8]) {
        let from = data.len().saturating_sub(self.tail.len());
        data.iter().skip(from).for_each(|byte| self.push(*byte));
    }

    fn push(&mut self, byte: u8) {
        self.tail.rotate_left(1);
        self.tail[3] = byte;
        self.begun = true;
    }

    /// Whether an event has just ended, or none has begun. Lines end with a line feed, a carriage return or both.
    pub(super) fn is_between(&self) -> bool {
        let ends = |end: &[u8]| self.tail.ends_with(end);
        !self.begun || ends(b"\n\n") || ends(b"\r\r") || ends(b"\n\r\n")
    }

    /// How much of this belongs to the event that is under way; none if it goes on behind it.
    pub(super) fn end_in(&mut self, data: &[u8]) -> Option<usize> {
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
}
