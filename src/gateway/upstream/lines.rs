//! The fields of an answer as they go into the head that a client gets.

/// Fields as lines, each spelled and in its place as the upstream sent it.
#[derive(Debug, Default)]
pub(in crate::gateway) struct Lines {
    pub(super) text: Vec<u8>,
    // Fields among them that hyper writes too.
    pub(super) has_length: bool,
    pub(super) has_date: bool,
    pub(super) has_trailer: bool,
}

impl Lines {
    pub(super) fn add(&mut self, name: &str, value: &[u8]) {
        for part in [name.as_bytes(), b": ", value, b"\r\n"] {
            self.text.extend_from_slice(part);
        }
    }

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
        let (has_length, has_date) = (names("content-length"), names("date"));
        let mut lines = Lines { has_length, has_date, ..Lines::default() };
        for (name, value) in fields {
            lines.add(name, value.as_bytes());
        }
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
