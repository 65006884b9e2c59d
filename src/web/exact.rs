//! What the service says of a mistake, a check or a delivery, in the reader's language. It says it in English, to
//! REST and the command line as well; here each of its sentences is found by its words, with places in them for what
//! differs. One that is found nowhere is shown as it is: `tests/phrases.rs` reads the sources, so that there is none.

use std::net::IpAddr;
use std::sync::LazyLock;

use fluent_bundle::FluentValue;

use super::frame::Frame;
use super::language::Language;
use super::texts::{self, Texts};
use crate::domain::event::Actor;
use crate::domain::time::{Span, Timestamp};

/// The names of places, in their order.
const PLACES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// How many letters a sentence has beside its places. Shorter ones, such as `{a} and {b}`, are parts of others.
const LETTERS: usize = 5;

/// How deep sentences stand in others.
const DEPTH: usize = 4;

/// The most bytes of a text that are compared with sentences. Ours are shorter, and what is longer is of people.
const LONGEST: usize = 2 * 1_024;

/// The most bytes that are looked at for one text, over all sentences and places: a few milliseconds, whatever
/// people wrote to fit in many ways.
const WORK: usize = 4 << 20;

/// What was looked at for one text.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// How many bytes.
    pub(super) done: usize,
}

impl Work {
    /// Counts before `bytes` are looked at. None if that is too much by now.
    fn look_at(&mut self, bytes: usize) -> Option<()> {
        if self.is_over() {
            return None;
        }
        self.done = self.done.saturating_add(bytes);
        Some(())
    }

    fn is_over(&self) -> bool {
        self.done >= WORK
    }
}

/// A sentence of the service.
#[derive(Debug)]
pub(super) struct Phrase {
    /// Its key.
    pub(super) key: String,
    /// What stands before, between and behind its places.
    pub(super) pieces: Vec<String>,
    letters: usize,
}

static PHRASES: LazyLock<Vec<Phrase>> = LazyLock::new(|| phrases("exact-"));
static REASONS: LazyLock<Vec<Phrase>> = LazyLock::new(|| phrases("written-"));

/// Those of a family, the most telling ones first.
pub(super) fn phrases(family: &str) -> Vec<Phrase> {
    let lines = texts::EXACT_ENGLISH.lines().filter(|line| line.starts_with(family));
    let mut found: Vec<_> = lines.filter_map(phrase).collect();
    found.sort_by_key(|phrase| std::cmp::Reverse(phrase.letters));
    found
}

fn phrase(line: &str) -> Option<Phrase> {
    let (key, mut rest) = line.split_once(" = ")?;
    let mut pieces = Vec::new();
    while let Some((piece, after)) = rest.split_once("{ $") {
        pieces.push(piece.to_owned());
        rest = after.split_once(" }")?.1;
    }
    pieces.push(rest.to_owned());
    let letters = pieces.iter().flat_map(|piece| piece.chars()).filter(|c| !c.is_whitespace());
    Some(Phrase { key: key.to_owned(), letters: letters.count(), pieces })
}

/// A sentence as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exact {
    /// What it says.
    pub text: String,
    /// In which language, if not in that of the page.
    pub lang: Option<&'static str>,
}

/// What the service said, in the reader's language.
pub fn told(frame: &Frame, english: &str) -> Exact {
    told_by(frame, english, &mut Work::default())
}

/// The same, with a count of what it takes.
pub(super) fn told_by(frame: &Frame, english: &str, work: &mut Work) -> Exact {
    if frame.language == Language::English || !has_words(english) {
        return Exact { text: english.to_owned(), lang: None };
    }
    match in_words(frame, english, work) {
        Some(text) => Exact { text, lang: None },
        None => Exact { text: english.to_owned(), lang: Some(Language::English.tag()) },
    }
}

fn in_words(frame: &Frame, english: &str, work: &mut Work) -> Option<String> {
    if english.len() > LONGEST {
        return None;
    }
    // Of several sentences each is found by itself; one may hold a semicolon of its own.
    let parts: Option<Vec<_>> =
        english.split("; ").map(|part| sentence(frame, part, 0, work)).collect();
    let text = parts.map(|parts| parts.join("; ")).or_else(|| sentence(frame, english, 0, work));
    // Where it was given up, some of it is not in the reader's language.
    text.filter(|_| !work.is_over())
}

