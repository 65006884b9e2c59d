//! What a command writes: tables and times for people, JSON for programs.

use std::fmt::{Display, Write as _};
use std::io::{self, Write as _};

use serde::Serialize;

use crate::cli::failure::Failure;
use crate::domain::time::Timestamp;

/// What a command that did its work has to say.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    /// For people.
    pub text: String,
    /// For programs: one JSON value.
    pub json: String,
    /// For people, but not part of the answer: goes to standard error.
    pub note: Option<String>,
}

impl Reply {
    /// An answer in both forms.
    ///
    /// # Errors
    /// A value that JSON cannot hold.
    pub fn new(text: String, json: &impl Serialize) -> Result<Self, Failure> {
        let json = serde_json::to_string(json).map_err(|error| Failure::io("writing", error))?;
        Ok(Self { text, json, note: None })
    }

    /// Writes it. A reader that has heard enough, such as `head`, is no failure.
    ///
    /// # Errors
    /// What the operating system reports.
    pub fn write(&self, json: bool) -> Result<(), Failure> {
        let text = if json { &self.json } else { &self.text };
        print(text)?;
        match &self.note {
            Some(note) if !json => warn(note),
            _ => {}
        }
        Ok(())
    }
}

/// Writes lines to standard output.
///
/// # Errors
/// What the operating system reports, but for a reader that went away.
pub fn print(text: &str) -> Result<(), Failure> {
    if text.is_empty() {
        // Somebody else may wait there to be read.
        return Ok(());
    }
    let mut out = io::stdout().lock();
    let newline = if text.ends_with('\n') { "" } else { "\n" };
    match write!(out, "{text}{newline}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::io("writing to standard output", error))
        }
        _ => Ok(()),
    }
}

/// Writes a line to standard error; if that is closed, nobody wants to know.
pub fn warn(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", text.trim_end());
}

/// Rows under headings, each column as wide as its widest cell.
pub fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize, heading: &str| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).chain([heading.chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<_> =
        headings.iter().enumerate().map(|(column, heading)| width(column, heading)).collect();
    let mut text = String::new();
    let mut line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded = cells.zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        let line = padded.collect::<Vec<_>>().join("  ");
        let _ = writeln!(text, "{}", line.trim_end());
    };
    line(&mut headings.iter().copied());
    for row in rows {
        line(&mut row.iter().map(String::as_str));
    }
    text
}

/// Names and values, one below the other; those without a value are left out.
pub fn fields(fields: &[(&str, Option<String>)]) -> String {
    let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, value) in fields {
        for (number, line) in value.iter().flat_map(|value| value.lines()).enumerate() {
            let name = if number == 0 { name } else { "" };
            let _ = writeln!(text, "{name:<width$}  {line}");
        }
    }
    text
}

/// So many of something: `1 file`, `2 files`.
pub fn counted(count: impl Display, what: &str) -> String {
    let count = count.to_string();
    let ending = if count == "1" { "" } else { "s" };
    format!("{count} {what}{ending}")
}

/// How far away a moment is: `in 3 d`, `2 h ago`, `now`.
pub fn relative(at: Timestamp, now: Timestamp) -> String {
    let (ahead, behind) = (at.since(now), now.since(at));
    let distance = ahead.max(behind).seconds();
    let units = [(365 * 86_400, "y"), (86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    // Two of a unit are said, so that "1 d" never stands for almost two.
    let unit = units.iter().find(|(size, _)| distance >= size * 2);
    let Some((size, unit)) = unit.or(units.last()).filter(|_| distance > 0) else {
        return "now".to_owned();
    };
    let count = distance / size;
    if ahead.is_zero() { format!("{count} {unit} ago") } else { format!("in {count} {unit}") }
}

/// A moment and how far away it is.
pub fn moment(at: Timestamp, now: Timestamp) -> String {
    format!("{at} ({})", relative(at, now))
}

/// The day of a moment (UTC) and how far away it is, where there is little room.
pub fn day(at: Timestamp, now: Timestamp) -> String {
    let text = at.to_string();
    let day = text.split_once('T').map_or(text.as_str(), |(day, _)| day);
    format!("{day} ({})", relative(at, now))
}

/// Text that cannot move the cursor or colour the screen (sec-L2).
pub fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [vec!["é".to_owned(), "x".to_owned()], vec!["long".to_owned(), String::new()]];
        assert_eq!(table(&["A", "NAME"], &rows), "A     NAME\né     x\nlong\n");
    }

    #[test]
    fn fields_without_a_value_are_left_out() {
        let rows = [("a", Some("1\n2".to_owned())), ("long", None), ("b", Some("3".to_owned()))];
        assert_eq!(fields(&rows), "a     1\n      2\nb     3\n");
    }

    #[test]
    fn a_day_stands_with_its_distance() {
        let now = Timestamp::from_unix(1_000_000_000);
        let end = now.plus(crate::domain::time::Span::from_days(99));
        assert_eq!(day(end, now), "2001-12-17 (in 99 d)");
        assert_eq!(day(now, now), "2001-09-09 (now)");
    }

    #[test]
    fn moments_are_near_or_far() {
        let now = Timestamp::from_unix(1_000_000_000);
        let at = |offset: i64| Timestamp::from_unix(now.unix().saturating_add_signed(offset));
        for (offset, text) in [
            (0, "now"),
            (1, "in 1 s"),
            (-1, "1 s ago"),
            (119, "in 119 s"),
            (120, "in 2 min"),
            (-7_200, "2 h ago"),
            (3 * 86_400 + 5, "in 3 d"),
            (-800 * 86_400, "2 y ago"),
        ] {
            assert_eq!(relative(at(offset), now), text);
        }
    }

    #[test]
    fn sec_l2_nothing_shown_moves_the_cursor() {
        assert_eq!(shown("a\u{1b}[2Jb\r\n"), "a\u{fffd}[2Jb\u{fffd}\u{fffd}");
    }
}
