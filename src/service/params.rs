//! Parameters that a token carries to its upstreams: free ones, and those that contexts define.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::config::settings::{Context, ContextParam};
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
            let field = format!("context_params.{context}.{}", name.escape_debug());
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
mod tests {
    use super::*;

    fn free_of(json: &str) -> Result<String, ServiceError> {
        free(&RawValue::from_string(json.to_owned()).unwrap())
    }

    #[test]
    fn w17_free_parameters_are_kept_byte_for_byte() {
        for text in ["{}", r#"{ "a" :1.0,"a":2e3 }"#, r#"[{"b":"é"},{}]"#, "[]"] {
            assert_eq!(free_of(text).unwrap(), text);
            assert_eq!(free_of(&serde_json::to_string(text).unwrap()).unwrap(), text);
        }
        for bad in ["1", "null", r#""x""#, "[1]", r#"[{},"a"]"#, r#""{""#, r#""""#] {
            assert!(free_of(bad).is_err(), "{bad}");
        }
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(HEADER_BYTES));
        assert!(free_of(&long).unwrap_err().to_string().contains("at most 4096 bytes"));
    }

    fn slug(text: &str) -> Slug {
        text.parse().unwrap()
    }

    fn catalog() -> BTreeMap<Slug, Context> {
        let param = |secret, required, choices: &[&str]| ContextParam {
            title: String::new(),
            secret,
            required,
            choices: choices.iter().map(|choice| (*choice).to_owned()).collect(),
            header: None,
        };
        let telegram = [("bot_token".to_owned(), param(true, true, &[]))];
        let hub = [("market".to_owned(), param(false, false, &["north", "south"]))];
        let header = Some(http::HeaderName::from_static("x-shop"));
        let shop = ContextParam { header, ..param(false, false, &[]) };
        let shop = [("id".to_owned(), shop), ("note".to_owned(), param(false, false, &[]))];
        let context = |params: BTreeMap<_, _>| Context { title: String::new(), params };
        [
            (slug("telegram"), context(telegram.into())),
            (slug("hub"), context(hub.into())),
            (slug("stock"), context(BTreeMap::new())),
            (slug("shop"), context(shop.into())),
        ]
        .into()
    }

    fn merge(held: &ContextParams, changes: &str, contexts: &str) -> Result<ContextParams, String> {
        let changes: ContextValues = serde_json::from_str(changes).unwrap();
        let contexts: Contexts = serde_json::from_str(contexts).unwrap();
        let seal =
            |context: &Slug, name: &str, text: &str| Ok(format!("{context}/{name}/{}", text.len()));
        merged(held, &changes, &contexts, &catalog(), seal).map_err(|error| error.to_string())
    }

    #[test]
    fn f7_parameters_go_only_with_their_context() {
        let none = ContextParams::new();
        let given = r#"{"telegram":{"bot_token":"123:abc"}}"#;
        let held = merge(&none, given, r#"["telegram"]"#).unwrap();
        let sealed = ParamValue::Sealed("telegram/bot_token/7".to_owned());
        assert_eq!(held[&slug("telegram")]["bot_token"], sealed);

        assert!(merge(&none, given, r#"["hub"]"#).unwrap_err().contains("does not reach"));
        assert!(
            merge(&none, r#"{"sales":{}}"#, r#""all""#).unwrap_err().contains("no such context")
        );
        let unknown = merge(&none, r#"{"hub":{"x":"1"}}"#, r#"["hub"]"#).unwrap_err();
        assert_eq!(unknown, "`context_params.hub.x`: the context defines only `market`");
    }

    #[test]
    fn f7_required_ones_and_choices_are_enforced() {
        let none = ContextParams::new();
        let missing = merge(&none, "{}", r#"["telegram"]"#).unwrap_err();
        assert!(missing.starts_with("`context_params.telegram.bot_token`: the context `telegram`"));
        assert!(merge(&none, "{}", r#""all""#).is_ok());
        let choice = merge(&none, r#"{"hub":{"market":"west"}}"#, r#"["hub"]"#).unwrap_err();
        assert_eq!(choice, "`context_params.hub.market`: it must be one of `north`, `south`");
        assert!(merge(&none, r#"{"hub":{"market":"north"}}"#, r#"["hub"]"#).is_ok());
    }

    #[test]
    fn sec_h6_a_value_fits_a_header_and_is_not_repeated() {
        let none = ContextParams::new();
        for bad in ["", r"pass\r\nX: 1", &"p".repeat(VALUE_BYTES + 1)] {
            let changes = format!(r#"{{"telegram":{{"bot_token":"{bad}"}}}}"#);
            let error = merge(&none, &changes, r#"["telegram"]"#).unwrap_err();
            assert!(!error.contains('p') || !error.contains("pass"), "{error}");
        }
    }

    #[test]
    fn sec_h6_what_a_header_cannot_carry_is_refused() {
        let none = ContextParams::new();
        let give = |name: &str, value: &str| {
            let changes = serde_json::json!({ "shop": { name: value } }).to_string();
            merge(&none, &changes, r#"["shop"]"#)
        };
        assert!(give("id", "north 1").is_ok());
        for bad in ["caf\u{e9}", " 1", "1 ", "\u{2003}1"] {
            let error = give("id", bad).unwrap_err();
            let wanted = "`context_params.shop.id`: the header `x-shop` takes it to the upstream";
            assert!(error.starts_with(wanted), "{error}");
            assert!(give("note", bad).is_ok(), "{bad:?} goes nowhere");
        }
        assert!(give("id", "a\tb").unwrap_err().contains("control characters"));
    }

    #[test]
    fn a_change_merges_and_a_lost_context_takes_its_parameters_along() {
        let both = r#"["telegram","hub"]"#;
        let given = r#"{"telegram":{"bot_token":"1"},"hub":{"market":"north"}}"#;
        let held = merge(&ContextParams::new(), given, both).unwrap();
        assert_eq!(merge(&held, "{}", both).unwrap(), held);
        assert_eq!(merge(&held, "{}", r#"["hub"]"#).unwrap().len(), 1);
        assert!(merge(&held, r#"{"telegram":null}"#, both).unwrap_err().contains("requires"));
        let south = merge(&held, r#"{"hub":{"market":null}}"#, both).unwrap();
        assert!(!south.contains_key(&slug("hub")) && south.contains_key(&slug("telegram")));
    }
}
