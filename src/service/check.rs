//! What a value must be, whoever sends it. Pure: configuration and the moment are arguments.
//!
//! Everything that an upstream is told in a header is bounded here and free of control characters,
//! so that it can always be sent and never splits a header (sec-H6).

use std::collections::BTreeMap;

use ipnet::IpNet;

use crate::config::settings::Context;
use crate::domain::company::Company;
use crate::domain::conditions::Conditions;
use crate::domain::echo::shown;
use crate::domain::flags::{FlagCatalog, Flags};
use crate::domain::grant::{Contexts, Items};
use crate::domain::id::Slug;
use crate::domain::secret;
use crate::domain::time::Timestamp;
use crate::domain::token::Revision;
use crate::service::caller::Caller;
use crate::service::error::{SECRET_HERE, ServiceError};
use crate::service::input::{ContextValues, FlagsInput};
use crate::store::StoreError;

/// The most characters of a name of a token, an owner or an application.
pub(super) const NAME_CHARS: usize = 200;
/// The most characters of the end of a secret, by which people know it.
pub(super) const HINT_CHARS: usize = 4;
/// The most characters of a description.
pub(super) const DESCRIPTION_CHARS: usize = 2_000;
/// The most characters of a reason.
pub(super) const REASON_CHARS: usize = 500;
/// The most bytes of a list of contexts or items, and of parameters, as they are sent in a header.
pub(super) const HEADER_BYTES: usize = 4_096;

/// The most networks and the most windows of a token.
pub(super) const CONDITIONS: usize = 100;

/// Whether a character could change a line, a header or what a terminal shows: control characters,
/// line separators, and marks that reorder text.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// One line of text, which may be empty.
pub(super) fn line(field: &str, text: &str, most_chars: usize) -> Result<(), ServiceError> {
    let length = text.chars().count();
    if length > most_chars {
        return Err(ServiceError::field(
            field,
            format_args!("at most {most_chars} characters, not {length}"),
        ));
    }
    match text.chars().find(|c| is_unprintable(*c)) {
        Some(c) => Err(ServiceError::field(
            field,
            format_args!("control characters such as `{}` are not allowed", c.escape_unicode()),
        )),
        None => Ok(()),
    }
}

/// Refuses a secret of our own form in what is kept and shown; `known` looks for those of other forms.
pub(super) fn no_secret(field: &str, text: &str) -> Result<(), ServiceError> {
    match secret::own_in(text).next() {
        Some(_) => Err(secret_in(field)),
        None => Ok(()),
    }
}

/// Said of a text that holds one, without repeating it.
pub(super) fn secret_in(field: &str) -> ServiceError {
    ServiceError::field(field, SECRET_HERE)
}

/// The name of an application, which may be empty.
pub(super) fn app(text: &str) -> Result<(), ServiceError> {
    no_secret("app", text)?;
    line("app", text, NAME_CHARS)
}

/// One line of text that says something.
pub(super) fn name(field: &str, text: &str) -> Result<(), ServiceError> {
    if text.trim().is_empty() {
        return Err(ServiceError::field(field, "a name is required"));
    }
    no_secret(field, text)?;
    line(field, text, NAME_CHARS)
}

/// Text of several lines, which may be empty.
pub(super) fn description(text: &str) -> Result<(), ServiceError> {
    no_secret("description", text)?;
    line("description", &text.replace('\n', " "), DESCRIPTION_CHARS)
}

/// An address to which notices can be sent, as far as its form tells.
pub(super) fn email(text: &str) -> Result<(), ServiceError> {
    no_secret("email", text)?;
    let plain = text.len() <= 254 && text.chars().all(|c| !c.is_whitespace() && !is_unprintable(c));
    let parts = text.split_once('@');
    if plain && parts.is_some_and(|(local, host)| !local.is_empty() && host.contains('.')) {
        Ok(())
    } else {
        Err(ServiceError::field("email", "this is not an address such as `alice@example.com`"))
    }
}

