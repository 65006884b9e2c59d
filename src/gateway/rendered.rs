//! The identity headers of one token, rendered once and kept by the core that uses them.

use std::fmt::{self, Write};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::{Bytes, BytesMut};
use http::header::{HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::cache::Entry;
use crate::config::settings::IdentityHeaders;
use crate::domain::grant::{Contexts, Items};

/// What stays readable in a text: letters, digits and what RFC 3986 leaves unreserved.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What the upstream is told about one token. All values lie in one piece of memory, so that copying
/// them into a request touches one place and not one for each.
#[derive(Debug)]
pub(super) struct Rendered {
    pub(super) entry: Arc<Entry>,
    pub(super) generation: u64,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Rendered {
    /// Renders what the upstream is told about `entry` under the names of a snapshot.
    pub(super) fn new(entry: &Arc<Entry>, names: &IdentityHeaders, generation: u64) -> Self {
        let parts = parts(entry, names);
        let mut text = BytesMut::with_capacity(256);
        let mut ends = Vec::with_capacity(parts.len());
        for (_, part) in &parts {
            // Writing to memory does not fail.
            let _ = write!(text, "{part}");
            ends.push(text.len());
        }
        let mut rest = text.freeze();
        let mut begin = 0;
        let mut headers = Vec::with_capacity(parts.len());
        for ((name, _), end) in parts.iter().zip(ends) {
            let value: Bytes = rest.split_to(end - begin);
            begin = end;
            // What is not fit for a header was refused when the token was made.
            if let Ok(value) = HeaderValue::from_maybe_shared(value) {
                headers.push(((*name).clone(), value));
            }
        }
        Self { entry: Arc::clone(entry), generation, headers }
    }
}

/// A value, before it is written.
enum Part<'e> {
    Text(&'e dyn fmt::Display),
    Encoded(&'e str),
    Params(&'e str),
    Flags(i64),
    Contexts(&'e Contexts),
    Items(&'e Items),
}

fn parts<'e>(entry: &'e Entry, names: &'e IdentityHeaders) -> Vec<(&'e HeaderName, Part<'e>)> {
    let flags = entry.terms.flags.within(entry.owner.terms.ceiling);
    let all = [
        (&names.owner, Some(Part::Text(&entry.owner.id))),
        (&names.company, entry.terms.company.as_ref().map(|company| Part::Text(company))),
        (&names.token, Some(Part::Text(&entry.id))),
        (&names.token_name, Some(Part::Encoded(&entry.told.name))),
        (&names.flags, Some(Part::Flags(flags.bits()))),
        (&names.contexts, Some(Part::Contexts(&entry.terms.contexts))),
        (&names.items, Some(Part::Items(&entry.terms.items))),
        (&names.params, entry.told.params.as_deref().map(Part::Params)),
    ];
    all.into_iter().filter_map(|(name, part)| Some((name.as_ref()?, part?))).collect()
}

impl fmt::Display for Part<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => text.fmt(f),
            Self::Encoded(text) => utf8_percent_encode(text, ENCODED).fmt(f),
            Self::Params(json) => f.write_str(&URL_SAFE_NO_PAD.encode(json)),
            Self::Flags(bits) => bits.fmt(f),
            Self::Contexts(Contexts::All) | Self::Items(Items::All) => f.write_str("*"),
            Self::Contexts(Contexts::Set(names)) => list(names.iter().map(|name| name.as_str()), f),
            Self::Items(Items::Set(ids)) => list(ids.iter().map(|id| &**id), f),
        }
    }
}

fn list<'e>(names: impl Iterator<Item = &'e str>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (place, name) in names.enumerate() {
        if place > 0 {
            f.write_char(',')?;
        }
        f.write_str(name)?;
    }
    Ok(())
}
