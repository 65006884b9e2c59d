//! The history, and whether its chain holds.

use askama::Template;

use super::parts;
use crate::service::history::{EventView, HeadView, VerifiedView};
use crate::web::frame::{Frame, When};

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
        let kind = serde_json::to_value(view.event.kind).unwrap_or_default();
        let kind = kind.as_str().unwrap_or_default();
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
}

impl History {
    /// What stands in links that stay with the same events.
    pub fn which(&self) -> String {
        let (name, id) = match (&self.token, &self.user, &self.company) {
            (Some(token), ..) => ("token", token),
            (None, Some(user), _) => ("user", user),
            (None, None, Some(company)) => ("company", company),
            (None, None, None) => return String::new(),
        };
        let id = percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC);
        format!("&{name}={id}")
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
