//! What a change changed, as people read it: access levels and contexts by what they are called, lengths of time in
//! days or hours, limits and conditions as sentences. Of sealed values, that they changed.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::limits;
use crate::config::Settings;
use crate::domain::conditions::Conditions;
use crate::domain::flags::Flags;
use crate::domain::id::Slug;
use crate::domain::limits::Limits;
use crate::domain::time::{Span, Timestamp};
use crate::service::diff::FieldChange;
use crate::web::frame::Frame;

/// How many characters of a value are shown.
const SHOWN: usize = 200;

/// A value of a field that was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeRow {
    /// What it is.
    pub field: String,
    /// Before.
    pub from: String,
    /// After.
    pub to: String,
}

/// The rows of a field: one, or one for each of its parts that differs.
pub fn rows(frame: &Frame, settings: &Settings, change: &FieldChange) -> Vec<ChangeRow> {
    let field = &change.field;
    match field.as_str() {
        "conditions" => conditions(frame, change),
        "context_params" => context_params(frame, settings, change),
        "password" => vec![ChangeRow {
            field: name(frame, field),
            from: presence(frame, &change.from),
            to: match is_sealed(&change.to) {
                true => frame.t("changed"),
                false => frame.t("removed"),
            },
        }],
        _ => {
            let told = |value: &Value| shown(value_of(frame, settings, field, value));
            let (from, to) = (told(&change.from), told(&change.to));
            vec![ChangeRow { field: name(frame, field), from, to }]
        }
    }
}

/// What a field is called; one that has no text, by its name in the record.
fn name(frame: &Frame, field: &str) -> String {
    if frame.knows("field", field) { frame.of("field", field) } else { field.to_owned() }
}

fn value_of(frame: &Frame, settings: &Settings, field: &str, value: &Value) -> String {
    match field {
        "flags" | "ceiling" => flags(frame, settings, value),
        "contexts" => contexts(frame, settings, value),
        "items" => listed(frame, value, frame.t("all-items"), str::to_owned),
        "roles" => listed(frame, value, String::new(), |role| match frame.knows("role", role) {
            true => frame.of("role", role),
            false => role.to_owned(),
        }),
        "kind" => value.as_str().map_or_else(String::new, |kind| frame.of("kind", kind)),
        "idle_ttl" | "retire_after_use" => match value.as_u64() {
            None | Some(0) => frame.t("ends-never"),
            Some(seconds) => frame.length(Span::from_seconds(seconds)),
        },
        "expires_at" if value.is_null() => frame.t("ends-never"),
        "expires_at" | "not_before" => moment(frame, value),
        "limits" => limit_words(frame, value),
        "disabled" | "blocked" | "ended" => {
            match value.get("at").or_else(|| value.get("act")?.get("at")) {
                Some(at) => moment(frame, at),
                None => plain(frame, value),
            }
        }
        _ => plain(frame, value),
    }
}

