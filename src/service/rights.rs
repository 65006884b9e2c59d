//! Who may do what to whom. Every act asks here before it looks at anything else.
//!
//! | | administrator | company administrator | developer | user | auditor |
//! | --- | --- | --- | --- | --- | --- |
//! | see owners, tokens, their events | all | own company | own, subordinates | own, subordinates | all, or own company |
//! | narrow, pause, end tokens | all | own company | own, subordinates | own, subordinates | |
//! | make, rotate, widen tokens | all | own company | the same (*) | the same (*) | |
//! | make, change, block owners | all | own company | own services | | |
//! | see companies, their events | all | own | | | all, or own |
//! | make, change, block companies | all | | | | |
//! | whole history, machine | all | | | | sees |
//!
//! (*) Where `tokens.self_service` is false, nobody but administrators does (row E1).
//!
//! Nobody minds the affairs of somebody who has a role that they lack: a token acts as its owner. What
//! somebody did to stop a token or an owner is undone by those alone who stand as high (`lift`).

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::company::Company;
use crate::domain::id::{OwnerId, Slug};
use crate::domain::owner::{Owner, OwnerKind};
use crate::domain::role::Role;
use crate::service::caller::{Caller, Rank};
use crate::service::error::ServiceError;
use crate::service::{Service, StoreError};

/// How long a line of parents is followed.
pub(super) const GENERATIONS: usize = 32;

/// How an owner stands to whoever asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// It is the same.
    Same,
    /// The owner, or a parent of it, has whoever asks as its parent.
    Subordinate,
    /// None.
    Other,
}

impl Caller {
    pub(super) fn has(&self, role: Role) -> bool {
        match &self.rank {
            Rank::Machine => true,
            Rank::Person { roles, .. } => roles.contains(&role),
        }
    }

    /// Whether they see everything that there is.
    pub(super) fn sees_all(&self) -> bool {
        let everywhere = matches!(&self.rank, Rank::Person { company: None, .. });
        self.has(Role::Administrator) || (everywhere && self.has(Role::Auditor))
    }

    /// The company of which they see everything.
    pub(super) fn watched_company(&self) -> Option<&Slug> {
        let watches = self.has(Role::CompanyAdministrator) || self.has(Role::Auditor);
        match &self.rank {
            Rank::Person { company: Some(company), .. } if watches => Some(company),
            _ => None,
        }
    }

    /// Whether it is their own company.
    pub(super) fn is_of_company(&self, id: &Slug) -> bool {
        matches!(&self.rank, Rank::Person { company: Some(mine), .. } if mine == id)
    }

    /// Whether there is a company that they administrate.
    pub(super) fn manages_a_company(&self) -> bool {
        let of_company = matches!(&self.rank, Rank::Person { company: Some(_), .. });
        of_company && self.has(Role::CompanyAdministrator)
    }

    /// Refuses whoever is no administrator.
    ///
    /// # Errors
    /// Always the same.
    pub fn administers(&self) -> Result<(), ServiceError> {
        forbid(!self.has(Role::Administrator), "this is for administrators")
    }

    /// Refuses a program whose token is bound by more than its owner is: what it gives to a user or a company, or
    /// takes out with digests, is not.
    ///
    /// # Errors
    /// Always the same.
    pub(super) fn is_free(&self) -> Result<(), ServiceError> {
        forbid(
            self.bound,
            "a token that is bound in any way hands out and ends tokens, and stops users, and no more",
        )
    }

    /// Whether what it is about is none of another company than a program is bound to.
    fn may_act_for(&self, company: Option<&Slug>) -> bool {
        !self.bound || company.is_none() || self.grants.company.includes(company)
    }

    /// Refuses whoever does not ask from the machine itself.
    ///
    /// # Errors
    /// Always the same.
    pub fn operates(&self) -> Result<(), ServiceError> {
        forbid(self.rank != Rank::Machine, "this is done at the machine, with the command line")
    }

    /// Refuses whoever does not see everything.
    ///
    /// # Errors
    /// Always the same.
    pub fn watches(&self) -> Result<(), ServiceError> {
        forbid(!self.sees_all(), "this is for administrators, and for auditors of no company")
    }

    /// Whether they administrate the company of `owner`.
    pub(super) fn manages_company_of(&self, owner: &Owner) -> bool {
        self.has(Role::CompanyAdministrator) && self.shares_company(owner)
    }

    fn shares_company(&self, owner: &Owner) -> bool {
        matches!(&self.rank, Rank::Person { company: Some(mine), .. } if owner.company.as_ref() == Some(mine))
    }

