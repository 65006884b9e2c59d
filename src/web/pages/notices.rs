//! Webhooks: who is told of what, and whether it arrived.

use askama::Template;

use super::history::{Names, called};
use crate::notices::acts::WebhookView;
use crate::notices::{Attempt, Outcome};
use crate::web::exact::{self, Exact};
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
    /// The token that it is about: its id, and what it is called.
    pub token: Option<(String, String)>,
    /// The user that it is about, or whose token.
    pub owner: Option<String>,
    /// Which attempt it was.
    pub nth: u64,
    /// How it ended: the last part of its text's key.
    pub word: &'static str,
    /// The class of its colour.
    pub class: &'static str,
    /// What was answered, or why nothing was.
    pub answer: Exact,
    /// How long it took, in milliseconds.
    pub took: u64,
    /// When the next one is due.
    pub next: Option<When>,
}

impl WebhookRow {
    /// Of a webhook.
    pub fn of(frame: &Frame, names: &Names, webhook: &WebhookView) -> Self {
        let kinds = webhook.notices.iter().map(|kind| frame.of("notice", kind.as_str()));
        Self {
            name: webhook.name.to_string(),
            url: webhook.url.clone(),
            kinds: kinds.collect(),
            waiting: u64::try_from(webhook.waiting).unwrap_or(u64::MAX),
            failing: webhook.failing_since.map(|at| frame.when(at)),
            last: webhook.last_attempt.as_ref().map(|attempt| Delivery::of(frame, names, attempt)),
        }
    }
}

impl Delivery {
    /// Of an attempt.
    pub fn of(frame: &Frame, names: &Names, attempt: &Attempt) -> Self {
        let (word, class) = match attempt.outcome {
            Outcome::Delivered => ("delivered", "state-active"),
            Outcome::Retry => ("retry", "state-disabled"),
            Outcome::GivenUp => ("given-up", "state-revoked"),
        };
        Self {
            when: frame.when(attempt.at),
            kind: frame.of("notice", attempt.kind.as_str()),
            event: attempt.event,
            token: attempt.token.map(|id| (id.to_string(), called(names, &id))),
            owner: attempt.owner.as_ref().map(ToString::to_string),
            nth: attempt.attempt.into(),
            word,
            class,
            answer: answer(frame, attempt),
            took: attempt.took_ms,
            next: attempt.next_at.map(|at| frame.when(at)),
        }
    }
}

/// What was answered, or why nothing was.
pub fn answer(frame: &Frame, attempt: &Attempt) -> Exact {
    match (attempt.status, &attempt.error) {
        (Some(status), _) => Exact { text: status.to_string(), lang: None },
        (None, error) => exact::told(frame, error.as_deref().unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::notice::NoticeKind;
    use crate::domain::time::Timestamp;
    use crate::service::sight::TokenName;
    use crate::web::frame::Theme;
    use crate::web::language::Language;

    #[test]
    fn a_delivery_leads_to_the_token_and_its_owner() {
        let (now, id) =
            (Timestamp::from_unix(1_800_000_000), "0190b6f2-5c1e-7abc-8def-0123456789ab");
        let frame = Frame {
            language: Language::Portuguese,
            theme: Theme::System,
            reader: None,
            path: "/notices/chat".to_owned(),
            query: String::new(),
            is_form: false,
            done: None,
            now,
        };
        let owner: crate::domain::id::OwnerId = "alice".parse().unwrap();
        let token =
            TokenName { name: "Nightly".to_owned(), hint: "abcd".to_owned(), owner: owner.clone() };
        let names = Names::from([(id.parse().unwrap(), token)]);
        let attempt = Attempt {
            at: now,
            notice: "evt_7".to_owned(),
            kind: NoticeKind::Leaked,
            event: Some(7),
            token: id.parse().ok(),
            owner: Some(owner),
            attempt: 1,
            outcome: Outcome::GivenUp,
            status: None,
            error: Some("no answer within 15 s".to_owned()),
            took_ms: 3,
            next_at: None,
        };
        let row = WebhookRow {
            name: "chat".to_owned(),
            url: "https://hooks.example/".to_owned(),
            kinds: Vec::new(),
            waiting: 0,
            failing: None,
            last: None,
        };
        let deliveries = vec![Delivery::of(&frame, &names, &attempt)];
        let page = Webhook { frame, wrongs: Wrongs::default(), row, deliveries }.render().unwrap();
        for part in [
            &*format!("<a href=\"/tokens/{id}\"><bdi>Nightly</bdi></a>"),
            "href=\"/users/alice\"",
            "sem resposta em 15 s",
            "nenhuma",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(!page.contains("<span lang=\"en\""), "{page}");
    }
}
