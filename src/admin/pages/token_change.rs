//! What the form of a token says that is not so already, as the body of the act. What stays is not sent: it is not
//! checked again, and need not be the changer's to give.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::form::as_body;
use super::token_body;
use crate::config::Settings;
use crate::config::settings::Context;
use crate::domain::grant::{Contexts, Items};
use crate::domain::id::Slug;
use crate::domain::period::Period;
use crate::domain::time::Span;
use crate::service::input::TokenChange;
use crate::service::view::{ParamView, TokenView};
use crate::web::frame::Frame;
use crate::web::pages::choices::{away, param_field};
use crate::web::pages::token_form::place;
use crate::web::pages::windows;
use crate::web::typed::Typed;
use crate::web::wrongs::Wrongs;

/// The form of a token as it is.
pub(super) fn as_typed(held: &TokenView) -> Typed {
    let mut typed = Typed::default()
        .with("revision", held.revision.0.to_string())
        .with("name", held.name.clone())
        .with("app", held.app.clone())
        .with("description", held.description.clone())
        .with("expiry", "keep")
        .with("idle", held.idle_ttl.to_string());
    if held.not_before > held.created_at {
        let begin = held.not_before.to_string();
        let minute = begin.get(..16).unwrap_or_default();
        typed = typed.with("not_before", minute.replacen('T', " ", 1));
    }
    if let Contexts::Set(names) = &held.contexts {
        typed = names.iter().fold(typed, |typed, name| typed.with("context", name.to_string()));
        typed = typed.with("access", "chosen");
    } else {
        typed = typed.with("access", "all");
    }
    for (context, values) in &held.context_params {
        for (name, value) in values {
            if let ParamView::Value(text) = value {
                typed = typed.with(&param_field(context.as_str(), name), text.clone());
            }
        }
    }
    typed = match held.flags.is_unlimited() {
        true => typed.with("unlimited", "yes"),
        false => held.flag_names.iter().fold(typed, |typed, name| typed.with("flag", name)),
    };
    if let Items::Set(ids) = &held.items {
        typed = typed.with("items", ids.join("\n"));
    }
    if let Some(params) = &held.params {
        // As a form sends it.
        typed = typed.with("params", params.text().trim().replace("\r\n", "\n"));
    }
    if let Some(certificate) = held.conditions.certificate {
        typed = typed.with("certificate", certificate.to_hex());
    }
    let networks: Vec<_> = held.conditions.networks.iter().map(ToString::to_string).collect();
    typed =
        windows::as_typed(typed.with("networks", networks.join("\n")), &held.conditions.windows);
    let limits = &held.limits;
    let mut limit = |field: &str, value: Option<u64>| {
        let text = value.map(|value| value.to_string()).unwrap_or_default();
        typed = std::mem::take(&mut typed).with(&format!("limits.{field}"), text);
    };
    limit("rate.requests", limits.rate.map(|rate| rate.requests.into()));
    limit("rate.burst", limits.rate.and_then(|rate| rate.burst).map(u64::from));
    limit("uses", limits.uses);
    limit("concurrent", limits.concurrent.map(u64::from));
    for period in Period::ALL {
        limit(&format!("quotas.{}", period.name()), limits.quotas.get(&period).copied());
    }
    match limits.rate {
        Some(rate) => typed.with("limits.rate.per", rate.per.name()),
        None => typed,
    }
}

/// The fields of contexts' parameters that may be shown, each with a name.
pub(super) fn shown_params(settings: &Settings) -> Vec<(String, String)> {
    let of = |(context, held): (&Slug, &Context)| {
        let shown = held.params.iter().filter(|(_, param)| !param.secret);
        let named = shown.map(|(name, param)| {
            let title = format!("{} · {}", held.title, param.title);
            (param_field(context.as_str(), name), title)
        });
        named.collect::<Vec<_>>()
    };
    settings.contexts.iter().flat_map(of).collect()
}

