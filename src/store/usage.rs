//! Last uses, as the store and those who ask it speak of them.

use std::num::NonZeroU64;
use std::sync::Arc;

use crate::domain::id::TokenId;
use crate::domain::time::Timestamp;

/// Where and when a token was last used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastUse {
    /// When, to the second.
    pub at: Timestamp,
    /// From which address.
    pub address: std::net::IpAddr,
    /// Through which API.
    pub api: Arc<str>,
}

/// When a token counts as last used, and what is known of that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// By which it is judged.
    pub at: Timestamp,
    /// The last use that is known. Later ones may be lost, as after a restore: then it is earlier than `at`,
    /// or none, and `at` is a moment at which nobody need have used the token.
    pub last: Option<LastUse>,
}

impl Usage {
    /// Whether `at` is not the moment of a known use.
    pub fn is_presumed(&self) -> bool {
        self.last.as_ref().is_none_or(|last| last.at < self.at)
    }
}

impl From<LastUse> for Usage {
    fn from(last: LastUse) -> Self {
        Self { at: last.at, last: Some(last) }
    }
}

/// Where a store keeps the last use of a token, as it says with the token: it spares the store a lookup,
/// and means nothing elsewhere. It stays the same for the life of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UseSlot(
    /// One more than the number, so that `Option` takes no memory: every token in memory has one.
    NonZeroU64,
);

impl UseSlot {
    /// Of a number.
    pub const fn new(number: u64) -> Self {
        Self(NonZeroU64::MIN.saturating_add(number))
    }

    /// Slots whose numbers are near each other are kept near each other.
    pub const fn number(self) -> u64 {
        self.0.get() - 1
    }
}

/// Whose last use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UseKey {
    /// The token.
    pub token: TokenId,
    /// Where its last use is kept, if that is known.
    pub slot: Option<UseSlot>,
}

/// A use that is to be written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotedUse {
    /// Of which token.
    pub of: UseKey,
    /// When and where.
    pub last: LastUse,
    /// Whether it is the first use of all, which the history is told of.
    pub first: bool,
}

impl From<TokenId> for UseKey {
    fn from(token: TokenId) -> Self {
        Self { token, slot: None }
    }
}
