//! The checked rules of an API.

use std::collections::BTreeSet;

use http::Method;

use super::clash::Claim;
use super::file::RuleTable;
use super::method::method;
use super::mistake::Mistake;
use super::pattern::Pattern;
use super::reading::{Placed, Reading, Reported, Text, did_you_mean, listed};
use super::settings::Rule;
use super::values::{boolean, key_name, list, name, text, word};
use crate::domain::flags::{FlagCatalog, Flags};
use crate::domain::id::Slug;
use crate::domain::rule::{ItemRule, Requirement};
use crate::tls::subject;

/// What a rule may refer to: every name in the file, also that of an entry with a mistake of its
/// own, so that one mistake does not lead to another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Catalogues<'a> {
    pub(super) flag_names: &'a BTreeSet<&'a str>,
    pub(super) context_names: &'a BTreeSet<&'a str>,
    /// None if it has mistakes.
    pub(super) flags: Option<&'a FlagCatalog>,
    /// Whether clients are asked for certificates.
    pub(super) asks_clients: bool,
}

/// Reads one rule. What it claims is told as far as that is known, so that a mistake elsewhere in
/// the rule hides no clash.
pub(super) fn rule(
    table: &RuleTable,
    number: usize,
    under: Option<&Text>,
    catalogues: Catalogues<'_>,
    reading: &Reading<'_>,
) -> (Claim, Result<Rule, Reported>) {
    let default = format!("rule-{number}");
    let given = text(&table.name, reading);
    let label = match given {
        Ok(Some(given)) => Placed {
            value: given.value.shown.clone(),
            key: given.key.clone(),
            span: given.span.clone(),
        },
        _ => Placed { value: default.clone(), key: String::new(), span: table.span.clone() },
    };
    let slug = match given {
        Ok(Some(text)) => name(text, "a rule", reading),
        Ok(None) => key_name(&label, "a rule", reading),
        Err(reported) => Err(reported),
    };
    let path = path(table, &label.value, under, reading);
    let methods = methods(table, &label.value, reading);
    let public = boolean(&table.public, false);
    let asked = requirement(table, &label.value, catalogues, reading);
    let item = item(table, &label.value, path.as_ref().ok().map(|(_, pattern)| pattern), reading);
    let clean = match public {
        Ok(true) => refuse_asking(table, &label.value, reading),
        _ => Ok(()),
    };
    let claim = Claim {
        name: label,
        span: path.as_ref().map_or_else(|_| table.span.clone(), |(text, _)| text.span.clone()),
        wanted: path.as_ref().ok().map(|(_, pattern)| pattern.clone()).zip(methods.clone().ok()),
    };
    let combine = || {
        let (item, items) = item?;
        Ok(Rule {
            name: slug?,
            path: path?.0.value.value,
            methods: methods?,
            public: public?,
            item,
            requirement: clean.and(asked).map(|asked| Requirement { items, ..asked })?,
        })
    };
    (claim, combine())
}

fn path(
    table: &RuleTable,
    label: &str,
    under: Option<&Text>,
    reading: &Reading<'_>,
) -> Result<(Placed<Text>, Pattern), Reported> {
    let hint = "write the whole path, such as `/api/orders/{id}`, or `/{*rest}` for all";
    let given = reading.required(&table.path, &table.span, ("this rule", "path"), hint)?;
    let pattern = Pattern::parse(&given.value.value).map_err(|fault| {
        let mistake = Mistake::BadPath { path: given.value.shown.clone(), fault };
        let hint = "a rule's path looks like `/api/orders/{id}` or `/files/{*rest}`";
        reading.mistake(&given.span, mistake, hint)
    })?;
    if let Some(api) = under.filter(|api| !pattern.lies_under(&api.value)) {
        let (rule, api_path) = (label.to_owned(), api.shown.clone());
        let below = given.value.shown.trim_start_matches('/');
        let whole = format!("{}/{below}", api_path.trim_end_matches('/'));
        let hint = format!("a rule's path is written from the root: did you mean `{whole}`?");
        return Err(reading.mistake(&given.span, Mistake::OutsideApi { rule, api_path }, hint));
    }
    Ok((given, pattern))
}