    /// Whether they may do all that `owner` may by its roles.
    fn has_roles_of(&self, owner: &Owner) -> bool {
        Role::ALL.into_iter().all(|role| !role.is_of(owner) || self.covers(role, owner))
    }

    /// Within a company, its administrator may do what developers and auditors may.
    fn covers(&self, role: Role, of: &Owner) -> bool {
        let lesser = matches!(role, Role::Developer | Role::Auditor);
        let manages = self.manages_company_of(of);
        self.has(role) || (lesser && manages)
    }

    /// Whether they only look on.
    pub(super) fn only_watches(&self) -> bool {
        matches!(&self.rank, Rank::Person { roles, .. } if roles == &[Role::Auditor])
    }

    pub(super) fn sees(&self, owner: &Owner, relation: Relation) -> bool {
        let of_company = self.has(Role::CompanyAdministrator) || self.has(Role::Auditor);
        self.sees_all() || relation != Relation::Other || (of_company && self.shares_company(owner))
    }

    /// Whether they may see to its tokens: give them less, pause and end them.
    pub(super) fn minds_tokens_of(&self, owner: &Owner, relation: Relation) -> bool {
        let manages = self.manages_company_of(owner);
        self.has(Role::Administrator)
            || (relation == Relation::Same && !self.only_watches())
            || (relation == Relation::Subordinate || manages)
                && !self.only_watches()
                && self.has_roles_of(owner)
    }

    /// Whether they may make and rotate its tokens, and give them more (row E1).
    pub(super) fn hands_out_tokens_of(
        &self,
        owner: &Owner,
        relation: Relation,
        self_service: bool,
    ) -> bool {
        self.may_widen(owner, self_service) && self.minds_tokens_of(owner, relation)
    }

    /// Whether they may let its tokens do more than before, if they may change it at all (row E1).
    pub(super) fn may_widen(&self, owner: &Owner, self_service: bool) -> bool {
        self_service || self.has(Role::Administrator) || self.manages_company_of(owner)
    }

    /// Whether they may change and block it.
    pub(super) fn minds(&self, owner: &Owner, relation: Relation) -> bool {
        let manages = self.manages_company_of(owner);
        let developed = self.has(Role::Developer)
            && owner.kind == OwnerKind::Service
            && relation == Relation::Subordinate;
        self.has(Role::Administrator) || ((manages || developed) && self.has_roles_of(owner))
    }

    /// Refuses whoever may not see what is on record of a company.
    ///
    /// # Errors
    /// To others there is none.
    pub(super) fn let_see_company(&self, id: &Slug) -> Result<(), ServiceError> {
        let sees = self.sees_all() || self.watched_company() == Some(id);
        if sees { Ok(()) } else { Err(ServiceError::NoCompany(id.clone())) }
    }

    /// Refuses whoever may not change a company. What it is licensed for is not its own to say.
    ///
    /// # Errors
    /// To whoever may not see it there is none.
    pub(super) fn minds_company(&self, id: &Slug) -> Result<(), ServiceError> {
        self.let_see_company(id)?;
        self.administers()?;
        self.is_free()
    }

    /// Whether they may make an owner like this one.
    ///
    /// # Errors
    /// What they may not give.
    pub(super) fn may_make(&self, owner: &Owner) -> Result<(), ServiceError> {
        if self.has(Role::Administrator) {
            return self.may_give_roles_of(owner, &BTreeSet::new());
        }
        let manages = self.manages_company_of(owner);
        let own = self.has(Role::Developer)
            && owner.kind == OwnerKind::Service
            && owner.parent.as_ref() == self.owner();
        forbid(!manages && !own, "you may not make this user")?;
        self.may_give_roles_of(owner, &BTreeSet::new())
    }

    /// Whether they may leave an owner with the roles that it now has, of which it had some before. A role that
    /// only upstreams know is given on by those who have it.
    ///
    /// # Errors
    /// A role that they may not give.
    pub(super) fn may_give_roles_of(
        &self,
        owner: &Owner,
        before: &BTreeSet<Slug>,
    ) -> Result<(), ServiceError> {
        // So whoever takes it from the others keeps it: there is always one who can act.
        let administered = before.iter().any(|name| Role::named(name) == Some(Role::Administrator));
        let gives_up = administered && !Role::Administrator.is_of(owner);
        let problem = "nobody takes the role of an administrator from themselves: another administrator \
                       does, or the operator of the machine";
        refuse(gives_up && self.owner() == Some(&owner.id), "roles", problem)?;
        if self.has(Role::Administrator) && !self.bound {
            return Ok(());
        }
        let own =
            |name: &Slug| matches!(&self.rank, Rank::Person { names, .. } if names.contains(name));
        let below = |name: &Slug| match Role::named(name) {
            Some(role) => self.covers(role, owner),
            None => own(name) || before.contains(name),
        };
        let stranger = owner.roles.iter().find(|name| self.bound || !below(name));
        refuse(stranger.is_some(), "roles", "one of these roles is more than you have yourself")
    }
}