/// Numbers and names as one set of bits.
pub(super) fn flags(
    field: &str,
    input: &FlagsInput,
    catalog: &FlagCatalog,
) -> Result<Flags, ServiceError> {
    let from_bits =
        |bits: i64| Flags::from_bits(bits).map_err(|bad| ServiceError::field(field, bad));
    match input {
        FlagsInput::Bits(bits) => from_bits(*bits),
        FlagsInput::Names(names) => names.iter().try_fold(Flags::NONE, |sum, name| {
            let bits = match (catalog.bits(name), number(name)) {
                (Some(bits), _) => bits,
                (None, Some(bits)) => from_bits(bits)?,
                (None, None) => return Err(unknown_flag(field, name, catalog)),
            };
            // Whoever names other flags beside it means a limit, and would get none.
            if bits == Flags::UNLIMITED && names.len() > 1 {
                return Err(ServiceError::field(field, "-1 is unlimited: it stands alone"));
            }
            Ok(sum.union(bits))
        }),
    }
}

fn number(text: &str) -> Option<i64> {
    match text.strip_prefix("0x") {
        Some(hex) if !hex.starts_with(['+', '-']) => i64::from_str_radix(hex, 16).ok(),
        Some(_) => None,
        None => text.parse().ok(),
    }
}

fn unknown_flag(field: &str, name: &str, catalog: &FlagCatalog) -> ServiceError {
    let known: Vec<_> = catalog.iter().map(|(name, _)| name).collect();
    let choice = match known.as_slice() {
        [] => "the configuration names none; give a number".to_owned(),
        names => format!("known are {}", quoted(names)),
    };
    ServiceError::field(field, format_args!("there is no flag `{}`; {choice}", shown(name)))
}

