//! What a list of users is narrowed to: the form above it, and links that stay with the same list.

use percent_encoding::NON_ALPHANUMERIC;
use serde_json::{Map, Value, json};

use crate::domain::role::Role;
use crate::web::typed::Typed;

/// Fields of the form, which are those of `/api/v1/users`.
const FIELDS: [&str; 5] = ["text", "state", "kind", "role", "company"];

/// The form with what was chosen in it.
#[derive(Clone)]
pub struct UserFilters {
    /// What was typed.
    pub typed: Typed,
}

impl UserFilters {
    fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        FIELDS.into_iter().filter_map(|field| Some((field, self.typed.said(field)?)))
    }

    /// What is asked of `/api/v1/users`.
    pub fn asked(&self, limit: usize) -> Value {
        let fields = self.fields().map(|(field, text)| (field.to_owned(), json!(text)));
        let mut asked: Map<_, _> = fields.collect();
        asked.insert("limit".to_owned(), json!(limit));
        if let Some(after) = self.after() {
            asked.insert("after".to_owned(), json!(after));
        }
        Value::Object(asked)
    }

    /// Behind whom the page begins.
    pub fn after(&self) -> Option<&str> {
        self.typed.said("after")
    }

    /// Whether the list is not the whole one.
    pub fn narrowed(&self) -> bool {
        self.fields().next().is_some()
    }

    /// Whether a field has this value.
    pub fn is(&self, field: &str, value: &str) -> bool {
        self.typed.said(field) == Some(value)
    }

    /// Roles with a meaning.
    pub fn roles(&self) -> [&'static str; 4] {
        Role::ALL.map(Role::as_str)
    }

    /// Another role that is asked for, as a link does.
    pub fn other_role(&self) -> Option<&str> {
        self.typed.said("role").filter(|role| !self.roles().contains(role))
    }

    /// What stands in links that stay with the same list; it ends with `&` if it says anything.
    pub fn query(&self) -> String {
        let encoded = |text| percent_encoding::utf8_percent_encode(text, NON_ALPHANUMERIC);
        self.fields().map(|(field, text)| format!("{field}={}&", encoded(text))).collect()
    }
}
