//! The tenants that owners and tokens belong to, and the contexts that they are licensed for.

use serde::{Deserialize, Serialize};

use super::event::Actor;
use super::grant::Contexts;
use super::id::Slug;
use super::time::Timestamp;
use super::token::{Act, Revision};

/// A tenant. Tokens and owners may name one for which there is no record: nothing is known against
/// it, so that it is licensed for every context. A record is kept for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Company {
    /// Its one name.
    pub id: Slug,
    /// How people call it.
    pub name: String,
    /// What it is licensed for: a context that is not among these is closed to all its tokens,
    /// whatever they may themselves (row F5).
    pub contexts: Contexts,
    /// Since when, by whom and why all its tokens are stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked: Option<Act>,
    /// Who made the record.
    pub created_by: Actor,
    /// When it was made.
    pub created_at: Timestamp,
    /// How often the record was changed.
    pub revision: Revision,
}
