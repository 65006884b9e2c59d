//! The dialect of FoccoERP (row F6): credentials and refusals as `bearer` has them, and each request
//! is for one company. The token's company is the one that the upstream is told; a client that names
//! another one is refused, and so is a token that has none: the upstream would choose a company for
//! it.

use http::header::HeaderMap;

use crate::domain::id::{MAX_NAME, Slug};
use crate::domain::refusal::{BadRequest, Refusal};
use crate::wire;

const COMPANY: &str = "x-empr-id";

/// The company that a request names, if it names one. Whether it is the token's is decided with
/// everything else.
///
/// # Errors
/// More than one field, or what cannot be the name of a company in anybody's spelling.
pub(super) fn company(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    const BAD: Refusal = Refusal::BadRequest(BadRequest::Company);
    let mut lines = headers.get_all(COMPANY).iter();
    let Some(line) = lines.next() else { return Ok(None) };
    let name = line.to_str().ok().filter(|name| is_name(name) && lines.next().is_none());
    name.map(Some).ok_or(BAD)
}

/// Capital letters are readable, though no company of ours has any.
fn is_name(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    !text.is_empty() && text.len() <= MAX_NAME && text.bytes().all(allowed)
}

/// The client's word never passes: what the upstream gets is ours.
pub(super) fn withholds(name: &str) -> bool {
    wire::is_alias(name, COMPANY)
}

/// Writes the token's company, spelled as FoccoERP documents the field.
pub(super) fn tell(lines: &mut Vec<u8>, company: Option<&Slug>) {
    let Some(company) = company else { return };
    for part in ["X-EMPR-ID: ", company.as_str(), "\r\n"] {
        lines.extend_from_slice(part.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use http::HeaderValue;

    fn read(lines: &[&[u8]]) -> Result<Option<String>, Refusal> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COMPANY, HeaderValue::from_bytes(line).unwrap());
        }
        company(&headers).map(|name| name.map(str::to_owned))
    }

    #[test]
    fn f6_a_request_names_at_most_one_company() {
        assert_eq!(read(&[]), Ok(None));
        for name in ["1", "01", "acme", "ACME", "a.b_c-d"] {
            assert_eq!(read(&[name.as_bytes()]), Ok(Some(name.to_owned())));
        }
        let long = [b'1'; MAX_NAME + 1];
        let unreadable: [&[u8]; 9] =
            [b"", b"1 ", b"1,2", b"1, 1", b"\"1\"", b"a\tb", b"\xe9", "é".as_bytes(), &long];
        for line in unreadable {
            assert_eq!(read(&[line]), Err(Refusal::BadRequest(BadRequest::Company)), "{line:?}");
        }
        for lines in [[&b"1"[..], b"2"], [b"1", b"1"], [b"1", b""]] {
            assert_eq!(read(&lines), Err(Refusal::BadRequest(BadRequest::Company)), "{lines:?}");
        }
    }
}
