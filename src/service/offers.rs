//! What is offered to somebody before they try it: asked of the same rules that the acts ask, so that a
//! page shows no button that would be refused.

use crate::config::settings::TokenSettings;
use crate::domain::grant::Contexts;
use crate::domain::id::{OwnerId, Slug, TokenId};
use crate::domain::role::Role;
use crate::domain::token::State;
use crate::service::caller::Caller;
use crate::service::error::ServiceError;
use crate::service::list::TokenList;
use crate::service::{PAGE_ENTRIES, Service};

/// How many pages of an owner's tokens are counted.
const PAGES_COUNTED: usize = 10;

/// How many tokens stop when their owner or their company is blocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopping {
    /// Those that could be used now.
    pub tokens: u64,
    /// Whether there are more than were counted.
    pub more: bool,
}

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

    /// How many tokens of an owner stop when it is blocked, or go on when it is unblocked.
    ///
    /// # Errors
    /// No such owner, or a store that cannot be read.
    pub async fn stopping(&self, by: &Caller, of: &OwnerId) -> Result<Stopping, ServiceError> {
        let of = Some(of.to_string());
        self.counted(by, TokenList { owner: of, ..TokenList::default() }).await
    }

    /// How many tokens of a company stop when it is blocked, or go on when it is unblocked.
    ///
    /// # Errors
    /// No such company for `by`, or a store that cannot be read.
    pub async fn stopping_of_company(
        &self,
        by: &Caller,
        of: &Slug,
    ) -> Result<Stopping, ServiceError> {
        by.let_see_company(of)?;
        let of = Some(of.to_string());
        self.counted(by, TokenList { company: of, ..TokenList::default() }).await
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
    async fn counted(&self, by: &Caller, of: TokenList) -> Result<Stopping, ServiceError> {
        let (mut tokens, mut after) = (0, None);
        for _ in 0..PAGES_COUNTED {
            let limit = Some(PAGE_ENTRIES);
            let asked = TokenList { cursor: after, limit, ..of.clone() };
            let page = self.tokens(by, &asked).await?;
            // By the state alone: that of an owner who is blocked counts too, when it is asked what goes on.
            let usable = page.entries.iter().filter(|token| token.state == State::Active);
            tokens += u64::try_from(usable.count()).unwrap_or(u64::MAX);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        Ok(Stopping { tokens, more: after.is_some() })
    }
}
