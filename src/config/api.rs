//! The checked APIs. Their upstreams are read in `upstream`, their rules in `rule`, and what two of
//! them claim at once is found in `clash`.

use std::collections::BTreeSet;

use super::clash::{self, Claim, Place};
use super::cors::{cors, token_places};
use super::file::ApiTable;
use super::host::host;
use super::mistake::Mistake;
use super::pattern::api_path;
use super::reading::{Placed, Reading, Reported, Text, did_you_mean, listed};
use super::rule::{Catalogues, nobody_signs, rule};
use super::settings::{Api, Dialect, KeepInPath, Listen, Rule};
use super::upstream::upstream;
use super::values::{boolean, list, name, size, span, text, word};

/// Dialects that a later release brings.
const LATER: [&str; 3] = ["bitrix24", "element", "wialon"];

/// The longest body limit, a pebibyte: more is none.
const MOST_BODY: u64 = 1 << 50;

/// What to write instead of a wildcard.
const WILDCARD: &str = "there are no wildcards; leave `host` out to answer to any host";

pub(super) fn apis(
    tables: &[ApiTable],
    listen: Option<&Listen>,
    catalogues: Catalogues<'_>,
    reading: &Reading<'_>,
) -> Result<Vec<Api>, Reported> {
    let read: Vec<_> = tables.iter().map(|table| api(table, listen, catalogues, reading)).collect();
    let places: Vec<_> = read.iter().map(|(place, _)| place).collect();
    let clashes = clash::find(&places, reading);
    let apis: Result<Vec<_>, _> = read.into_iter().map(|(_, api)| api).collect();
    clashes.and(apis)
}

fn api(
    table: &ApiTable,
    listen: Option<&Listen>,
    catalogues: Catalogues<'_>,
    reading: &Reading<'_>,
) -> (Place, Result<Api, Reported>) {
    let hint = "give each API a name of its own, such as `name = \"shop\"`";
    let given = reading.required(&table.name, &table.span, ("this API", "name"), hint);
    let label = given.as_ref().map_or_else(
        |_| Placed { value: "?".to_owned(), key: String::new(), span: table.span.clone() },
        |text| Placed {
            value: text.value.shown.clone(),
            key: text.key.clone(),
            span: text.span.clone(),
        },
    );
    let slug = given.and_then(|text| name(&text, "an API", reading));
    let dialect = dialect(table, reading);
    let host = text(&table.host, reading)
        .and_then(|text| text.map(|text| host(text, WILDCARD, reading)).transpose());
    let path = path(table, reading);
    let upstream = upstream(table, &label.value, listen, reading);
    let needs_certificate = needs_certificate(table, catalogues, reading);
    let keep_credential = boolean(&table.keep_credential, false);
    let body_bytes = size(&table.body_limit, 1..=MOST_BODY, reading);
    let keep = keep(table, reading);
    let token_places = token_places(table, reading);
    let cors = cors(&table.cors, dialect.unwrap_or_default(), reading);
    let idle_ttl = span(&table.idle_ttl, reading);
    let under = path.as_ref().ok();
    let (claims, rules) = rules(table, &label.value, under, catalogues, reading);
    let place = Place { label, host: host.clone().ok(), path: under.cloned(), claims };
    let combine = || {
        Ok(Api {
            name: slug?,
            dialect: dialect?,
            host: host?,
            path: path?.value,
            upstream: upstream?,
            needs_certificate: needs_certificate?,
            keep_credential: keep_credential?,
            body_bytes: body_bytes?,
            keep: keep?,
            token_places: token_places?,
            cors: cors?,
            idle_ttl: idle_ttl?,
            rules: rules?,
        })
    };
    (place, combine())
}

