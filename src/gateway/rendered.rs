//! The identity headers of one token, rendered once and kept by the core that uses them.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::cache::Entry;
use crate::config::settings::IdentityHeaders;
use crate::domain::grant::{Contexts, Items};

/// What stays readable in a text: letters, digits and what RFC 3986 leaves unreserved, and the space's
/// neighbours that no reader of headers stumbles over.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The headers for one token, rendered once and kept by the core.
#[derive(Debug)]
pub(super) struct Rendered {
    pub(super) entry: Arc<Entry>,
    pub(super) generation: u64,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Rendered {
    /// Renders what the upstream is told about `entry` under the names of a snapshot.
    pub(super) fn new(entry: &Arc<Entry>, names: &IdentityHeaders, generation: u64) -> Self {
        Self { entry: Arc::clone(entry), generation, headers: render(entry, names) }
    }
}

fn render(entry: &Entry, names: &IdentityHeaders) -> Vec<(HeaderName, HeaderValue)> {
    let flags = entry.terms.flags.within(entry.owner.terms.ceiling);
    let encode = |text: &str| utf8_percent_encode(text, ENCODED).to_string();
    let texts = [
        (&names.owner, Some(entry.owner.id.to_string())),
        (&names.company, entry.terms.company.as_ref().map(ToString::to_string)),
        (&names.token, Some(entry.id.to_string())),
        (&names.token_name, Some(encode(&entry.told.name))),
        (&names.flags, Some(flags.bits().to_string())),
        (&names.contexts, Some(contexts(&entry.terms.contexts))),
        (&names.items, Some(items(&entry.terms.items))),
        (&names.params, entry.told.params.as_ref().map(|json| URL_SAFE_NO_PAD.encode(&**json))),
    ];
    let pairs = texts.into_iter().filter_map(|(name, text)| {
        Some((name.as_ref()?.clone(), HeaderValue::try_from(text?).ok()?))
    });
    pairs.collect()
}

fn contexts(contexts: &Contexts) -> String {
    match contexts {
        Contexts::All => "*".to_owned(),
        Contexts::Set(names) => {
            names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(",")
        }
    }
}

fn items(items: &Items) -> String {
    match items {
        Items::All => "*".to_owned(),
        Items::Set(ids) => ids.join(","),
    }
}
