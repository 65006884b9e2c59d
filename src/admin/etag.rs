//! Entity tags: the revision of a record, and what somebody wants it to be (RFC 9110 sections 8.8.3 and 13).
//!
//! A tag is that of the record. What an answer shows beside it, such as the last use, moves without it:
//! nobody is answered 304 here.

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::domain::token::Revision;
use crate::service::view::{
    CompanyChanged, CompanyView, OwnerChanged, OwnerMade, OwnerView, TokenChanged, TokenView,
};

/// What an answer shows of one record.
pub(super) trait Revised {
    /// How often the record was changed.
    fn revision(&self) -> Revision;
}

/// A record with its tag.
#[derive(Debug)]
pub(super) struct Tagged<T>(pub(super) T);

impl<T: Serialize + Revised> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let tag = tag(self.0.revision());
        let mut response = Json(self.0).into_response();
        response.headers_mut().insert(header::ETAG, tag);
        response
    }
}

/// The strong tag of a revision.
pub(super) fn tag(revision: Revision) -> HeaderValue {
    // Digits between quotes always are one.
    HeaderValue::try_from(format!("\"{}\"", revision.0))
        .unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}

/// The revisions at which somebody wants a record changed; none for any, which is also what `*` says of a
/// record that is there.
///
/// # Errors
/// A field that is no list of tags.
pub(super) fn wanted(headers: &HeaderMap) -> Result<Option<Vec<Revision>>, BadTags> {
    let mut lines = Vec::new();
    for line in headers.get_all(header::IF_MATCH) {
        lines.push(line.to_str().map_err(|_| BadTags)?);
    }
    let text = lines.join(",");
    if lines.is_empty() || text.trim() == "*" {
        return Ok(None);
    }
    let mut revisions = Vec::new();
    let mut rest = text.as_str();
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return Ok(Some(revisions));
        }
        let (weak, opened) = match rest.strip_prefix("W/") {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let opened = opened.strip_prefix('"').ok_or(BadTags)?;
        let (tag, behind) = opened.split_once('"').ok_or(BadTags)?;
        rest = behind.trim_start_matches([' ', '\t']);
        if !rest.is_empty() && !rest.starts_with(',') {
            return Err(BadTags);
        }
        // A weak one never matches (section 8.8.3.2), and one that is not ours neither.
        let ours = tag.parse().ok().map(Revision).filter(|own| own.0.to_string() == tag);
        revisions.extend(ours.filter(|_| !weak));
    }
}

/// Text that is no list of entity tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`If-Match` is `*`, or entity tags such as `\"3\"`")]
pub(super) struct BadTags;

macro_rules! revised {
    ($($shown:ty: $($field:ident).+;)+) => {
        $(impl Revised for $shown {
            fn revision(&self) -> Revision {
                self.$($field).+
            }
        })+
    };
}

revised! {
    TokenView: revision;
    TokenChanged: token.revision;
    OwnerView: revision;
    OwnerMade: user.revision;
    OwnerChanged: user.revision;
    CompanyView: revision;
    CompanyChanged: company.revision;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&'static str]) -> Result<Option<Vec<u64>>, BadTags> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::IF_MATCH, HeaderValue::from_static(line));
        }
        let wanted = wanted(&headers)?;
        Ok(wanted.map(|revisions| revisions.into_iter().map(|revision| revision.0).collect()))
    }

    /// RFC 9110 section 13.1.1.
    #[test]
    fn what_is_wanted_is_a_list_of_strong_tags() {
        for (lines, expected) in [
            (&[][..], Ok(None)),
            (&["*"], Ok(None)),
            (&["\"3\""], Ok(Some(vec![3]))),
            (&["\"3\" , \"4\",, "], Ok(Some(vec![3, 4]))),
            (&["\"3\"", "\"4\""], Ok(Some(vec![3, 4]))),
            (&["W/\"3\""], Ok(Some(vec![]))),
            (&["\"other, tag\", \"5\""], Ok(Some(vec![5]))),
            (&["\"03\", \"+3\", \"\""], Ok(Some(vec![]))),
            (&["3"], Err(BadTags)),
            (&["\"3"], Err(BadTags)),
            (&["\"3\"4\""], Err(BadTags)),
            (&["*, \"3\""], Err(BadTags)),
        ] {
            assert_eq!(read(lines), expected, "{lines:?}");
        }
    }
}
