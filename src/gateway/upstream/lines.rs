//! The fields of an answer as they go into the head that a client gets.

use std::ops::Range;

/// Fields as lines, each spelled and in its place as the upstream sent it.
#[derive(Debug, Default)]
pub(in crate::gateway) struct Lines {
    pub(super) text: Vec<u8>,
    // Fields among them that hyper writes too.
    pub(super) has_length: bool,
    pub(super) has_date: bool,
    pub(super) has_trailer: bool,
}

/// Fields that are gathered out of a head that was read. Those that stand there one behind the other, just
/// as they would be written, are copied at once.
#[derive(Debug)]
pub(super) struct Gathering<'r> {
    read: &'r [u8],
    /// What was passed of it and is not copied yet.
    run: Range<usize>,
    pub(super) lines: Lines,
}

impl<'r> Gathering<'r> {
    pub(super) fn of(read: &'r [u8]) -> Self {
        let text = Vec::with_capacity(read.len());
        Self { read, run: 0..0, lines: Lines { text, ..Lines::default() } }
    }

    /// A field of the head as it was read.
    pub(super) fn pass(&mut self, name: &'r str, value: &'r [u8]) {
        match self.place(name, value) {
            Some(line) if line.start == self.run.end => self.run.end = line.end,
            Some(line) => {
                self.copy_run();
                self.run = line;
            }
            None => self.add(name, value),
        }
    }

    /// A field with another value.
    pub(super) fn add(&mut self, name: &str, value: &[u8]) {
        self.copy_run();
        for part in [name.as_bytes(), b": ", value, b"\r\n"] {
            self.lines.text.extend_from_slice(part);
        }
    }

    pub(super) fn finish(mut self) -> Lines {
        self.copy_run();
        self.lines
    }

    fn copy_run(&mut self) {
        let run = std::mem::replace(&mut self.run, 0..0);
        self.lines.text.extend_from_slice(self.read.get(run).unwrap_or_default());
    }

    /// Where the line of a field stands in the head, if it stands there just as it would be written.
    fn place(&self, name: &str, value: &[u8]) -> Option<Range<usize>> {
        let at = |part: *const u8| part.addr().checked_sub(self.read.as_ptr().addr());
        let (start, value_at) = (at(name.as_ptr())?, at(value.as_ptr())?);
        let colon = start.checked_add(name.len())?;
        let end = value_at.checked_add(value.len())?;
        let same = value_at == colon.checked_add(2)?
            && self.read.get(colon..value_at)? == b": "
            && self.read.get(end..end.checked_add(2)?)? == b"\r\n";
        same.then_some(start..end.checked_add(2)?)
    }
}

impl Lines {
    pub(in crate::gateway) const fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Appends to `to` a head that hyper wrote, with these fields behind its first line. Of a field that it
    /// has too, theirs stays.
    pub(in crate::gateway) fn put_into(&self, head: &[u8], to: &mut Vec<u8>) {
        let (start, mut rest) = first_line(head);
        to.extend_from_slice(start);
        to.extend_from_slice(&self.text);
        while let (line, more) = first_line(rest)
            && !matches!(line, b"\r\n" | b"")
        {
            if !self.has(line) {
                to.extend_from_slice(line);
            }
            rest = more;
        }
        to.extend_from_slice(rest);
    }

    /// hyper writes names in lower case.
    fn has(&self, line: &[u8]) -> bool {
        (self.has_length && line.starts_with(b"content-length:"))
            || (self.has_date && line.starts_with(b"date:"))
            || (self.has_trailer && line.starts_with(b"trailer:"))
    }
}

/// The first line with its end, and what follows.
fn first_line(text: &[u8]) -> (&[u8], &[u8]) {
    let end = memchr::memchr(b'\n', text).map_or(text.len(), |at| at.saturating_add(1));
    text.split_at_checked(end).unwrap_or((text, &[]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(fields: &[(&str, &str)], written: &str) -> String {
        let names = |name: &str| fields.iter().any(|field| field.0.eq_ignore_ascii_case(name));
        let mut gathering = Gathering::of(b"");
        for (name, value) in fields {
            gathering.add(name, value.as_bytes());
        }
        let mut lines = gathering.finish();
        (lines.has_length, lines.has_date) = (names("content-length"), names("date"));
        let mut to = Vec::new();
        lines.put_into(written.as_bytes(), &mut to);
        String::from_utf8(to).unwrap()
    }

    #[test]
    fn a_field_of_the_upstream_stands_once_and_where_it_stood() {
        let written =
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\ndate: a\r\n\r\nabc";
        assert_eq!(
            head(&[("Content-Length", "3"), ("X", "y")], written),
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX: y\r\nconnection: close\r\ndate: a\r\n\r\nabc"
        );
        assert_eq!(
            head(&[("DATE", "b")], written),
            "HTTP/1.1 200 OK\r\nDATE: b\r\ncontent-length: 3\r\nconnection: close\r\n\r\nabc"
        );
    }

    #[test]
    fn a_body_behind_a_head_stays_as_it_is() {
        let written = "HTTP/1.1 200 OK\r\n\r\ndate: 1\r\n";
        let expected = "HTTP/1.1 200 OK\r\nDate: b\r\n\r\ndate: 1\r\n";
        assert_eq!(head(&[("Date", "b")], written), expected);
    }
}
