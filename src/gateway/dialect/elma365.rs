//! The dialect of ELMA365 (rows E10, E11): the token stands in `Authorization: Bearer` or, as older
//! clients have it, in `X-Token`; a refusal is `{"success":false,"error":"..."}` with the status and
//! the challenge that other dialects have.

use http::header::{self, HeaderMap};

use crate::domain::refusal::Refusal;
use crate::domain::secret;
use crate::wire;

use super::bearer;

const TOKEN: &str = "x-token";

/// The media type of the bodies of refusals.
pub(super) const CONTENT_TYPE: &str = "application/json";

/// The secret that a request carries, if it carries one. Both fields may stand beside each other if
/// they say the same; another scheme of `Authorization` beside `X-Token` is a second credential.
///
/// # Errors
/// What [`bearer::credential`] refuses, more than one `X-Token`, one that is not a single word, or
/// two credentials (row E10).
pub(super) fn credential(headers: &HeaderMap) -> Result<Option<&[u8]>, Refusal> {
    let bearer = bearer::credential(headers)?;
    let mut lines = headers.get_all(TOKEN).iter();
    let Some(line) = lines.next() else { return Ok(bearer) };
    let word = line.as_bytes();
    let alone = match bearer {
        Some(same) => same == word,
        None => !headers.contains_key(header::AUTHORIZATION),
    };
    if lines.next().is_none() && alone && secret::is_b64token(word) {
        Ok(Some(word))
    } else {
        Err(Refusal::CredentialMalformed)
    }
}

/// Other spellings of `X-Token` were not checked, so that they never pass; the field itself does
/// where the credential is kept.
pub(super) fn withholds(name: &str, keep_credential: bool) -> bool {
    wire::is_alias(name, TOKEN) && !(keep_credential && name == TOKEN)
}

/// The body that tells of a refusal. No text of one needs an escape.
pub(super) fn document(refusal: Refusal) -> String {
    format!("{{\"success\":false,\"error\":\"{}\"}}", refusal.detail())
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

    fn read(lines: &[(&'static str, &str)]) -> Result<Option<Vec<u8>>, Refusal> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        credential(&headers).map(|word| word.map(<[u8]>::to_vec))
    }

    #[test]
    fn e10_either_field_carries_the_token() {
        let (token, bearer) = (("x-token", UUID), format!("Bearer {UUID}"));
        let bearer = ("authorization", bearer.as_str());
        for lines in [&[token][..], &[bearer], &[token, bearer], &[bearer, token]] {
            assert_eq!(read(lines), Ok(Some(UUID.into())), "{lines:?}");
        }
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&[("x_token", UUID)]), Ok(None), "another field");
        assert_eq!(read(&[("authorization", "Basic eA==")]), Ok(None));
    }

    #[test]
    fn e10_two_credentials_are_refused() {
        let (token, upper) = (("x-token", UUID), UUID.to_uppercase());
        for lines in [
            &[token, token][..],
            &[token, ("x-token", "other-other-other-other")],
            &[token, ("authorization", "Bearer other-other-other-other")],
            &[
                ("authorization", "Bearer 0f8fad5b-d9cb-469f-a165-70867728950e"),
                ("x-token", &upper),
            ],
            &[token, ("authorization", "Basic eA==")],
            &[token, ("authorization", "")],
            &[token, ("authorization", "Bearer")],
        ] {
            assert_eq!(read(lines), Err(Refusal::CredentialMalformed), "{lines:?}");
        }
    }

    #[test]
    fn e10_a_token_is_one_word() {
        for value in ["", "a b", "a,b", "Bearer x", "=", "caf\u{e9}", "\"x\""] {
            assert_eq!(read(&[("x-token", value)]), Err(Refusal::CredentialMalformed), "{value:?}");
        }
    }

    #[test]
    fn e11_every_refusal_is_told_as_json() {
        for refusal in Refusal::ALL {
            let body: serde_json::Value = serde_json::from_str(&document(refusal)).unwrap();
            let told = serde_json::json!({ "success": false, "error": refusal.detail() });
            assert_eq!(body, told);
        }
    }
}
