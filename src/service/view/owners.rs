//! What callers are shown of users, services and companies.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::absent;
use crate::config::settings::Context;
use crate::domain::company::Company;
use crate::domain::event::Actor;
use crate::domain::flags::{FlagCatalog, Flags};
use crate::domain::grant::Contexts;
use crate::domain::id::{OwnerId, Slug};
use crate::domain::owner::{Owner, OwnerKind};
use crate::domain::time::Timestamp;
use crate::domain::token::{Act, Revision};

/// A user or a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OwnerView {
    /// Its one name.
    pub id: OwnerId,
    /// A person or a program.
    pub kind: OwnerKind,
    /// How people call it.
    pub name: String,
    /// For people to reach them; nothing is sent there.
    pub email: Option<String>,
    /// The tenant.
    pub company: Option<Slug>,
    /// The user whose subordinate it is.
    pub parent: Option<OwnerId>,
    /// What rules may ask for.
    pub roles: Vec<Slug>,
    /// The most that its tokens may have.
    pub ceiling: Flags,
    /// The same by name.
    pub ceiling_names: Vec<String>,
    /// Since when, by whom and why it is blocked.
    pub blocked: Option<Act>,
    /// Who made it.
    pub created_by: Actor,
    /// When it was made.
    pub created_at: Timestamp,
    /// How often it was changed.
    pub revision: Revision,
}

impl OwnerView {
    /// How `owner` looks.
    pub fn new(owner: &Owner, catalog: &FlagCatalog) -> Self {
        let owner = owner.clone();
        Self {
            ceiling_names: catalog.describe(owner.ceiling),
            id: owner.id,
            kind: owner.kind,
            name: owner.name,
            email: owner.email,
            company: owner.company,
            parent: owner.parent,
            roles: owner.roles.into_iter().collect(),
            ceiling: owner.ceiling,
            blocked: owner.blocked,
            created_by: owner.created_by,
            created_at: owner.created_at,
            revision: owner.revision,
        }
    }
}

/// The answer to an act that changes an owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OwnerChanged {
    /// As it is now.
    pub user: OwnerView,
    /// Whether the act changed anything.
    pub changed: bool,
    /// After a move into another company, or out of one: tokens that are not in the company that
    /// their owner is in now. None if there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_behind: Option<LeftBehind>,
    /// After a block: how many tokens it stops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<u64>,
    /// What may be a slip: a company that is not on record, or a role that nothing asks for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl OwnerChanged {
    /// An act that changed it so, or found it so.
    pub fn new(user: OwnerView, changed: bool) -> Self {
        Self { user, changed, left_behind: None, stopped: None, warnings: Vec::new() }
    }
}

/// A new owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OwnerMade {
    /// As it is now.
    #[serde(flatten)]
    pub user: OwnerView,
    /// What may be a slip: a company that is not on record, or a role that nothing asks for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// Tokens that have not ended and keep the company that they were made for, though their owner has
/// left it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LeftBehind {
    /// How many.
    pub tokens: usize,
}

/// A company.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CompanyView {
    /// Its one name.
    pub id: Slug,
    /// How people call it.
    pub name: String,
    /// What it is licensed for.
    pub contexts: Contexts,
    /// Those of them that are not in the configuration at present: each opens nothing until it is back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent_contexts: Vec<Slug>,
    /// Since when, by whom and why all its tokens are stopped.
    pub blocked: Option<Act>,
    /// Who put it on record.
    pub created_by: Actor,
    /// When it was put on record.
    pub created_at: Timestamp,
    /// How often it was changed.
    pub revision: Revision,
}

impl CompanyView {
    /// How `company` looks beside the contexts of the configuration.
    pub fn new(company: &Company, catalog: &BTreeMap<Slug, Context>) -> Self {
        let company = company.clone();
        Self {
            absent_contexts: absent(&company.contexts, catalog),
            id: company.id,
            name: company.name,
            contexts: company.contexts,
            blocked: company.blocked,
            created_by: company.created_by,
            created_at: company.created_at,
            revision: company.revision,
        }
    }
}

/// The answer to an act that changes a company.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CompanyChanged {
    /// As it is now.
    pub company: CompanyView,
    /// Whether the act changed anything.
    pub changed: bool,
    /// After a block: how many tokens it stops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<u64>,
}
