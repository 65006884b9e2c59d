//! What the form for a new token says, as the body of the act.

use serde_json::{Map, Value, json};

use super::form::{as_body, number};
use crate::config::Settings;
use crate::domain::period::Period;
use crate::service::input::NewToken;
use crate::web::frame::Frame;
use crate::web::pages::create::{param_field, place};
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
    let chosen: Vec<_> = typed.all("context").collect();
    if typed.one("access") == "chosen" {
        body.insert("contexts".to_owned(), json!(chosen));
        body.insert("context_params".to_owned(), context_params(typed, &chosen, settings));
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
    body.insert("conditions".to_owned(), conditions(typed));
    body.insert("limits".to_owned(), limits(frame, typed)?);
    as_body(frame, Value::Object(body), place)
}

/// An address alone stands for itself: the act wants networks.
fn whole(network: &str) -> String {
    match network.parse::<std::net::IpAddr>() {
        Ok(address) => ipnet::IpNet::from(address).to_string(),
        Err(_) => network.to_owned(),
    }
}

/// Values for the contexts that are chosen. What stands in fields of others is left out.
fn context_params(typed: &Typed, chosen: &[&str], settings: &Settings) -> Value {
    let mut all = Map::new();
    for (name, context) in &settings.contexts {
        if !chosen.contains(&name.as_str()) {
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

/// From where and when it may be presented.
fn conditions(typed: &Typed) -> Value {
    let networks: Vec<_> = typed.words("networks").into_iter().map(whole).collect();
    let mut conditions = Map::new();
    conditions.insert("networks".to_owned(), json!(networks));
    let days: Vec<_> = typed.all("window-day").map(number).collect();
    let (from, until) = (typed.said("window-from"), typed.said("window-until"));
    if !days.is_empty() || from.is_some() || until.is_some() {
        let until = until.filter(|until| *until != "00:00");
        let offset = typed.said("window-offset").and_then(|text| text.parse::<i64>().ok());
        let window = json!([{
            "days": days,
            "from_minute": from.map_or(json!(0), minute),
            "until_minute": until.map_or(json!(24 * 60), minute),
            "utc_offset_minutes": offset.unwrap_or(0),
        }]);
        conditions.insert("windows".to_owned(), window);
    }
    Value::Object(conditions)
}

/// Minutes since midnight of `09:30`; what is no such time stays text, so that the act says so.
fn minute(text: &str) -> Value {
    let parsed = text.split_once(':').and_then(|(hours, minutes)| {
        let (hours, minutes) = (hours.parse::<u16>().ok()?, minutes.parse::<u16>().ok()?);
        (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
    });
    parsed.map_or_else(|| json!(text), |minute| json!(minute))
}

/// How much it may be used: fields of the form are called as those of the act.
fn limits(frame: &Frame, typed: &Typed) -> Result<Value, Wrongs> {
    let said = |field: &str| typed.said(&format!("limits.{field}")).map(number);
    let mut limits = Map::new();
    if let Some(requests) = said("rate.requests") {
        // Left out is `null`.
        let (per, burst) = (typed.one("limits.rate.per"), said("rate.burst"));
        let rate = json!({"requests": requests, "per": per, "burst": burst});
        limits.insert("rate".to_owned(), rate);
    }
    let mut quotas = Map::new();
    for period in Period::ALL.map(Period::name) {
        let Some(most) = said(&format!("quotas.{period}")) else { continue };
        if !most.is_u64() {
            // The act could not say of which period it is.
            return Err(Wrongs::one(frame, &format!("limits.quotas.{period}"), "wrong-limits"));
        }
        quotas.insert(period.to_owned(), most);
    }
    if !quotas.is_empty() {
        limits.insert("quotas".to_owned(), Value::Object(quotas));
    }
    for field in ["uses", "concurrent"] {
        if let Some(most) = said(field) {
            limits.insert(field.to_owned(), most);
        }
    }
    Ok(Value::Object(limits))
}
