//! Who is calling, as the upstream is told.

use std::rc::Rc;
use std::sync::Arc;

use http::header::{HeaderMap, HeaderValue};

use crate::domain::token::ParamValue;
use crate::telemetry::access::RequestId;

use super::authorize::Permit;
use super::core::Core;
use super::rendered::Rendered;
use super::snapshot::Snapshot;

/// Writes identity into the headers of a permitted request. The client's own copies were removed at
/// intake, so that these are the only ones.
pub(super) fn write(
    headers: &mut HeaderMap,
    permit: &Permit<'_>,
    number: RequestId,
    snapshot: &Snapshot,
    core: &Core,
) {
    if let Some(name) = &snapshot.identity.headers.request
        && let Ok(value) = HeaderValue::from_bytes(&number.digits())
    {
        headers.insert(name.clone(), value);
    }
    let Some(entry) = permit.entry() else { return };
    let same = |known: &Rc<Rendered>| {
        Arc::ptr_eq(&known.entry, entry) && known.generation == snapshot.generation
    };
    let rendered = core.rendered.find(&entry.digest, same).unwrap_or_else(|| {
        let names = &snapshot.identity.headers;
        let fresh = Rc::new(Rendered::new(entry, names, snapshot.generation));
        core.rendered.put(&entry.digest, Rc::clone(&fresh));
        fresh
    });
    for (name, value) in &rendered.headers {
        headers.insert(name.clone(), value.clone());
    }
    write_params(headers, permit);
}

/// The parameters of the rule's context, on that context's rules alone (row F7).
fn write_params(headers: &mut HeaderMap, permit: &Permit<'_>) {
    let held = permit.entry().and_then(|entry| entry.told.context_params.as_deref());
    for (context, name, header) in permit.rule().param_headers.iter() {
        let mut same = held.unwrap_or_default().iter();
        let param = same.find(|param| param.context == *context && param.name == *name);
        if let Some(ParamValue::Plain(text)) = param.map(|param| &param.value)
            && let Ok(value) = HeaderValue::from_str(text)
        {
            headers.insert(header.clone(), value);
        }
    }
}
