//! Names of headers that the file may choose: those that change nothing else for an upstream.

use http::HeaderName;

use super::mistake::Mistake;
use super::reading::{Placed, Reading, Reported, Text};
use crate::wire;

/// Headers that carry the message, the credential or the way that a request came, beside those of
/// one connection. To set one of them for an upstream would change what it reads.
const RESERVED_HEADERS: [&str; 23] = [
    "accept",
    "accept-encoding",
    "age",
    "alt-svc",
    "authorization",
    "cache-control",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "date",
    "expect",
    "host",
    "if-match",
    "if-none-match",
    "if-range",
    "origin",
    "range",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "via",
];

/// Claims that say who is calling, which is what an upstream is to be told.
const IDENTITY_CLAIMS: [&str; 7] = [
    "remote-user",
    "x-forwarded-email",
    "x-forwarded-groups",
    "x-forwarded-preferred-username",
    "x-forwarded-user",
    "x-remote-user",
    "x-webauth-user",
];

/// How others of them begin.
const IDENTITY_BEGINNINGS: [&str; 4] =
    ["x-auth-request-", "x-authenticated-", "x-consumer-", "x-credential-"];

/// The name of a header.
pub(super) fn name(text: &Placed<Text>, reading: &Reading<'_>) -> Result<HeaderName, Reported> {
    text.value.value.parse().map_err(|_| {
        let hint = "a header name is made of letters, digits and `-`, such as `x-tollgate-owner`";
        reading.mistake(&text.span, Mistake::BadHeader(text.value.shown.clone()), hint)
    })
}

/// The name of a header that we may set.
pub(super) fn header(text: &Placed<Text>, reading: &Reading<'_>) -> Result<HeaderName, Reported> {
    let name = name(text, reading)?;
    if is_reserved(&name) {
        let shown = text.value.shown.clone();
        let hint = "choose a name of your own, such as `x-tollgate-owner`";
        return Err(reading.mistake(&text.span, Mistake::HeaderReserved(shown), hint));
    }
    Ok(name)
}

/// `X_Forwarded_For` is `X-Forwarded-For` to many an upstream (sec-H2).
fn is_reserved(name: &HeaderName) -> bool {
    let flat = flat(name);
    RESERVED_HEADERS.contains(&flat.as_str())
        || wire::is_hop_by_hop(&flat)
        || (wire::is_claim(&flat) && !is_of_identity(&flat))
}

fn is_of_identity(flat: &str) -> bool {
    IDENTITY_CLAIMS.contains(&flat)
        || IDENTITY_BEGINNINGS.iter().any(|beginning| flat.starts_with(beginning))
}

/// A header name as the most careless upstream reads it.
pub(super) fn flat(name: &HeaderName) -> String {
    name.as_str().bytes().map(|byte| char::from(wire::fold(byte))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_headers_are_known_in_every_spelling() {
        assert!(RESERVED_HEADERS.is_sorted());
        for name in RESERVED_HEADERS {
            assert_eq!(flat(&HeaderName::from_static(name)), name);
        }
        let reserved = |name| is_reserved(&HeaderName::from_static(name));
        assert!(reserved("host") && reserved("connection") && reserved("x_real.ip"));
        assert!(reserved("script~name") && reserved("remote-addr"));
        assert!(!reserved("x-tollgate-owner") && !reserved("x-forwarded-user"));
        assert!(!reserved("x-authenticated-userid") && !reserved("x_auth_request_email"));
    }
}
