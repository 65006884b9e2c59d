//! Of administrators who can come in, one is always left, whatever they do to each other at the same moment.
//!
//! Nobody takes the role from themselves, blocks themselves or their own company, or moves into a blocked one. So
//! whoever takes it from another is left, if they are still one when they do: hence one such act at a time, and a new
//! look at whoever asks, whose own record another may have changed since they were let in.

use std::sync::Arc;

use tokio::sync::MutexGuard;

use crate::domain::id::{OwnerId, Slug};
use crate::domain::owner::Owner;
use crate::domain::role::Role;
use crate::service::Service;
use crate::service::caller::Caller;
use crate::service::error::ServiceError;
use crate::service::input::{OwnerChange, Patch};

/// An administrator who acts alone among them for as long as this is held.
pub(super) struct Alone<'s> {
    me: Arc<Owner>,
    _turn: MutexGuard<'s, ()>,
}

impl Alone<'_> {
    /// Whether it is their company, as their record is now.
    pub(super) fn are_of(&self, company: &Slug) -> bool {
        self.me.company.as_ref() == Some(company)
    }
}

impl Service {
    /// Waits until no other administrator may be taken away, for whoever may be about to do that. None for the
    /// operator of the machine, who is always left.
    ///
    /// # Errors
    /// They are no administrator any more who can come in, or a store that cannot be read.
    pub(super) async fn alone(&self, by: &Caller) -> Result<Option<Alone<'_>>, ServiceError> {
        let Some(id) = by.owner() else { return Ok(None) };
        let turn = self.administrators.lock().await;
        let me = self.owner_record(id).await?;
        let stopped = me.blocked.is_some() || self.is_stopped_with_company(&me).await?;
        if stopped || !Role::Administrator.is_of(&me) {
            return Err(ServiceError::Forbidden("this is for administrators".to_owned()));
        }
        Ok(Some(Alone { me, _turn: turn }))
    }

    /// The same where `owner` is an administrator, whom alone only administrators change.
    pub(super) async fn alone_with(
        &self,
        by: &Caller,
        owner: &Owner,
    ) -> Result<Option<Alone<'_>>, ServiceError> {
        if Role::Administrator.is_of(owner) { self.alone(by).await } else { Ok(None) }
    }

    /// Refuses whoever would move themselves into a company that is blocked.
    ///
    /// # Errors
    /// They would, or a store that cannot be read.
    pub(super) async fn stays_in(
        &self,
        by: &Caller,
        id: &OwnerId,
        change: &OwnerChange,
    ) -> Result<(), ServiceError> {
        let Patch::Set(company) = &change.company else { return Ok(()) };
        let on_record = self.company_of(Some(company)).await?;
        if by.owner() != Some(id) || on_record.is_none_or(|on| on.blocked.is_none()) {
            return Ok(());
        }
        let problem = format!("the company `{company}` is blocked: you could not come in any more");
        Err(ServiceError::NotAllowed { field: "company", problem })
    }
}

/// Whether a change of an administrator may leave one who is none any more, or who cannot come in.
pub(super) const fn may_take_away(change: &OwnerChange) -> bool {
    !matches!((&change.roles, &change.company), (Patch::Keep, Patch::Keep))
}
