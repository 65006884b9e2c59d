//! Names that identify things. Each has exactly one spelling, so that two names that differ only in
//! case or in look-alike characters are never two owners (sec-A5).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

/// The most bytes that an [`OwnerId`], a [`Slug`] or an item id may have.
pub const MAX_NAME: usize = 128;

/// The public id of a token: a UUID of version 7 (RFC 9562 section 5.7), so that ids sort by the
/// time at which they were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct TokenId(Uuid);

impl TokenId {
    /// An id made at `unix_ms`, told apart from others of that millisecond by `random`.
    pub fn new(unix_ms: u64, random: [u8; 10]) -> Self {
        Self(uuid::Builder::from_unix_timestamp_millis(unix_ms, &random).into_uuid())
    }

    /// The sixteen bytes, whose order is the order of creation.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The hyphenated form, as [`fmt::Display`] gives it, without a formatter in between.
    pub fn to_text(&self) -> [u8; 36] {
        let mut text = [0; 36];
        self.0.hyphenated().encode_lower(&mut text);
        text
    }

    /// When it was made, in milliseconds since the epoch (RFC 9562 section 5.7).
    pub fn made_at_ms(&self) -> u64 {
        let [a, b, c, d, e, f, ..] = *self.as_bytes();
        u64::from_be_bytes([0, 0, a, b, c, d, e, f])
    }

    /// From sixteen bytes as given by [`TokenId::as_bytes`].
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// Text that is not a token id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is not a token id (36 characters, such as 0190b6f2-5c1e-7abc-8def-0123456789ab)")]
pub struct BadTokenId;

impl FromStr for TokenId {
    type Err = BadTokenId;

    /// Reads the hyphenated form alone. The text is not repeated in the error: it may be a secret
    /// that was put in the wrong place.
    fn from_str(text: &str) -> Result<Self, BadTokenId> {
        if text.len() != 36 {
            return Err(BadTokenId);
        }
        Uuid::try_parse(text).map(Self).map_err(|_| BadTokenId)
    }
}

impl<'de> Deserialize<'de> for TokenId {
    /// As [`FromStr`] reads it, with the same words for what is none.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = TokenId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<TokenId, E> {
                text.parse().map_err(E::custom)
            }
        }
        from.deserialize_str(Text)
    }
}

/// Text that cannot be a name of this kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// Nothing, or too much.
    #[error("a name has 1 to {MAX_NAME} characters, this one has {0}")]
    Length(usize),
    /// An upper-case letter: there is one spelling of each name.
    #[error("`{0}` has capital letters; names are written in lower case")]
    Capital(String),
    /// A character outside the small set, or at the wrong place.
    #[error("`{0}` may hold a-z, 0-9 and `.`, `_`, `-`, and must begin with a letter or digit")]
    Slug(String),
    /// The same for an owner, who may be an e-mail address.
    #[error(
        "`{0}` may hold a-z, 0-9, `.`, `_`, `-`, `+` and one `@`, and must begin with a letter \
         or digit"
    )]
    Owner(String),
}

fn check(text: &str, extra: &[u8], bad: fn(String) -> BadName) -> Result<(), BadName> {
    if text.is_empty() || text.len() > MAX_NAME {
        return Err(BadName::Length(text.chars().count()));
    }
    let shown = || text.escape_debug().collect();
    let plain = |b: u8| b.is_ascii_alphanumeric();
    let inner = |b: u8| plain(b) || b"._-".contains(&b) || extra.contains(&b);
    let one_at = text.bytes().filter(|b| *b == b'@').count() <= 1;
    if !(text.bytes().next().is_some_and(plain) && text.bytes().all(inner) && one_at) {
        return Err(bad(shown()));
    }
    // Told only where that is all that is wrong.
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err(BadName::Capital(shown()));
    }
    Ok(())
}

/// Whom a token acts for: a user or a service, named by the administrator.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OwnerId(Arc<str>);

impl OwnerId {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OwnerId {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        check(text, b"+@", BadName::Owner).map(|()| Self(text.into()))
    }
}

impl TryFrom<String> for OwnerId {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        text.parse()
    }
}

impl From<OwnerId> for String {
    fn from(name: OwnerId) -> Self {
        name.as_str().to_owned()
    }
}

impl fmt::Display for OwnerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A short name of lower-case letters, digits and `.`, `_`, `-`: of a company, a context, a role,
/// an API or a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(Arc<str>);

impl Slug {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Slug {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        check(text, b"", BadName::Slug).map(|()| Self(text.into()))
    }
}

impl TryFrom<String> for Slug {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        text.parse()
    }
}

impl From<Slug> for String {
    fn from(name: Slug) -> Self {
        name.as_str().to_owned()
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_survive_their_text() {
        let early = TokenId::new(1_000, [0xff; 10]);
        let late = TokenId::new(1_001, [0; 10]);
        assert!(early < late);
        assert_eq!(early.to_string().parse(), Ok(early));
        assert_eq!(TokenId::from_bytes(*late.as_bytes()), late);
        assert_eq!(TokenId::new(1_700_000_000_123, [7; 10]).made_at_ms(), 1_700_000_000_123);
        assert!("0190b6f25c1e7abc8def0123456789ab".parse::<TokenId>().is_err());
    }

    #[test]
    fn sec_a5_one_canonical_spelling() {
        for good in ["alice", "a.b-c_d", "bob+x@example.com", "7"] {
            assert_eq!(good.parse::<OwnerId>().unwrap().as_str(), good);
        }
        let bad = ["", "Alice", "a@evil@good", "-a", "a b", "a\r\nb", "ä", "@a", "a/b", "a\u{0}"];
        for text in bad {
            assert!(text.parse::<OwnerId>().is_err(), "{text:?}");
        }
        assert_eq!("1".parse::<Slug>().unwrap().as_str(), "1", "f6: ids of companies are numbers");
        assert!("a@b".parse::<Slug>().is_err());
        assert!("x".repeat(MAX_NAME + 1).parse::<Slug>().is_err());
    }
}