impl Service {
    /// How `owner` stands to whoever asks.
    pub(super) async fn relation(
        &self,
        by: &Caller,
        owner: &Owner,
    ) -> Result<Relation, StoreError> {
        Ok(match self.generations(by, owner).await? {
            Some(0) => Relation::Same,
            Some(_) => Relation::Subordinate,
            None => Relation::Other,
        })
    }

    /// How many generations whoever asks is above `owner`; none for no parent of it.
    pub(super) async fn generations(
        &self,
        by: &Caller,
        owner: &Owner,
    ) -> Result<Option<usize>, StoreError> {
        let Some(me) = by.owner() else { return Ok(None) };
        if owner.id == *me {
            return Ok(Some(0));
        }
        let mut parent = owner.parent.clone();
        for generation in 1..=GENERATIONS {
            let Some(id) = parent else { break };
            if id == *me {
                return Ok(Some(generation));
            }
            parent = self.store().owner(&id).await?.and_then(|owner| owner.parent.clone());
        }
        Ok(None)
    }

    /// Refuses whoever may not see `owner`: to them there is none.
    pub(super) async fn let_see(&self, by: &Caller, owner: &Owner) -> Result<(), ServiceError> {
        let seen = by.sees(owner, self.relation(by, owner).await?);
        if seen { Ok(()) } else { Err(ServiceError::NoOwner(owner.id.clone())) }
    }

    /// Whether they may mind the tokens of `owner`, within what binds them.
    pub(super) async fn may_mind_tokens(
        &self,
        by: &Caller,
        owner: &Owner,
    ) -> Result<bool, StoreError> {
        let relation = self.relation(by, owner).await?;
        Ok(by.minds_tokens_of(owner, relation) && by.may_act_for(owner.company.as_ref()))
    }

    /// Refuses whoever may not mind the tokens of `owner`.
    pub(super) async fn let_mind_tokens(
        &self,
        by: &Caller,
        owner: &Owner,
    ) -> Result<(), ServiceError> {
        if self.may_mind_tokens(by, owner).await? { Ok(()) } else { Err(not_for(&owner.id)) }
    }

    /// Whether they may make and rotate tokens of `owner`, and give them more.
    pub(super) async fn may_hand_out(
        &self,
        by: &Caller,
        owner: &Owner,
    ) -> Result<bool, StoreError> {
        let (relation, settings) = (self.relation(by, owner).await?, self.settings());
        Ok(by.hands_out_tokens_of(owner, relation, settings.tokens.self_service))
    }

    /// Refuses whoever may not make and rotate tokens of `owner`.
    pub(super) async fn let_hand_out(
        &self,
        by: &Caller,
        owner: &Owner,
    ) -> Result<(), ServiceError> {
        self.let_mind_tokens(by, owner).await?;
        let problem = "administrators alone make and rotate tokens here (`tokens.self_service`)";
        forbid(!self.may_hand_out(by, owner).await?, problem)
    }

    /// Refuses whoever may not change `owner`.
    pub(super) async fn let_mind(&self, by: &Caller, owner: &Owner) -> Result<(), ServiceError> {
        let relation = self.relation(by, owner).await?;
        if by.minds(owner, relation) && by.may_act_for(owner.company.as_ref()) {
            return Ok(());
        }
        if !by.sees(owner, relation) {
            return Err(ServiceError::NoOwner(owner.id.clone()));
        }
        forbid(true, "you may not change this user")
    }

    /// The record of a company that `by` may see: to others there is none.
    pub(super) async fn company_seen(
        &self,
        by: &Caller,
        id: &Slug,
    ) -> Result<Arc<Company>, ServiceError> {
        by.let_see_company(id)?;
        self.company_record(id).await
    }
}

/// Said of owners that are there and of such that are not, so that nobody learns which.
pub(super) fn not_for(owner: &OwnerId) -> ServiceError {
    ServiceError::Forbidden(format!("you may not hand out or change tokens of `{owner}`"))
}

fn forbid(holds: bool, problem: &str) -> Result<(), ServiceError> {
    if holds { Err(ServiceError::Forbidden(problem.to_owned())) } else { Ok(()) }
}

fn refuse(holds: bool, field: &'static str, problem: &str) -> Result<(), ServiceError> {
    if holds {
        Err(ServiceError::NotAllowed { field, problem: problem.to_owned() })
    } else {
        Ok(())
    }
}
