//! A text that is no TOML: what is wrong with it, and what can be read of it all the same.
//!
//! The parser goes on behind a mistake with guesses, and one list that nobody closed swallows the
//! rest of the file. So what is broken is taken out, with as much around it as may mean something
//! else without it, and the rest is parsed again until it is whole. Only the first word about any
//! line is told, and no word that a cut may have led to.

use std::ops::Range;

use toml::Spanned;
use toml::de::DeTable;

use super::lines::{line, may_be_header, section_behind};
use super::mistake::Mistake;
use super::reading::Reading;
use super::stop::{self, Stop, place};
use super::syntax;

/// How often a text is mended. One with more mistakes that hide what is behind them is told of in
/// parts.
const MOST_ROUNDS: usize = 32;

/// A text under repair, in which what was taken out is blank, so that all else keeps its place.
pub(super) struct Broken {
    text: String,
    cut: Vec<Range<usize>>,
}

impl Broken {
    /// Tells all mistakes of syntax.
    pub(super) fn tell(source: &str, reading: &Reading<'_>) -> Self {
        syntax::conceal_likely_secrets(source, reading);
        let mut broken = Self { text: source.to_owned(), cut: Vec::new() };
        // What stands before this was parsed already, and what is wrong there now is our doing.
        let mut fresh_from = 0;
        for _ in 0..MOST_ROUNDS {
            let next = broken.mend(fresh_from, reading);
            let Some(next) = next else { break };
            fresh_from = next;
        }
        broken
    }

    /// What is left, if it is whole now.
    pub(super) fn rest(&self) -> Option<Spanned<DeTable<'_>>> {
        let (document, errors) = DeTable::parse_recoverable(&self.text);
        errors.is_empty().then_some(document)
    }

    /// Whether what was found at this place was found in what is left.
    pub(super) fn has_left(&self, span: &Range<usize>) -> bool {
        !self.cut.iter().any(|cut| cut.start < span.end && span.start < cut.end)
    }

    /// Tells what is new, and takes out what is wrong; answers from where on all is new the next
    /// time. None if nothing is wrong, or if that cannot be taken out.
    fn mend(&mut self, fresh_from: usize, reading: &Reading<'_>) -> Option<usize> {
        let text = std::mem::take(&mut self.text);
        let (document, mut errors) = DeTable::parse_recoverable(&text);
        errors.sort_by_key(place);
        let stop = stop::first(&document, &errors, &text);
        let end = match &stop {
            None => text.len() + 1,
            // Its own words say more than the parser's about the same line.
            Some(Stop { at, words: Some(_) }) => line(&text, at.start).start,
            Some(Stop { at, words: None }) => at.start + 1,
        };
        let mut cut: Vec<Range<usize>> = Vec::new();
        for error in errors.iter().take_while(|error| place(error) < end) {
            let line = line(&text, place(error));
            if cut.last() == Some(&line) {
                continue;
            }
            if place(error) >= fresh_from {
                syntax::tell(error, &text, reading);
            }
            cut.push(line);
        }
        let mut next = text.len();
        if let Some(Stop { at, words }) = stop {
            if let Some((what, hint)) = words
                && at.start >= fresh_from
            {
                reading.mistake(&at, Mistake::Syntax(what.to_owned()), hint);
            }
            let line = line(&text, at.start);
            let is_header = text.get(line.clone()).is_some_and(may_be_header);
            let to_section = words.is_some() || is_header;
            next = if to_section { section_behind(&text, line.end) } else { line.end };
            cut.push(line.start..next);
            next = next.max(fresh_from);
        }
        drop(document);
        self.text = text;
        let before = self.cut.len();
        for one in cut {
            self.take_out(one);
        }
        (self.cut.len() > before).then_some(next)
    }

    /// A header goes with all that is under it.
    fn take_out(&mut self, mut span: Range<usize>) {
        if self.text.get(span.clone()).is_some_and(may_be_header) {
            span.end = span.end.max(section_behind(&self.text, span.end));
        }
        let Some(old) = self.text.get(span.clone()).filter(|old| !old.trim().is_empty()) else {
            return;
        };
        let blank: String =
            old.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect();
        self.text.replace_range(span.clone(), &blank);
        self.cut.push(span);
    }
}
