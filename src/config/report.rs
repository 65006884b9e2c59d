//! Mistakes as people read them: place, source line, caret and hint.
//!
//! What is wrong is said by `mistake`; here it is only laid out. A report never shows the value of
//! an environment variable, and shows stars where a secret stands in the file itself.

use std::fmt::{self, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::mistake::Mistake;

/// How much of a long line is shown.
const SHOWN_COLUMNS: usize = 160;

/// Everything that is wrong with a file, in the order of the file. Its `Display` is the whole text.
pub struct Report {
    path: PathBuf,
    text: Box<str>,
    /// Where each line begins.
    lines: Box<[usize]>,
    found: Vec<Found>,
    concealed: Box<[Range<usize>]>,
    partial: bool,
    named: Box<[PathBuf]>,
}

/// What is said where only a part of a file could be looked at.
const PARTIAL: &str = "note: what needs the whole file, such as keys that are missing and names \
                       that are unknown, is looked at once all of it can be read";

/// One mistake with its place, if it has one, and the way out.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) mistake: Mistake,
    pub(super) span: Option<Range<usize>>,
    pub(super) hint: String,
}

/// One mistake, in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// A word that stays the same while sentences change, such as `UnknownKey`.
    pub kind: String,
    /// The sentence.
    pub message: String,
    /// Line and column, both from 1.
    pub place: Option<(usize, usize)>,
    /// What to do about it.
    pub hint: String,
}

