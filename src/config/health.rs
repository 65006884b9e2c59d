//! How the endpoints of an upstream are asked whether they are well.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::file::HealthTable;
use super::mistake::Mistake;
use super::reading::{Placed, Reading, Reported, Text};
use super::settings::Health;
use super::values::{duration, list, number, text};

const HOUR: Duration = Duration::from_secs(3_600);

/// Health checks as the file asks for them, of `host` where requests name it; none where it names no path.
pub(super) fn health(
    table: &HealthTable,
    host: Option<&str>,
    reading: &Reading<'_>,
) -> Result<Option<Health>, Reported> {
    let path = text(&table.path, reading)
        .and_then(|given| given.map(|given| path(given, reading)).transpose());
    let interval = duration(&table.interval, HOUR, Duration::from_secs(5), reading);
    let timeout = duration(&table.timeout, HOUR, Duration::from_secs(2), reading);
    let failures = number(&table.failures, 1..=100, 3, reading);
    let successes = number(&table.successes, 1..=100, 2, reading);
    let statuses: Vec<_> =
        list(&table.statuses, reading)?.iter().map(|text| status(text, reading)).collect();
    let mut statuses = statuses.into_iter().collect::<Result<Vec<_>, _>>()?;
    if statuses.is_empty() {
        statuses.push(200..=299);
    }
    let (path, interval, timeout) = (path?, interval?, timeout?);
    let (failures, successes) = (failures?, successes?);
    match path {
        Some(path) => {
            let host = host.map(str::to_owned);
            Ok(Some(Health { path, host, interval, timeout, failures, successes, statuses }))
        }
        None if !table.is_there => Ok(None),
        None => {
            let mistake = Mistake::Missing { what: "this health check", key: "path" };
            Err(reading.mistake(
                &table.span,
                mistake,
                "say what is asked for, such as `path = \"/health\"`",
            ))
        }
    }
}

/// A target in the origin form (RFC 9112 section 3.2.1).
fn path(text: &Placed<Text>, reading: &Reading<'_>) -> Result<String, Reported> {
    let path = &text.value.value;
    let fault = match path.bytes().find(|byte| !byte.is_ascii_graphic() || *byte == b'#') {
        _ if !path.starts_with('/') => "does not begin with `/`",
        Some(_) => "holds what cannot stand in a request",
        None => return Ok(path.clone()),
    };
    let mistake = Mistake::BadPath { path: text.value.shown.clone(), fault };
    Err(reading.mistake(&text.span, mistake, "what a check asks for looks like `/health`"))
}

/// `204`, or `2xx`.
fn status(text: &Placed<Text>, reading: &Reading<'_>) -> Result<RangeInclusive<u16>, Reported> {
    let written = text.value.value.as_str();
    let (digits, more) = match written.strip_suffix("xx") {
        Some(hundred) => (hundred.to_owned() + "00", 99),
        None => (written.to_owned(), 0),
    };
    let least = digits.parse().ok().filter(|status| (200..600).contains(status));
    least.filter(|_| digits.len() == 3).map(|least: u16| least..=least + more).ok_or_else(|| {
        let (key, word) = (text.key.clone(), text.value.shown.clone());
        let hint = "a status is like `204`, or `2xx` for all of its hundred";
        reading.mistake(&text.span, Mistake::UnknownWord { key, word }, hint)
    })
}
