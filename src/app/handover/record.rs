//! A record as one gateway tells it to another: its parts as they are written everywhere, in the version of the store.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::company::Company;
use crate::domain::owner::Owner;
use crate::domain::time::Timestamp;
use crate::domain::token::Token;
use crate::store::codec::RECORD_VERSION;
use crate::store::{Held, Usage, UseSlot};

/// What a decision needs of a token.
#[derive(Serialize, Deserialize)]
struct Told {
    v: u8,
    token: Token,
    owner: Owner,
    #[serde(default)]
    company: Option<Company>,
    #[serde(default)]
    used_at: Option<Timestamp>,
    #[serde(default)]
    slot: Option<u64>,
}

/// A record in JSON.
///
/// # Errors
/// A value that JSON cannot hold.
pub(super) fn write(held: &Held) -> serde_json::Result<String> {
    serde_json::to_string(&Told {
        v: RECORD_VERSION,
        token: Token::clone(&held.token),
        // Nobody signs in where the store is gone from.
        owner: Owner { password: None, ..Owner::clone(&held.owner) },
        company: held.company.as_deref().cloned(),
        used_at: held.last_use.as_ref().map(|usage| usage.at),
        slot: held.slot.map(UseSlot::number),
    })
}

/// A record from JSON.
///
/// # Errors
/// What a program of another release wrote, and this one cannot read.
pub(super) fn read(text: &str) -> Result<Held, Arc<str>> {
    let told: Told = serde_json::from_str(text)
        .map_err(|error| format!("its record cannot be read: {error}"))?;
    let Told { v, token, owner, company, used_at, slot } = told;
    if v != RECORD_VERSION {
        let why = format!("its record has version {v}, and this program knows {RECORD_VERSION}");
        return Err(why.into());
    }
    Ok(Held {
        token: token.into(),
        owner: owner.into(),
        company: company.map(Arc::new),
        last_use: used_at.map(|at| Usage { at, last: None }),
        slot: slot.map(UseSlot::new),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::owner::PasswordHash;
    use crate::store::sample;

    fn held() -> Held {
        let token = Token { company: Some("acme".parse().unwrap()), ..sample::token(1, "alice") };
        Held {
            token: Arc::new(sample::revoked(&token)),
            owner: Arc::new(sample::owner("alice")),
            company: Some(Arc::new(sample::company("acme", &["stock"]))),
            last_use: Some(Usage { at: sample::NOW, last: None }),
            slot: Some(UseSlot::new(7)),
        }
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let whole = held();
        assert_eq!(read(&write(&whole).unwrap()).unwrap(), whole);
        let bare = Held { company: None, last_use: None, slot: None, ..held() };
        assert_eq!(read(&write(&bare).unwrap()).unwrap(), bare);
    }

    #[test]
    fn a_password_stays_where_it_is() {
        let whole = held();
        let password = Some(PasswordHash::new("$argon2id$v=19$secret".to_owned()));
        let owner = Owner { password, ..Owner::clone(&whole.owner) };
        let text = write(&Held { owner: owner.into(), ..whole.clone() }).unwrap();
        assert!(!text.contains("argon2id"), "{text}");
        assert_eq!(read(&text).unwrap(), whole);
    }

    #[test]
    fn one_of_another_version_is_refused_and_not_guessed_at() {
        let text = write(&held()).unwrap();
        for (from, to) in [("{\"v\":1,", "{\"v\":2,"), ("\"flags\":", "\"banners\":")] {
            assert!(text.contains(from), "{text}");
            let why = read(&text.replace(from, to)).unwrap_err();
            assert!(why.starts_with("its record "), "{why}");
        }
    }
}
