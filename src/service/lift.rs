//! Who may lift a pause or a block: whoever stands at least as high as whoever set it. Else somebody could
//! undo what was done to them.
//!
//! The record has who did it. How high they stand is asked anew: for somebody who lost the role by which they
//! did it, an administrator is needed.

use crate::domain::event::Actor;
use crate::domain::owner::Owner;
use crate::domain::role::Role;
use crate::domain::token::Act;
use crate::service::caller::Caller;
use crate::service::error::ServiceError;
use crate::service::{Service, StoreError};

/// How high somebody stands above an owner and its tokens; the lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Height {
    /// They are the owner.
    Same,
    /// They are so many generations above it.
    Superior(usize),
    /// They administrate its company.
    CompanyAdministrator,
    /// They administrate everything, at the machine or by their role.
    Administrator,
}

impl Service {
    /// How high `by` stands above `owner`; none for a stranger.
    async fn height(&self, by: &Caller, owner: &Owner) -> Result<Option<Height>, StoreError> {
        if by.has(Role::Administrator) {
            return Ok(Some(Height::Administrator));
        }
        if by.manages_company_of(owner) {
            return Ok(Some(Height::CompanyAdministrator));
        }
        Ok(self.generations(by, owner).await?.map(|generations| match generations {
            0 => Height::Same,
            more => Height::Superior(more),
        }))
    }

    /// How high whoever did something stands. Where nothing explains any more that they could, nobody may
    /// undo it but an administrator.
    async fn height_of(&self, act: &Act, owner: &Owner) -> Result<Height, StoreError> {
        let Actor::Owner(id) = &act.by else { return Ok(Height::Administrator) };
        let Some(actor) = self.store().owner(id).await? else { return Ok(Height::Administrator) };
        let height = self.height(&Caller::person(&actor), owner).await?;
        Ok(height.unwrap_or(Height::Administrator))
    }

    /// Whether `by` may undo `act`, which was done to `owner` or to a token of it.
    pub(super) async fn may_lift(
        &self,
        by: &Caller,
        owner: &Owner,
        act: &Act,
    ) -> Result<bool, StoreError> {
        let set_by = self.height_of(act, owner).await?;
        Ok(self.height(by, owner).await?.is_some_and(|height| height >= set_by))
    }

    /// Refuses whoever may not undo what there is, if there is something.
    pub(super) async fn let_lift(
        &self,
        by: &Caller,
        owner: &Owner,
        act: Option<&Act>,
    ) -> Result<(), ServiceError> {
        let Some(act) = act else { return Ok(()) };
        if self.may_lift(by, owner, act).await? {
            return Ok(());
        }
        let problem =
            "somebody who stands above you did this: only they, or others as high, undo it";
        Err(ServiceError::Forbidden(problem.to_owned()))
    }

    /// Whether what `by` does to `owner`, or to a token of it, takes the place of what was done before: that
    /// stays, unless somebody lower did it, who could undo it.
    pub(super) async fn outranks(
        &self,
        by: &Caller,
        owner: &Owner,
        act: Option<&Act>,
    ) -> Result<bool, StoreError> {
        let Some(act) = act else { return Ok(true) };
        let set_by = self.height_of(act, owner).await?;
        Ok(self.height(by, owner).await?.is_some_and(|height| height > set_by))
    }
}
