//! The dialect of RFC 6750: one `Authorization: Bearer` field, and refusals as challenges with
//! problem documents (RFC 9457).

use http::StatusCode;
use http::header::{self, HeaderMap};

use crate::domain::refusal::Refusal;
use crate::domain::secret;
use crate::wire;

/// The media type of the bodies of refusals.
pub(super) const CONTENT_TYPE: &str = wire::PROBLEM_JSON;

/// The secret that a request carries, if it carries one. Another scheme is none of ours, and counts
/// as no credential.
///
/// # Errors
/// More than one field, or a `Bearer` that is not exactly one word after one space (sec-A1,
/// sec-A2).
pub(super) fn credential(headers: &HeaderMap) -> Result<Option<&[u8]>, Refusal> {
    let mut lines = headers.get_all(header::AUTHORIZATION).iter();
    let Some(line) = lines.next() else { return Ok(None) };
    if lines.next().is_some() {
        return Err(Refusal::CredentialMalformed);
    }
    let Some((scheme, rest)) = line.as_bytes().split_first_chunk::<6>() else { return Ok(None) };
    let longer = rest.first().is_some_and(u8::is_ascii_alphanumeric);
    if longer || !scheme.eq_ignore_ascii_case(b"bearer") {
        return Ok(None);
    }
    match rest.strip_prefix(b" ") {
        Some(word) if secret::is_b64token(word) => Ok(Some(word)),
        _ => Err(Refusal::CredentialMalformed),
    }
}

/// The problem document that tells of a refusal.
pub(super) fn document(refusal: Refusal) -> String {
    let status = refusal.status();
    let title = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    let error = refusal.challenge_error().map(|error| format!(",\"error\":\"{error}\""));
    format!(
        "{{\"type\":\"about:blank\",\"title\":\"{}\",\"status\":{status},\"detail\":\"{}\"{}}}\n",
        title.unwrap_or_default(),
        refusal.detail(),
        error.unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Result<Option<Vec<u8>>, Refusal> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::AUTHORIZATION, line.parse().unwrap());
        }
        credential(&headers).map(|word| word.map(<[u8]>::to_vec))
    }

    #[test]
    fn sec_a2_one_word_after_one_space() {
        for line in ["Bearer good", "bEARER good", "BEARER good"] {
            assert_eq!(read(&[line]), Ok(Some(b"good".to_vec())), "{line}");
        }
        let bad =
            ["Bearer", "Bearer ", "Bearer  good", "Bearer good x", "Bearer\tgood", "Bearer,good"];
        for line in bad {
            assert_eq!(read(&[line]), Err(Refusal::CredentialMalformed), "{line:?}");
        }
    }

    #[test]
    fn sec_a1_exactly_one_field() {
        for lines in [["Bearer good", "Bearer bad"], ["Basic eA==", "Bearer good"]] {
            assert_eq!(read(&lines), Err(Refusal::CredentialMalformed));
        }
        assert_eq!(read(&["Bearer good, Bearer bad"]), Err(Refusal::CredentialMalformed));
    }

    #[test]
    fn another_scheme_is_no_credential() {
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&["Basic dXNlcjpwYXNz"]), Ok(None));
        assert_eq!(read(&["Bearers good"]), Ok(None));
    }
}
