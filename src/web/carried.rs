//! A form that came after its session had ended, carried through signing in: the page for that holds it, sealed, so
//! that strangers fill no memory here. It is given back soon, and only to the one who says that they typed it.

use std::borrow::Cow;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::typed::Typed;
use crate::domain::id::OwnerId;
use crate::domain::time::{Span, Timestamp};

/// How long it lasts: long enough to look for a password.
const WAIT: Span = Span::from_seconds(900);

/// The most bytes of one: every form that is carried is shorter by far.
const MOST_BYTES: usize = 64 * 1_024;

/// What every sealed text is tied to, so that nothing else that is sealed could stand for it.
const ABOUT: &[u8] = b"a form that came without a session";

/// Seals forms and opens them, under a key that ends with the process. Without random numbers nothing is carried.
pub struct Carrier(Option<Zeroizing<[u8; 32]>>);

/// What is sealed: each part by its name, so that none of them can hold another.
#[derive(Serialize, Deserialize)]
struct Content<'c> {
    since: u64,
    user: &'c str,
    #[serde(borrow)]
    path: Cow<'c, str>,
    form: &'c str,
}

/// A form on its way.
pub struct Carried {
    /// Its path.
    pub path: String,
    /// What was typed into it.
    pub typed: Typed,
}

impl Default for Carrier {
    fn default() -> Self {
        let mut key = Zeroizing::new([0; 32]);
        let filled = aws_lc_rs::rand::fill(&mut *key).is_ok();
        Self(filled.then_some(key))
    }
}

impl std::fmt::Debug for Carrier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[key of forms that came without a session]")
    }
}

impl Carrier {
    /// Seals what `user` says that they typed into the form at `path`. None for one that is too long.
    pub fn seal(
        &self,
        user: &OwnerId,
        path: &str,
        typed: &Typed,
        now: Timestamp,
    ) -> Option<String> {
        let form = typed.written();
        let path = Cow::from(path);
        let content = Content { since: now.unix(), user: user.as_str(), path, form: &form };
        let mut data = Zeroizing::new(serde_json::to_vec(&content).ok()?);
        if data.len() > MOST_BYTES {
            return None;
        }
        let nonce = self.key()?.seal_in_place_append_tag(Aad::from(ABOUT), &mut *data).ok()?;
        let sealed = [nonce.as_ref(), data.as_slice()].concat();
        Some(BASE64_URL_SAFE_NO_PAD.encode(sealed))
    }

    /// What was sealed, if it was `user` who typed it, and not long ago. Who sealed it may have been anybody.
    pub fn open(&self, sealed: &str, user: &OwnerId, now: Timestamp) -> Option<Carried> {
        let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, data) = bytes.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let text = self.key()?.open_in_place(nonce, Aad::from(ABOUT), data).ok()?;
        let content: Content<'_> = serde_json::from_slice(text).ok()?;
        let fresh = now.since(Timestamp::from_unix(content.since)) < WAIT;
        let typed = Typed::parse(content.form)?;
        let theirs = content.user == user.as_str();
        (fresh && theirs).then(|| Carried { path: content.path.into_owned(), typed })
    }

    fn key(&self) -> Option<RandomizedNonceKey> {
        RandomizedNonceKey::new(&AES_256_GCM, self.0.as_deref()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_carried_to_whom_typed_it_and_soon() {
        let (carrier, at) = (Carrier::default(), Timestamp::from_unix);
        let (alice, bob): (OwnerId, OwnerId) = ("alice".parse().unwrap(), "bob".parse().unwrap());
        let typed = Typed::default().with("name", "a\nb & c");
        let sealed = carrier.seal(&alice, "/tokens/new", &typed, at(1_000)).unwrap();
        assert!(!sealed.contains("alice"));
        let back = carrier.open(&sealed, &alice, at(1_899)).unwrap();
        assert_eq!((back.path.as_str(), back.typed.one("name")), ("/tokens/new", "a\nb & c"));
        assert!(carrier.open(&sealed, &bob, at(1_001)).is_none());
        assert!(carrier.open(&sealed, &alice, at(1_900)).is_none(), "too late");
        assert!(Carrier::default().open(&sealed, &alice, at(1_001)).is_none(), "another process");
        let mut torn = sealed.clone();
        torn.pop();
        for other in [torn.as_str(), "", "AAAA", "???"] {
            assert!(carrier.open(other, &alice, at(1_001)).is_none(), "{other}");
        }
        let long = Typed::default().with("name", "x".repeat(MOST_BYTES));
        assert!(carrier.seal(&alice, "/tokens/new", &long, at(1_000)).is_none());
        // No part is read as another, whatever stands in it.
        let path = "/tokens/new\n//evil.example\",\"user\":\"bob";
        let sealed = carrier.seal(&alice, path, &typed, at(1_000)).unwrap();
        assert!(carrier.open(&sealed, &bob, at(1_001)).is_none());
        let back = carrier.open(&sealed, &alice, at(1_001)).unwrap();
        assert_eq!((back.path.as_str(), back.typed.one("name")), (path, "a\nb & c"));
    }
}