fn methods(table: &RuleTable, label: &str, reading: &Reading<'_>) -> Result<Vec<Method>, Reported> {
    let place = format!("rule `{label}`");
    let all: Vec<_> =
        list(&table.methods, reading)?.iter().map(|text| method(text, &place, reading)).collect();
    all.into_iter().collect()
}

fn requirement(
    table: &RuleTable,
    label: &str,
    catalogues: Catalogues<'_>,
    reading: &Reading<'_>,
) -> Result<Requirement, Reported> {
    let context = text(&table.context, reading)
        .and_then(|text| text.map(|text| context(text, label, catalogues, reading)).transpose());
    let flags = list(&table.flags, reading).and_then(|names| {
        let all: Vec<_> = names.iter().map(|one| flag(one, label, catalogues, reading)).collect();
        all.into_iter().try_fold(Flags::NONE, |sum, bits| bits.map(|bits| sum.union(bits)))
    });
    let roles = list(&table.roles, reading).and_then(|names| {
        let all: Vec<_> = names.iter().map(|one| name(one, "a role", reading)).collect();
        all.into_iter().collect()
    });
    let company = text(&table.company, reading)
        .and_then(|text| text.map(|text| name(text, "a company", reading)).transpose());
    let subjects = subjects(table, catalogues, reading);
    let (context, flags) = (context?, flags?);
    let flag_names = list(&table.flags, reading)?.iter().map(|flag| flag.value.value.as_str());
    let scope: Vec<_> = context.iter().map(Slug::as_str).chain(flag_names).collect();
    Ok(Requirement {
        scope: scope.join(" ").into(),
        context,
        flags,
        roles: roles?,
        subjects: subjects?,
        company: company?,
        of_a_company: false,
        items: ItemRule::Closed,
    })
}

/// Whose certificates it takes, in the one spelling.
fn subjects(
    table: &RuleTable,
    catalogues: Catalogues<'_>,
    reading: &Reading<'_>,
) -> Result<Box<[Box<str>]>, Reported> {
    let given = list(&table.subjects, reading)?;
    if let Some(first) = given.first().filter(|_| !catalogues.asks_clients) {
        return Err(nobody_signs(first, reading));
    }
    let all: Vec<_> = given
        .iter()
        .map(|text| {
            subject::normal(&text.value.value).map(Into::into).ok_or_else(|| {
                let mistake = Mistake::BadSubject(text.value.shown.clone());
                let hint = "write it as `tollgate explain --certificate FILE` shows it, such as `CN=ci,O=Acme`";
                reading.mistake(&text.span, mistake, hint)
            })
        })
        .collect();
    all.into_iter().collect()
}

/// Certificates are asked of clients that nobody asks for one.
pub(super) fn nobody_signs(text: &Placed<Text>, reading: &Reading<'_>) -> Reported {
    let hint = "name the file of certificates that sign those of clients in `tls.client_ca`";
    reading.mistake(&text.span, Mistake::NobodySigns(text.key.clone()), hint)
}

fn context(
    text: &Placed<Text>,
    label: &str,
    catalogues: Catalogues<'_>,
    reading: &Reading<'_>,
) -> Result<Slug, Reported> {
    let known = catalogues.context_names;
    if known.contains(text.value.value.as_str()) {
        return name(text, "a context", reading);
    }
    let shown = &text.value.shown;
    let all = match known.is_empty() {
        true => format!("add a table `[contexts.{shown}]`"),
        false => format!("the contexts are {}", listed(known.iter().copied(), "and")),
    };
    let hint = did_you_mean(shown, known.iter().copied(), &all);
    let (rule, context) = (label.to_owned(), shown.clone());
    Err(reading.mistake(&text.span, Mistake::UnknownContext { rule, context }, hint))
}

