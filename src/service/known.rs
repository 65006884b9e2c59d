//! Secrets of tokens where they stand in texts that are kept and shown: in a reason, a name, a description. One of
//! our own form is known by that (`domain::secret`); one that was brought in looks like any word, and is known by
//! its digest.

use std::collections::BTreeSet;

use crate::domain::company::Company;
use crate::domain::grant::Items;
use crate::domain::id::Slug;
use crate::domain::owner::Owner;
use crate::domain::secret::{self, Digest, SECRET_BYTES, Secret};
use crate::domain::token::{ParamValue, Token};
use crate::service::error::ServiceError;
use crate::service::{Service, check};
use crate::store::StoreError;

/// The most words of one text that are looked up: as many as any text that is taken has, written by somebody who
/// hides nothing.
const WORDS: usize = 512;

/// What people put between a secret and what stands about it; of the characters that a secret may have.
const SEPARATORS: [char; 5] = ['/', '=', '.', '+', '~'];

/// The most pieces between hyphens that are tried together: a UUID has five.
const PIECES: usize = 8;

/// What is written in the place of a secret.
const REDACTED: &str = "[redacted]";

impl Service {
    /// A reason as it is written down for ever: without the secret of a token, which whoever ends one may paste into
    /// it. It is taken out rather than refused, so that nothing delays an end; so is what cannot be looked up.
    pub(super) async fn kept(&self, reason: &str) -> String {
        let mut kept = reason.to_owned();
        for word in words(reason) {
            if !matches!(self.is_held(&Digest::of(word.as_bytes())).await, Ok(false)) {
                kept = kept.replace(word, REDACTED);
            }
        }
        secret::redact(&kept).into_owned()
    }

    /// Refuses the secret of a token in what people wrote in a record; what stood there `before` is not looked at
    /// again. Those of new tokens are not in the store yet, and are given.
    ///
    /// # Errors
    /// There is one, or a store that cannot be read.
    pub(super) async fn hold_no_secret(
        &self,
        texts: Texts<'_>,
        before: Texts<'_>,
        new: &BTreeSet<Digest>,
    ) -> Result<(), ServiceError> {
        for (field, text) in texts.into_iter().filter(|text| !before.contains(text)) {
            for word in words(text) {
                let digest = Digest::of(word.as_bytes());
                if new.contains(&digest) || self.is_held(&digest).await? {
                    return Err(check::secret_in(field));
                }
            }
        }
        Ok(())
    }

    /// Whether it is of a token, as far as can be told; of a damaged one it is.
    async fn is_held(&self, digest: &Digest) -> Result<bool, StoreError> {
        match self.store().held(digest).await {
            Err(StoreError::Damaged { .. }) => Ok(true),
            held => Ok(held?.is_some()),
        }
    }
}

/// A text without these secrets, whether or not they are of tokens: what is too short for one is a word like others.
pub(super) fn without(text: &str, secrets: &[Secret]) -> String {
    let told = secrets.iter().map(Secret::expose).filter(|one| one.len() >= *SECRET_BYTES.start());
    told.fold(text.to_owned(), |text, one| text.replace(one, REDACTED))
}

/// What people wrote in a record, with the names of the fields.
pub(super) type Texts<'r> = Vec<(&'static str, &'r str)>;

pub(super) fn of_owner(owner: &Owner) -> Texts<'_> {
    let Owner { id, name, email, company, roles, .. } = owner;
    let email = email.as_deref().unwrap_or_default();
    let mut texts = vec![("id", id.as_str()), ("name", &**name), ("email", email)];
    texts.extend(of_tenant(company.as_ref()));
    texts.extend(roles.iter().map(|role| ("roles", role.as_str())));
    texts
}

pub(super) fn of_company(company: &Company) -> Texts<'_> {
    vec![("id", company.id.as_str()), ("name", company.name.as_str())]
}

/// The company that something is of.
pub(super) fn of_tenant(company: Option<&Slug>) -> Texts<'_> {
    company.map(|company| ("company", company.as_str())).into_iter().collect()
}

pub(super) fn of_token(token: &Token) -> Texts<'_> {
    let Token { name, app, description, params, items, context_params, .. } = token;
    let params = params.as_deref().unwrap_or_default();
    let mut texts = vec![
        ("name", &**name),
        ("app", &**app),
        ("description", &**description),
        ("params", params),
    ];
    texts.extend(of_tenant(token.company.as_ref()));
    if let Items::Set(ids) = items {
        texts.extend(ids.iter().map(|id| ("items", &**id)));
    }
    let values = context_params.values().flat_map(|values| values.values());
    texts.extend(values.filter_map(|value| match value {
        ParamValue::Plain(text) => Some(("context_params", &**text)),
        ParamValue::Sealed(_) => None,
    }));
    texts
}

