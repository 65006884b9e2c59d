//! What an update changed, for people: each part in the words in which it is typed.

use serde_json::{Map, Value};

use crate::cli::output::shown;
use crate::cli::window;
use crate::domain::conditions::Conditions;
use crate::domain::left::Left;
use crate::domain::limits::Limits;
use crate::domain::time::Span;
use crate::service::diff::FieldChange;

/// `what: before -> after`, one for each part that differs.
pub(super) fn words(change: &FieldChange) -> Vec<String> {
    let told =
        |what: &str, from: &str, to: &str| format!("{what}: {} -> {}", shown(from), shown(to));
    let field = change.field.as_str();
    match field {
        "password" => {
            let to = if sealed(&change.to) { "changed" } else { "none" };
            vec![told(field, &word(field, &change.from), to)]
        }
        "conditions" => {
            let parts =
                conditions(&read(&change.from)).into_iter().zip(conditions(&read(&change.to)));
            let differ = parts.filter(|((_, from), (_, to))| from != to);
            differ.map(|((what, from), (_, to))| told(what, &from, &to)).collect()
        }
        "context_params" => params(&change.from, &change.to)
            .into_iter()
            .map(|(what, from, to)| told(&what, &from, &to))
            .collect(),
        _ => vec![told(field, &word(field, &change.from), &word(field, &change.to))],
    }
}

fn word(field: &str, value: &Value) -> String {
    match (field, value) {
        ("flags" | "ceiling", Value::Number(bits)) => match bits.as_i64() {
            Some(-1) => "unlimited".to_owned(),
            Some(0) | None => "none".to_owned(),
            Some(bits) => format!("{bits:#x}"),
        },
        ("idle_ttl" | "retire_after_use", Value::Number(seconds)) => match seconds.as_u64() {
            Some(0) | None => "never".to_owned(),
            Some(seconds) => Span::from_seconds(seconds).to_string(),
        },
        ("expires_at", Value::Null) => "never".to_owned(),
        ("limits", _) => {
            let words = Left::default().words(&read::<Limits>(value));
            if words.is_empty() { "none".to_owned() } else { words.join(", ") }
        }
        (_, Value::Null) => "none".to_owned(),
        (_, Value::String(text)) if text.is_empty() => "none".to_owned(),
        (_, Value::String(text)) => text.clone(),
        (_, Value::Array(words)) if words.is_empty() => "none".to_owned(),
        (_, Value::Array(words)) if words.iter().all(Value::is_string) => {
            words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
        }
        (_, value) if sealed(value) => "hidden".to_owned(),
        (_, value) => match value.get("at").and_then(Value::as_str) {
            Some(at) => format!("since {at}"),
            None => value.to_string(),
        },
    }
}

/// What has been left out reads as nothing.
fn read<T: Default + serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap_or_default()
}

/// Conditions by the options that set them.
pub(super) fn conditions(of: &Conditions) -> [(&'static str, String); 3] {
    let or = |words: Vec<String>, none: &str| match words.is_empty() {
        true => none.to_owned(),
        false => words.join(", "),
    };
    let networks = of.networks.iter().map(ToString::to_string).collect();
    let windows = of.windows.iter().map(window::written).collect();
    let certificate = of.certificate.map(|digest| digest.to_hex()).into_iter().collect();
    [
        ("networks", or(networks, "any")),
        ("times", or(windows, "any")),
        ("certificate", or(certificate, "any")),
    ]
}

/// Parameters of contexts that differ. Where none does, a sealed one is another one now.
fn params(from: &Value, to: &Value) -> Vec<(String, String, String)> {
    let value =
        |of: &Value, context: &str, name: &str| match of.get(context).and_then(|it| it.get(name)) {
            None => "none".to_owned(),
            Some(value) if sealed(value) => "hidden".to_owned(),
            Some(value) => word("", value.get("plain").unwrap_or(value)),
        };
    let mut all = Vec::new();
    for (context, params) in [from, to].into_iter().filter_map(Value::as_object).flatten() {
        for name in params.as_object().into_iter().flat_map(Map::keys) {
            let row =
                (format!("{context}.{name}"), value(from, context, name), value(to, context, name));
            if !all.contains(&row) {
                all.push(row);
            }
        }
    }
    let plain = all.iter().any(|(_, from, to)| from != to);
    all.retain(|(_, from, to)| from != to || (!plain && from == "hidden"));
    for (_, from, to) in &mut all {
        if from == "hidden" && to == "hidden" {
            "changed".clone_into(to);
        }
    }
    all
}

fn sealed(value: &Value) -> bool {
    value.get("sealed").is_some()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(field: &str, from: Value, to: Value) -> Vec<String> {
        words(&FieldChange { field: field.to_owned(), from, to, resealed: Vec::new() })
    }

    #[test]
    fn changes_read_as_they_are_typed_and_never_as_json() {
        let window = json!({"days": [1, 2, 3, 6], "from_minute": 540, "until_minute": 1_440, "utc_offset_minutes": 180});
        for (field, from, to, wanted) in [
            ("flags", json!(0), json!(0x300), vec!["flags: none -> 0x300"]),
            ("ceiling", json!(-1), json!(1), vec!["ceiling: unlimited -> 0x1"]),
            ("idle_ttl", json!(8_640_000), json!(0), vec!["idle_ttl: 100d -> never"]),
            (
                "contexts",
                json!("all"),
                json!(["hub", "stock"]),
                vec!["contexts: all -> hub, stock"],
            ),
            (
                "expires_at",
                Value::Null,
                json!("2030-01-01T00:00:00Z"),
                vec!["expires_at: never -> 2030-01-01T00:00:00Z"],
            ),
            (
                "limits",
                Value::Null,
                json!({"uses": 5, "quotas": {"day": 7}}),
                vec!["limits: none -> 7 in each day, 5 in all"],
            ),
            (
                "conditions",
                Value::Null,
                json!({"networks": ["10.0.0.0/8"], "windows": [window]}),
                vec!["networks: any -> 10.0.0.0/8", "times: any -> mon-wed,sat 09:00-24:00 +03:00"],
            ),
            ("password", Value::Null, json!({"sealed": true}), vec!["password: none -> changed"]),
            (
                "context_params",
                json!({"hub": {"market": {"plain": "north"}, "key": {"sealed": true}}}),
                json!({"hub": {"market": {"plain": "south"}, "key": {"sealed": true}}}),
                vec!["hub.market: north -> south"],
            ),
            (
                "context_params",
                json!({"hub": {"key": {"sealed": true}}}),
                json!({"hub": {"key": {"sealed": true}}}),
                vec!["hub.key: hidden -> changed"],
            ),
        ] {
            assert_eq!(told(field, from, to), wanted, "{field}");
        }
    }
}
