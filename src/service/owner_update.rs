//! Changing users and services. What is not named in the change is left as it is, and not checked
//! again.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::config::Settings;
use crate::domain::event::EventKind;
use crate::domain::id::{OwnerId, Slug};
use crate::domain::owner::Owner;
use crate::domain::time::Timestamp;
use crate::service::caller::Caller;
use crate::service::error::ServiceError;
use crate::service::input::{OwnerChange, Patch};
use crate::service::owners::ROLES;
use crate::service::view::{LeftBehind, OwnerChanged, OwnerView};
use crate::service::walk::Walk;
use crate::service::{ATTEMPTS, Service, check, grant, known, one_left, widening};
use crate::store::{Change, Record, StoreError, Subject, TokenFilter};

/// How many superiors are followed to see that nobody is among their own.
const PARENTS: usize = 1_000;

impl Service {
    /// Changes a user or a service. The next request of each of its tokens is decided by what it is
    /// then. Its tokens keep the company that they were made for, and the answer says how many are
    /// in another one than their owner now: they carry rights that somebody gave for that company,
    /// and only somebody can know whether these end with the move.
    ///
    /// # Errors
    /// No such owner, a value that cannot be, more than may be granted, another revision than the
    /// one that the change was made from, or a store that refuses.
    pub async fn update_owner(
        &self,
        by: &Caller,
        id: &OwnerId,
        change: &OwnerChange,
    ) -> Result<OwnerChanged, ServiceError> {
        check::line("reason", &change.reason, check::REASON_CHARS)?;
        by.is_free()?;
        let (settings, now) = (self.settings(), self.moment().await?);
        self.let_mind(by, &*self.owner_record(id).await?).await?;
        // Of two who change superiors at once, the second sees what the first did: each change
        // alone may close no circle that both together would.
        let _alone = match change.parent {
            Patch::Set(_) => Some(self.parents.lock().await),
            Patch::Keep | Patch::Clear => None,
        };
        if let Patch::Set(parent) = &change.parent {
            self.let_see(by, &*self.owner_record(parent).await?).await?;
            self.check_parent(id, parent).await?;
        }
        let (mut attempts, mut alone) = (ATTEMPTS, None);
        loop {
            let held = self.owner_record(id).await?;
            self.let_mind(by, &held).await?;
            if alone.is_none() && one_left::may_take_away(change) {
                // What others wrote meanwhile is a conflict below.
                alone = self.alone_with(by, &held).await?;
                self.stays_in(by, id, change).await?;
            }
            by.expects(held.revision, || format!("owner `{id}`"))?;
            check::revision(|| format!("owner `{id}`"), held.revision, change.revision)?;
            let mut owner = Owner::clone(&held);
            apply(&mut owner, by, change, &settings)?;
            if !by.may_widen(&held, settings.tokens.self_service) {
                widening::only_narrows_owner(&held, &owner)?;
            }
            let changed = owner != *held;
            owner.revision = if changed { held.revision.next() } else { held.revision };
            if changed {
                let texts = (known::of_owner(&owner), known::of_owner(&held));
                self.hold_no_secret(texts.0, texts.1, &BTreeSet::new()).await?;
                let subjects = moved(&held, &owner);
                let record = Record::Owner(Arc::new(owner.clone()));
                let written = Change { record, expected: held.revision, unused_since: None };
                attempts -= 1;
                let kind = EventKind::OwnerUpdated;
                match self.write(by, kind, &change.reason, written, subjects).await {
                    Err(StoreError::Conflict { .. }) if attempts > 0 => continue,
                    result => drop(result?),
                }
            }
            let left_behind = match change.company {
                Patch::Keep => None,
                Patch::Set(_) | Patch::Clear => self.left_behind(&owner, now).await?,
            };
            let user = OwnerView::new(&owner, &settings.flags);
            return Ok(OwnerChanged { left_behind, ..OwnerChanged::new(user, changed) });
        }
    }

    /// Whether `parent` can be the superior of `id`: it is there, and `id` is not above it.
    async fn check_parent(&self, id: &OwnerId, parent: &OwnerId) -> Result<(), ServiceError> {
        let mut above = self.owner_record(parent).await?;
        for _ in 0..PARENTS {
            if above.id == *id {
                let problem = if parent == id {
                    "nobody is their own superior".to_owned()
                } else {
                    format!("`{parent}` is a subordinate of `{id}`, so it cannot be above it")
                };
                return Err(ServiceError::field("parent", problem));
            }
            let Some(next) = &above.parent else { return Ok(()) };
            above = self.owner_record(next).await?;
        }
        let problem = format_args!("`{parent}` has more than {PARENTS} superiors already");
        Err(ServiceError::field("parent", problem))
    }

    /// How many tokens of an owner have not ended and are in another company than it.
    async fn left_behind(
        &self,
        owner: &Owner,
        now: Timestamp,
    ) -> Result<Option<LeftBehind>, ServiceError> {
        let owners = Some([owner.id.clone()].into());
        let mut walk = Walk::new(TokenFilter { owners, ..TokenFilter::default() }, now);
        let mut tokens = 0;
        while let Some(some) = self.step(&mut walk).await? {
            let left = some.iter().filter(|token| {
                let over = token.course.state(token.used, now).is_final();
                !over && !token.is_of_company(owner.company.as_ref())
            });
            tokens += left.count();
        }
        Ok((tokens > 0).then_some(LeftBehind { tokens }))
    }
}

/// The companies whose history shows that somebody came or left.
fn moved(before: &Owner, after: &Owner) -> Vec<Subject> {
    if before.company == after.company {
        return Vec::new();
    }
    let companies = [&before.company, &after.company].into_iter().flatten();
    companies.cloned().map(Subject::Company).collect()
}

fn apply(
    owner: &mut Owner,
    by: &Caller,
    change: &OwnerChange,
    settings: &Settings,
) -> Result<(), ServiceError> {
    match &change.name {
        Patch::Keep => {}
        Patch::Clear => return Err(ServiceError::field("name", "a user has a name")),
        Patch::Set(name) => {
            check::name("name", name)?;
            owner.name.clone_from(name);
        }
    }
    if let Some(email) = optional(&change.email) {
        email.map_or(Ok(()), |email| check::email(email))?;
        owner.email = email.cloned();
    }
    if let Some(company) = optional::<Slug>(&change.company) {
        grant::tenant("company", &by.grants, company)?;
        owner.company = company.cloned();
    }
    if let Some(parent) = optional(&change.parent) {
        owner.parent = parent.cloned();
    }
    if let Some(roles) = optional(&change.roles) {
        let roles = roles.map_or(&[][..], Vec::as_slice);
        if roles.len() > ROLES {
            return Err(ServiceError::field("roles", format_args!("at most {ROLES} roles")));
        }
        let before = std::mem::replace(&mut owner.roles, roles.iter().cloned().collect());
        by.may_give_roles_of(owner, &before)?;
    }
    match &change.ceiling {
        Patch::Keep => {}
        Patch::Clear => {
            let problem = "say -1 for no limit, or 0 for no access level";
            return Err(ServiceError::field("ceiling", problem));
        }
        Patch::Set(ceiling) => {
            let ceiling = check::flags("ceiling", ceiling, &settings.flags)?;
            grant::ceiling(&by.grants, ceiling)?;
            owner.ceiling = ceiling;
        }
    }
    Ok(())
}

/// What a field that can be cleared becomes, if it is named.
const fn optional<T>(patch: &Patch<T>) -> Option<Option<&T>> {
    match patch {
        Patch::Keep => None,
        Patch::Clear => Some(None),
        Patch::Set(value) => Some(Some(value)),
    }
}
