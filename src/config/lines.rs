//! What the lines of a text look like that is no TOML: which were meant as headers, which begin with
//! a key, and where the next section begins.

use std::ops::Range;

/// The line that holds a place, with its end.
pub(super) fn line(text: &str, at: usize) -> Range<usize> {
    let at = at.min(text.len());
    let bytes = text.as_bytes();
    let start = bytes.iter().take(at).rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let rest = bytes.iter().skip(at).position(|byte| *byte == b'\n');
    start..rest.map_or(text.len(), |length| at + length + 1)
}

/// Whether a line with a mistake may have been meant as the header of a table, or holds one.
pub(super) fn may_be_header(line: &str) -> bool {
    (!has_key(line) && line.contains(['[', ']'])) || before_header(line).is_some()
}

/// Whether a line begins with a key, or is a header: neither belongs into a list.
pub(super) fn begins_something(line: &str) -> bool {
    has_key(line) || before_header(line).is_some_and(|before| before.trim().is_empty())
}

fn has_key(line: &str) -> bool {
    let is_of_key = |c: char| c.is_ascii_alphanumeric() || "_-.\"'".contains(c);
    line.split_once('=').is_some_and(|(key, _)| {
        let key = key.trim();
        !key.is_empty() && key.chars().all(is_of_key)
    })
}

/// What stands on a line before the header of a table, if that is its end.
fn before_header(line: &str) -> Option<&str> {
    let header = line.trim_end().strip_suffix(']')?.trim_end_matches(']');
    let (before, name) = header.rsplit_once('[')?;
    let is_name = |name: &str| {
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
    };
    is_name(name.trim()).then(|| before.trim_end_matches('['))
}

/// Where the next section of the file begins: a header without a dot, since those with one belong
/// to what is before them.
pub(super) fn section_behind(text: &str, from: usize) -> usize {
    let mut at = from;
    for line in text.get(from..).unwrap_or_default().split_inclusive('\n') {
        let name = line.trim_start().strip_prefix('[').map(|line| line.trim_start_matches('['));
        let name = name.and_then(|name| name.split_once(']')).map(|(name, _)| name.trim());
        let is_name = |name: &str| {
            !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        if name.is_some_and(is_name) {
            return at;
        }
        at += line.len();
    }
    text.len()
}
