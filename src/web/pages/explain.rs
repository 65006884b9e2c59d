//! Why a request would go through, or where it would stop.

use askama::Template;

use crate::web::exact::{self, Exact};
use crate::web::frame::Frame;
use crate::web::typed::Typed;
use crate::web::wrongs::Wrongs;

/// A check.
#[derive(Clone, Debug)]
pub struct StepRow {
    /// What was asked, in the reader's language.
    pub check: String,
    /// What was held against what.
    pub compared: Exact,
    /// `passed`, `refused` or `not reached`.
    pub outcome: String,
}

impl StepRow {
    /// Of a check of this name.
    pub fn new(frame: &Frame, check: &str, compared: &str, outcome: String) -> Self {
        let check = match frame.knows("check", check) {
            true => frame.of("check", check),
            false => check.to_owned(),
        };
        Self { check, compared: exact::told(frame, compared), outcome }
    }
}

/// The answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Whether the request would reach its upstream.
    pub permitted: bool,
    /// The status of the refusal.
    pub status: Option<u16>,
    /// The reason, as logs name it.
    pub reason: Option<String>,
    /// The API.
    pub api: Option<String>,
    /// The rule.
    pub rule: Option<String>,
    /// Every check.
    pub steps: Vec<StepRow>,
    /// The token that it is about: its id and its name.
    pub token: Option<(String, String)>,
}

/// The question, with its answer once it was asked.
#[derive(Template)]
#[template(path = "explain.html")]
pub struct Explain {
    /// What is around it.
    pub frame: Frame,
    /// What is wrong.
    pub wrongs: Wrongs,
    /// What was typed.
    pub typed: Typed,
    /// What was found.
    pub answer: Option<Answer>,
    /// Methods that are offered.
    pub methods: [&'static str; 7],
}
