//! The record of a token, and the state that it is in at a given moment.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::conditions::Conditions;
use super::event::Actor;
use super::flags::Flags;
use super::grant::{Contexts, Items};
use super::id::{OwnerId, Slug, TokenId};
use super::limits::Limits;
use super::secret::Digest;
use super::time::{Span, Timestamp};

/// How often a record was changed; the first is 1. A change names the revision that it was made
/// from, so that two people who edit at once do not undo each other's work.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Revision(pub u64);

impl Revision {
    /// What a record that does not exist yet has.
    pub const NONE: Self = Self(0);

    /// The one after.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// A token as it is stored: everything but its secret and its last use. The latter is kept apart,
/// so that a touch never rewrites the record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Token {
    /// Public, time-ordered.
    pub id: TokenId,
    /// Of the secret; the lookup key.
    pub digest: Digest,
    /// The last four characters of the secret.
    pub hint: String,
    /// Given by its maker; required.
    pub name: String,
    /// The application that it was made for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub app: String,
    /// Who asked for it, and why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Whom it acts for.
    pub owner: OwnerId,
    /// The tenant that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<Slug>,
    /// Who made it.
    pub created_by: Actor,
    /// When it was made.
    pub created_at: Timestamp,
    /// The first second in which it can be used.
    pub not_before: Timestamp,
    /// The first second in which it can no longer be used; none means never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// How long it may lie unused; zero means for ever. It is on the record: what configurations say later changes nothing.
    pub idle_ttl: Span,
    /// Access level.
    pub flags: Flags,
    /// Areas of APIs.
    pub contexts: Contexts,
    /// Objects.
    pub items: Items,
    /// A JSON object or array of objects, byte for byte as it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<String>,
    /// Values for the parameters that contexts define, by context and name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub context_params: BTreeMap<Slug, BTreeMap<String, ParamValue>>,
    /// From where, when and by whom it may be presented.
    #[serde(default, skip_serializing_if = "Conditions::is_empty")]
    pub conditions: Conditions,
    /// How much it may be used.
    #[serde(default, skip_serializing_if = "Limits::is_empty")]
    pub limits: Limits,
    /// A pause that can be lifted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<Act>,
    /// The token that this one succeeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotated_from: Option<TokenId>,
    /// The first token of the line that it succeeds; see [`Token::metered_as`]. None for a first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<TokenId>,
    /// The token that succeeds this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotated_to: Option<TokenId>,
    /// How long it lives on once its successor is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retire_after_use: Option<Span>,
    /// The end, for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
    /// How often the record was changed.
    pub revision: Revision,
}

/// The value of a context parameter.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParamValue {
    /// Readable by administrators.
    Plain(String),
    /// Encrypted under the master key, in base64; never shown again.
    Sealed(String),
}

impl std::fmt::Debug for ParamValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Plain(text) => write!(f, "{text:?}"),
            Self::Sealed(_) => f.write_str("[sealed]"),
        }
    }
}

/// Somebody did something at some time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: Actor,
    /// Why, in their words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// How a token came to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Which way.
    pub how: End,
    /// When, by whom, and why.
    #[serde(flatten)]
    pub act: Act,
}

/// The ways in which a token ends; every one is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// Somebody ended it.
    Revoked,
    /// Its secret was found where it does not belong. Counts as revoked wherever states are told apart.
    Leaked,
    /// Its time was over.
    Expired,
    /// It lay unused for too long.
    IdleExpired,
}

/// Where in its life a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Not yet usable.
    Pending,
    /// Usable.
    Active,
    /// Paused by an administrator.
    Disabled,
    /// Over: its time came.
    Expired,
    /// Over: it lay unused for too long.
    IdleExpired,
    /// Over: somebody ended it.
    Revoked,
}

impl State {
    /// The name, as it is written everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Expired => "expired",
            Self::IdleExpired => "idle_expired",
            Self::Revoked => "revoked",
        }
    }

    /// Whether a token in this state can never be used again.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Expired | Self::IdleExpired | Self::Revoked)
    }
}

