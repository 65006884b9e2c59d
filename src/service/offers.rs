//! What is offered to somebody before they try it: asked of the same rules that the acts ask, so that a
//! page shows no button that would be refused.

use crate::config::settings::TokenSettings;
use crate::domain::grant::Contexts;
use crate::domain::id::{OwnerId, Slug, TokenId};
use crate::domain::role::Role;
use crate::domain::token::State;
use crate::service::Service;
use crate::service::caller::Caller;
use crate::service::error::ServiceError;
use crate::service::list::TokenList;
use crate::store::Glance;

impl Caller {
    /// Whether there is a kind of user that they may make.
    pub fn makes_owners(&self) -> bool {
        let makers = [Role::Administrator, Role::CompanyAdministrator, Role::Developer];
        makers.into_iter().any(|role| self.has(role))
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
        let relation = self.relation(by, &owner).await?;
        Ok(by.minds_tokens_of(&owner, relation))
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

    /// How many tokens of an owner stop when it is blocked, or go on when it is unblocked: those that could be
    /// used now.
    ///
    /// # Errors
    /// No such owner, or a store that cannot be read.
    pub async fn stopping(&self, by: &Caller, of: &OwnerId) -> Result<u64, ServiceError> {
        self.let_see(by, &*self.owner_record(of).await?).await?;
        let of = Some(of.to_string());
        self.usable(by, TokenList { owner: of, ..TokenList::default() }).await
    }

    /// How many tokens of a company stop when it is blocked, or go on when it is unblocked.
    ///
    /// # Errors
    /// No such company for `by`, or a store that cannot be read.
    pub async fn stopping_of_company(&self, by: &Caller, of: &Slug) -> Result<u64, ServiceError> {
        by.let_see_company(of)?;
        let of = Some(of.to_string());
        self.usable(by, TokenList { company: of, ..TokenList::default() }).await
    }

    /// Contexts that a token of an owner could use in a company, its own if none is named: those that this is
    /// licensed for. All where `by` hands out no tokens of that owner or for that company; the act tells why then.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn licensed_contexts(
        &self,
        by: &Caller,
        owner: &OwnerId,
        company: Option<&Slug>,
    ) -> Result<(Contexts, Option<Slug>), ServiceError> {
        let nothing = (Contexts::All, None);
        let Some(owner) = self.store().owner(owner).await? else { return Ok(nothing) };
        if !self.may_hand_out(by, &owner).await? {
            return Ok(nothing);
        }
        let company = company.or(owner.company.as_ref());
        if !by.grants.company.includes(company) {
            return Ok(nothing);
        }
        let on_record = self.company_of(company).await?;
        Ok(on_record.map_or(nothing, |on| (on.contexts.clone(), Some(on.id.clone()))))
    }

    /// Usable tokens of a list.
    async fn usable(&self, by: &Caller, of: TokenList) -> Result<u64, ServiceError> {
        let (mut tokens, now) = (0, self.moment().await?);
        // By the state alone: that of an owner who is blocked counts too, when it is asked what goes on.
        let count = |token: &Glance| {
            tokens += u64::from(token.course.state(token.used, now) == State::Active);
        };
        self.each_seen(by, &of, now, count).await?;
        Ok(tokens)
    }
}
