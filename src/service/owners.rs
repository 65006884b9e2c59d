//! Users and services: making, blocking, unblocking. Changing them is `owner_update`'s.

use std::collections::BTreeSet;
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
use crate::service::{Service, check, grant, known};
use crate::store::{Change, Record, StoreError};

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
        let owner = self.prepared_owner(by, input).await?;
        let view = OwnerView::new(&owner, &self.settings().flags);
        let change = change(owner, Revision::NONE);
        match self.write(by, EventKind::OwnerCreated, "", change, Vec::new()).await {
            Err(StoreError::Conflict { .. }) => Err(ServiceError::OwnerExists(view.id)),
            result => Ok(result.map(|_| view)?),
        }
    }

    /// Tells whether a user could be made so, and makes none.
    ///
    /// # Errors
    /// Those of making it, but for a store that refuses to write.
    pub async fn try_owner(&self, by: &Caller, input: NewOwner) -> Result<(), ServiceError> {
        let owner = self.prepared_owner(by, input).await?;
        match self.store().owner(&owner.id).await? {
            Some(_) => Err(ServiceError::OwnerExists(owner.id)),
            None => Ok(()),
        }
    }

    /// The record of a new user or service, if it may be, before it is written.
    async fn prepared_owner(&self, by: &Caller, input: NewOwner) -> Result<Owner, ServiceError> {
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
        self.hold_no_secret(known::of_owner(&owner), Vec::new(), &BTreeSet::new()).await?;
        Ok(owner)
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
        self.at().await?;
        self.set_blocked(by, id, reason, EventKind::OwnerBlocked).await
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
        self.set_blocked(by, id, reason, EventKind::OwnerUnblocked).await
    }

    async fn set_blocked(
        &self,
        by: &Caller,
        id: &OwnerId,
        reason: &str,
        kind: EventKind,
    ) -> Result<OwnerChanged, ServiceError> {
        check::line("reason", reason, check::REASON_CHARS)?;
        let mut held = self.owner_record(id).await?;
        self.let_mind(by, &held).await?;
        if by.owner() == Some(id) {
            return Err(ServiceError::Forbidden("nobody blocks themselves".to_owned()));
        }
        let alone = match kind {
            EventKind::OwnerBlocked => self.alone_with(by, &held).await?,
            _ => None,
        };
        if alone.is_some() {
            held = self.owner_record(id).await?;
        }
        let outranks = self.outranks(by, &held, held.blocked.as_ref()).await?;
        // What costs look-ups in the store for each word comes last.
        let blocked = if kind == EventKind::OwnerBlocked {
            let (at, reason) = (self.at().await?, self.kept(reason).await);
            Some(Act { at, by: by.actor.clone(), reason })
        } else {
            by.is_free()?;
            self.let_lift(by, &held, held.blocked.as_ref()).await?;
            None
        };
        self.change_owner(by, kind, reason, id, |owner| {
            // It was judged by the block and the roles that there were.
            let same = owner.blocked == held.blocked && owner.roles == held.roles;
            let expected = (!same).then_some(held.revision.0);
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
                return Ok(OwnerChanged::new(user, false));
            }
            owner.revision = held.revision.next();
            let user = OwnerView::new(&owner, &settings.flags);
            let change = change(owner, held.revision);
            attempts -= 1;
            match self.write(by, kind, reason, change, Vec::new()).await {
                Err(StoreError::Conflict { .. }) if attempts > 0 => {}
                result => {
                    let changed = OwnerChanged::new(user, true);
                    return Ok(result.map(|_| changed)?);
                }
            }
        }
    }

    /// Whether somebody can sign in as this owner.
    ///
    /// # Errors
    /// No such owner, or a store that cannot be read.
    pub async fn has_password(&self, id: &OwnerId) -> Result<bool, ServiceError> {
        Ok(self.owner_record(id).await?.password.is_some())
    }

    /// The record of an owner.
    pub(super) async fn owner_record(&self, id: &OwnerId) -> Result<Arc<Owner>, ServiceError> {
        self.store().owner(id).await?.ok_or_else(|| ServiceError::NoOwner(id.clone()))
    }
}

fn change(owner: Owner, expected: Revision) -> Change {
    Change { record: Record::Owner(Arc::new(owner)), expected, unused_since: None }
}
