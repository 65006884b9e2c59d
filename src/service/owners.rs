//! Users and services: making, blocking, unblocking. Changing them is `owner_update`'s.

use std::ops::Bound;
use std::sync::Arc;

use crate::domain::event::EventKind;
use crate::domain::flags::Flags;
use crate::domain::id::OwnerId;
use crate::domain::owner::Owner;
use crate::domain::token::{Act, Revision};
use crate::service::caller::Caller;
use crate::service::error::ServiceError;
use crate::service::input::NewOwner;
use crate::service::view::{OwnerChanged, OwnerView};
use crate::service::{Service, check, grant, known, page_size};
use crate::store::{Change, Page, Record, StoreError};

/// The most roles of an owner.
pub(super) const ROLES: usize = 100;

impl Service {
    /// Makes a user or a service.
    ///
    /// # Errors
    /// A value that cannot be, a name that is taken, or a store that refuses.
    pub async fn create_owner(
        &self,
        by: &Caller,
        input: NewOwner,
    ) -> Result<OwnerView, ServiceError> {
        let settings = self.settings();
        let id = input.id.ok_or_else(|| ServiceError::field("id", "a user name is required"))?;
        let name = if input.name.is_empty() { id.as_str().to_owned() } else { input.name };
        check::no_secret("id", id.as_str())?;
        check::name("name", &name)?;
        input.email.as_deref().map_or(Ok(()), check::email)?;
        if input.roles.len() > ROLES {
            return Err(ServiceError::field("roles", format_args!("at most {ROLES} roles")));
        }
        let ceiling = match &input.ceiling {
            Some(input) => check::flags("ceiling", input, &settings.flags)?,
            None => Flags::UNLIMITED,
        };
        grant::ceiling(&by.grants, ceiling)?;
        grant::tenant("company", &by.grants, input.company.as_ref())?;
        if let Some(parent) = &input.parent {
            let parent = self.owner_record(parent).await?;
            self.let_see(by, &parent).await?;
        }
        let owner = Owner {
            id,
            kind: input.kind,
            name,
            email: input.email,
            company: input.company,
            parent: input.parent,
            roles: input.roles.into_iter().collect(),
            ceiling,
            password: None,
            blocked: None,
            created_by: by.actor.clone(),
            created_at: self.moment().await?,
            revision: Revision::NONE.next(),
        };
        by.may_make(&owner)?;
        self.hold_no_secret(known::of_owner(&owner), Vec::new(), None).await?;
        let view = OwnerView::new(&owner, &settings.flags);
        let change = change(owner, Revision::NONE);
        match self.write(by, EventKind::OwnerCreated, "", change, Vec::new()).await {
            Err(StoreError::Conflict { .. }) => Err(ServiceError::OwnerExists(view.id)),
            result => Ok(result.map(|_| view)?),
        }
    }

    /// One user or service.
    ///
    /// # Errors
    /// No such owner, or a store that cannot be read.
    pub async fn owner(&self, by: &Caller, id: &OwnerId) -> Result<OwnerView, ServiceError> {
        let owner = self.owner_record(id).await?;
        self.let_see(by, &owner).await?;
        Ok(OwnerView::new(&owner, &self.settings().flags))
    }