fn plain(frame: &Frame, value: &Value) -> String {
    match value {
        Value::Null => frame.t("nothing"),
        Value::String(text) if text.is_empty() => frame.t("nothing"),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn shown(text: String) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

fn moment(frame: &Frame, value: &Value) -> String {
    let at = value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
    at.map_or_else(|| plain(frame, value), |at| frame.when(at).exact)
}

fn flags(frame: &Frame, settings: &Settings, value: &Value) -> String {
    let flags = value.as_i64().and_then(|bits| Flags::from_bits(bits).ok());
    match flags {
        Some(flags) if flags.is_unlimited() => frame.t("unlimited"),
        Some(Flags::NONE) | None => frame.t("none"),
        Some(flags) => settings.flags.describe(flags).join(", "),
    }
}

fn contexts(frame: &Frame, settings: &Settings, value: &Value) -> String {
    listed(frame, value, frame.t("all-contexts"), |name| title(settings, name).to_owned())
}

/// What a context is called; one that left the configuration, by its name.
fn title<'s>(settings: &'s Settings, name: &'s str) -> &'s str {
    let known = name.parse::<Slug>().ok().and_then(|slug| settings.contexts.get(&slug));
    known.map_or(name, |context| &context.title)
}

/// Words in a row, up to where nobody is shown more: a list may be long, and a page has many.
fn joined(words: impl Iterator<Item = String>, between: &str) -> String {
    let mut text = String::new();
    for (number, word) in words.enumerate() {
        if number > 0 {
            text.push_str(between);
        }
        text.push_str(&word);
        if text.chars().nth(SHOWN).is_some() {
            break;
        }
    }
    text
}

/// A list in words, or `all`.
fn listed(frame: &Frame, value: &Value, all: String, word: impl Fn(&str) -> String) -> String {
    match value {
        Value::Array(words) if words.is_empty() => frame.t("none"),
        Value::Array(words) => joined(words.iter().filter_map(Value::as_str).map(word), ", "),
        Value::String(text) if text == "all" => all,
        Value::Null => frame.t("none"),
        other => plain(frame, other),
    }
}

fn limit_words(frame: &Frame, value: &Value) -> String {
    let limits: Limits = serde_json::from_value(value.clone()).unwrap_or_default();
    let words: Vec<_> = limits::sentences(frame, &limits, None);
    let words = words.into_iter().map(|limit| match limit.left {
        // Of a rate: how many may come at once.
        Some(burst) => format!("{} ({burst})", limit.text),
        None => limit.text,
    });
    let words: Vec<_> = words.collect();
    if words.is_empty() { frame.t("none") } else { words.join("; ") }
}

fn conditions(frame: &Frame, change: &FieldChange) -> Vec<ChangeRow> {
    let read =
        |value: &Value| serde_json::from_value::<Conditions>(value.clone()).unwrap_or_default();
    let (from, to) = (read(&change.from), read(&change.to));
    // Told from what there is, for of long lists the beginning alone is shown.
    let differ = [
        from.networks != to.networks,
        from.windows != to.windows,
        from.certificate != to.certificate,
    ];
    let parts = |of: Conditions| {
        let or = |words: String, none: String| if words.is_empty() { none } else { words };
        let networks = of.networks.iter().map(ToString::to_string);
        let windows = of.windows.iter().map(|window| limits::window(frame, window));
        let certificate = of.certificate.map(|digest| digest.to_hex()).unwrap_or_default();
        [
            or(joined(networks, "; "), frame.t("anywhere")),
            or(joined(windows, "; "), frame.t("always")),
            or(certificate, frame.t("none")),
        ]
    };
    let names = [frame.t("token-networks"), frame.t("token-windows"), frame.t("token-certificate")];
    let both = parts(from).into_iter().zip(parts(to));
    let rows = names.into_iter().zip(both).zip(differ).filter(|(_, differs)| *differs);
    rows.map(|((field, (from, to)), _)| ChangeRow { field, from: shown(from), to: shown(to) })
        .collect()
}

/// The parameters that differ, each by the titles of its context and of itself.
fn context_params(frame: &Frame, settings: &Settings, change: &FieldChange) -> Vec<ChangeRow> {
    let (from, to) = (params(&change.from), params(&change.to));
    let mut places: Vec<_> = from.keys().chain(to.keys()).copied().collect();
    places.sort_unstable();
    places.dedup();
    let row = |(context, param): (&str, &str)| {
        let (from, to) = (from.get(&(context, param)).copied(), to.get(&(context, param)).copied());
        let known = context.parse::<Slug>().ok().and_then(|slug| settings.contexts.get(&slug));
        let of_param = known.and_then(|known| known.params.get(param));
        let called = of_param.map_or(param, |known| &known.title);
        ChangeRow {
            field: format!("{} · {called}", title(settings, context)),
            from: param_value(frame, from, false),
            to: param_value(frame, to, from.is_some()),
        }
    };
    let resealed = |(context, param): (&str, &str)| {
        change.resealed.iter().any(|(held, name)| held == context && name == param)
    };
    let differs = |place: &&(&str, &str)| from.get(*place) != to.get(*place) || resealed(**place);
    places.iter().filter(differs).map(|place| row(*place)).collect()
}

/// Values by context and name.
fn params(value: &Value) -> BTreeMap<(&str, &str), &Value> {
    let contexts = value.as_object().into_iter().flatten();
    contexts
        .flat_map(|(context, params)| {
            params
                .as_object()
                .into_iter()
                .flat_map(Map::iter)
                .map(move |(name, value)| ((context.as_str(), name.as_str()), value))
        })
        .collect()
}

fn param_value(frame: &Frame, value: Option<&Value>, was_there: bool) -> String {
    match value {
        None => frame.t("nothing"),
        Some(value) if is_sealed(value) && was_there => frame.t("changed"),
        Some(value) if is_sealed(value) => frame.t("hidden"),
        Some(value) => shown(plain(frame, value.get("plain").unwrap_or(value))),
    }
}

fn is_sealed(value: &Value) -> bool {
    value.get("sealed").is_some()
}

fn presence(frame: &Frame, value: &Value) -> String {
    if is_sealed(value) { frame.t("hidden") } else { frame.t("nothing") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::service::tests::settings;
    use crate::web::frame::sample::frame;
    use crate::web::language::Language;

    fn told(field: &str, from: Value, to: Value) -> Vec<ChangeRow> {
        let field = field.to_owned();
        rows(
            &frame(Language::English),
            &settings(),
            &FieldChange { field, from, to, resealed: Vec::new() },
        )
    }

    #[test]
    fn of_long_lists_the_beginning_is_rendered() {
        assert!(joined((0..).map(|n: u64| n.to_string()), ", ").len() < SHOWN + 10);
        let items: Vec<_> = (0..10_000).map(|n| n.to_string()).collect();
        let row = told("items", json!("all"), json!(items)).remove(0);
        assert!(row.to.starts_with("0, 1, 2") && row.to.ends_with('…'), "{row:?}");
        assert_eq!(row.to.chars().count(), SHOWN + 1);
        // Two that differ behind what is shown do differ.
        let networks: Vec<_> = (0..100).map(|n| format!("10.0.{n}.0/24")).collect();
        let (from, to) = (json!({"networks": networks[..99]}), json!({ "networks": networks }));
        assert_eq!(told("conditions", from, to).len(), 1);
    }
}
