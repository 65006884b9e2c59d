//! What an update changed, field by field (row X2): the record that it wrote against the one
//! before.
//!
//! Digests, passwords and sealed values are never shown; that one of the latter two changed is.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::domain::token::ParamValue;
use crate::store::Record;

/// Fields that are no change of their own, or that nobody is shown.
const LEFT_OUT: [&str; 3] = ["digest", "hint", "revision"];

/// A field that an update changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FieldChange {
    /// Its name in the record.
    pub field: String,
    /// Before; `null` for nothing.
    pub from: Value,
    /// After; `null` for nothing.
    pub to: Value,
    /// Of parameters of contexts, those whose sealed value is another one now: both are shown alike.
    #[serde(skip)]
    pub resealed: Vec<(String, String)>,
}

/// The fields that differ, in alphabetical order.
pub(super) fn diff(before: &Record, after: &Record) -> Vec<FieldChange> {
    let (raw_before, raw_after) = (fields(before), fields(after));
    let (shown_before, shown_after) = (shown(before), shown(after));
    let value = |fields: &Map<String, Value>, name: &str| fields.get(name).cloned();
    let mut names: Vec<_> = raw_before.keys().chain(raw_after.keys()).collect();
    names.sort();
    names.dedup();
    names
        .into_iter()
        .filter(|name| !LEFT_OUT.contains(&name.as_str()))
        .filter(|name| raw_before.get(*name) != raw_after.get(*name))
        .map(|name| FieldChange {
            field: name.clone(),
            from: value(&shown_before, name).unwrap_or_default(),
            to: value(&shown_after, name).unwrap_or_default(),
            resealed: match name.as_str() {
                "context_params" => resealed(raw_before.get(name), raw_after.get(name)),
                _ => Vec::new(),
            },
        })
        .collect()
}

/// Parameters that were sealed before and are, with another text.
fn resealed(before: Option<&Value>, after: Option<&Value>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (context, params) in after.and_then(Value::as_object).into_iter().flatten() {
        for (name, value) in params.as_object().into_iter().flatten() {
            let held = before.and_then(|before| before.get(context)?.get(name)?.get("sealed"));
            if held.is_some() && value.get("sealed").is_some() && held != value.get("sealed") {
                found.push((context.clone(), name.clone()));
            }
        }
    }
    found
}

fn fields(record: &Record) -> Map<String, Value> {
    let value = match record {
        Record::Token(token) => serde_json::to_value(&**token),
        Record::Owner(owner) => serde_json::to_value(&**owner),
        Record::Company(company) => serde_json::to_value(&**company),
    };
    match value {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

/// The same with passwords and sealed values covered.
fn shown(record: &Record) -> Map<String, Value> {
    let mut fields = fields(record);
    if let Some(password) = fields.get_mut("password") {
        *password = json!({"sealed": true});
    }
    if let (Record::Token(token), Some(params)) = (record, fields.get_mut("context_params")) {
        for (context, values) in &token.context_params {
            for (name, value) in values {
                let place = params.get_mut(context.as_str()).and_then(|held| held.get_mut(name));
                if let (ParamValue::Sealed(_), Some(place)) = (value, place) {
                    *place = json!({"sealed": true});
                }
            }
        }
    }
    fields
}
