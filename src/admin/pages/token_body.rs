//! What the form of a token says of its conditions and limits, as parts of the bodies of the acts in
//! `/api/v1/tokens`.

use serde_json::{Map, Value, json};

use super::form::number;
use crate::domain::period::Period;
use crate::web::frame::Frame;
use crate::web::pages::windows;
use crate::web::typed::Typed;
use crate::web::wrongs::Wrongs;

/// When its life begins: nobody has to type seconds and a distance from UTC.
pub(super) fn beginning(typed: &Typed) -> Option<String> {
    let text = typed.said("not_before")?;
    let text = text.replacen(' ', "T", 1);
    let is_minute = text.len() == "2030-01-31T12:00".len() && text.contains('T');
    Some(if is_minute { format!("{text}:00Z") } else { text })
}

/// Networks from which it may be presented. An address alone stands for itself: the acts want networks.
pub(super) fn networks(typed: &Typed) -> Value {
    let whole = |network: &str| match network.parse::<std::net::IpAddr>() {
        Ok(address) => ipnet::IpNet::from(address).to_string(),
        Err(_) => network.to_owned(),
    };
    json!(typed.words("networks").into_iter().map(whole).collect::<Vec<_>>())
}

/// The thumbprint of the client certificate that it is bound to; `null` for any client.
pub(super) fn certificate(typed: &Typed) -> Value {
    json!(typed.said("certificate").map(str::to_ascii_lowercase))
}

/// Times of the week at which it may be presented. A group in which nothing is said is none.
pub(super) fn windows(typed: &Typed) -> Value {
    let window = |nth| {
        let said = |part: &str| typed.said(&windows::field(part, nth)).map(str::to_owned);
        let days: Vec<_> = typed.all(&windows::field("day", nth)).map(number).collect();
        let (from, until) = (said("from"), said("until"));
        if days.is_empty() && from.is_none() && until.is_none() {
            return None;
        }
        // Midnight is the end of the day.
        let until = until.filter(|until| !matches!(until.as_str(), "00:00" | "0:00"));
        let offset = said("offset").and_then(|text| text.parse::<i64>().ok());
        Some(json!({
            "days": days,
            "from_minute": from.map_or(json!(0), |text| minute(&text)),
            "until_minute": until.map_or(json!(DAY), |text| minute(&text)),
            "utc_offset_minutes": offset.unwrap_or(0),
        }))
    };
    json!((0..windows::count(typed)).filter_map(window).collect::<Vec<_>>())
}

/// The minutes of a day.
const DAY: u16 = 24 * 60;

/// Minutes since midnight of `09:30`, up to `24:00`; what is no such time stays text, so that the act says so.
fn minute(text: &str) -> Value {
    let parsed = text.split_once(':').and_then(|(hours, minutes)| {
        let (hours, minutes) = (hours.parse::<u16>().ok()?, minutes.parse::<u16>().ok()?);
        let minute = hours.checked_mul(60)?.checked_add(minutes)?;
        (minutes < 60 && minute <= DAY).then_some(minute)
    });
    parsed.map_or_else(|| json!(text), |minute| json!(minute))
}

/// How much it may be used: fields of the form are called as those of the act.
pub(super) fn limits(frame: &Frame, typed: &Typed) -> Result<Map<String, Value>, Wrongs> {
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
    Ok(limits)
}
