//! The fields of an answer as they go into the head that a client gets.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::LazyLock;

use http::{HeaderName, HeaderValue};
use memchr::memmem::Finder;

/// Stands in a head that hyper writes, where the fields of an upstream's answer belong. So they go
/// into their own head alone, whatever else hyper writes at once: an interim answer, or another
/// head.
pub(super) const MARK: (HeaderName, HeaderValue) =
    (HeaderName::from_static("tollgate-fields"), HeaderValue::from_static(""));

static MARK_LINE: LazyLock<Finder<'_>> =
    LazyLock::new(|| Finder::new(b"\r\ntollgate-fields: \r\n"));

/// Fields as lines, each spelled and in its place as the upstream sent it.
#[derive(Debug, Default)]
pub(in crate::gateway) struct Lines {
    pub(super) text: Vec<u8>,
    // Fields among them that hyper writes too.
    pub(super) has_length: bool,
    pub(super) has_date: bool,
    pub(super) has_trailer: bool,
}

/// Fields that are gathered out of a head that was read. Those that stand there one behind the
/// other, just as they would be written, are copied at once.
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

    /// Where the line of a field stands in the head, if it stands there just as it would be
    /// written.
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
    /// Appends these fields, and then those that hyper wrote in the same head, up to its end. Of a
    /// field that both have, theirs stays. Answers what follows.
    fn put_into<'h>(&self, mut written: &'h [u8], to: &mut Vec<u8>) -> &'h [u8] {
        to.extend_from_slice(&self.text);
        while let (line, more) = first_line(written)
            && !matches!(line, b"\r\n" | b"")
        {
            if !self.has(line) {
                to.extend_from_slice(line);
            }
            written = more;
        }
        written
    }

    /// hyper writes names in lower case.
    fn has(&self, line: &[u8]) -> bool {
        (self.has_length && line.starts_with(b"content-length:"))
            || (self.has_date && line.starts_with(b"date:"))
            || (self.has_trailer && line.starts_with(b"trailer:"))
    }
}

/// Fields whose heads hyper has still to write, in that order.
#[derive(Debug, Default)]
pub(in crate::gateway) struct Waiting(VecDeque<Lines>);

impl Waiting {
    pub(in crate::gateway) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Leaves fields to the next head that has the [`MARK`].
    pub(in crate::gateway) fn push(&mut self, lines: Lines) {
        self.0.push_back(lines);
    }

    /// Appends to `to` what hyper wrote, with each mark replaced by the fields that it stands for.
    pub(in crate::gateway) fn put_into(&mut self, mut written: &[u8], to: &mut Vec<u8>) {
        while !self.0.is_empty()
            && let Some(at) = MARK_LINE.find(written)
            && let Some((before, behind)) = written.split_at_checked(at)
        {
            to.extend_from_slice(before);
            to.extend_from_slice(b"\r\n");
            written = behind.get(MARK_LINE.needle().len()..).unwrap_or_default();
            if let Some(lines) = self.0.pop_front() {
                written = lines.put_into(written, to);
            }
        }
        to.extend_from_slice(written);
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

    fn lines(fields: &[(&str, &str)]) -> Lines {
        let names = |name: &str| fields.iter().any(|field| field.0.eq_ignore_ascii_case(name));
        let mut gathering = Gathering::of(b"");
        for (name, value) in fields {
            gathering.add(name, value.as_bytes());
        }
        let mut lines = gathering.finish();
        (lines.has_length, lines.has_date) = (names("content-length"), names("date"));
        lines
    }

    fn put(waiting: &mut Waiting, written: &str) -> String {
        let mut to = Vec::new();
        waiting.put_into(written.as_bytes(), &mut to);
        String::from_utf8(to).unwrap()
    }

    fn head(fields: &[(&str, &str)], written: &str) -> String {
        let mut waiting = Waiting::default();
        waiting.push(lines(fields));
        put(&mut waiting, written)
    }

    #[test]
    fn a_field_of_the_upstream_stands_once_and_where_it_stood() {
        let written = "HTTP/1.1 200 OK\r\ntollgate-fields: \r\ncontent-length: 3\r\nconnection: close\r\n\
                       date: a\r\n\r\nabc";
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
        let written = "HTTP/1.1 200 OK\r\ntollgate-fields: \r\n\r\ndate: 1\r\n";
        let expected = "HTTP/1.1 200 OK\r\nDate: b\r\n\r\ndate: 1\r\n";
        assert_eq!(head(&[("Date", "b")], written), expected);
    }

    #[test]
    fn each_head_gets_its_own_fields_whatever_is_written_at_once() {
        let mut waiting = Waiting::default();
        waiting.push(lines(&[("A", "1")]));
        waiting.push(lines(&[("B", "2")]));
        let written = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\ntollgate-fields: \r\ndate: x\r\n\r\n\
                       HTTP/1.1 401 Unauthorized\r\ndate: x\r\n\r\nHTTP/1.1 200 OK\r\ntollgate-fields: \r\n\r\n";
        let expected = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nA: 1\r\ndate: x\r\n\r\n\
                        HTTP/1.1 401 Unauthorized\r\ndate: x\r\n\r\nHTTP/1.1 200 OK\r\nB: 2\r\n\r\n";
        assert_eq!(put(&mut waiting, written), expected);
        assert!(waiting.is_empty());
        // Nothing is looked for any more, whatever it looks like.
        let body = "\r\ntollgate-fields: \r\n";
        assert_eq!(put(&mut waiting, body), body);
    }

    #[test]
    fn a_mark_is_a_line_of_its_own() {
        let written = "HTTP/1.1 200 tollgate-fields: \r\ntollgate-fields: \r\n\r\n";
        let expected = "HTTP/1.1 200 tollgate-fields: \r\nA: 1\r\n\r\n";
        assert_eq!(head(&[("A", "1")], written), expected);
    }
}