    /// Users and services in alphabetical order.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn owners(
        &self,
        by: &Caller,
        after: Option<&OwnerId>,
        limit: usize,
    ) -> Result<Page<OwnerView, OwnerId>, ServiceError> {
        let limit = page_size(limit)?;
        let settings = self.settings();
        let view = |owner: &Owner| OwnerView::new(owner, &settings.flags);
        if by.sees_all() {
            let page = self.store().owners(after, limit).await?;
            let entries = page.entries.iter().map(|owner| view(owner)).collect();
            return Ok(Page { entries, next: page.next });
        }
        let seen = self.seen_by(by).await?;
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let (mut entries, mut next) = (Vec::new(), None);
        for id in seen.range::<OwnerId, _>((from, Bound::Unbounded)) {
            if entries.len() == limit {
                return Ok(Page { entries, next });
            }
            if let Some(owner) = self.store().owner(id).await? {
                entries.push(view(&owner));
                next = Some(id.clone());
            }
        }
        Ok(Page { entries, next: None })
    }

    /// Stops all tokens of an owner until it is unblocked (row E6).
    ///
    /// # Errors
    /// No such owner, or a store that refuses.
    pub async fn block_owner(
        &self,
        by: &Caller,
        id: &OwnerId,
        reason: &str,
    ) -> Result<OwnerChanged, ServiceError> {
        let now = self.at().await?;
        let act = Act { at: now, by: by.actor.clone(), reason: self.kept(reason).await };
        self.set_blocked(by, id, reason, Some(act)).await
    }

    /// Lets the tokens of an owner go on (row E7), if nobody blocked it who stands higher.
    ///
    /// # Errors
    /// No such owner, a block that is not theirs to lift, or a store that refuses.
    pub async fn unblock_owner(
        &self,
        by: &Caller,
        id: &OwnerId,
        reason: &str,
    ) -> Result<OwnerChanged, ServiceError> {
        self.moment().await?;
        self.set_blocked(by, id, reason, None).await
    }

    async fn set_blocked(
        &self,
        by: &Caller,
        id: &OwnerId,
        reason: &str,
        blocked: Option<Act>,
    ) -> Result<OwnerChanged, ServiceError> {
        check::line("reason", reason, check::REASON_CHARS)?;
        let kind =
            if blocked.is_some() { EventKind::OwnerBlocked } else { EventKind::OwnerUnblocked };
        let held = self.owner_record(id).await?;
        self.let_mind(by, &held).await?;
        if by.owner() == Some(id) {
            return Err(ServiceError::Forbidden("nobody blocks themselves".to_owned()));
        }
        let outranks = self.outranks(by, &held, held.blocked.as_ref()).await?;
        if blocked.is_none() {
            by.is_free()?;
            self.let_lift(by, &held, held.blocked.as_ref()).await?;
        }
        self.change_owner(by, kind, reason, id, |owner| {
            // It was judged by the block that there was.
            let expected = (owner.blocked != held.blocked).then_some(held.revision.0);
            check::revision(|| format!("owner `{id}`"), owner.revision, expected)?;
            if blocked.is_none() || outranks {
                owner.blocked.clone_from(&blocked);
            }
            Ok(())
        })
        .await
    }

    /// Applies `apply` to the record and writes it, unless nothing changed. If somebody else was
    /// faster, it is applied to what they made of it. Asks nobody for leave.
    pub(super) async fn change_owner(
        &self,
        by: &Caller,
        kind: EventKind,
        reason: &str,
        id: &OwnerId,
        apply: impl Fn(&mut Owner) -> Result<(), ServiceError>,
    ) -> Result<OwnerChanged, ServiceError> {
        let settings = self.settings();
        let mut attempts = super::ATTEMPTS;
        loop {
            let held = self.owner_record(id).await?;
            by.expects(held.revision, || format!("owner `{id}`"))?;
            let mut owner = Owner::clone(&held);
            apply(&mut owner)?;
            if owner == *held {
                let user = OwnerView::new(&held, &settings.flags);
                return Ok(OwnerChanged { user, changed: false, left_behind: None });
            }
            owner.revision = held.revision.next();
            let user = OwnerView::new(&owner, &settings.flags);
            let change = change(owner, held.revision);
            attempts -= 1;
            match self.write(by, kind, reason, change, Vec::new()).await {
                Err(StoreError::Conflict { .. }) if attempts > 0 => {}
                result => {
                    let changed = OwnerChanged { user, changed: true, left_behind: None };
                    return Ok(result.map(|_| changed)?);
                }
            }
        }
    }

    /// The record of an owner.
    pub(super) async fn owner_record(&self, id: &OwnerId) -> Result<Arc<Owner>, ServiceError> {
        self.store().owner(id).await?.ok_or_else(|| ServiceError::NoOwner(id.clone()))
    }
}

fn change(owner: Owner, expected: Revision) -> Change {
    Change { record: Record::Owner(Arc::new(owner)), expected, unused_since: None }
}