/// Names in backticks, separated by commas.
pub(super) fn quoted<T: std::fmt::Display>(names: &[T]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Whether the chosen contexts exist (row F5) and fit into a header. One that left the configuration stays with whoever
/// `held` it: it may come back.
pub(super) fn contexts(
    contexts: &Contexts,
    catalog: &BTreeMap<Slug, Context>,
    held: Option<&Contexts>,
) -> Result<(), ServiceError> {
    let Contexts::Set(names) = contexts else { return Ok(()) };
    let kept: &[Slug] = match held {
        Some(Contexts::Set(names)) => names,
        _ => &[],
    };
    let is_known = |name: &Slug| catalog.contains_key(name) || kept.contains(name);
    if let Some(unknown) = names.iter().find(|name| !is_known(name)) {
        let known: Vec<_> = catalog.keys().collect();
        let choice = match known.as_slice() {
            [] => "the configuration has none".to_owned(),
            names => format!("known are {}", quoted(names)),
        };
        let problem = format_args!("there is no context `{unknown}`; {choice}");
        return Err(ServiceError::field("contexts", problem));
    }
    fits("contexts", names.iter().map(|name| name.as_str().len()))
}

/// Whether a token's company, as it is on record, is licensed for what is chosen (row F5). General
/// access is general within the licence, so that it needs no check.
pub(super) fn licensed(
    by: &Caller,
    contexts: &Contexts,
    params: &ContextValues,
    company: Option<&Company>,
) -> Result<(), ServiceError> {
    let Some(company) = company else { return Ok(()) };
    let lacks = |context: &&Slug| !company.contexts.contains(context);
    let refused = |field: String, context: &Slug| {
        let Company { id, contexts, .. } = company;
        if by.let_see_company(id).is_err() && !by.is_of_company(id) {
            // What else it is licensed for is not theirs to know.
            let problem = format_args!("the company `{id}` is not licensed for `{context}`");
            return Err(ServiceError::field(field, problem));
        }
        let licences = match contexts {
            Contexts::Set(names) if !names.is_empty() => format!("only for {}", quoted(names)),
            _ => "for none".to_owned(),
        };
        let problem =
            format_args!("the company `{id}` is not licensed for `{context}`; it is {licences}");
        Err(ServiceError::field(field, problem))
    };
    if let Contexts::Set(names) = contexts
        && let Some(context) = names.iter().find(lacks)
    {
        return refused("contexts".to_owned(), context);
    }
    let given = params.iter().filter(|(_, values)| values.is_some()).map(|(context, _)| context);
    match given.into_iter().find(lacks) {
        Some(context) => refused(format!("context_params.{context}"), context),
        None => Ok(()),
    }
}

/// Whether a change was made from the revision that there is, if it says from which.
pub(super) fn revision(
    what: impl FnOnce() -> String,
    found: Revision,
    expected: Option<u64>,
) -> Result<(), ServiceError> {
    match expected.map(Revision) {
        Some(expected) if expected != found => {
            Err(StoreError::Conflict { what: what(), found, expected }.into())
        }
        _ => Ok(()),
    }
}

/// Whether a list of items fits into a header.
pub(super) fn items_fit(items: &Items) -> Result<(), ServiceError> {
    match items {
        Items::All => Ok(()),
        Items::Set(ids) => {
            if let Some(id) = ids.iter().find(|id| is_unreachable(id)) {
                let problem =
                    format!("no path can name the item `{id}`: it is refused in any path");
                return Err(ServiceError::field("items", problem));
            }
            ids.iter().try_for_each(|id| no_secret("items", id))?;
            fits("items", ids.iter().map(|id| id.len()))
        }
    }
}

/// The gateway refuses these in every path, whatever an API keeps.
fn is_unreachable(item: &str) -> bool {
    item.contains('\\') || matches!(item, "." | "..")
}

fn fits(field: &str, lengths: impl Iterator<Item = usize>) -> Result<(), ServiceError> {
    let bytes = lengths.map(|length| length + 1).sum::<usize>().saturating_sub(1);
    if bytes <= HEADER_BYTES {
        return Ok(());
    }
    let problem = format!(
        "this list has {bytes} bytes and would not fit the header that tells it to the upstream \
         ({HEADER_BYTES} at most)"
    );
    Err(ServiceError::field(field, problem))
}

/// Whether the lists of conditions are short enough to be walked at every request.
pub(super) fn conditions(conditions: &Conditions) -> Result<(), ServiceError> {
    let lists = [
        ("conditions.networks", conditions.networks.len()),
        ("conditions.windows", conditions.windows.len()),
    ];
    match lists.into_iter().find(|(_, entries)| *entries > CONDITIONS) {
        Some((field, entries)) => Err(ServiceError::field(
            field,
            format_args!("at most {CONDITIONS} entries, not {entries}"),
        )),
        None => Ok(()),
    }
}

/// Whether each network is written as one: an address with a length that is shorter than it could
/// be one host, or the whole network that it lies in.
pub(super) fn networks(networks: &[IpNet]) -> Result<(), ServiceError> {
    let Some(net) = networks.iter().find(|net| net.addr() != net.network()) else { return Ok(()) };
    let (whole, host) = (net.trunc(), IpNet::from(net.addr()));
    let problem = format!("`{net}` is no network: `{whole}` is, and `{host}` is that host alone");
    Err(ServiceError::field("conditions.networks", problem))
}

/// Whether a life that begins at `not_before` and ends at `end` is still ahead. A beginning in the
/// past is well as long as the end is not.
pub(super) fn end(
    field: &str,
    not_before: Timestamp,
    end: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), ServiceError> {
    match end {
        Some(end) if end <= now => Err(ServiceError::field(
            field,
            format_args!("the token would be over already: {end} is not after {now}"),
        )),
        Some(end) if end <= not_before => Err(ServiceError::field(
            field,
            format_args!("the end {end} is not after the beginning {not_before}"),
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
