//! Who asks for an act, and the most that they may hand out.

use std::collections::BTreeSet;

use crate::domain::conditions::Conditions;
use crate::domain::event::Actor;
use crate::domain::flags::Flags;
use crate::domain::grant::{Contexts, Items};
use crate::domain::id::{OwnerId, Slug};
use crate::domain::limits::Limits;
use crate::domain::owner::Owner;
use crate::domain::role::Role;
use crate::domain::time::{Span, Timestamp};
use crate::domain::token::{Revision, Token};
use crate::service::error::ServiceError;

/// Somebody who asks for an act.
#[derive(Clone, Debug, PartialEq)]
pub struct Caller {
    /// Who it is, for the history.
    pub actor: Actor,
    /// The most that a token of their making may have.
    pub grants: Grants,
    /// Whose affairs they may mind; see `rights`.
    pub(super) rank: Rank,
    /// Whether it is a program whose token is bound by more than its owner is. What binds it binds the tokens that
    /// it makes; of people and companies nobody could say what of them is within its bounds.
    pub(super) bound: bool,
    /// The revisions at which alone they want a record changed; none for any.
    only_at: Option<Vec<Revision>>,
}

/// What somebody may do, before it is asked to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rank {
    /// The administrator of the machine: everything.
    Machine,
    /// An owner, with the roles that have a meaning here.
    Person {
        /// Who.
        id: OwnerId,
        /// Their tenant.
        company: Option<Slug>,
        /// Those of the closed set.
        roles: Vec<Role>,
        /// All of them, also those that only upstreams know the meaning of.
        names: BTreeSet<Slug>,
    },
}

/// Bounds of what can be handed out: nobody grants more than they have.
#[derive(Clone, Debug, PartialEq)]
pub struct Grants {
    /// Access level.
    pub flags: Flags,
    /// Areas.
    pub contexts: Contexts,
    /// Objects.
    pub items: Items,
    /// Tenants.
    pub company: Tenant,
    /// The latest end; none means never.
    pub until: Option<Timestamp>,
    /// How long a token may lie unused at the most; zero is for ever.
    pub idle_ttl: Span,
    /// How much they may be used at the most.
    pub limits: Limits,
    /// From where, when and by whom, at the most.
    pub conditions: Conditions,
}

impl Grants {
    /// Whether what is made by their holder is bound by more than its owner is: a person with a password
    /// is not. An idle limit binds nobody who comes back in time, and nearly every token has one.
    fn are_bound(&self) -> bool {
        self.contexts != Contexts::All
            || self.items != Items::All
            || self.until.is_some()
            || !self.limits.is_empty()
            || !self.conditions.is_empty()
    }
}

/// The tenants that somebody may act for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tenant {
    /// Any, and none.
    Any,
    /// This one alone; none is one of its own.
    Only(Option<Slug>),
}

impl Tenant {
    /// Whether `company` is among them.
    pub fn includes(&self, company: Option<&Slug>) -> bool {
        match self {
            Self::Any => true,
            Self::Only(mine) => mine.as_ref() == company,
        }
    }
}

impl Caller {
    /// Whoever reaches the local socket or may open the folder: the administrator of the machine,
    /// who may hand out everything.
    pub const fn local(uid: u32) -> Self {
        Self {
            actor: Actor::Local(uid),
            grants: Grants {
                flags: Flags::UNLIMITED,
                contexts: Contexts::All,
                items: Items::All,
                company: Tenant::Any,
                until: None,
                idle_ttl: Span::ZERO,
                limits: Limits::NONE,
                conditions: Conditions::NONE,
            },
            rank: Rank::Machine,
            bound: false,
            only_at: None,
        }
    }

    /// An owner who has signed in.
    pub fn person(owner: &Owner) -> Self {
        let roles: Vec<_> = Role::ALL.into_iter().filter(|role| role.is_of(owner)).collect();
        let company = if roles.contains(&Role::Administrator) {
            Tenant::Any
        } else {
            Tenant::Only(owner.company.clone())
        };
        Self {
            actor: Actor::Owner(owner.id.clone()),
            grants: Grants {
                flags: owner.ceiling,
                contexts: Contexts::All,
                items: Items::All,
                company,
                until: None,
                idle_ttl: Span::ZERO,
                limits: Limits::NONE,
                conditions: Conditions::NONE,
            },
            rank: Rank::Person {
                id: owner.id.clone(),
                company: owner.company.clone(),
                roles,
                names: owner.roles.clone(),
            },
            bound: false,
            only_at: None,
        }
    }

    /// A program that shows a token of `owner`: what the owner may do, within what the token may.
    pub fn program(owner: &Owner, token: &Token) -> Self {
        let mut caller = Self::person(owner);
        let own_company = caller.grants.company.clone();
        let company = match (&caller.grants.company, &token.company) {
            (Tenant::Any, None) => Tenant::Any,
            (_, company) => Tenant::Only(company.clone()),
        };
        caller.grants = Grants {
            flags: token.flags.within(owner.ceiling),
            contexts: token.contexts.clone(),
            items: token.items.clone(),
            company,
            until: token.expires_at,
            idle_ttl: token.idle_ttl,
            limits: token.limits.clone(),
            conditions: token.conditions.clone(),
        };
        caller.bound = caller.grants.are_bound() || caller.grants.company != own_company;
        caller
    }

    /// The same, who wants a record changed only while it is at one of these revisions (RFC 9110 section
    /// 13.1.1). It is looked at in each act that changes one, against what the change is made from.
    #[must_use]
    pub fn only_at(self, revisions: Vec<Revision>) -> Self {
        Self { only_at: Some(revisions), ..self }
    }

    /// Refuses a record that is at another revision than they want.
    pub(super) fn expects(
        &self,
        found: Revision,
        what: impl FnOnce() -> String,
    ) -> Result<(), ServiceError> {
        match &self.only_at {
            Some(wanted) if !wanted.contains(&found) => {
                Err(ServiceError::Changed { what: what(), found })
            }
            _ => Ok(()),
        }
    }

    /// Who it is, if it is an owner.
    pub const fn owner(&self) -> Option<&OwnerId> {
        match &self.rank {
            Rank::Machine => None,
            Rank::Person { id, .. } => Some(id),
        }
    }
}
