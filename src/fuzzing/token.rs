//! Secrets of tokens, what stands for them, and the names that go with them.

use std::convert::Infallible;

use crate::domain::id::{OwnerId, Slug, TokenId};
use crate::domain::secret::{
    self, Digest, PREFIX, SECRET_BYTES, Secret, is_b64token, is_plausible, own_in, redact,
};
use crate::domain::time::Timestamp;

/// Reads bytes as a secret, as a digest and as a name, and makes a secret of them.
pub fn token(bytes: &[u8]) -> bool {
    issue(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else {
        assert!(!is_plausible(bytes) && !is_b64token(bytes));
        return false;
    };
    let redacted = redact(text);
    assert!(own_in(&redacted).next().is_none(), "{text:?} is {redacted:?}");
    assert_eq!(redact(&redacted), redacted, "{text:?}");
    let read = [plausible(text), digest(text), id(text), names(text), time(text)];
    read.contains(&true)
}

fn plausible(text: &str) -> bool {
    if !is_plausible(text.as_bytes()) {
        return false;
    }
    assert!(SECRET_BYTES.contains(&text.len()) && is_b64token(text.as_bytes()), "{text:?}");
    if text.starts_with(PREFIX) {
        assert_eq!(own_in(text).collect::<Vec<_>>(), [text]);
        assert!(secret::ends_prefix_of_own(text.as_bytes(), PREFIX.len() - 1), "{text:?}");
        assert_eq!(redact(text), "tg_[redacted]");
    }
    let secret = Secret::new(text.to_owned());
    assert_eq!(secret.digest(), Digest::of(text.as_bytes()));
    assert!(text.ends_with(&secret.hint()) && secret.hint().len() == 4);
    true
}

/// A secret of our own form out of these bytes, and the same with one character changed.
fn issue(bytes: &[u8]) {
    let mut given = bytes.iter();
    let issued = Secret::issue(|buffer| {
        // However few there are, and whatever they are, they come to an end.
        buffer.iter_mut().enumerate().for_each(|(nth, slot)| {
            *slot = given.next().copied().unwrap_or(u8::try_from(nth).unwrap_or(0));
        });
        Ok::<_, Infallible>(())
    });
    let secret = issued.unwrap_or_else(|never| match never {});
    let text = secret.expose();
    assert!(plausible(text));
    let line = format!("a {text} {text}.");
    assert_eq!(own_in(&line).count(), 2);
    assert_eq!(redact(&line), "a tg_[redacted] tg_[redacted].");
    let [place, other, ..] = *bytes else { return };
    let mut changed = text.as_bytes().to_vec();
    let at = PREFIX.len() + usize::from(place) % (text.len() - PREFIX.len());
    if std::mem::replace(&mut changed[at], other) != other {
        assert!(!is_plausible(&changed), "{text}: byte {at} may be {other}");
    }
}

fn digest(text: &str) -> bool {
    let Some(digest) = Digest::from_hex(text) else { return false };
    assert_eq!(digest.to_hex(), text.to_ascii_lowercase());
    assert_eq!(Digest::from_bytes(*digest.as_bytes()), digest);
    true
}

fn id(text: &str) -> bool {
    let Ok(id) = text.parse::<TokenId>() else { return false };
    assert_eq!(id.to_string(), text.to_ascii_lowercase());
    assert_eq!(id.to_text(), *id.to_string().as_bytes());
    assert_eq!(TokenId::from_bytes(*id.as_bytes()), id);
    true
}

/// sec-A5: each name has one spelling.
fn names(text: &str) -> bool {
    let (slug, owner) = (text.parse::<Slug>(), text.parse::<OwnerId>());
    let one = |name: &str| name == text && text.is_ascii() && text == text.to_ascii_lowercase();
    assert!(slug.as_ref().is_ok_and(|slug| one(slug.as_str())) || slug.is_err());
    assert!(owner.as_ref().is_ok_and(|owner| one(owner.as_str())) || owner.is_err());
    assert!(slug.is_err() || owner.is_ok(), "{text:?} names a thing and nobody");
    owner.is_ok()
}

fn time(text: &str) -> bool {
    let Ok(time) = text.parse::<Timestamp>() else { return false };
    assert_eq!(time.to_string().parse(), Ok(time), "{text:?}");
    assert_eq!(Timestamp::from_unix(time.unix()), time);
    true
}