/// Whether there is something to translate: what is quoted is the same in each language.
fn has_words(text: &str) -> bool {
    text.split('`').step_by(2).any(|part| part.contains(char::is_alphabetic))
}

/// A reason that the program itself may have written down, in the reader's language; those of people as they are.
pub fn reason(frame: &Frame, text: &str) -> String {
    reason_by(frame, text, &mut Work::default())
}

/// The same, with a count of what it takes.
pub(super) fn reason_by(frame: &Frame, text: &str, work: &mut Work) -> String {
    if frame.language == Language::English || text.len() > LONGEST {
        return text.to_owned();
    }
    let found = REASONS.iter().find_map(|phrase| Some((phrase, held(phrase, text, work)?)));
    match found.filter(|(_, held)| held.first().is_none_or(|first| is_ours(first))) {
        Some((phrase, held)) => filled(frame, phrase, &held, 0, work),
        None => text.to_owned(),
    }
}

/// Whether the program writes this into a reason: an address, a number or a moment.
fn is_ours(word: &str) -> bool {
    word.parse::<IpAddr>().is_ok() || word.parse::<u64>().is_ok() || moment(word).is_some()
}

fn sentence(frame: &Frame, english: &str, depth: usize, work: &mut Work) -> Option<String> {
    let whole = |phrase: &&Phrase| depth > 0 || phrase.letters >= LETTERS;
    let (phrase, held) = PHRASES
        .iter()
        .filter(whole)
        .find_map(|phrase| Some((phrase, held(phrase, english, work)?)))?;
    Some(filled(frame, phrase, &held, depth, work))
}

fn filled(frame: &Frame, phrase: &Phrase, held: &[&str], depth: usize, work: &mut Work) -> String {
    let values: Vec<_> = PLACES
        .into_iter()
        .zip(held)
        .map(|(place, word)| (place, FluentValue::from(value(frame, word, depth + 1, work))))
        .collect();
    Texts::of(frame.language).with(&phrase.key, &values)
}

/// What stands in a place: a sentence once more, a moment, somebody, a length of time, or what people wrote.
fn value(frame: &Frame, word: &str, depth: usize, work: &mut Work) -> String {
    if let Some(at) = moment(word) {
        return frame.when(at).exact;
    }
    if let Ok(actor) = Actor::try_from(word.to_owned()) {
        return frame.actor(&actor);
    }
    let is_span = word.ends_with(|c: char| c.is_ascii_lowercase());
    if let Some(span) = word.parse::<Span>().ok().filter(|_| is_span) {
        return frame.length(span);
    }
    let inner = (depth < DEPTH).then(|| sentence(frame, word, depth, work)).flatten();
    inner.unwrap_or_else(|| word.to_owned())
}

fn moment(word: &str) -> Option<Timestamp> {
    word.parse().ok().filter(|_| word.ends_with('Z'))
}

/// What stands in the places of a sentence, if the text is that sentence.
fn held<'t>(phrase: &Phrase, text: &'t str, work: &mut Work) -> Option<Vec<&'t str>> {
    let (first, rest) = phrase.pieces.split_first()?;
    work.look_at(first.len() + 1)?;
    let text = text.strip_prefix(first.as_str())?;
    let mut held = Vec::new();
    match rest {
        [] => text.is_empty().then_some(held),
        rest => fits(rest, text, &mut held, work).then_some(held),
    }
}

fn fits<'t>(pieces: &[String], text: &'t str, held: &mut Vec<&'t str>, work: &mut Work) -> bool {
    let Some((piece, rest)) = pieces.split_first() else { return text.is_empty() };
    // All of it is looked at once for this piece, whatever the pieces behind it take.
    if work.look_at(piece.len() + text.len()).is_none() {
        return false;
    }
    if rest.is_empty() {
        let Some(last) = text.strip_suffix(piece.as_str()) else { return false };
        held.push(last);
        return true;
    }
    for (at, found) in text.match_indices(piece.as_str()) {
        let (Some(word), Some(after)) = (text.get(..at), text.get(at + found.len()..)) else {
            return false;
        };
        held.push(word);
        if fits(rest, after, held, work) {
            return true;
        }
        held.pop();
    }
    false
}
