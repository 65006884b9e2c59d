//! Who is calling, as the upstream is told.

use std::rc::Rc;
use std::sync::Arc;

use http::header::{HeaderMap, HeaderValue};

use crate::cache::ContextParam;
use crate::domain::refusal::Refusal;
use crate::domain::token::ParamValue;
use crate::store::sealed::Binding;
use crate::telemetry::access::RequestId;
use crate::wire;

use super::authorize::Permit;
use super::core::Core;
use super::rendered::Rendered;
use super::snapshot::Snapshot;

/// Writes identity into the headers of a permitted request. The client's own copies were removed at
/// intake, so that these are the only ones.
///
/// # Errors
/// A sealed parameter that cannot be opened, or a text that no header can carry: a request does not go
/// without what it was to carry.
pub(super) fn write(
    headers: &mut HeaderMap,
    permit: &Permit<'_>,
    number: RequestId,
    snapshot: &Snapshot,
    core: &Core,
) -> Result<(), Refusal> {
    // One piece of memory for all that is to come, instead of growing it twice.
    headers.reserve(12);
    if let Some(name) = &snapshot.identity.headers.request
        && let Ok(value) = HeaderValue::from_bytes(&number.digits())
    {
        headers.insert(name.clone(), value);
    }
    let Some(entry) = permit.entry() else { return Ok(()) };
    let same = |known: &Rc<Rendered>| {
        Arc::ptr_eq(&known.entry, entry) && known.generation == snapshot.generation
    };
    let rendered = match core.rendered.find(&entry.digest, same) {
        Some(known) => known,
        None => {
            let names = &snapshot.identity.headers;
            let fresh = Rc::new(Rendered::new(entry, names, snapshot.generation)?);
            core.rendered.put(&entry.digest, Rc::clone(&fresh));
            fresh
        }
    };
    rendered.write(headers, &snapshot.identity.headers);
    write_params(headers, permit, snapshot)
}

/// The parameters of the rule's context, on that context's rules alone (row F7). A request whose
/// parameter cannot be opened does not go without it.
fn write_params(
    headers: &mut HeaderMap,
    permit: &Permit<'_>,
    snapshot: &Snapshot,
) -> Result<(), Refusal> {
    let Some(entry) = permit.entry() else { return Ok(()) };
    let held = entry.told.context_params.as_deref().unwrap_or_default();
    for (context, name, header) in permit.rule().param_headers.iter() {
        let same = |param: &&ContextParam| param.context == *context && param.name == *name;
        let Some(param) = held.iter().find(same) else { continue };
        let binding = Binding { token: entry.id, context, parameter: name };
        let value = match &param.value {
            ParamValue::Plain(text) => header_value(&binding, text)?,
            ParamValue::Sealed(sealed) => open(&binding, sealed, snapshot)?,
        };
        headers.insert(header.clone(), value);
    }
    Ok(())
}

fn open(binding: &Binding<'_>, sealed: &str, snapshot: &Snapshot) -> Result<HeaderValue, Refusal> {
    let failed = |cause: &dyn std::fmt::Display| {
        let (token, context, parameter) = (binding.token, binding.context, binding.parameter);
        tracing::error!(%token, %context, parameter, %cause, "a sealed parameter cannot be opened");
        Refusal::CannotDecide
    };
    let key = snapshot.master_key().map_err(|error| failed(&error))?;
    let text = key.open(binding, sealed).map_err(|error| failed(&error))?;
    let mut value = header_value(binding, &text)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Such a text can only be older than the parameter's header, for no token is given one today (sec-H6).
fn header_value(binding: &Binding<'_>, text: &str) -> Result<HeaderValue, Refusal> {
    let value = Some(text).filter(|text| wire::is_header_text(text));
    value.and_then(|text| HeaderValue::from_str(text).ok()).ok_or_else(|| {
        let (token, context, parameter) = (binding.token, binding.context, binding.parameter);
        tracing::error!(
            %token, %context, parameter,
            "a parameter cannot be told in a header; give the token a value of visible ASCII"
        );
        Refusal::CannotDecide
    })
}
