//! What a list of tokens is narrowed to: the form above it, and links that stay with the same list.

use percent_encoding::NON_ALPHANUMERIC;
use serde_json::{Map, Value, json};

use super::choices::Choice;
use crate::config::Settings;
use crate::domain::id::Slug;
use crate::web::frame::Frame;
use crate::web::typed::Typed;

/// Fields of the form, which are those of `/api/v1/tokens`; the empty ones are left out of links.
pub const FIELDS: [&str; 15] = [
    "text",
    "name",
    "state",
    "owner",
    "company",
    "context",
    "flags",
    "hint",
    "created_from",
    "created_before",
    "expires_before",
    "ends_before",
    "last_used_before",
    "never_used",
    "rotated",
];

/// States that can be asked for, as they are called in `/api/v1/tokens`.
const STATES: [&str; 8] =
    ["active", "pending", "disabled", "blocked", "used_up", "expired", "idle_expired", "revoked"];

/// The form with what was chosen in it.
#[derive(Clone)]
pub struct Filters {
    /// What was typed.
    pub typed: Typed,
    /// Contexts that there are.
    pub contexts: Vec<Choice>,
    /// Access levels that have a name.
    pub flags: Vec<String>,
}

/// Something that the list is narrowed to.
#[derive(Clone, Debug)]
pub struct Chip {
    /// What is asked of.
    pub label: String,
    /// What it must be; empty where the label says it all.
    pub value: String,
    /// The query of the list without it.
    pub without: String,
}

impl Filters {
    /// The form by the settings.
    pub fn new(typed: Typed, settings: &Settings) -> Self {
        let context = |(id, context): (&Slug, &_)| {
            let context: &crate::config::settings::Context = context;
            Choice { id: id.to_string(), name: context.title.clone() }
        };
        let contexts = settings.contexts.iter().map(context).collect();
        let flags = settings.flags.iter().map(|(name, _)| name.to_owned()).collect();
        Self { typed, contexts, flags }
    }

    /// What is asked of `/api/v1/tokens`.
    pub fn asked(&self, limit: usize) -> Value {
        let mut asked = self.filter();
        asked.insert("order".to_owned(), json!(self.order()));
        asked.insert("limit".to_owned(), json!(limit));
        if let Some(after) = self.after() {
            asked.insert("cursor".to_owned(), json!(after));
        }
        Value::Object(asked)
    }

    /// The fields that say something.
    pub fn fields(&self) -> Vec<(&'static str, &str)> {
        FIELDS.into_iter().filter_map(|field| Some((field, self.typed.said(field)?))).collect()
    }

    /// The same as the filter of an act on all that fit.
    pub fn filter(&self) -> Map<String, Value> {
        let value = |(field, text): (&str, &str)| match field {
            "never_used" => (field.to_owned(), json!(true)),
            _ => (field.to_owned(), json!(text)),
        };
        self.fields().into_iter().map(value).collect()
    }

    /// Where the page before ended.
    pub fn after(&self) -> Option<&str> {
        self.typed.said("after")
    }

    /// Which come first.
    pub fn order(&self) -> &'static str {
        if self.oldest() { "oldest" } else { "newest" }
    }

    /// Whether the oldest come first.
    pub fn oldest(&self) -> bool {
        self.typed.one("order") == "oldest"
    }

    /// Whether a field has this value.
    pub fn is(&self, field: &str, value: &str) -> bool {
        self.typed.said(field) == Some(value)
    }

    /// States that are offered.
    pub fn states(&self) -> &'static [&'static str] {
        &STATES
    }

    /// What stands in links that stay with the same list.
    pub fn query(&self) -> String {
        self.without("")
    }

    fn without(&self, left_out: &str) -> String {
        let mut query = format!("order={}", self.order());
        for (field, text) in self.fields().into_iter().filter(|(field, _)| *field != left_out) {
            let text = percent_encoding::utf8_percent_encode(text, NON_ALPHANUMERIC);
            query.push_str(&format!("&{field}={text}"));
        }
        query
    }

    /// All that the list is narrowed to.
    pub fn chips(&self, frame: &Frame) -> Vec<Chip> {
        let chip = |field: &str| {
            let text = self.typed.said(field)?;
            let context = self.contexts.iter().find(|context| context.id == text);
            let context = context.map(|context| context.name.as_str());
            let (label, value) = told(frame, field, text, context);
            Some(Chip { label, value, without: self.without(field) })
        };
        FIELDS.into_iter().filter_map(chip).collect()
    }

    /// Several states that are asked for at once, as links do, with how they are called.
    pub fn more_states(&self, frame: &Frame) -> Option<(&str, String)> {
        let text = self.typed.said("state").filter(|text| text.contains(','))?;
        Some((text, states(frame, text)))
    }

    /// Whether it is narrowed to a context, which tokens with general access reach too.
    pub fn of_context(&self) -> bool {
        let asked = self.typed.said("context");
        self.contexts.iter().any(|context| asked == Some(&*context.id))
    }

    /// Whether the list is not the whole one.
    pub fn narrowed(&self) -> bool {
        !self.fields().is_empty()
    }
}

/// A condition of a list of tokens: what it is of, and what is asked.
pub fn said(frame: &Frame, settings: &Settings, field: &str, text: &str) -> (String, String) {
    let context = text.parse().ok().and_then(|id: Slug| settings.contexts.get(&id));
    told(frame, field, text, context.map(|context| context.title.as_str()))
}

/// The same, with what a context of this name is called.
fn told(frame: &Frame, field: &str, text: &str, context: Option<&str>) -> (String, String) {
    let value = match field {
        "state" => states(frame, text),
        "never_used" => String::new(),
        "rotated" => rotated(frame, text),
        "context" => context.unwrap_or(text).to_owned(),
        _ => text.to_owned(),
    };
    (frame.of("filter", field), value)
}

fn rotated(frame: &Frame, text: &str) -> String {
    match frame.knows("rotated", text) {
        true => frame.of("rotated", text),
        false => text.to_owned(),
    }
}

fn states(frame: &Frame, text: &str) -> String {
    let name = |word: &str| match frame.knows("state", word) {
        true => frame.of("state", word),
        false => word.to_owned(),
    };
    text.split(',').map(name).collect::<Vec<_>>().join(", ")
}