impl Report {
    pub(super) fn new(
        path: &Path,
        text: &str,
        mut found: Vec<Found>,
        concealed: Vec<Range<usize>>,
    ) -> Self {
        found.sort_by_key(|one| one.span.as_ref().map_or((0, 0), |span| (span.start, span.end)));
        let (path, text) = (path.to_owned(), Box::<str>::from(text));
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1));
        Self {
            path,
            lines: lines.collect(),
            text,
            found,
            concealed: concealed.into(),
            partial: false,
            named: Box::default(),
        }
    }

    /// Whether it tells of a part of the file alone.
    pub(super) fn partial(self, partial: bool) -> Self {
        Self { partial, ..self }
    }

    /// With the other files that the file names.
    pub(super) fn naming(self, named: Vec<PathBuf>) -> Self {
        Self { named: named.into(), ..self }
    }

    /// A single mistake that has no place in any file.
    pub(super) fn placeless(mistake: Mistake, hint: &str) -> Self {
        let found = Found { mistake, span: None, hint: hint.to_owned() };
        Self::new(Path::new(""), "", vec![found], Vec::new())
    }

    /// The file; none if none was read.
    pub fn file(&self) -> Option<&Path> {
        Some(&*self.path).filter(|path| !path.as_os_str().is_empty())
    }

    /// The certificates, keys and secrets that the file names, as far as it could be read: mending one of them may be
    /// all that is needed.
    pub fn named(&self) -> &[PathBuf] {
        &self.named
    }

    /// Each mistake by itself, for those who want no prose around it.
    pub fn entries(&self) -> impl Iterator<Item = Entry> {
        self.found.iter().map(|one| {
            let line = one.span.as_ref().map(|span| self.line(span));
            Entry {
                kind: one.mistake.kind(),
                message: printable(&one.mistake.to_string()),
                place: line.map(|line| (line.number, line.column)),
                hint: printable(&one.hint),
            }
        })
    }

    fn line(&self, span: &Range<usize>) -> Line {
        let number = self.lines.partition_point(|start| *start <= span.start).max(1);
        let start = self.lines.get(number - 1).copied().unwrap_or(0);
        Line::of(&self.text, (number, start), span, &self.concealed)
    }

    fn write_place(&self, f: &mut fmt::Formatter<'_>, span: &Range<usize>) -> fmt::Result {
        let line = self.line(span);
        let number = line.number.to_string();
        let gutter = " ".repeat(number.len());
        let path = printable(&self.path.to_string_lossy());
        writeln!(f, "{gutter}--> {path}:{number}:{}", line.column)?;
        writeln!(f, "{gutter} |")?;
        writeln!(f, "{}", format!("{number} | {}", line.shown).trim_end())?;
        writeln!(f, "{gutter} | {}{}", " ".repeat(line.caret_from), "^".repeat(line.carets))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, one) in self.found.iter().enumerate() {
            if number > 0 {
                f.write_char('\n')?;
            }
            writeln!(f, "error: {}", printable(&one.mistake.to_string()))?;
            if let Some(span) = &one.span {
                self.write_place(f, span)?;
            }
            writeln!(f, "hint: {}", printable(&one.hint))?;
        }
        if self.partial {
            write!(f, "\n{PARTIAL}\n")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Report {
    /// The file itself is left out: a secret may stand in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Report {}

/// The line in which a span begins, ready to be shown.
struct Line {
    number: usize,
    column: usize,
    shown: String,
    caret_from: usize,
    carets: usize,
}

impl Line {
    fn of(
        text: &str,
        (number, line_start): (usize, usize),
        span: &Range<usize>,
        concealed: &[Range<usize>],
    ) -> Self {
        let start = floor(text, span.start);
        let end = floor(text, span.end).max(start);
        let rest = text.get(line_start..).unwrap_or_default();
        let line = rest.split('\n').next().unwrap_or_default().trim_end_matches('\r');
        let hidden = |at: usize| concealed.iter().any(|secret| secret.contains(&at));
        let cells: Vec<char> = line
            .char_indices()
            .map(|(at, c)| if hidden(line_start + at) { '*' } else { visible(c) })
            .collect();
        let column = text.get(line_start..start).unwrap_or_default().chars().count();
        let marked = text.get(start..end).unwrap_or_default();
        let carets = marked.split('\n').next().unwrap_or_default().trim_end().chars().count();
        let first = column.saturating_sub(SHOWN_COLUMNS / 2);
        let first = if cells.len() > SHOWN_COLUMNS { first } else { 0 };
        let shown: String = cells.iter().skip(first).take(SHOWN_COLUMNS).collect();
        let caret_from = column - first;
        Self {
            number,
            column: column + 1,
            caret_from,
            carets: carets.clamp(1, (SHOWN_COLUMNS - caret_from.min(SHOWN_COLUMNS - 1)).max(1)),
            shown,
        }
    }
}

/// The character boundary at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// One cell for one character: what would move the cursor or colour the terminal is replaced.
fn visible(c: char) -> char {
    match c {
        '\t' => ' ',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

fn printable(text: &str) -> String {
    text.chars().map(visible).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, span: Range<usize>) -> (usize, usize, String, usize, usize) {
        let line = Report::new(Path::new("t"), text, Vec::new(), Vec::new()).line(&span);
        (line.number, line.column, line.shown, line.caret_from, line.carets)
    }

    #[test]
    fn a_span_becomes_line_column_and_carets() {
        let text = "a = 1\r\nbé = \"x\"\n";
        assert_eq!(line(text, 7..10), (2, 1, "bé = \"x\"".to_owned(), 0, 2));
        assert_eq!(line(text, 14..15), (2, 7, "bé = \"x\"".to_owned(), 6, 1));
        assert_eq!(line(text, text.len()..text.len()).0, 3);
    }

    #[test]
    fn a_span_of_several_lines_is_marked_on_its_first() {
        assert_eq!(line("k = [1,\n2]\n", 4..10), (1, 5, "k = [1,".to_owned(), 4, 3));
    }

    #[test]
    fn a_long_line_is_cut_around_the_caret() {
        let text = "x".repeat(10_000);
        let (_, column, shown, from, carets) = line(&text, 5_000..9_000);
        assert_eq!((column, shown.len(), from, carets), (5_001, 160, 80, 80));
    }

    #[test]
    fn any_span_at_all_is_survived() {
        let text = "é\n\u{1b}[2J\t";
        for start in 0..12 {
            for end in 0..12 {
                let (_, _, shown, from, carets) = line(text, start..end);
                assert!(carets > 0 && from < 12 && !shown.contains('\u{1b}'));
            }
        }
    }

    #[test]
    fn a_concealed_span_is_shown_as_stars() {
        let secret = std::iter::once(7..14).collect();
        let report = Report::new(Path::new("t"), "key = \"hunter2\"", Vec::new(), secret);
        assert_eq!(report.line(&(7..14)).shown, "key = \"*******\"");
    }
}
