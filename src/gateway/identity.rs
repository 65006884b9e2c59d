//! Who is calling, as the upstream is told: the lines that are ours in a request's head.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::cache::{Claims, ContextParam, Entry};
use crate::domain::grant::{Contexts, Items};
use crate::domain::id::{Slug, TokenId};
use crate::domain::refusal::Refusal;
use crate::domain::token::ParamValue;
use crate::store::sealed::Binding;
use crate::tls::ClientCertificate;
use crate::wire;

use super::authorize::Permit;
use super::client::Client;
use super::dialect;
use super::intake::Inbound;
use super::plan::RulePlan;
use super::prefixes::HeaderPrefixes;
use super::snapshot::Snapshot;

/// The lines of a permitted request: whence it came, which it is, and who is calling. The client's
/// own copies were removed at intake, so that these are the only ones.
///
/// # Errors
/// A sealed parameter that cannot be opened, or a text that no header can carry: a request does not
/// go without what it was to carry.
pub(super) fn lines(
    lines: &mut Vec<u8>,
    permit: &Permit<'_>,
    inbound: &Inbound,
    client: &Client,
    snapshot: &Snapshot,
) -> Result<(), Refusal> {
    let prefixes = &snapshot.identity.prefixes;
    inbound.origin.tell(lines, &inbound.parts.headers, client, snapshot);
    line(lines, &prefixes.request, |lines| lines.extend_from_slice(&inbound.request.digits()));
    if let Some(shown) = inbound.certificate.as_deref() {
        tell_certificate(lines, prefixes, shown);
    }
    let Some(entry) = permit.entry() else { return Ok(()) };
    tell(lines, prefixes, entry, &snapshot.contexts);
    dialect::tell(lines, permit.api().dialect, entry.common.terms.company.as_ref());
    tell_params(lines, permit.rule(), (entry.id, &entry.claims), snapshot).map_err(|error| {
        if let Some(withheld) = snapshot.undeliverable.ready() {
            let (token, UndeliverableParam { context, parameter, cause }) = (entry.id, &error);
            tracing::error!(
                %token, context, parameter, cause, withheld,
                "a parameter cannot be told to the upstream: requests that need it are answered 503"
            );
        }
        Refusal::CannotDecide
    })
}

/// A parameter that a request was to carry, and cannot.
#[derive(Debug, thiserror::Error)]
#[error("the parameter `{context}.{parameter}` cannot be told to the upstream: {cause}")]
pub(super) struct UndeliverableParam {
    context: String,
    parameter: String,
    cause: String,
}

fn line(lines: &mut Vec<u8>, prefix: &Option<Box<[u8]>>, value: impl FnOnce(&mut Vec<u8>)) {
    if let Some(prefix) = prefix {
        lines.extend_from_slice(prefix);
        value(lines);
        lines.extend_from_slice(b"\r\n");
    }
}

/// The certificate that the client showed, whoever its token acts for.
fn tell_certificate(lines: &mut Vec<u8>, prefixes: &HeaderPrefixes, shown: &ClientCertificate) {
    line(lines, &prefixes.certificate, |to| {
        to.extend_from_slice(shown.thumbprint.to_hex().as_bytes());
    });
    if !shown.subject.is_empty() {
        line(lines, &prefixes.subject, |to| to.extend_from_slice(shown.subject.as_bytes()));
    }
}

