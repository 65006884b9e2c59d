//! What is offered to somebody before they try it: asked of the same rules that the acts ask, so that a
//! page shows no button that would be refused.

use crate::domain::id::{OwnerId, TokenId};
use crate::domain::role::Role;
use crate::domain::token::State;
use crate::service::caller::Caller;
use crate::service::error::ServiceError;
use crate::service::list::TokenList;
use crate::service::{PAGE_ENTRIES, Service};

/// How many pages of an owner's tokens are counted.
const PAGES_COUNTED: usize = 10;

/// How many tokens stop when their owner is blocked.
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
}

impl Service {
    /// Whether they may make, change and end tokens of an owner.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn offers_tokens(&self, by: &Caller, of: &OwnerId) -> Result<bool, ServiceError> {
        let owner = self.owner_record(of).await?;
        let relation = self.relation(by, &owner).await?;
        Ok(by.minds_tokens_of(&owner, relation))
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
        let (mut tokens, mut after) = (0, None);
        for _ in 0..PAGES_COUNTED {
            let asked = TokenList {
                owner: Some(of.to_string()),
                cursor: after,
                limit: Some(PAGE_ENTRIES),
                ..TokenList::default()
            };
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
