//! The letters of field names as the sender wrote them. Names mean the same in any case, so that a
//! header map keeps none; some old programs look at it all the same.
//!
//! hyper can keep the case too, in a second header map beside each message, at the cost of a tenth
//! of a proxied request. Here the head is remembered as it was read, and what is written is held
//! against it line by line. Nothing but the case of letters ever changes, and never a byte of a
//! value.

use std::sync::LazyLock;

use memchr::memmem::Finder;

/// What ends a head.
const END: &[u8] = b"\r\n\r\n";

static FINDER: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(END));

/// What is kept of the memory for a head when there is none.
pub(super) const KEPT_BYTES: usize = 4_096;

/// Names further behind in a head are passed on in lower case.
const REMEMBERED_BYTES: usize = 64 << 10;

/// A head as it was read.
#[derive(Debug, Default)]
pub(super) struct Spelling {
    bytes: Vec<u8>,
}

impl Spelling {
    /// Gives back what an unusually long head took.
    pub(super) fn shrink(&mut self) {
        self.bytes.shrink_to(KEPT_BYTES);
    }

    /// Forgets what was remembered.
    pub(super) fn forget(&mut self) {
        self.bytes.clear();
    }

    /// Remembers what was read.
    pub(super) fn remember(&mut self, bytes: &[u8]) {
        let bytes = if self.bytes.is_empty() { bytes.trim_ascii_start() } else { bytes };
        let room = REMEMBERED_BYTES.saturating_sub(self.bytes.len()).min(bytes.len());
        self.bytes.extend_from_slice(bytes.get(..room).unwrap_or_default());
    }

    /// Whether a field of the first head has this name, in lower case, and a value that `is` so.
    pub(super) fn has(&self, name: &[u8], is: impl Fn(&[u8]) -> bool) -> bool {
        let lines = self.head().split(|byte| *byte == b'\n');
        lines.map(<[u8]>::trim_ascii).take_while(|line| !line.is_empty()).any(|line| {
            let end = memchr::memchr(b':', line).unwrap_or(line.len());
            let (known, value) = line.split_at_checked(end).unwrap_or_default();
            known.eq_ignore_ascii_case(name)
                && is(value.get(1..).unwrap_or_default().trim_ascii_start())
        })
    }

    /// Drops the first head, for what was read in the same breath behind it. That is of use only if
    /// the head has no body.
    pub(super) fn drop_head(&mut self, has_body: bool) {
        let head = self.head();
        let before = self.bytes.len().saturating_sub(head.len());
        match FINDER.find(head) {
            Some(at) if !has_body => {
                drop(self.bytes.drain(..before.saturating_add(at).saturating_add(END.len())));
            }
            _ => self.forget(),
        }
    }

    /// Whether something of a head is remembered.
    pub(super) fn is_begun(&self) -> bool {
        !self.head().is_empty()
    }

    /// What is remembered, without the empty lines that may come before a head (RFC 9112 section 2.2).
    fn head(&self) -> &[u8] {
        self.bytes.trim_ascii_start()
    }

    /// Spells names of fields as they were read.
    pub(super) fn respell(&self, written: &mut [u8]) {
        respell(self.head(), written);
    }
}

/// Spells the names of the fields that are `written` as they stand in the head that was `read`.
fn respell(read: &[u8], written: &mut [u8]) {
    let mut names = Names::of(read.get(first_line(read).len()..).unwrap_or_default());
    let mut at = 0;
    while let Some(rest) = written.get_mut(at..) {
        let end = first_line(rest).len();
        let line = rest.get_mut(..end).unwrap_or_default();
        if is_end(line) {
            return;
        }
        if let Some(name) = names.find(line)
            && let Some(to) = line.get_mut(..name.len())
        {
            to.copy_from_slice(name);
        }
        at = at.saturating_add(end);
    }
}

/// The fields of a head, from the one on that is expected next.
struct Names<'a> {
    fields: &'a [u8],
    at: usize,
}

impl<'a> Names<'a> {
    const fn of(fields: &'a [u8]) -> Self {
        Self { fields, at: 0 }
    }

    /// The name of the first field from here on that `line` has too, as it was read. Most fields
    /// are written in the order in which they were read; for others the search begins again at the
    /// top.
    fn find(&mut self, line: &[u8]) -> Option<&'a [u8]> {
        self.find_from(self.at, line).or_else(|| self.find_from(0, line))
    }

    fn find_from(&mut self, mut at: usize, line: &[u8]) -> Option<&'a [u8]> {
        loop {
            let rest = self.fields.get(at..)?;
            // Its value is as long as it was, most of the time.
            let guess = rest.get(..line.len()).filter(|guess| guess.ends_with(b"\n"));
            let name = name_of_both(rest, line);
            let field = match guess.filter(|_| name.is_some()) {
                Some(guess) => guess,
                None => first_line(rest),
            };
            if is_end(field) {
                return None;
            }
            at = at.saturating_add(field.len());
            if name.is_some() {
                self.at = at;
                return name;
            }
        }
    }
}