/// Every value is visible ASCII by its type, or was encoded so when the record was loaded (sec-H6).
fn tell(lines: &mut Vec<u8>, prefixes: &HeaderPrefixes, entry: &Entry, catalog: &[Slug]) {
    let (terms, claims) = (&entry.common.terms, &entry.claims);
    line(lines, &prefixes.owner, |to| to.extend_from_slice(claims.owner()));
    if let Some(company) = &terms.company {
        line(lines, &prefixes.company, |to| to.extend_from_slice(company.as_str().as_bytes()));
    }
    line(lines, &prefixes.token, |to| to.extend_from_slice(&entry.id.to_text()));
    line(lines, &prefixes.token_name, |to| to.extend_from_slice(claims.name()));
    line(lines, &prefixes.flags, |to| {
        let flags = terms.flags.within(entry.common.owner.ceiling).bits();
        // Writing to memory does not fail.
        let _ = write!(to, "{flags}");
    });
    line(lines, &prefixes.contexts, |to| {
        let licensed = entry.common.company().map_or(&Contexts::All, |company| &company.licensed);
        tell_contexts(to, &terms.contexts, licensed, catalog);
    });
    line(lines, &prefixes.items, |to| match &terms.items {
        Items::All => to.push(b'*'),
        Items::Set(ids) => list(to, ids.iter().map(|id| &**id)),
    });
    if let Some(params) = claims.params().and_then(|params| params.free.as_ref()) {
        line(lines, &prefixes.params, |to| {
            to.extend_from_slice(URL_SAFE_NO_PAD.encode(&**params).as_bytes());
        });
    }
}

/// What the token reaches in truth: within its company's licence, and of the contexts that the
/// configuration still has (row F5). An upstream that decides by this header must not open what the
/// gateway would not.
fn tell_contexts(to: &mut Vec<u8>, mine: &Contexts, licensed: &Contexts, catalog: &[Slug]) {
    let (names, bound) = match (mine, licensed) {
        (Contexts::All, Contexts::All) => return to.push(b'*'),
        (Contexts::Set(names), bound) | (bound, Contexts::Set(names)) => (names, bound),
    };
    let usable = |name: &&Slug| bound.contains(name) && catalog.binary_search(name).is_ok();
    list(to, names.iter().filter(usable).map(Slug::as_str));
}

fn list<'e>(to: &mut Vec<u8>, names: impl Iterator<Item = &'e str>) {
    for (place, name) in names.enumerate() {
        if place > 0 {
            to.push(b',');
        }
        to.extend_from_slice(name.as_bytes());
    }
}

/// The parameters of the rule's context, on that context's rules alone (row F7). A request whose
/// parameter cannot be opened does not go without it.
///
/// # Errors
/// The first that cannot be told.
pub(super) fn tell_params(
    lines: &mut Vec<u8>,
    rule: &RulePlan,
    (token, claims): (TokenId, &Claims),
    snapshot: &Snapshot,
) -> Result<(), UndeliverableParam> {
    let Some(params) = claims.params() else { return Ok(()) };
    for (context, name, header) in rule.param_headers.iter() {
        let same = |param: &&ContextParam| param.context == *context && param.name == *name;
        let Some(param) = params.by_context.iter().find(same) else { continue };
        let undeliverable = |cause: String| UndeliverableParam {
            context: context.to_string(),
            parameter: name.to_string(),
            cause,
        };
        let mut tell = |text: &str| -> Result<(), UndeliverableParam> {
            check_text(text).map_err(undeliverable)?;
            for part in [header.as_str(), ": ", text, "\r\n"] {
                lines.extend_from_slice(part.as_bytes());
            }
            Ok(())
        };
        match &param.value {
            ParamValue::Plain(text) => tell(text)?,
            ParamValue::Sealed(sealed) => {
                let key =
                    snapshot.master_key().map_err(|error| undeliverable(error.to_string()))?;
                let binding = Binding { token, context, parameter: name };
                let opened = key.open(&binding, sealed);
                tell(&opened.map_err(|error| undeliverable(error.to_string()))?)?;
            }
        }
    }
    Ok(())
}

/// Such a text can only be older than the parameter's header, for no token is given one today
/// (sec-H6).
fn check_text(text: &str) -> Result<(), String> {
    if wire::is_header_text(text) {
        return Ok(());
    }
    Err("no header can carry it; give the token a value of visible ASCII".to_owned())
}
