//! What an update changed, for people: each part in the words in which it is typed.

use serde_json::{Map, Value};

use crate::cli::output::shown;
use crate::cli::window;
use crate::domain::conditions::Conditions;
use crate::domain::left::Left;
use crate::domain::limits::Limits;
use crate::domain::time::Span;
use crate::service::diff::FieldChange;

/// How many entries of a list are shown.
const ENTRIES: usize = 100;

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
            let (from, to): (Conditions, Conditions) = (read(&change.from), read(&change.to));
            // Told from what there is, for of long lists the beginning alone is shown.
            let differ = [
                from.networks != to.networks,
                from.windows != to.windows,
                from.certificate != to.certificate,
            ];
            let both = conditions(&from).into_iter().zip(conditions(&to)).zip(differ);
            let both = both.filter(|(_, differs)| *differs);
            both.map(|(((what, from), (_, to)), _)| told(what, &from, &to)).collect()
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
            joined(words, |word| word.as_str().unwrap_or_default().to_owned())
        }
        (_, value) if sealed(value) => "hidden".to_owned(),
        (_, value) => match value.get("at").and_then(Value::as_str) {
            Some(at) => format!("since {at}"),
            None => value.to_string(),
        },
    }
}

/// A list in a row, the beginning of a long one.
fn joined<T>(entries: &[T], word: impl Fn(&T) -> String) -> String {
    let words: Vec<_> = entries.iter().take(ENTRIES).map(word).collect();
    match entries.len().saturating_sub(ENTRIES) {
        0 => words.join(", "),
        more => format!("{} and {more} more", words.join(", ")),
    }
}

/// What has been left out reads as nothing.
fn read<T: Default + serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap_or_default()
}

/// Conditions by the options that set them.
pub(super) fn conditions(of: &Conditions) -> [(&'static str, String); 3] {
    let or_any = |words: String| if words.is_empty() { "any".to_owned() } else { words };
    [
        ("networks", or_any(joined(&of.networks, ToString::to_string))),
        ("times", or_any(joined(&of.windows, window::written))),
        ("certificate", or_any(of.certificate.map(|one| one.to_hex()).unwrap_or_default())),
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

    #[test]
    fn of_long_lists_the_beginning_is_shown() {
        let items: Vec<_> = (0..10_000).map(|n| n.to_string()).collect();
        let all = told("items", json!("all"), json!(items));
        assert!(all[0].ends_with(", 99 and 9900 more"), "{all:?}");
        let networks: Vec<_> = (0..200).map(|n| format!("10.0.{n}.0/24")).collect();
        let (from, to) = (json!({"networks": networks[..199]}), json!({ "networks": networks }));
        let told = told("conditions", from, to);
        assert!(
            told.len() == 1 && told[0].contains("and 99 more") && told[0].contains("and 100 more")
        );
    }
}