/// The words of a text that may be secrets: what stands between characters that no secret has, and its parts between
/// those that people put about one, as in a path or behind the name of a parameter. The longest come first.
fn words(text: &str) -> Vec<&str> {
    let of_secret = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
    let (mut words, mut pieces) = (Vec::new(), Vec::new());
    for run in text.split(|c: char| !of_secret(c)) {
        let bare = run.trim_matches(['.', '/']);
        let tails = bare.match_indices(['=', '/']).filter_map(|(at, _)| bare.get(at + 1..));
        let parts =
            bare.split(SEPARATORS).flat_map(|part| [part].into_iter().chain(part.split('_')));
        pieces.extend(parts.clone().flat_map(between_hyphens));
        words.extend([run, bare].into_iter().chain(tails).chain(parts));
    }
    let mut words = longest(words);
    // Last, so that what is a word by itself is looked up before.
    pieces.retain(|piece| !words.contains(piece));
    words.extend(longest(pieces));
    words
}

/// What a text may be without what stands before or behind one of its hyphens: `prod-SECRET-old`.
fn between_hyphens(text: &str) -> Vec<&str> {
    if !text.contains('-') {
        return Vec::new();
    }
    let mut ends: Vec<_> = text.match_indices('-').map(|(at, _)| at).collect();
    ends.push(text.len());
    let begins: Vec<_> = [0].into_iter().chain(ends.iter().map(|end| end + 1)).collect();
    let mut found = Vec::new();
    for (first, begin) in begins.into_iter().enumerate().take(ends.len()) {
        let near = ends.iter().skip(first).take(PIECES);
        // However many hyphens it has itself, if nothing stands on one side of it.
        let far = ends.iter().skip(first).filter(|end| first == 0 || **end == text.len());
        found.extend(near.chain(far).filter_map(|end| text.get(begin..*end)));
    }
    found
}

/// Those that may be secrets, the longest first; no more than are looked up.
fn longest(mut words: Vec<&str>) -> Vec<&str> {
    words.retain(|word| secret::is_plausible(word.as_bytes()));
    words.sort_unstable_by(|one, other| other.len().cmp(&one.len()).then(one.cmp(other)));
    words.dedup();
    words.truncate(WORDS);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_a_word_whatever_people_put_about_it() {
        let uuid = "0f8fad5b-d9cb-469f-a165-70867728950e";
        for text in [
            uuid.to_owned(),
            format!("it is {uuid}."),
            format!("\"{uuid}\", ({uuid}); <{uuid}>"),
            format!("https://paste.example/{uuid}/raw?x=1#y"),
            format!("GET /any?token={uuid}&x=y"),
            format!("key_{uuid} of theirs"),
            format!("prod-{uuid}"),
            format!("{uuid}-old"),
            format!("the-key-of-prod-{uuid}-until-may, and /x-{uuid}-/"),
            format!("key_of-prod-{uuid}"),
            format!("{{\"a\":\"{uuid}\"}}"),
            format!("mail {uuid}@example.com"),
        ] {
            assert!(words(&text).contains(&uuid), "{text}");
        }
        for (text, secret) in [
            ("key=bnVtYmVyIG9uZSB0b2tlbg==", "bnVtYmVyIG9uZSB0b2tlbg=="),
            ("at /x/bnVtY/VyIG9uZSB0b2tl+g==.", "bnVtY/VyIG9uZSB0b2tl+g=="),
            ("a_key.with-all_of+them/in", "a_key.with-all_of+them/in"),
            ("prod-many-a-b-c-d-e-f-g-h-i-j-k-l-m", "many-a-b-c-d-e-f-g-h-i-j-k-l-m"),
            ("many-a-b-c-d-e-f-g-h-i-j-k-l-m-old", "many-a-b-c-d-e-f-g-h-i-j-k-l-m"),
        ] {
            assert!(words(text).contains(&secret), "{text}: {:?}", words(text));
        }
        assert!(words("nothing here is as long as a secret, is it").is_empty());
        let many: String = (0..2_000).map(|n| format!("{n:016} ")).collect();
        assert_eq!(words(&many).len(), WORDS);
        assert!(words(&"abc-".repeat(1_000)).len() <= 2 * WORDS);
    }

    #[test]
    fn what_was_reported_is_taken_out_unless_it_is_too_short_for_a_secret() {
        let secrets = ["of nobody, with spaces", "a"].map(|text| Secret::new(text.to_owned()));
        assert_eq!(without("a wiki: of nobody, with spaces", &secrets), "a wiki: [redacted]");
    }
}