fn flag(
    text: &Placed<Text>,
    label: &str,
    catalogues: Catalogues<'_>,
    reading: &Reading<'_>,
) -> Result<Flags, Reported> {
    let known = catalogues.flag_names;
    if known.contains(text.value.value.as_str()) {
        let bits = catalogues.flags.and_then(|flags| flags.bits(&text.value.value));
        // Without a catalogue there are no settings at all: the bits are never asked for.
        return Ok(bits.unwrap_or(Flags::UNLIMITED));
    }
    let shown = &text.value.shown;
    let all = match known.is_empty() {
        true => format!("add `{shown} = 0x100` to a table `[flags]`"),
        false => format!("the flags are {}", listed(known.iter().copied(), "and")),
    };
    let hint = did_you_mean(shown, known.iter().copied(), &all);
    let (rule, flag) = (label.to_owned(), shown.clone());
    Err(reading.mistake(&text.span, Mistake::UnknownFlag { rule, flag }, hint))
}

/// Where the item stands, and what a token that is limited to some items may do.
fn item(
    table: &RuleTable,
    label: &str,
    pattern: Option<&Pattern>,
    reading: &Reading<'_>,
) -> Result<(Option<String>, ItemRule), Reported> {
    let named = text(&table.item, reading)?;
    let items = text(&table.items, reading)?;
    match (named, items) {
        (None, None) => Ok((None, ItemRule::Closed)),
        (None, Some(items)) => {
            word(items, &[("upstream", ItemRule::Upstream)], reading).map(|rule| (None, rule))
        }
        (Some(_), Some(items)) => {
            let hint =
                "keep `item` where the path names the item, `items` where the upstream filters";
            Err(reading.mistake(&items.span, Mistake::ItemTwice(label.to_owned()), hint))
        }
        (Some(named), None) => {
            let written = &named.value.value;
            let param = written.strip_prefix('{').and_then(|name| name.strip_suffix('}'));
            let param = param.unwrap_or(written);
            let known = || pattern.into_iter().flat_map(Pattern::names);
            if pattern.is_none() || known().any(|name| name == param) {
                return Ok((Some(param.to_owned()), ItemRule::Named));
            }
            let quoted: Vec<_> = known().map(|name| format!("{{{name}}}")).collect();
            let names = quoted.iter().map(String::as_str);
            let all = "name a `{...}` of the rule's path; `{*...}` is no item";
            let hint = did_you_mean(&named.value.shown, names, all);
            let (rule, param) = (label.to_owned(), named.value.shown.clone());
            Err(reading.mistake(&named.span, Mistake::UnknownItem { rule, param }, hint))
        }
    }
}

/// A rule that is open to all asks for nothing: whoever wrote both meant one of the two.
fn refuse_asking(table: &RuleTable, label: &str, reading: &Reading<'_>) -> Result<(), Reported> {
    let place = |field: &super::reading::Field<Text>| {
        field.as_ref().and_then(|given| given.as_ref().ok()).map(|given| given.span.clone())
    };
    let list_place = |field: &super::reading::Field<Vec<Placed<Text>>>| {
        field.as_ref().and_then(|given| given.as_ref().ok()).map(|given| given.span.clone())
    };
    let asked = [
        ("context", place(&table.context)),
        ("flags", list_place(&table.flags)),
        ("roles", list_place(&table.roles)),
        ("subjects", list_place(&table.subjects)),
        ("company", place(&table.company)),
        ("item", place(&table.item)),
        ("items", place(&table.items)),
    ];
    let mut outcome = Ok(());
    for (key, place) in asked {
        if let Some(place) = place {
            let hint = "take out `public`, or take out what a token would need";
            let mistake = Mistake::PublicAsks { rule: label.to_owned(), key };
            outcome = Err(reading.mistake(&place, mistake, hint));
        }
    }
    outcome
}
