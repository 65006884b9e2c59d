//! The identity headers of one token, rendered once and kept by the core that uses them.

use std::fmt::{self, Write};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::BytesMut;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::cache::Entry;
use crate::config::settings::IdentityHeaders;
use crate::domain::grant::{Contexts, Items};
use crate::domain::refusal::Refusal;

/// What stays readable in a text: letters, digits and what RFC 3986 leaves unreserved.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How many identity headers there are.
const HEADERS: usize = 8;

/// What the upstream is told about one token. The values stand in this struct and their texts in one
/// piece of memory, so that copying them into a request touches few places: with many tokens in use,
/// reading scattered memory costs more than the copying itself.
#[derive(Debug)]
pub(super) struct Rendered {
    pub(super) entry: Arc<Entry>,
    pub(super) generation: u64,
    values: [Option<HeaderValue>; HEADERS],
}

impl Rendered {
    /// Renders what the upstream is told about `entry` under the names of a snapshot.
    ///
    /// # Errors
    /// A value that no header can carry. What is not fit for one was refused when the token was made, so
    /// that this is a damaged record.
    pub(super) fn new(
        entry: &Arc<Entry>,
        names: &IdentityHeaders,
        generation: u64,
    ) -> Result<Self, Refusal> {
        let parts = parts(entry);
        let mut text = BytesMut::with_capacity(256);
        let mut values = [const { None }; HEADERS];
        for ((value, part), name) in values.iter_mut().zip(&parts).zip(header_names(names)) {
            if let (Some(part), Some(_)) = (part, name) {
                // Writing to memory does not fail.
                let _ = write!(text, "{part}");
                let written = HeaderValue::from_maybe_shared(text.split().freeze());
                *value = Some(written.map_err(|error| {
                    tracing::error!(token = %entry.id, %error, "a token cannot be told in headers");
                    Refusal::CannotDecide
                })?);
            }
        }
        Ok(Self { entry: Arc::clone(entry), generation, values })
    }

    /// Copies the headers into a request, under the same names that they were rendered for.
    pub(super) fn write(&self, headers: &mut HeaderMap, names: &IdentityHeaders) {
        for (name, value) in header_names(names).zip(&self.values) {
            if let (Some(name), Some(value)) = (name, value) {
                headers.insert(name.clone(), value.clone());
            }
        }
    }
}

fn header_names(names: &IdentityHeaders) -> impl Iterator<Item = Option<&HeaderName>> {
    let names: [&Option<HeaderName>; HEADERS] = [
        &names.owner,
        &names.company,
        &names.token,
        &names.token_name,
        &names.flags,
        &names.contexts,
        &names.items,
        &names.params,
    ];
    names.into_iter().map(Option::as_ref)
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

/// The values, in the order of [`header_names`].
fn parts(entry: &Entry) -> [Option<Part<'_>>; HEADERS] {
    let flags = entry.terms.flags.within(entry.owner.terms.ceiling);
    [
        Some(Part::Text(&entry.owner.id)),
        entry.terms.company.as_ref().map(|company| Part::Text(company)),
        Some(Part::Text(&entry.id)),
        Some(Part::Encoded(&entry.told.name)),
        Some(Part::Flags(flags.bits())),
        Some(Part::Contexts(&entry.terms.contexts)),
        Some(Part::Items(&entry.terms.items)),
        entry.told.params.as_deref().map(Part::Params),
    ]
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
