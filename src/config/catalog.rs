//! The checked catalogues: flags and contexts.

use std::collections::BTreeMap;

use super::file::{ContextTable, FlagTable, ParamTable};
use super::header::header;
use super::identity::{TakenHeaders, take_header};
use super::mistake::Mistake;
use super::reading::{Reading, Reported};
use super::settings::{Context, ContextParam};
use super::values::{boolean, key_name, list, text};
use crate::domain::flags::{Flag, FlagCatalog, Flags};
use crate::domain::id::Slug;
use crate::wire::is_header_text;

/// Contexts by name.
pub(super) type Contexts = BTreeMap<Slug, Context>;

pub(super) fn flags(
    tables: &[FlagTable],
    contexts: &[ContextTable],
    reading: &Reading<'_>,
) -> Result<FlagCatalog, Reported> {
    let mut names = BTreeMap::new();
    let mut first_of: BTreeMap<i64, &str> = BTreeMap::new();
    let mut outcome = Ok(());
    for table in tables {
        let key = &table.name;
        match flag(table, contexts, reading) {
            Err(reported) => outcome = Err(reported),
            Ok((name, flag)) => {
                if let Some(first) = first_of.insert(flag.bits.bits(), &key.value) {
                    let (first, second) = (first.to_owned(), key.value.clone());
                    let hint = "give each flag a bit of its own, or take one of the two out";
                    let mistake = Mistake::FlagTwice { first, second };
                    outcome = Err(reading.mistake(&key.span, mistake, hint));
                }
                names.insert(name, flag);
            }
        }
    }
    outcome.map(|()| FlagCatalog::new(names))
}

fn flag(
    table: &FlagTable,
    contexts: &[ContextTable],
    reading: &Reading<'_>,
) -> Result<(String, Flag), Reported> {
    let key = &table.name;
    let name = key_name(key, "a flag", reading);
    if contexts.iter().any(|context| context.name.value == key.value) {
        let hint = "call one of them something else: a scope lists contexts and flags together";
        return Err(reading.mistake(&key.span, Mistake::FlagIsContext(key.value.clone()), hint));
    }
    let title = text(&table.title, reading);
    let given = table.bits.as_ref().map_err(|reported| *reported)?;
    let bits = i64::try_from(given.value).ok().filter(|bits| *bits > 0);
    let Some(bits) = bits.and_then(|bits| Flags::from_bits(bits).ok()) else {
        let hint = "write a bit such as 0x100, or a sum of bits";
        return Err(reading.mistake(&given.span, Mistake::FlagBits(key.value.clone()), hint));
    };
    let title = title?.map(|title| title.value.value.clone());
    Ok((name?.to_string(), Flag { bits, title }))
}

pub(super) fn contexts(
    tables: &[ContextTable],
    identity: &TakenHeaders,
    reading: &Reading<'_>,
) -> Result<Contexts, Reported> {
    let all: Vec<_> = tables.iter().map(|table| context(table, identity, reading)).collect();
    all.into_iter().collect()
}

fn context(
    table: &ContextTable,
    identity: &TakenHeaders,
    reading: &Reading<'_>,
) -> Result<(Slug, Context), Reported> {
    let name = key_name(&table.name, "a context", reading);
    if table.name.value == "all" {
        let hint = "`all` stands for every context where tokens are made";
        return Err(reading.mistake(&table.name.span, Mistake::ContextAll, hint));
    }
    let title = text(&table.title, reading)
        .map(|title| title.map_or(&table.name.value, |title| &title.value.value).clone());
    let mut taken = identity.clone();
    let params: Vec<_> =
        table.params.iter().map(|table| param(table, &mut taken, reading)).collect();
    let params: Result<_, _> = params.into_iter().collect();
    Ok((name?, Context { title: title?, params: params? }))
}

fn param(
    table: &ParamTable,
    taken: &mut TakenHeaders,
    reading: &Reading<'_>,
) -> Result<(String, ContextParam), Reported> {
    let name = key_name(&table.name, "a parameter", reading);
    let title = text(&table.title, reading)
        .map(|title| title.map_or(&table.name.value, |title| &title.value.value).clone());
    let secret = boolean(&table.secret, false);
    let required = boolean(&table.required, false);
    let header = match text(&table.header, reading) {
        Ok(Some(text)) => header(text, reading).and_then(|name| {
            let key = format!("{}.header", table.name.key);
            take_header(name, key, Some(text), taken, reading).map(Some)
        }),
        Ok(None) => Ok(None),
        Err(reported) => Err(reported),
    };
    let choices = choices(table, reading);
    let param = ContextParam {
        title: title?,
        secret: secret?,
        required: required?,
        choices: choices?,
        header: header?,
    };
    Ok((name?.to_string(), param))
}

/// The values allowed. One that the header cannot carry could be given to no token.
fn choices(table: &ParamTable, reading: &Reading<'_>) -> Result<Vec<String>, Reported> {
    let choices = list(&table.choices, reading)?;
    let mut outcome = Ok(choices.iter().map(|choice| choice.value.value.clone()).collect());
    let Some(Ok(header)) = &table.header else { return outcome };
    for choice in choices.iter().filter(|choice| !is_header_text(&choice.value.value)) {
        let (header, shown) = (header.value.shown.clone(), choice.value.shown.clone());
        let mistake = Mistake::ChoiceForHeader { header, choice: shown };
        let hint = "write visible ASCII characters, with spaces only between them";
        outcome = Err(reading.mistake(&choice.span, mistake, hint));
    }
    outcome
}