/// The limits on a token's life in time, apart from its record, because the gateway keeps them in
/// memory for a million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// When it was made.
    pub created_at: Timestamp,
    /// The first second in which it can be used.
    pub not_before: Timestamp,
    /// The first second in which it cannot; none means never.
    pub expires_at: Option<Timestamp>,
    /// How long it may lie unused; zero means for ever.
    pub idle_ttl: Span,
}

impl Life {
    /// The first second in which the token is idle for too long, if it is not used again.
    pub fn idle_deadline(&self, last_use: Option<Timestamp>) -> Option<Timestamp> {
        let from = self.created_at.max(self.not_before).max(last_use.unwrap_or(Timestamp::EPOCH));
        (!self.idle_ttl.is_zero()).then(|| from.plus(self.idle_ttl))
    }

    /// The first second in which the token is over by time or by idleness, whichever is sooner.
    pub fn deadline(&self, last_use: Option<Timestamp>) -> Option<Timestamp> {
        match (self.expires_at, self.idle_deadline(last_use)) {
            (Some(expiry), Some(idle)) => Some(expiry.min(idle)),
            (expiry, idle) => expiry.or(idle),
        }
    }
}

/// What says where in its life a token is, beside its last use: also where the record is not at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Course {
    /// The limits in time.
    pub life: Life,
    /// How it ended.
    pub ended: Option<End>,
    /// Whether it is paused.
    pub disabled: bool,
    /// When its successor was made; none without one.
    pub succeeded_at: Option<Timestamp>,
    /// Whether it may be used so often and no more: whether any use is left, its meter knows.
    pub may_be_used_up: bool,
}

impl Course {
    /// Where in its life the token is, if it was last used at `last_use`.
    pub fn state(&self, last_use: Option<Timestamp>, now: Timestamp) -> State {
        let Life { expires_at, not_before, .. } = self.life;
        let idle = self.life.idle_deadline(last_use);
        match self.ended {
            Some(End::Revoked | End::Leaked) => State::Revoked,
            Some(End::Expired) => State::Expired,
            Some(End::IdleExpired) => State::IdleExpired,
            None if expires_at.is_some_and(|expiry| now >= expiry) => State::Expired,
            None if idle.is_some_and(|deadline| now >= deadline) => State::IdleExpired,
            None if self.disabled => State::Disabled,
            None if now < not_before => State::Pending,
            None => State::Active,
        }
    }
}

impl Token {
    /// Under which token its requests are counted: rotating makes no new requests, so that a token and its
    /// successors draw on the meter of the first of them.
    pub fn metered_as(&self) -> TokenId {
        self.family.unwrap_or(self.id)
    }

    /// The limits on its life in time.
    pub const fn life(&self) -> Life {
        Life {
            created_at: self.created_at,
            not_before: self.not_before,
            expires_at: self.expires_at,
            idle_ttl: self.idle_ttl,
        }
    }

    /// What says where in its life it is, beside its last use.
    pub fn course(&self) -> Course {
        let ended = self.ended.as_ref().map(|ended| ended.how);
        let (disabled, succeeded_at) = (self.disabled.is_some(), self.succeeded_at());
        let may_be_used_up = self.limits.uses.is_some();
        Course { life: self.life(), ended, disabled, succeeded_at, may_be_used_up }
    }

    /// When its successor was made, to the second: its id says so.
    pub fn succeeded_at(&self) -> Option<Timestamp> {
        self.rotated_to.map(|id| Timestamp::from_unix(id.made_at_ms() / 1_000))
    }

    /// Where in its life the token is, if it was last used at `last_use`. Whether its owner is
    /// blocked is another matter.
    pub fn state(&self, last_use: Option<Timestamp>, now: Timestamp) -> State {
        self.course().state(last_use, now)
    }
}

#[cfg(test)]
mod tests;