/// What was typed and is not so already, as the body of the act in `/api/v1/tokens/{id}`.
pub(super) fn change(
    frame: &Frame,
    typed: &Typed,
    held: &TokenView,
    settings: &Settings,
) -> Result<TokenChange, Wrongs> {
    let before = as_typed(held);
    let mut body = Map::new();
    body.insert("revision".to_owned(), json!(typed.one("revision").parse::<u64>().ok()));
    body.insert("reason".to_owned(), json!(typed.one("reason").trim()));
    for field in ["name", "app", "description"] {
        if typed.one(field).trim() != before.one(field) {
            body.insert(field.to_owned(), json!(typed.one(field).trim()));
        }
    }
    life(frame, typed, &before, &mut body)?;
    contexts(typed, &before, settings, &mut body);
    let flags = |typed: &Typed| typed.all("flag").map(str::to_owned).collect::<BTreeSet<_>>();
    let unlimited = typed.has("unlimited");
    if unlimited != before.has("unlimited") || (!unlimited && flags(typed) != flags(&before)) {
        let flags = if unlimited { json!(-1) } else { json!(flags(typed)) };
        body.insert("flags".to_owned(), flags);
    }
    let items = |typed: &Typed| match typed.words("items").as_slice() {
        [] => json!("all"),
        ids => json!(ids.iter().collect::<BTreeSet<_>>()),
    };
    if items(typed) != items(&before) {
        body.insert("items".to_owned(), items(typed));
    }
    if typed.has("params") && typed.one("params").trim() != before.one("params") {
        // As text that holds it, so that it stays as it was typed (row W17).
        body.insert("params".to_owned(), json!(typed.said("params")));
    }
    let bound = if typed.has("certificate") { typed } else { &before };
    let conditions = [
        ("certificate", token_body::certificate(bound), token_body::certificate(&before)),
        ("networks", token_body::networks(typed), token_body::networks(&before)),
        ("windows", token_body::windows(typed), token_body::windows(&before)),
    ];
    let differing = conditions.into_iter().filter(|(_, after, before)| after != before);
    let differing: Map<_, _> =
        differing.map(|(field, after, _)| (field.to_owned(), after)).collect();
    if !differing.is_empty() {
        body.insert("conditions".to_owned(), Value::Object(differing));
    }
    let (after, before) = (token_body::limits(frame, typed)?, token_body::limits(frame, &before)?);
    let limits = differences(&after, &before);
    if !limits.is_empty() {
        body.insert("limits".to_owned(), Value::Object(limits));
    }
    as_body(frame, Value::Object(body), place)
}

/// Its beginning, and its end by time and by idleness.
fn life(
    frame: &Frame,
    typed: &Typed,
    before: &Typed,
    body: &mut Map<String, Value>,
) -> Result<(), Wrongs> {
    match typed.one("expiry") {
        "" | "keep" => {}
        "never" => drop(body.insert("expires_at".to_owned(), Value::Null)),
        "date" => match typed.said("expires_on") {
            Some(date) => drop(body.insert("expires_at".to_owned(), json!(date))),
            None => return Err(Wrongs::one(frame, "expires_on", "wrong-expires-on")),
        },
        // From now on: the act would count from when the token began.
        length => match length.parse::<Span>() {
            Ok(span) => {
                let end = frame.now.plus(span).to_string();
                drop(body.insert("expires_at".to_owned(), json!(end)));
            }
            Err(_) => return Err(Wrongs::one(frame, "expiry", "wrong-lifetime")),
        },
    }
    if typed.has("not_before") && typed.one("not_before").trim() != before.one("not_before") {
        let begin = token_body::beginning(typed).unwrap_or_else(|| frame.now.to_string());
        body.insert("not_before".to_owned(), json!(begin));
    }
    if let Some(idle) = typed.said("idle").filter(|idle| *idle != before.one("idle")) {
        body.insert("idle_ttl".to_owned(), json!(idle));
    }
    Ok(())
}

/// Areas, and values for those that are chosen. Where no areas can be chosen, the form has no field for them.
fn contexts(typed: &Typed, before: &Typed, settings: &Settings, body: &mut Map<String, Value>) {
    let chosen = |typed: &Typed| match typed.one("access") {
        "chosen" => Some(typed.all("context").map(str::to_owned).collect::<BTreeSet<_>>()),
        _ => None,
    };
    let (after, held) = (chosen(typed), chosen(before));
    if typed.has("access") && after != held {
        let contexts = after.as_ref().map_or_else(|| json!("all"), |names| json!(names));
        body.insert("contexts".to_owned(), contexts);
    }
    let mut all = Map::new();
    // General access reaches all.
    let reached = |name: &str| after.as_ref().is_none_or(|names| names.contains(name));
    for (name, context) in settings.contexts.iter().filter(|(name, _)| reached(name.as_str())) {
        let mut values = Map::new();
        for (param, definition) in &context.params {
            let field = param_field(name.as_str(), param);
            if !typed.has(&field) {
                // Not in the form: of a context that is not offered, or nobody's here to change.
                continue;
            }
            let text = typed.one(&field);
            // A secret is not shown, so that an empty field leaves it as it is.
            let value = match (definition.secret, text.is_empty()) {
                (true, true) if typed.has(&away(&field)) => Value::Null,
                (true, true) => continue,
                (false, _) if text == before.one(&field) => continue,
                (false, true) => Value::Null,
                (_, false) => json!(text),
            };
            values.insert(param.clone(), value);
        }
        if !values.is_empty() {
            all.insert(name.to_string(), Value::Object(values));
        }
    }
    if !all.is_empty() {
        body.insert("context_params".to_owned(), Value::Object(all));
    }
}

/// What is not as it was; `null` where there is nothing any more. Quotas differ each by itself.
fn differences(after: &Map<String, Value>, before: &Map<String, Value>) -> Map<String, Value> {
    let mut all = Map::new();
    for field in after.keys().chain(before.keys()) {
        let of = |limits: &Map<String, Value>| limits.get(field).cloned().unwrap_or_default();
        let (is, was) = (of(after), of(before));
        if is == was {
            continue;
        }
        let value = match field.as_str() {
            "quotas" => {
                let fields = |value: Value| match value {
                    Value::Object(fields) => fields,
                    _ => Map::new(),
                };
                Value::Object(differences(&fields(is), &fields(was)))
            }
            _ => is,
        };
        all.insert(field.clone(), value);
    }
    all
}
