//! Mistakes of syntax behind which nothing else can be believed: a list that nobody closed takes the
//! rest of the file in.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, Error};

use super::lines::{begins_something, line, may_be_header};

/// A mistake behind which the parser sees nothing, or nothing right.
pub(super) struct Stop {
    pub(super) at: Range<usize>,
    /// What is told of it, if the parser's words say less.
    pub(super) words: Option<(&'static str, &'static str)>,
}

/// Where a mistake is.
pub(super) fn place(error: &Error) -> usize {
    error.span().unwrap_or_default().start
}

/// The first mistake behind which nothing is seen.
pub(super) fn first(document: &Spanned<DeTable<'_>>, errors: &[Error], text: &str) -> Option<Stop> {
    let no_value = ["key with no value", "missing value for key"];
    // The parser ends at a key without a value, and reads on in the wrong table behind a header that
    // is not what it was meant to be.
    let hides = |error: &&Error| {
        no_value.iter().any(|words| error.message().starts_with(words))
            || text.get(line(text, place(error))).is_some_and(may_be_header)
    };
    let hiding = errors.iter().find(hides);
    let hiding = hiding.map(|error| Stop { at: place(error)..place(error), words: None });
    let swallowed: Vec<_> = errors
        .iter()
        .map(|error| line(text, place(error)))
        .filter(|line| text.get(line.clone()).is_some_and(begins_something))
        .map(|line| line.start)
        .collect();
    let unclosed = Unclosed { text, swallowed }.in_table(document.get_ref());
    [unclosed, hiding].into_iter().flatten().min_by_key(|stop| stop.at.start)
}

/// Looks for lists, tables and texts of several lines that do not end, or end with what was never
/// meant to be theirs.
struct Unclosed<'t> {
    text: &'t str,
    /// Where lines with a mistake begin that are headers, or begin with a key.
    swallowed: Vec<usize>,
}

impl Unclosed<'_> {
    fn in_table(&self, table: &DeTable<'_>) -> Option<Stop> {
        let found = table.iter().filter_map(|(_, value)| self.in_value(value));
        found.min_by_key(|stop| stop.at.start)
    }

    fn in_value(&self, value: &Spanned<DeValue<'_>>) -> Option<Stop> {
        let span = value.span();
        let written = self.text.get(span.clone()).unwrap_or_default();
        let open = |quote: &str, close: &str| {
            let is_whole = written.len() >= quote.len() + close.len() && written.ends_with(close);
            let has_more = || self.swallowed.iter().any(|at| span.start < *at && *at < span.end);
            written.starts_with(quote) && (!is_whole || has_more())
        };
        let stop = |length: usize, what, hint| {
            Some(Stop { at: span.start..span.start + length, words: Some((what, hint)) })
        };
        match value.get_ref() {
            DeValue::Array(list) if open("[", "]") && !self.has_headers(list) => {
                stop(1, "this list does not end", "end it with a `]`")
            }
            DeValue::Table(_) if open("{", "}") => {
                stop(1, "this table does not end", "end it with a `}`")
            }
            DeValue::String(_) if open("\"\"\"", "\"\"\"") || open("'''", "'''") => {
                stop(3, "this text does not end", "end it with three quotes, as it begins")
            }
            DeValue::Array(list) => {
                let found = list.iter().filter_map(|one| self.in_value(one));
                found.min_by_key(|stop| stop.at.start)
            }
            DeValue::Table(table) => self.in_table(table),
            _ => None,
        }
    }

    /// Whether a list is one of tables that each have a header.
    fn has_headers(&self, list: &DeArray<'_>) -> bool {
        list.iter().any(|one| {
            let begins = self.text.get(one.span().start..);
            one.get_ref().is_table() && begins.is_some_and(|text| text.starts_with('['))
        })
    }
}
