//! What is offered to somebody before they try it: asked of the same rules that the acts ask, so that a
//! page shows no button that would be refused.

use std::collections::{BTreeSet, HashMap};

use crate::config::settings::TokenSettings;
use crate::domain::flags::Flags;
use crate::domain::grant::Contexts;
use crate::domain::id::{OwnerId, Slug, TokenId};
use crate::domain::role::Role;
use crate::domain::token::State;
use crate::service::caller::{Caller, Rank, Tenant};
use crate::service::error::ServiceError;
use crate::service::list::TokenList;
use crate::service::{PAGE_ENTRIES, Service};
use crate::store::{Glance, OwnerKey, StoreError};

/// What somebody may make of a new user, as `rights` has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerOffers {
    /// Whether people, and not services alone.
    pub people: bool,
    /// The only superior that it may have; none for any.
    pub superior: Option<OwnerId>,
    /// Roles with a meaning that they may give.
    pub roles: Vec<Role>,
    /// Other roles that they may give; none for any.
    pub more_roles: Option<Vec<Slug>>,
    /// The companies that it may be of.
    pub company: Tenant,
}

/// What fits a token of an owner in a company. By default nothing is known against anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fits {
    /// What the company is licensed for.
    pub contexts: Contexts,
    /// The company, where it is on record.
    pub licensee: Option<Slug>,
    /// The most that the owner's tokens may have.
    pub ceiling: Flags,
}

impl Default for Fits {
    fn default() -> Self {
        Self { contexts: Contexts::All, licensee: None, ceiling: Flags::UNLIMITED }
    }
}

impl Caller {
    /// Whether there is a kind of user that they may make.
    pub fn makes_owners(&self) -> bool {
        self.offers_owners().is_some()
    }

    /// What users they may make, and what they may give them; none who makes none.
    pub fn offers_owners(&self) -> Option<OwnerOffers> {
        let (people, superior) = if self.has(Role::Administrator) || self.manages_a_company() {
            (true, None)
        } else if self.has(Role::Developer) {
            (false, self.owner().cloned())
        } else {
            return None;
        };
        let administers = self.has(Role::Administrator);
        let lesser = |role: Role| matches!(role, Role::Developer | Role::Auditor) && people;
        let gives = |role: &Role| administers || self.has(*role) || lesser(*role);
        let roles = Role::ALL.into_iter().filter(gives);
        let named = |names: &BTreeSet<Slug>| {
            names.iter().filter(|name| Role::named(name).is_none()).cloned().collect()
        };
        let more_roles = match &self.rank {
            Rank::Person { names, .. } if !administers => Some(named(names)),
            Rank::Person { .. } | Rank::Machine => None,
        };
        let company = self.grants.company.clone();
        Some(OwnerOffers { people, superior, roles: roles.collect(), more_roles, company })
    }

    /// Whether there is somebody whose tokens they may make.
    pub fn makes_tokens(&self, settings: &TokenSettings) -> bool {
        let owns = settings.self_service && !self.only_watches();
        owns || self.has(Role::Administrator) || self.manages_a_company()
    }

    /// Refuses whoever has no token to end: who only looks on.
    ///
    /// # Errors
    /// Always the same.
    pub fn ends_tokens(&self) -> Result<(), ServiceError> {
        let problem = "whoever only looks on ends no tokens";
        if self.only_watches() { Err(ServiceError::Forbidden(problem.to_owned())) } else { Ok(()) }
    }

    /// Whether there are companies that they may see.
    pub fn sees_companies(&self) -> bool {
        self.sees_all() || self.watched_company().is_some()
    }
}

