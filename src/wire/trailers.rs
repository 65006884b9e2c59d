//! Fields behind a body (RFC 9110 section 6.5), and what is announced of them in front of it (section 6.6.2).

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, header};

use super::{is_hop_by_hop, is_quoted};

/// Whether a field may stand behind a body (RFC 9110 section 6.5.1): neither one of a connection, nor what says how the
/// message is read, routed or allowed. hyper writes no other for clients of HTTP/1.
pub fn may_trail(name: &HeaderName) -> bool {
    let of_head = matches!(
        *name,
        header::AUTHORIZATION
            | header::CACHE_CONTROL
            | header::CONTENT_ENCODING
            | header::CONTENT_LENGTH
            | header::CONTENT_RANGE
            | header::CONTENT_TYPE
            | header::HOST
            | header::MAX_FORWARDS
            | header::SET_COOKIE
            | header::TE
            | header::TRAILER
            | header::TRANSFER_ENCODING
    );
    !of_head && !is_hop_by_hop(name.as_str()) && !is_quoted(name.as_str())
}

/// Takes out what does not go on.
pub fn keep(trailers: &mut HeaderMap, goes_on: impl Fn(&HeaderName) -> bool) {
    let gone: Vec<_> = trailers.keys().filter(|name| !goes_on(name)).cloned().collect();
    // To take one out would move another into its place.
    if !gone.is_empty() {
        let kept = trailers.iter().filter(|(name, _)| !gone.contains(name));
        *trailers = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
    }
}

/// The fields that a line of `Trailer` announces.
pub fn announced(line: &[u8]) -> impl Iterator<Item = HeaderName> {
    words(line).filter_map(|word| HeaderName::from_bytes(word).ok())
}

/// What is left of such a line where these alone go on: as it was, if that is all; nothing, if that is none.
pub fn left(line: &[u8], goes_on: impl Fn(&HeaderName) -> bool) -> Option<Cow<'_, [u8]>> {
    let kept: Vec<_> = words(line)
        .filter(|word| HeaderName::from_bytes(word).is_ok_and(|name| goes_on(&name)))
        .collect();
    match kept.len() {
        0 => None,
        all if all == words(line).count() => Some(Cow::Borrowed(line)),
        _ => Some(Cow::Owned(kept.join(&b", "[..]))),
    }
}

/// A list may have empty places (RFC 9110 section 5.6.1.2).
fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_go_on_is_not_announced() {
        let goes_on = |name: &HeaderName| may_trail(name) && *name != "x-gone";
        for (line, wanted) in [
            ("X-Sum", Some("X-Sum")),
            ("X-Sum ,,x-b", Some("X-Sum ,,x-b")),
            ("X-Sum, Authorization", Some("X-Sum")),
            ("te,X-Sum,  X-Gone ,x-b,", Some("X-Sum, x-b")),
            ("x sum, X-Sum", Some("X-Sum")),
            ("x-gone", None),
            ("Content-Length, connection", None),
            ("", None),
            (" , ", None),
        ] {
            let left = left(line.as_bytes(), goes_on);
            assert_eq!(left.as_deref(), wanted.map(str::as_bytes), "{line:?}");
        }
    }

    #[test]
    fn what_is_announced_is_known() {
        let names: Vec<_> = announced(b"X-Sum , x sum,, Te").collect();
        assert_eq!(names, ["x-sum", "te"]);
    }
}
