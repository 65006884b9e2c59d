//! Credentials, as each dialect reads them.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::config::settings::Dialect;
use crate::domain::refusal::Refusal;
use crate::domain::secret::is_b64token;
use crate::gateway::dialect;
use crate::wire;

/// Reads the credential of fields, one in each line: there is one, or none.
pub fn credential(bytes: &[u8]) -> bool {
    let mut headers = HeaderMap::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let value = &line[colon + 1..];
        let value = HeaderValue::from_bytes(value.strip_prefix(b" ").unwrap_or(value));
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(&line[..colon]), value) {
            headers.append(name, value);
        }
    }
    let read = Dialect::ALL.map(|dialect| check(dialect, &headers));
    read.contains(&true)
}

fn check(dialect: Dialect, headers: &HeaderMap) -> bool {
    let values =
        |name: &str| headers.get_all(name).iter().map(HeaderValue::as_bytes).collect::<Vec<_>>();
    let (lines, tokens, companies) =
        (values("authorization"), values("x-token"), values("x-empr-id"));
    let read = match dialect::read(dialect, headers) {
        Ok(read) => read,
        Err(refusal) => {
            let company = matches!(refusal, Refusal::BadRequest(_)) && dialect == Dialect::Focco;
            assert!(refusal == Refusal::CredentialMalformed || company, "{refusal:?}");
            // Nothing that one reader would find is taken for nothing.
            assert!(!lines.is_empty() || !tokens.is_empty() || company, "{headers:?}");
            return false;
        }
    };
    assert!(lines.len() <= 1, "{headers:?}");
    let is_bearer = |line: &[u8]| {
        let scheme = line.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer"));
        scheme && line.get(6).is_none_or(|next| !next.is_ascii_alphanumeric())
    };
    let bearer = lines.first().filter(|line| is_bearer(line)).map(|line| &line[7..]);
    let own = if dialect == Dialect::Elma365 { tokens.first().copied() } else { None };
    // Whoever looks for a credential in either place finds the one that is checked.
    assert!(own.is_none() || tokens.len() == 1, "{headers:?}");
    assert!(own.is_none() || lines.is_empty() || bearer == own, "{headers:?}");
    assert_eq!(read.secret, own.or(bearer), "{headers:?}");
    assert!(read.secret.is_none_or(is_b64token), "{headers:?}");
    let company = companies.first().filter(|_| dialect == Dialect::Focco);
    assert_eq!(read.company.map(str::as_bytes), company.copied(), "{headers:?}");
    assert!(company.is_none() || companies.len() == 1, "{headers:?}");
    for name in headers.keys().filter(|name| **name != header::AUTHORIZATION) {
        let own = dialect.own_field().is_some_and(|own| wire::is_alias(name.as_str(), own));
        assert_eq!(dialect::withholds(dialect, name.as_str(), false), own, "{name}");
    }
    read.secret.is_some()
}