impl Service {
    /// Whether they may see to the tokens of an owner: give them less, pause and end them.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn offers_tokens(&self, by: &Caller, of: &OwnerId) -> Result<bool, ServiceError> {
        let owner = self.owner_record(of).await?;
        Ok(self.may_mind_tokens(by, &owner).await?)
    }

    /// Whether they may make and rotate tokens of an owner, and give them more.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn offers_new_tokens(&self, by: &Caller, of: &OwnerId) -> Result<bool, ServiceError> {
        let owner = self.owner_record(of).await?;
        Ok(self.may_hand_out(by, &owner).await?)
    }

    /// Whether they may change and block an owner.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn offers_change(&self, by: &Caller, of: &OwnerId) -> Result<bool, ServiceError> {
        let owner = self.owner_record(of).await?;
        let relation = self.relation(by, &owner).await?;
        Ok(by.minds(&owner, relation))
    }

    /// Whether they may block an owner: nobody blocks themselves.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn offers_blocking(&self, by: &Caller, of: &OwnerId) -> Result<bool, ServiceError> {
        Ok(by.owner() != Some(of) && self.offers_change(by, of).await?)
    }

    /// Whether a company that is named is not on record, though others are: it is licensed for everything then, and
    /// may be a slip.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn misses_company(&self, by: &Caller, id: &Slug) -> Result<bool, ServiceError> {
        if by.grants.company != Tenant::Any || self.company_of(Some(id)).await?.is_some() {
            return Ok(false);
        }
        Ok(!self.store().companies(None, 1).await?.entries.is_empty())
    }

    /// Whether they may lift the pause of a token; false where there is none.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn offers_enabling(&self, by: &Caller, id: TokenId) -> Result<bool, ServiceError> {
        let token = self.token_record(id).await?;
        let owner = self.owner_record(&token.owner).await?;
        let minds = by.minds_tokens_of(&owner, self.relation(by, &owner).await?);
        match &token.disabled {
            Some(act) if minds => Ok(self.may_lift(by, &owner, act).await?),
            _ => Ok(false),
        }
    }

    /// Whether they may unblock an owner; false where it is not blocked.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn offers_unblocking(&self, by: &Caller, id: &OwnerId) -> Result<bool, ServiceError> {
        let owner = self.owner_record(id).await?;
        let minds = by.minds(&owner, self.relation(by, &owner).await?);
        match &owner.blocked {
            Some(act) if minds => Ok(self.may_lift(by, &owner, act).await?),
            _ => Ok(false),
        }
    }

    /// How many tokens of an owner stop when it is blocked, or go on when it is unblocked. Those of a company that
    /// is blocked do neither.
    ///
    /// # Errors
    /// No such owner, or a store that cannot be read.
    pub async fn stopping(&self, by: &Caller, of: &OwnerId) -> Result<u64, ServiceError> {
        let owner = self.owner_record(of).await?;
        self.let_see(by, &owner).await?;
        let stopped = self.blocked_companies().await?;
        let list = TokenList { owner: Some(of.to_string()), ..TokenList::default() };
        let mut tokens = 0;
        self.each_valid(by, &list, |token| {
            let by_company = stopped.iter().any(|company| token.is_of_company(Some(company)));
            let moves = if owner.blocked.is_some() { !by_company } else { !token.blocked };
            tokens += u64::from(moves);
        })
        .await?;
        Ok(tokens)
    }

    /// How many tokens of a company stop when it is blocked, or go on when it is unblocked. Those of an owner who is
    /// blocked do neither.
    ///
    /// # Errors
    /// No such company for `by`, or a store that cannot be read.
    pub async fn stopping_of_company(&self, by: &Caller, of: &Slug) -> Result<u64, ServiceError> {
        by.let_see_company(of)?;
        let is_blocked = self.company_of(Some(of)).await?.is_some_and(|on| on.blocked.is_some());
        let list = TokenList { company: Some(of.to_string()), ..TokenList::default() };
        let (mut tokens, mut by_owner) = (0, HashMap::<OwnerKey, (u64, Glance)>::new());
        self.each_valid(by, &list, |token| match is_blocked {
            true => by_owner.entry(token.owner).or_insert((0, *token)).0 += 1,
            false => tokens += u64::from(!token.blocked),
        })
        .await?;
        for (theirs, one) in by_owner.into_values() {
            let owner = self.owner_of(&one).await?;
            tokens += if owner.is_some_and(|owner| owner.blocked.is_none()) { theirs } else { 0 };
        }
        Ok(tokens)
    }

    async fn blocked_companies(&self) -> Result<Vec<Slug>, StoreError> {
        let (mut blocked, mut after) = (Vec::new(), None);
        loop {
            let page = self.store().companies(after.as_ref(), PAGE_ENTRIES).await?;
            let some = page.entries.iter().filter(|company| company.blocked.is_some());
            blocked.extend(some.map(|company| company.id.clone()));
            after = page.next;
            if after.is_none() {
                return Ok(blocked);
            }
        }
    }

    /// What fits a token of an owner in a company, its own if none is named: contexts that this is licensed for, and
    /// access levels within the owner's ceiling. All where `by` hands out no tokens of that owner or for that company; the act tells why then.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn fits(
        &self,
        by: &Caller,
        owner: &OwnerId,
        company: Option<&Slug>,
    ) -> Result<Fits, ServiceError> {
        let nothing = Fits::default();
        let Some(owner) = self.store().owner(owner).await? else { return Ok(nothing) };
        if !self.may_hand_out(by, &owner).await? {
            return Ok(nothing);
        }
        let fits = Fits { ceiling: owner.ceiling, ..nothing };
        let company = company.or(owner.company.as_ref());
        if !by.grants.company.includes(company) {
            return Ok(fits);
        }
        Ok(match self.company_of(company).await? {
            Some(on) => {
                Fits { contexts: on.contexts.clone(), licensee: Some(on.id.clone()), ..fits }
            }
            None => fits,
        })
    }

    /// Passes on the tokens of a list that can be used as far as they themselves go, whoever is blocked.
    async fn each_valid(
        &self,
        by: &Caller,
        of: &TokenList,
        mut pass: impl FnMut(&Glance),
    ) -> Result<(), ServiceError> {
        let now = self.moment().await?;
        let active = |token: &Glance| token.course.state(token.used, now) == State::Active;
        self.each_seen(by, of, now, |token| {
            if active(token) {
                pass(token);
            }
        })
        .await
    }
}
