//! Bringing tokens in: the form, and what became of each line.

use askama::Template;

use super::history::{Names, called};
use super::parts::{Ending, Ends};
use crate::service::import::{ImportOutcome, Imported};
use crate::web::exact::{self, Exact};
use crate::web::frame::Frame;
use crate::web::typed::Typed;
use crate::web::wrongs::Wrongs;

/// The most lines that are shown one by one; those with a problem come first.
const SHOWN: usize = 500;

/// The form. What was typed is never shown again: it may hold secrets.
#[derive(Template)]
#[template(path = "import.html")]
pub struct Import {
    /// What is around it.
    pub frame: Frame,
    /// What is wrong.
    pub wrongs: Wrongs,
    /// What was ticked.
    pub typed: Typed,
    /// The most lines.
    pub lines: u64,
    /// The most bytes of a file.
    pub bytes: usize,
}

/// What would become of each line, or what became of it.
#[derive(Template)]
#[template(path = "import_report.html")]
pub struct Report {
    /// What is around it.
    pub frame: Frame,
    /// Lines that are shown.
    pub rows: Vec<Line>,
    /// How many others there are.
    pub others: u64,
    /// How many are well.
    pub good: u64,
    /// How many were refused.
    pub refused: u64,
    /// How many were not tried.
    pub not_tried: u64,
    /// The number under which the file waits; none if it was brought in.
    pub draft: Option<u64>,
}

/// A line.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its number in the file.
    pub number: u64,
    /// What became of it: the last part of its text's key.
    pub word: &'static str,
    /// Its sign.
    pub icon: &'static str,
    /// The class of its colour.
    pub class: &'static str,
    /// The new token: its id, and what it is called.
    pub token: Option<(String, String)>,
    /// When that ends.
    pub ends: Option<Ends>,
    /// Why not: the field, if it is of one, and what is wrong.
    pub problem: Option<(Option<String>, Exact)>,
}

impl Report {
    /// Of lines with their numbers. `draft` is where the file waits, if this was only tried.
    pub fn new(
        frame: Frame,
        (names, ending): (&Names, &Ending),
        lines: Vec<(u64, Imported)>,
        draft: Option<u64>,
    ) -> Self {
        let of = |outcome| {
            let count = lines.iter().filter(|(_, line)| line.outcome == outcome).count();
            u64::try_from(count).unwrap_or(u64::MAX)
        };
        let (good, refused) = (of(ImportOutcome::Good), of(ImportOutcome::Refused));
        let not_tried = of(ImportOutcome::NotTried);
        let mut rows: Vec<_> = lines
            .into_iter()
            .map(|line| Line::of(&frame, (names, ending), line, draft.is_some()))
            .collect();
        rows.sort_by_key(|line| line.word == "good" || line.word == "would");
        let others = u64::try_from(rows.len().saturating_sub(SHOWN)).unwrap_or(u64::MAX);
        rows.truncate(SHOWN);
        Self { frame, rows, others, good, refused, not_tried, draft }
    }

    /// What its list tells of each line; when a token ends, once there are any.
    fn columns(&self) -> Vec<String> {
        let frame = &self.frame;
        let mut columns =
            vec![frame.t("import-line"), frame.t("import-outcome"), frame.t("import-why")];
        if self.draft.is_none() {
            columns.push(frame.t("token-ends"));
        }
        columns
    }
}

impl Line {
    fn of(
        frame: &Frame,
        (names, ending): (&Names, &Ending),
        (number, line): (u64, Imported),
        tried: bool,
    ) -> Self {
        let (word, icon, class) = match line.outcome {
            ImportOutcome::Good if tried => ("would", "check", "state-active"),
            ImportOutcome::Good => ("good", "check", "state-active"),
            ImportOutcome::Refused => ("refused", "cross", "state-revoked"),
            ImportOutcome::NotTried => ("not-tried", "pause", "state-disabled"),
        };
        let token = line.id.map(|id| (id.to_string(), called(names, &id)));
        let problem = line.problem.as_deref().map(|problem| of_field(frame, problem));
        let ends = line.id.and_then(|id| ending.get(&id).cloned());
        Self { number, word, icon, class, token, ends, problem }
    }
}

/// A problem that names its field, in two: columns are called as in the file.
fn of_field(frame: &Frame, problem: &str) -> (Option<String>, Exact) {
    let named = problem.strip_prefix('`').and_then(|rest| rest.split_once("`: "));
    match named {
        Some((field, problem)) => (Some(field.to_owned()), exact::told(frame, problem)),
        None => (None, exact::told(frame, problem)),
    }
}
