//! The last step before a log leaves the process: one event is one line, whatever a client put into
//! it (sec-L2).
//!
//! This stands behind every format and runs on the thread that writes, so that no event can forget
//! it and no request waits for it.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Human,
    /// One JSON object on each line.
    Json,
}

/// How long the thread that writes rests before it looks for more. While it rests, nobody has to
/// wake it: under load a line costs its core no system call, and many lines are written at once.
const LINGER: Duration = Duration::from_millis(20);

/// Writes each event on one line. A call of `write` is one event with its line break.
#[derive(Debug)]
pub(super) struct Lines<W> {
    to: W,
    format: Format,
    /// Events that could not be written.
    lost: Arc<AtomicU64>,
}

impl<W: Write> Lines<W> {
    pub(super) const fn new(to: W, format: Format, lost: Arc<AtomicU64>) -> Self {
        Self { to, format, lost }
    }

    fn put(&mut self, event: &[u8]) -> io::Result<()> {
        match std::str::from_utf8(event) {
            Ok(_) if event.iter().all(|byte| (b' '..=b'~').contains(byte)) => {
                self.to.write_all(event)?;
            }
            Ok(text) if !text.chars().any(is_hidden) => self.to.write_all(event)?,
            Ok(text) => self.to.write_all(escape(text, self.format).as_bytes())?,
            Err(_) => {
                let text = String::from_utf8_lossy(event);
                self.to.write_all(escape(&text, self.format).as_bytes())?;
            }
        }
        self.to.write_all(b"\n")
    }
}

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = event.strip_suffix(b"\n").unwrap_or(event);
        if self.put(text).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        // Nobody is left to be told of an error; the count tells.
        Ok(event.len())
    }

    /// Called when the queue is empty.
    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.to.flush();
        thread::sleep(LINGER);
        flushed
    }
}

/// Whether a character would break the line, move the cursor, or reorder what a person sees:
/// control characters, the line separators of Unicode, and its marks of direction.
const fn is_hidden(c: char) -> bool {
    matches!(c,
        '\0'..='\x1f' | '\x7f'..='\u{9f}'
        | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// In JSON these characters stand inside texts only, where `\uXXXX` is the same text.
fn escape(text: &str, format: Format) -> String {
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match format {
            _ if !is_hidden(c) => escaped.push(c),
            Format::Json => escaped.push_str(&format!("\\u{:04x}", u32::from(c))),
            Format::Human => escaped.extend(c.escape_default()),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(event: &str, format: Format) -> String {
        let mut lines = Lines::new(Vec::new(), format, Arc::default());
        lines.write_all(event.as_bytes()).unwrap();
        String::from_utf8(lines.to).unwrap()
    }

    #[test]
    fn sec_l2_an_event_is_one_line_without_anything_hidden() {
        let event = "a\r\nFAKE\u{1b}[2J\u{7}\u{9b}31m\u{7f}\u{202e}\u{2028}\u{85}\té\n";
        let human = written(event, Format::Human);
        assert_eq!(
            human,
            "a\\r\\nFAKE\\u{1b}[2J\\u{7}\\u{9b}31m\\u{7f}\\u{202e}\\u{2028}\\u{85}\\té\n"
        );
        let json = written(&format!("\"{}\"\n", &event[..event.len() - 1]), Format::Json);
        assert_eq!(json.matches('\n').count(), 1);
        assert!(!json[..json.len() - 1].chars().any(is_hidden));
        let read: String = serde_json::from_str(&json).unwrap();
        assert_eq!(read, event[..event.len() - 1], "JSON keeps the text as it was");
    }

    #[test]
    fn what_is_not_text_is_still_a_line() {
        let mut lines = Lines::new(Vec::new(), Format::Human, Arc::default());
        lines.write_all(b"a\xff\x1bb\n").unwrap();
        assert_eq!(lines.to, "a\u{fffd}\\u{1b}b\n".as_bytes());
    }

    #[test]
    fn what_cannot_be_written_is_counted() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let lost = Arc::new(AtomicU64::new(0));
        let mut lines = Lines::new(Closed, Format::Json, Arc::clone(&lost));
        lines.write_all(b"{}\n").unwrap();
        assert_eq!(lost.load(Ordering::Relaxed), 1);
    }
}
