//! Webhooks: who is told of what, and whether it arrived.

use askama::Template;

use crate::notices::acts::WebhookView;
use crate::notices::{Attempt, Outcome};
use crate::web::frame::{Frame, When};
use crate::web::wrongs::Wrongs;

/// The list.
#[derive(Template)]
#[template(path = "notices.html")]
pub struct Notices {
    /// What is around it.
    pub frame: Frame,
    /// In the order of the configuration.
    pub rows: Vec<WebhookRow>,
}

/// One of them, with what was tried.
#[derive(Template)]
#[template(path = "notice.html")]
pub struct Webhook {
    /// What is around it.
    pub frame: Frame,
    /// What came of a test, if it was not taken.
    pub wrongs: Wrongs,
    /// The webhook.
    pub row: WebhookRow,
    /// Attempts, newest first.
    pub deliveries: Vec<Delivery>,
}

/// A webhook.
#[derive(Clone, Debug)]
pub struct WebhookRow {
    /// Its name.
    pub name: String,
    /// Where it listens.
    pub url: String,
    /// What it is told of, in the reader's language.
    pub kinds: Vec<String>,
    /// How many notices wait.
    pub waiting: u64,
    /// Since when nothing was taken.
    pub failing: Option<When>,
    /// The newest attempt.
    pub last: Option<Delivery>,
}

/// An attempt.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// When it was made.
    pub when: When,
    /// What it tells of.
    pub kind: String,
    /// The number of its event.
    pub event: Option<u64>,
    /// Which attempt it was.
    pub nth: u64,
    /// How it ended: the last part of its text's key.
    pub word: &'static str,
    /// The class of its colour.
    pub class: &'static str,
    /// What was answered, or why nothing was.
    pub answer: String,
    /// How long it took, in milliseconds.
    pub took: u64,
    /// When the next one is due.
    pub next: Option<When>,
}

impl WebhookRow {
    /// Of a webhook.
    pub fn of(frame: &Frame, webhook: &WebhookView) -> Self {
        let kinds = webhook.notices.iter().map(|kind| frame.of("notice", kind.as_str()));
        Self {
            name: webhook.name.to_string(),
            url: webhook.url.clone(),
            kinds: kinds.collect(),
            waiting: u64::try_from(webhook.waiting).unwrap_or(u64::MAX),
            failing: webhook.failing_since.map(|at| frame.when(at)),
            last: webhook.last_attempt.as_ref().map(|attempt| Delivery::of(frame, attempt)),
        }
    }
}

impl Delivery {
    /// Of an attempt.
    pub fn of(frame: &Frame, attempt: &Attempt) -> Self {
        let (word, class) = match attempt.outcome {
            Outcome::Delivered => ("delivered", "state-active"),
            Outcome::Retry => ("retry", "state-disabled"),
            Outcome::GivenUp => ("given-up", "state-revoked"),
        };
        Self {
            when: frame.when(attempt.at),
            kind: frame.of("notice", attempt.kind.as_str()),
            event: attempt.event,
            nth: attempt.attempt.into(),
            word,
            class,
            answer: answer(attempt),
            took: attempt.took_ms,
            next: attempt.next_at.map(|at| frame.when(at)),
        }
    }
}

/// What was answered, or why nothing was: in words that are English.
pub fn answer(attempt: &Attempt) -> String {
    match (attempt.status, &attempt.error) {
        (Some(status), _) => status.to_string(),
        (None, error) => error.clone().unwrap_or_default(),
    }
}
