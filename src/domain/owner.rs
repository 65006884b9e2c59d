//! Whom tokens act for.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::event::Actor;
use super::flags::Flags;
use super::id::{OwnerId, Slug};
use super::time::Timestamp;
use super::token::{Act, Revision};

/// A person or a program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnerKind {
    /// A person.
    #[default]
    User,
    /// A program, a team, or a whole company.
    Service,
}

/// A password as it is kept: a PHC string of argon2id. It is shown to nobody.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Of the text that a password was hashed to.
    pub const fn new(phc: String) -> Self {
        Self(phc)
    }

    /// The text, for whoever checks a password against it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[hash]")
    }
}

/// A user or a service. Blocking stops all its tokens at once, and unblocking lets them go on
/// (rows E6 and E7).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Its one name.
    pub id: OwnerId,
    /// A person or a program.
    pub kind: OwnerKind,
    /// How people call it.
    pub name: String,
    /// For people to reach them; nothing is sent there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The tenant that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<Slug>,
    /// The user whose subordinate it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<OwnerId>,
    /// What rules may ask for.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub roles: BTreeSet<Slug>,
    /// The most that its tokens may have.
    pub ceiling: Flags,
    /// What its password must match; none for whoever cannot sign in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<PasswordHash>,
    /// Since when, by whom and why it is blocked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked: Option<Act>,
    /// Who made it.
    pub created_by: Actor,
    /// When it was made.
    pub created_at: Timestamp,
    /// How often the record was changed.
    pub revision: Revision,
}
