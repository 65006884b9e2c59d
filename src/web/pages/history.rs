//! The history, and whether its chain holds.

use askama::Template;

use super::parts;
use crate::domain::event::EventKind;
use crate::service::history::{EventView, HeadView, VerifiedView};
use crate::web::frame::{Frame, When};
use crate::web::typed::Typed;
use crate::web::wrongs::Wrongs;

/// How many characters of a value that was changed are shown.
const SHOWN: usize = 200;

/// An event.
#[derive(Clone, Debug)]
pub struct EventRow {
    /// Its number.
    pub position: u64,
    /// What happened, in the reader's language.
    pub what: String,
    /// The kind of it, for its colour: the last word of its name.
    pub kind: String,
    /// When.
    pub when: When,
    /// Who did it.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// The token that it is about.
    pub token: Option<String>,
    /// The user that it is about.
    pub user: Option<String>,
    /// The company that it is about.
    pub company: Option<String>,
    /// Whether that company is on record.
    pub company_known: bool,
    /// What was changed.
    pub changes: Vec<ChangeRow>,
}

/// A field that was changed.
#[derive(Clone, Debug)]
pub struct ChangeRow {
    /// Its name.
    pub field: String,
    /// Before.
    pub from: String,
    /// After.
    pub to: String,
}

impl EventRow {
    /// Of an event.
    pub fn of(frame: &Frame, view: &EventView) -> Self {
        let kind = view.event.kind.as_str();
        let changes = view.changes.iter().map(|change| ChangeRow {
            field: match frame.knows("field", &change.field) {
                true => frame.of("field", &change.field),
                false => change.field.clone(),
            },
            from: shown(frame, &change.from),
            to: shown(frame, &change.to),
        });
        Self {
            position: view.position,
            what: frame.of("event", kind),
            kind: kind.split('.').next_back().unwrap_or_default().to_owned(),
            when: frame.when(view.event.at),
            actor: parts::actor(frame, &view.event.actor),
            reason: view.event.reason.clone(),
            token: view.tokens.first().map(ToString::to_string),
            user: view.users.first().map(ToString::to_string),
            company: view.companies.first().map(ToString::to_string),
            company_known: kind.starts_with("company."),
            changes: changes.collect(),
        }
    }
}

fn shown(frame: &Frame, value: &serde_json::Value) -> String {
    let text = match value {
        serde_json::Value::Null => return frame.t("nothing"),
        serde_json::Value::String(text) if text.is_empty() => return frame.t("nothing"),
        serde_json::Value::String(text) => text.clone(),
        // What nobody is shown (`service::diff`).
        serde_json::Value::Object(fields) if fields.contains_key("sealed") => {
            return frame.t("hidden");
        }
        other => other.to_string(),
    };
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// The list.
#[derive(Template)]
#[template(path = "history.html")]
pub struct History {
    /// What is around it.
    pub frame: Frame,
    /// Newest first.
    pub events: Vec<EventRow>,
    /// Of which token alone.
    pub token: Option<String>,
    /// Of which user alone.
    pub user: Option<String>,
    /// Of which company alone.
    pub company: Option<String>,
    /// Before which event it begins.
    pub before: Option<u64>,
    /// Before which event it goes on.
    pub next: Option<u64>,
    /// Where it ends; none for whoever does not see all of it.
    pub head: Option<HeadView>,
    /// What is wrong with a filter.
    pub wrongs: Wrongs,
    /// What it is narrowed to.
    pub typed: Typed,
}

/// Filters beside what the events are about, which are those of `/api/v1/history`.
const FILTERS: [&str; 4] = ["kind", "by", "since", "until"];

/// What kinds of events are about.
const FAMILIES: [&str; 3] = ["token", "owner", "company"];

impl History {
    /// What stands in links that stay with the same events.
    pub fn which(&self) -> String {
        let filters =
            FILTERS.into_iter().filter_map(|field| Some((field, self.typed.said(field)?)));
        let text =
            |text| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC);
        let about = self.about().into_iter().map(|(name, id)| (name, id.as_str()));
        about.chain(filters).map(|(name, value)| format!("&{name}={}", text(value))).collect()
    }

    /// What the events are about, as a field of the form.
    pub fn about(&self) -> Option<(&'static str, &String)> {
        let token = self.token.as_ref().map(|token| ("token", token));
        let user = self.user.as_ref().map(|user| ("user", user));
        token.or(user).or(self.company.as_ref().map(|company| ("company", company)))
    }

    /// Whether some are left out by a filter.
    pub fn narrowed(&self) -> bool {
        FILTERS.iter().any(|field| self.typed.said(field).is_some())
    }

    /// What kinds are about, to ask for all of one.
    pub fn families(&self) -> &'static [&'static str] {
        &FAMILIES
    }

    /// All kinds.
    pub fn kinds(&self) -> impl Iterator<Item = &'static str> {
        EventKind::ALL.into_iter().map(EventKind::as_str)
    }

    /// Whether this kind is asked for.
    pub fn is_kind(&self, kind: &str) -> bool {
        self.typed.said("kind") == Some(kind)
    }
}

/// What a check of the whole chain found.
#[derive(Template)]
#[template(path = "history_check.html")]
pub struct Checked {
    /// What is around it.
    pub frame: Frame,
    /// What was found.
    pub found: VerifiedView,
    /// Its newest hash.
    pub hash: String,
}
