//! What the form for a new token says, as the body of the act.

use serde_json::{Map, Value, json};

use super::form::as_body;
use super::token_body;
use crate::config::Settings;
use crate::service::input::NewToken;
use crate::web::frame::Frame;
use crate::web::pages::choices::param_field;
use crate::web::pages::token_form::place;
use crate::web::typed::Typed;
use crate::web::wrongs::Wrongs;

/// What was typed, as the body of the act in `/api/v1/tokens`: it is read and checked as that is.
pub(super) fn token(frame: &Frame, typed: &Typed, settings: &Settings) -> Result<NewToken, Wrongs> {
    let mut body = Map::new();
    for field in ["name", "owner", "app", "company", "description"] {
        if let Some(text) = typed.said(field) {
            body.insert(field.to_owned(), json!(text));
        }
    }
    match typed.one("expiry") {
        "" => {}
        "never" => drop(body.insert("lifetime".to_owned(), json!(0))),
        "date" => match typed.said("expires_on") {
            Some(date) => drop(body.insert("expires_at".to_owned(), json!(date))),
            None => return Err(Wrongs::one(frame, "expires_on", "wrong-expires-on")),
        },
        lifetime => drop(body.insert("lifetime".to_owned(), json!(lifetime))),
    }
    if let Some(begin) = token_body::beginning(typed) {
        body.insert("not_before".to_owned(), json!(begin));
    }
    if let Some(idle) = typed.said("idle") {
        body.insert("idle_ttl".to_owned(), json!(idle));
    }
    let chosen: Vec<_> = typed.all("context").collect();
    let general = typed.one("access") != "chosen";
    if !general {
        body.insert("contexts".to_owned(), json!(chosen));
    }
    let reached = |name: &str| general || chosen.contains(&name);
    body.insert("context_params".to_owned(), context_params(typed, reached, settings));
    if let Some(params) = typed.said("params") {
        // As text that holds it, so that it stays as it was typed (row W17).
        body.insert("params".to_owned(), json!(params));
    }
    let flags: Vec<_> = typed.all("flag").collect();
    if typed.has("unlimited") {
        body.insert("flags".to_owned(), json!(-1));
    } else if !flags.is_empty() {
        body.insert("flags".to_owned(), json!(flags));
    }
    let items = typed.words("items");
    if !items.is_empty() {
        body.insert("items".to_owned(), json!(items));
    }
    let (networks, windows) = (token_body::networks(typed), token_body::windows(typed));
    let certificate = token_body::certificate(typed);
    let conditions = json!({"networks": networks, "windows": windows, "certificate": certificate});
    body.insert("conditions".to_owned(), conditions);
    body.insert("limits".to_owned(), Value::Object(token_body::limits(frame, typed)?));
    as_body(frame, Value::Object(body), place)
}

/// Values for the contexts that it reaches. What stands in fields of others is left out.
fn context_params(typed: &Typed, reached: impl Fn(&str) -> bool, settings: &Settings) -> Value {
    let mut all = Map::new();
    for (name, context) in &settings.contexts {
        if !reached(name.as_str()) {
            continue;
        }
        let mut values = Map::new();
        for param in context.params.keys() {
            let text = typed.one(&param_field(name.as_str(), param));
            if !text.is_empty() {
                values.insert(param.clone(), json!(text));
            }
        }
        if !values.is_empty() {
            all.insert(name.to_string(), Value::Object(values));
        }
    }
    Value::Object(all)
}
