//! Secrets that were found in the open: the form, and what became of each.

use askama::Template;

use super::history::{Names, called};
use super::parts::{Ending, Ends};
use crate::service::leaks::{LeakLine, LeakOutcome};
use crate::web::frame::Frame;
use crate::web::wrongs::Wrongs;

/// The form, and what became of those that were sent. No secret is shown again.
#[derive(Template)]
#[template(path = "leaks.html")]
pub struct Leaks {
    /// What is around it.
    pub frame: Frame,
    /// What is wrong.
    pub wrongs: Wrongs,
    /// The most secrets.
    pub most: u64,
    /// The reason that was typed.
    pub reason: String,
    /// What became of each, in their order; empty before any was sent.
    pub rows: Vec<LeakRow>,
    /// Under which number those wait that were only tried.
    pub draft: Option<u64>,
}

/// What became of a secret.
#[derive(Clone, Debug)]
pub struct LeakRow {
    /// In which line of the form it stands first, counted from 1.
    pub number: u64,
    /// What became of it: the last part of its text's key.
    pub word: &'static str,
    /// The class of its colour.
    pub class: &'static str,
    /// Its token, what that is called, and whom it acted for.
    pub token: Option<(String, String, String)>,
    /// When its token ends, or ended.
    pub ends: Option<Ends>,
}

impl LeakRow {
    /// Of a line, with its number.
    pub fn of((names, ending): (&Names, &Ending), (number, line): (u64, &LeakLine)) -> Self {
        let (word, class) = match line.outcome {
            LeakOutcome::Ended => ("ended", "state-revoked"),
            LeakOutcome::WouldEnd => ("would-end", "state-active"),
            LeakOutcome::WasEnded => ("was-ended", "state-expired"),
            LeakOutcome::Repeated => ("repeated", "state-expired"),
            LeakOutcome::Unknown => ("unknown", "state-expired"),
        };
        let token = line.id.zip(line.owner.as_ref());
        let token =
            token.map(|(id, owner)| (id.to_string(), called(names, &id), owner.to_string()));
        let ends = line.id.and_then(|id| ending.get(&id).cloned());
        Self { number, word, class, token, ends }
    }
}

impl Leaks {
    /// How many tokens were ended by it.
    pub fn ended(&self) -> u64 {
        self.those("ended")
    }

    /// How many would be.
    pub fn would_end(&self) -> u64 {
        self.those("would-end")
    }

    fn those(&self, word: &str) -> u64 {
        let those = self.rows.iter().filter(|row| row.word == word).count();
        u64::try_from(those).unwrap_or(u64::MAX)
    }
}
