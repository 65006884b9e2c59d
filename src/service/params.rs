//! Parameters that a token carries to its upstreams: free ones, and those that contexts define.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::config::settings::{Context, ContextParam};
use crate::domain::echo::shown;
use crate::domain::grant::Contexts;
use crate::domain::id::Slug;
use crate::domain::token::ParamValue;
use crate::service::check::{self, HEADER_BYTES, quoted};
use crate::service::error::ServiceError;
use crate::service::input::ContextValues;
use crate::wire;

/// Values by context and name, as a token holds them.
pub(super) type ContextParams = BTreeMap<Slug, BTreeMap<String, ParamValue>>;

/// The most bytes of one value, for it is sent in a header.
const VALUE_BYTES: usize = 1_024;

/// Free parameters, byte for byte as they came: a JSON object or an array of objects, or text that
/// holds one (row W17).
pub(super) fn free(raw: &RawValue) -> Result<String, ServiceError> {
    let bad = |problem: &str| ServiceError::field("params", problem);
    let text = if raw.get().starts_with('"') {
        serde_json::from_str(raw.get()).map_err(|error| ServiceError::field("params", error))?
    } else {
        raw.get().to_owned()
    };
    if text.len() > HEADER_BYTES {
        return Err(ServiceError::field(
            "params",
            format_args!("at most {HEADER_BYTES} bytes, not {}", text.len()),
        ));
    }
    check::no_secret("params", &text)?;
    match serde_json::from_str(&text) {
        Ok(Value::Object(_)) => Ok(text),
        Ok(Value::Array(entries)) if entries.iter().all(Value::is_object) => Ok(text),
        Ok(_) => Err(bad("a JSON object or an array of objects is needed")),
        Err(error) => Err(ServiceError::field("params", format_args!("this is not JSON: {error}"))),
    }
}

/// What a token holds after `changes` to what it held. Values of contexts that it no longer reaches
/// are dropped. `seal` encrypts a secret value.
///
/// A token for chosen contexts must have what they require; one for all contexts may have it, for
/// else no such token could be made without parameters for areas that it will never be used in.
pub(super) fn merged(
    held: &ContextParams,
    changes: &ContextValues,
    contexts: &Contexts,
    catalog: &BTreeMap<Slug, Context>,
    seal: impl Fn(&Slug, &str, &str) -> Result<String, ServiceError>,
) -> Result<ContextParams, ServiceError> {
    let mut params = held.clone();
    params.retain(|context, _| contexts.contains(context));
    for (context, values) in changes {
        let definitions = &reached(context, contexts, catalog)?.params;
        let Some(values) = values else {
            params.remove(context);
            continue;
        };
        let entry = params.entry(context.clone()).or_default();
        for (name, value) in values {
            let field = format!("context_params.{context}.{}", shown(name));
            let definition = definitions.get(name).ok_or_else(|| unknown(&field, definitions))?;
            match value {
                None => drop(entry.remove(name)),
                Some(text) => {
                    check_value(&field, text, definition)?;
                    let value = match definition.secret {
                        true => ParamValue::Sealed(seal(context, name, text)?),
                        false => ParamValue::Plain(text.clone()),
                    };
                    entry.insert(name.clone(), value);
                }
            }
        }
    }
    params.retain(|_, values| !values.is_empty());
    require(&params, contexts, catalog)?;
    Ok(params)
}

fn reached<'a>(
    context: &Slug,
    contexts: &Contexts,
    catalog: &'a BTreeMap<Slug, Context>,
) -> Result<&'a Context, ServiceError> {
    let field = || format!("context_params.{context}");
    let known = catalog.get(context).ok_or_else(|| {
        ServiceError::field(field(), "the configuration has no such context".to_owned())
    })?;
    if !contexts.contains(context) {
        let problem = "the token does not reach this context, so it cannot hold its parameters";
        return Err(ServiceError::field(field(), problem));
    }
    Ok(known)
}

fn unknown(field: &str, definitions: &BTreeMap<String, ContextParam>) -> ServiceError {
    let known: Vec<_> = definitions.keys().collect();
    match known.as_slice() {
        [] => ServiceError::field(field, "the context defines no parameters"),
        names => {
            ServiceError::field(field, format_args!("the context defines only {}", quoted(names)))
        }
    }
}

/// The value is never repeated in an error: it may be secret.
fn check_value(field: &str, text: &str, definition: &ContextParam) -> Result<(), ServiceError> {
    if text.is_empty() || text.len() > VALUE_BYTES {
        return Err(ServiceError::field(
            field,
            format_args!("1 to {VALUE_BYTES} bytes, not {}", text.len()),
        ));
    }
    check::line(field, text, VALUE_BYTES)?;
    if let Some(header) = definition.header.as_ref().filter(|_| !wire::is_header_text(text)) {
        return Err(ServiceError::field(
            field,
            format_args!(
                "the header `{header}` takes it to the upstream, so only visible ASCII characters \
                 with spaces between them are allowed"
            ),
        ));
    }
    let choices = &definition.choices;
    if choices.is_empty() || choices.iter().any(|choice| choice == text) {
        Ok(())
    } else {
        Err(ServiceError::field(field, format_args!("it must be one of {}", quoted(choices))))
    }
}

fn require(
    params: &ContextParams,
    contexts: &Contexts,
    catalog: &BTreeMap<Slug, Context>,
) -> Result<(), ServiceError> {
    let Contexts::Set(names) = contexts else { return Ok(()) };
    for context in names.iter() {
        let definitions = catalog.get(context).into_iter().flat_map(|known| &known.params);
        for (name, _) in definitions.filter(|(_, definition)| definition.required) {
            if !params.get(context).is_some_and(|values| values.contains_key(name)) {
                let problem = format!("the context `{context}` requires this parameter");
                return Err(ServiceError::field(
                    format!("context_params.{context}.{name}"),
                    problem,
                ));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
