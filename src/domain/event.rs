//! What the history can say: who did what, and when.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::echo::shown;
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
        actor.ok_or_else(|| BadActor(shown(&text)))
    }
}

/// The closed set of kinds, each with the name under which it is written: here, and nowhere else.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal,)*) => {
        /// What happened; the closed set.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum EventKind {
            $($(#[$doc])* #[serde(rename = $name)] $kind,)*
        }

        impl EventKind {
            /// Every kind.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$kind),*];

            /// Its name, as it is written.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }
        }
    };
}

kinds! {
    /// A token was made.
    TokenCreated = "token.created",
    /// A token's rights, name or limits were changed.
    TokenUpdated = "token.updated",
    /// A token was paused.
    TokenDisabled = "token.disabled",
    /// A token's pause was lifted.
    TokenEnabled = "token.enabled",
    /// A token was ended by somebody.
    TokenRevoked = "token.revoked",
    /// A token was ended, since somebody found its secret where it does not belong.
    TokenLeaked = "token.leaked",
    /// A token was given a successor.
    TokenRotated = "token.rotated",
    /// A token's successor was used, so that its own time comes.
    TokenRetired = "token.retired",
    /// A token's time was over.
    TokenExpired = "token.expired",
    /// A token lay unused for too long.
    TokenIdleExpired = "token.idle_expired",
    /// A token was used for the first time; an observation, without a record.
    TokenFirstUsed = "token.first_used",
    /// A token's time will be over at the moment that the event takes effect; an observation.
    TokenExpiresSoon = "token.expires_soon",
    /// A token will be over then unless it is used; an observation.
    TokenIdlesOutSoon = "token.idles_out_soon",
    /// The secret of a token with a successor was shown after its end; an observation.
    TokenReused = "token.reused",
    /// Somebody was given tokens with the digests by which they work elsewhere too; without a record.
    TokensExported = "token.exported",
    /// An owner was made.
    OwnerCreated = "owner.created",
    /// An owner was changed.
    OwnerUpdated = "owner.updated",
    /// An owner was blocked, and with it all its tokens.
    OwnerBlocked = "owner.blocked",
    /// An owner was unblocked.
    OwnerUnblocked = "owner.unblocked",
    /// A company was put on record.
    CompanyCreated = "company.created",
    /// A company's name or its licences were changed.
    CompanyUpdated = "company.updated",
    /// A company was blocked, and with it all its tokens.
    CompanyBlocked = "company.blocked",
    /// A company was unblocked.
    CompanyUnblocked = "company.unblocked",
    /// The end of the history is lost, and somebody went on with what is left.
    HistoryCut = "history.cut",
    /// The mark of the latest wall-clock time was taken back.
    ClockMarkLowered = "clock.mark_lowered",
    /// Somebody said that the wall clock is right.
    ClockTrusted = "clock.trusted",
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
    fn every_kind_is_written_under_a_name_of_its_own() {
        for kind in EventKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            let named = EventKind::ALL.iter().filter(|other| other.as_str() == kind.as_str());
            assert_eq!(named.count(), 1, "two kinds have one name");
        }
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