fn rules(
    table: &ApiTable,
    label: &str,
    under: Option<&Text>,
    catalogues: Catalogues<'_>,
    reading: &Reading<'_>,
) -> (Vec<Claim>, Result<Vec<Rule>, Reported>) {
    if table.rules.is_empty() {
        let hint = "add `[[apis.rules]]` with `path = \"/{*rest}\"` to let any valid token through";
        let mistake = Mistake::NoRules(label.to_owned());
        return (Vec::new(), Err(reading.mistake(&table.span, mistake, hint)));
    }
    let numbered = table.rules.iter().zip(1..);
    let read: Vec<_> =
        numbered.map(|(one, number)| rule(one, number, under, catalogues, reading)).collect();
    let mut names = BTreeSet::new();
    let mut unique = Ok(());
    for (claim, _) in &read {
        if !names.insert(&claim.name.value) {
            let (api, rule) = (label.to_owned(), claim.name.value.clone());
            let hint = "names are unique within an API; a rule without a `name` has its number";
            let mistake = Mistake::RuleTwice { api, rule };
            unique = Err(reading.mistake(&claim.name.span, mistake, hint));
        }
    }
    let (claims, rules): (Vec<_>, Vec<_>) = read.into_iter().unzip();
    let rules: Result<Vec<_>, _> = rules.into_iter().collect();
    (claims, unique.and(rules))
}

/// The fields in which clients of these APIs tell the gateway something, and by which dialect.
pub(super) fn own_fields(tables: &[ApiTable]) -> impl Iterator<Item = (&'static str, Dialect)> {
    let written = tables.iter().filter_map(|table| table.dialect.as_ref()?.as_ref().ok());
    written.filter_map(|text| {
        let dialect = dialect_of(&text.value.value)?;
        Some((dialect.own_field()?, dialect))
    })
}

fn dialect_of(name: &str) -> Option<Dialect> {
    Dialect::ALL.into_iter().find(|dialect| dialect.name() == name)
}

fn dialect(table: &ApiTable, reading: &Reading<'_>) -> Result<Dialect, Reported> {
    let Some(given) = text(&table.dialect, reading)? else { return Ok(Dialect::Bearer) };
    let (written, shown) = (given.value.value.as_str(), &given.value.shown);
    if let Some(known) = dialect_of(written) {
        return Ok(known);
    }
    let names = || Dialect::ALL.into_iter().map(Dialect::name);
    let there = format!("this release has {}", listed(names(), "and"));
    if LATER.contains(&written) {
        return Err(reading.mistake(&given.span, Mistake::LaterDialect(shown.clone()), there));
    }
    let hint = did_you_mean(shown, names(), &there);
    Err(reading.mistake(&given.span, Mistake::UnknownDialect(shown.clone()), hint))
}

fn path(table: &ApiTable, reading: &Reading<'_>) -> Result<Text, Reported> {
    let Some(given) = text(&table.path, reading)? else {
        return Ok(Text { value: "/".to_owned(), shown: "/".to_owned() });
    };
    let shown = given.value.shown.clone();
    api_path(&given.value.value).map(|value| Text { value, shown }).map_err(|fault| {
        let mistake = Mistake::BadPath { path: given.value.shown.clone(), fault };
        let hint = "the path of an API looks like `/` or `/api/v1`";
        reading.mistake(&given.span, mistake, hint)
    })
}

fn needs_certificate(
    table: &ApiTable,
    catalogues: Catalogues<'_>,
    reading: &Reading<'_>,
) -> Result<bool, Reported> {
    let Some(given) = text(&table.client_certificate, reading)? else { return Ok(false) };
    let needed = word(given, &[("optional", false), ("required", true)], reading)?;
    if needed && !catalogues.asks_clients {
        return Err(nobody_signs(given, reading));
    }
    Ok(needed)
}

fn keep(table: &ApiTable, reading: &Reading<'_>) -> Result<KeepInPath, Reported> {
    let words: [(_, fn(&mut KeepInPath)); 3] = [
        ("encoded-slash", |keep| keep.encoded_slash = true),
        ("empty-segment", |keep| keep.empty_segment = true),
        ("path-parameter", |keep| keep.path_parameter = true),
    ];
    let chosen: Vec<_> =
        list(&table.keep, reading)?.iter().map(|one| word(one, &words, reading)).collect();
    let mut keep = KeepInPath::default();
    for set in chosen {
        set?(&mut keep);
    }
    Ok(keep)
}
