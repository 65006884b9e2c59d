//! What the history can say: who did what, and when.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::id::OwnerId;
use super::time::Timestamp;

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Actor {
    /// Whoever may use the machine: the user id at the local socket or at the command line.
    Local(u32),
    /// An owner that was signed in.
    Owner(OwnerId),
    /// Tollgate itself, such as its sweeper.
    System,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(uid) => write!(f, "local:{uid}"),
            Self::Owner(id) => write!(f, "owner:{id}"),
            Self::System => f.write_str("system"),
        }
    }
}

impl From<Actor> for String {
    fn from(actor: Actor) -> Self {
        actor.to_string()
    }
}

/// Text that names nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not `local:UID`, `owner:ID` or `system`")]
pub struct BadActor(String);

impl TryFrom<String> for Actor {
    type Error = BadActor;

    fn try_from(text: String) -> Result<Self, BadActor> {
        let actor = match text.split_once(':') {
            Some(("local", uid)) => uid.parse().ok().map(Self::Local),
            Some(("owner", id)) => id.parse().ok().map(Self::Owner),
            _ => (text == "system").then_some(Self::System),
        };
        actor.ok_or(BadActor(text))
    }
}

/// What happened; the closed set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EventKind {
    /// A token was made.
    #[serde(rename = "token.created")]
    TokenCreated,
    /// A token's rights, name or limits were changed.
    #[serde(rename = "token.updated")]
    TokenUpdated,
    /// A token was paused.
    #[serde(rename = "token.disabled")]
    TokenDisabled,
    /// A token's pause was lifted.
    #[serde(rename = "token.enabled")]
    TokenEnabled,
    /// A token was ended by somebody.
    #[serde(rename = "token.revoked")]
    TokenRevoked,
    /// A token was ended, since somebody found its secret where it does not belong.
    #[serde(rename = "token.leaked")]
    TokenLeaked,
    /// A token was given a successor.
    #[serde(rename = "token.rotated")]
    TokenRotated,
    /// A token's successor was used, so that its own time comes.
    #[serde(rename = "token.retired")]
    TokenRetired,
    /// A token's time was over.
    #[serde(rename = "token.expired")]
    TokenExpired,
    /// A token lay unused for too long.
    #[serde(rename = "token.idle_expired")]
    TokenIdleExpired,
    /// A token was used for the first time; an observation, without a record.
    #[serde(rename = "token.first_used")]
    TokenFirstUsed,
    /// A token's time will be over at the moment that the event takes effect; an observation.
    #[serde(rename = "token.expires_soon")]
    TokenExpiresSoon,
    /// A token will be over then unless it is used; an observation.
    #[serde(rename = "token.idles_out_soon")]
    TokenIdlesOutSoon,
    /// The secret of a token with a successor was shown after its end; an observation.
    #[serde(rename = "token.reused")]
    TokenReused,
    /// An owner was made.
    #[serde(rename = "owner.created")]
    OwnerCreated,
    /// An owner was changed.
    #[serde(rename = "owner.updated")]
    OwnerUpdated,
    /// An owner was blocked, and with it all its tokens.
    #[serde(rename = "owner.blocked")]
    OwnerBlocked,
    /// An owner was unblocked.
    #[serde(rename = "owner.unblocked")]
    OwnerUnblocked,
    /// A company was put on record.
    #[serde(rename = "company.created")]
    CompanyCreated,
    /// A company's name or its licences were changed.
    #[serde(rename = "company.updated")]
    CompanyUpdated,
    /// A company was blocked, and with it all its tokens.
    #[serde(rename = "company.blocked")]
    CompanyBlocked,
    /// A company was unblocked.
    #[serde(rename = "company.unblocked")]
    CompanyUnblocked,
    /// The end of the history is lost, and somebody went on with what is left.
    #[serde(rename = "history.cut")]
    HistoryCut,
    /// The mark of the latest wall-clock time was taken back.
    #[serde(rename = "clock.mark_lowered")]
    ClockMarkLowered,
    /// Somebody said that the wall clock is right.
    #[serde(rename = "clock.trusted")]
    ClockTrusted,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 25] = [
        Self::TokenCreated,
        Self::TokenUpdated,
        Self::TokenDisabled,
        Self::TokenEnabled,
        Self::TokenRevoked,
        Self::TokenLeaked,
        Self::TokenRotated,
        Self::TokenRetired,
        Self::TokenExpired,
        Self::TokenIdleExpired,
        Self::TokenFirstUsed,
        Self::TokenExpiresSoon,
        Self::TokenIdlesOutSoon,
        Self::TokenReused,
        Self::OwnerCreated,
        Self::OwnerUpdated,
        Self::OwnerBlocked,
        Self::OwnerUnblocked,
        Self::CompanyCreated,
        Self::CompanyUpdated,
        Self::CompanyBlocked,
        Self::CompanyUnblocked,
        Self::HistoryCut,
        Self::ClockMarkLowered,
        Self::ClockTrusted,
    ];

    /// Its name, as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TokenCreated => "token.created",
            Self::TokenUpdated => "token.updated",
            Self::TokenDisabled => "token.disabled",
            Self::TokenEnabled => "token.enabled",
            Self::TokenRevoked => "token.revoked",
            Self::TokenLeaked => "token.leaked",
            Self::TokenRotated => "token.rotated",
            Self::TokenRetired => "token.retired",
            Self::TokenExpired => "token.expired",
            Self::TokenIdleExpired => "token.idle_expired",
            Self::TokenFirstUsed => "token.first_used",
            Self::TokenExpiresSoon => "token.expires_soon",
            Self::TokenIdlesOutSoon => "token.idles_out_soon",
            Self::TokenReused => "token.reused",
            Self::OwnerCreated => "owner.created",
            Self::OwnerUpdated => "owner.updated",
            Self::OwnerBlocked => "owner.blocked",
            Self::OwnerUnblocked => "owner.unblocked",
            Self::CompanyCreated => "company.created",
            Self::CompanyUpdated => "company.updated",
            Self::CompanyBlocked => "company.blocked",
            Self::CompanyUnblocked => "company.unblocked",
            Self::HistoryCut => "history.cut",
            Self::ClockMarkLowered => "clock.mark_lowered",
            Self::ClockTrusted => "clock.trusted",
        }
    }
}

/// One act, with everything about it but the records that it changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When it was written down.
    pub at: Timestamp,
    /// When it took effect; for an expiry found later by the sweeper, the earlier moment, and for a
    /// warning the moment that it warns of.
    pub effective_at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// What was done.
    pub kind: EventKind,
    /// Why, in their words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The act on many tokens that this is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub many: Option<Many>,
}

/// An act on all tokens that fit a filter. It is written down in parts, each of which names the whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Many {
    /// How many tokens there were when the act was confirmed.
    pub tokens: usize,
    /// What they had in common: the fields of the filter that said something.
    pub filter: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_among_all_of_them() {
        for kind in EventKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            assert_eq!(EventKind::ALL.iter().filter(|other| **other == kind).count(), 1);
        }
        // A new kind does not compile before it has a name; this fails until it stands among the others.
        let source = include_str!("event.rs");
        assert_eq!(source.matches("    #[serde(rename = \"").count(), EventKind::ALL.len());
    }

    #[test]
    fn an_actor_survives_its_text() {
        let owner = Actor::Owner("alice".parse().unwrap());
        for actor in [Actor::Local(1_000), owner, Actor::System] {
            assert_eq!(Actor::try_from(actor.to_string()), Ok(actor));
        }
        for text in ["", "root", "local:x", "owner:A", "system:1"] {
            assert!(Actor::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