/// The name that two fields begin with, as the first of them spells it; none if they differ in more
/// than the case of letters.
fn name_of_both<'a>(read: &'a [u8], written: &[u8]) -> Option<&'a [u8]> {
    let mut letters = read.iter().zip(written);
    let end =
        letters.position(|(read, written)| *read == b':' || !read.eq_ignore_ascii_case(written))?;
    (read.get(end) == written.get(end)).then(|| read.get(..end)).flatten()
}

/// The first line with its end, or everything if there is no end.
fn first_line(text: &[u8]) -> &[u8] {
    let end = memchr::memchr(b'\n', text).map_or(text.len(), |at| at.saturating_add(1));
    text.get(..end).unwrap_or(text)
}

/// Whether a line ends a head.
const fn is_end(line: &[u8]) -> bool {
    matches!(line, [] | [b'\n'] | [b'\r', b'\n'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn restored(read: &str, written: &str) -> String {
        let mut to = written.as_bytes().to_vec();
        respell(read.as_bytes(), &mut to);
        String::from_utf8(to).unwrap()
    }

    #[test]
    fn names_are_spelled_as_they_were_read() {
        let read =
            "GET / HTTP/1.1\r\nHost: a\r\nX-ABC: Host: b\r\nx-Abc: 2\r\neTag: x\r\n\r\nhost: c";
        let written = "host: a\r\netag: x\r\nx-abc: Host: b\r\nx-abc: 2\r\nours: 1\r\n\r\n";
        let expected = "Host: a\r\neTag: x\r\nX-ABC: Host: b\r\nx-Abc: 2\r\nours: 1\r\n\r\n";
        assert_eq!(restored(read, written), expected);
    }

    #[test]
    fn what_follows_a_head_without_a_body_is_kept() {
        let mut spelling = Spelling::default();
        spelling.remember(b"GET / HTTP/1.1\r\nHOST: a\r\n\r\nGET / HTTP/1.1\r\nHosT: a\r\n\r\n");
        spelling.drop_head(false);
        let mut to = *b"host: a\r\n";
        spelling.respell(&mut to);
        assert_eq!(to, *b"HosT: a\r\n");
        spelling.drop_head(true);
        let mut to = *b"host: a\r\n";
        spelling.respell(&mut to);
        assert_eq!(to, *b"host: a\r\n");
    }

    /// RFC 9112 section 2.2: empty lines may come before a head.
    #[test]
    fn empty_lines_before_a_head_are_no_head() {
        let mut spelling = Spelling::default();
        spelling.remember(b"\r\n\r\nGET / HTTP/1.1\r\nHOST: a\r\n\r\n\r\n");
        let mut to = *b"HTTP/1.1 200 OK\r\nhost: a\r\n";
        respell(spelling.head(), &mut to[17..]);
        assert!(to.ends_with(b"HOST: a\r\n"));
        assert!(spelling.is_begun());
        spelling.drop_head(false);
        assert!(!spelling.is_begun());
    }

    #[test]
    fn not_more_is_remembered_than_a_head_has() {
        let mut spelling = Spelling::default();
        spelling.remember(&vec![b'A'; REMEMBERED_BYTES + 1]);
        assert_eq!(spelling.bytes.len(), REMEMBERED_BYTES);
    }

    #[test]
    fn a_body_behind_a_head_stays_as_it_is() {
        let head = "HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\n";
        assert_eq!(restored(head, "x-a: 1\r\n\r\nx-a: 2\r\n"), "X-A: 1\r\n\r\nx-a: 2\r\n");
        assert_eq!(restored("HTTP/1.1 200 OK\r\n\r\nX-A: 1\r\n", "x-a: 1\r\n"), "x-a: 1\r\n");
    }

    proptest! {
        #[test]
        fn nothing_but_the_case_of_names_changes(read in "[aAbB:\r\n ]{0,60}", written in "[ab:\r\n ]{0,60}") {
            let to = restored(&format!("first\r\n{read}"), &written);
            prop_assert!(to.eq_ignore_ascii_case(&written));
            for (line, before) in to.split('\n').zip(written.split('\n')) {
                let values = (line.split_once(':'), before.split_once(':'));
                if let (Some((_, now)), Some((_, then))) = values {
                    prop_assert_eq!(now, then);
                } else {
                    prop_assert_eq!(line, before);
                }
            }
        }
    }
}
