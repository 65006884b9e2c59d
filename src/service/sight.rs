//! How much of the history somebody sees. Whoever does not see everything sees what is about those whom they see:
//! of events about several, the part that is.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::domain::event::Actor;
use crate::domain::id::{OwnerId, Slug, TokenId};
use crate::domain::owner::Owner;
use crate::service::caller::Caller;
use crate::service::error::ServiceError;
use crate::service::history::EventView;
use crate::service::{Service, StoreError};
use crate::store::{Recorded, Subject, codec};

/// Events that are asked for, as far as they are seen.
#[derive(Debug)]
pub(super) struct Sight {
    /// What they are about; none for anything.
    pub(super) subject: Option<Subject>,
    /// Whose events these are; none for everybody's.
    pub(super) whose: Option<Whose>,
}

impl Sight {
    /// Those of whom the events must be, where the index of a subject does not say it already.
    pub(super) fn sought(&self) -> Option<&Whose> {
        self.whose.as_ref().filter(|_| self.subject.is_none())
    }
}

/// Owners and a company, all of whose events somebody sees.
#[derive(Debug)]
pub(super) struct Whose {
    owners: BTreeSet<OwnerId>,
    company: Option<Slug>,
}

/// What a token is called, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenName {
    /// Given by its maker.
    pub name: String,
    /// The last characters of its secret.
    pub hint: String,
    /// Whom it acts for.
    pub owner: OwnerId,
}

impl Service {
    /// What `by` sees of the events about `subject`, or of all.
    ///
    /// # Errors
    /// Nothing of that name, or nothing that they may see.
    pub(super) async fn sight(
        &self,
        by: &Caller,
        subject: Option<&Subject>,
    ) -> Result<Sight, ServiceError> {
        match subject {
            None => {}
            Some(Subject::Token(id)) => drop(self.token_seen(by, *id).await?),
            Some(Subject::Owner(id)) => self.let_see(by, &*self.owner_record(id).await?).await?,
            Some(Subject::Company(id)) => by.let_see_company(id)?,
        }
        let subject = subject.cloned();
        if by.watches().is_ok() {
            return Ok(Sight { subject, whose: None });
        }
        let (owners, company) = (self.seen_by(by).await?, by.watched_company().cloned());
        // Whoever sees nobody but themselves has an index of their own.
        let alone = by.owner().filter(|_| owners.len() == 1 && company.is_none());
        let subject = subject.or_else(|| alone.cloned().map(Subject::Owner));
        Ok(Sight { subject, whose: Some(Whose { owners, company }) })
    }

    /// Whether an event is about somebody or something of theirs.
    pub(super) async fn is_of(
        &self,
        whose: &Whose,
        recorded: &Recorded,
    ) -> Result<bool, StoreError> {
        let (mut named, mut tokens) = (false, Vec::new());
        for subject in &recorded.subjects {
            match subject {
                Subject::Owner(id) if whose.owners.contains(id) => return Ok(true),
                Subject::Company(id) if whose.company.as_ref() == Some(id) => return Ok(true),
                Subject::Owner(_) => named = true,
                Subject::Company(_) => {}
                Subject::Token(id) => tokens.push(*id),
            }
        }
        // Where owners are named, they are those of the tokens.
        if named || tokens.is_empty() {
            return Ok(false);
        }
        let written = codec::owners_of(&recorded.line).map_err(|error| StoreError::Damaged {
            place: format!("event {}", recorded.position.0),
            what: error.to_string(),
            hint: "`tollgate history verify` checks all of them".to_owned(),
        })?;
        for id in tokens {
            // A token stays its owner's for ever.
            let is_theirs = match written.iter().find(|(written, _)| *written == id) {
                Some((_, owner)) => whose.owners.contains(owner),
                None => self.is_token_of(whose, id).await?,
            };
            if is_theirs {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn is_token_of(&self, whose: &Whose, id: TokenId) -> Result<bool, StoreError> {
        let token = self.store().token(id).await?;
        Ok(token.is_some_and(|token| whose.owners.contains(&token.owner)))
    }

    /// Leaves out of an event what is of others. `after` is the owner that it wrote, if it did.
    pub(super) async fn narrowed(
        &self,
        by: &Caller,
        whose: &Whose,
        after: Option<&Owner>,
        mut view: EventView,
    ) -> Result<EventView, StoreError> {
        if view.event.actor != by.actor {
            // How many there were in all, and what was searched for, is of whoever did it.
            view.event.many = None;
        }
        if let Some(owner) = after
            && self.was_elsewhere(by, whose, owner, &view).await?
        {
            elsewhere(whose, &mut view);
        }
        let all_theirs =
            !view.users.is_empty() && view.users.iter().all(|user| whose.owners.contains(user));
        if all_theirs {
            return Ok(view);
        }
        view.users.retain(|user| whose.owners.contains(user));
        let mut tokens = Vec::with_capacity(view.tokens.len());
        for id in std::mem::take(&mut view.tokens) {
            if self.is_token_of(whose, id).await? {
                tokens.push(id);
            }
        }
        Ok(EventView { tokens, ..view })
    }

    /// Whether an owner was, before or after an event, in another company than that whose events they see, and is
    /// seen for its company alone: of its time elsewhere nothing is theirs to know.
    async fn was_elsewhere(
        &self,
        by: &Caller,
        whose: &Whose,
        after: &Owner,
        view: &EventView,
    ) -> Result<bool, StoreError> {
        if !whose.owners.contains(&after.id) {
            return Ok(true);
        }
        if whose.company.is_none() || by.owner() == Some(&after.id) {
            return Ok(false);
        }
        let now = self.store().owner(&after.id).await?;
        let of_theirs = now.is_some_and(|now| now.company == whose.company);
        let moved = view.changes.iter().any(|change| change.field == "company");
        Ok(of_theirs && (moved || after.company != whose.company))
    }

    /// What tokens are called, for whoever was shown their ids.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn names_of(
        &self,
        ids: impl IntoIterator<Item = TokenId> + Send,
    ) -> Result<BTreeMap<TokenId, TokenName>, ServiceError> {
        let mut names = BTreeMap::new();
        for id in ids.into_iter().collect::<BTreeSet<_>>() {
            if let Some(token) = self.store().token(id).await? {
                let (name, hint) = (token.name.clone(), token.hint.clone());
                names.insert(id, TokenName { name, hint, owner: token.owner.clone() });
            }
        }
        Ok(names)
    }
}

/// Leaves of an event about somebody who was elsewhere that they came or left, and why if it was one of theirs.
fn elsewhere(whose: &Whose, view: &mut EventView) {
    let own = |value: &Value| {
        whose.company.as_ref().is_some_and(|own| value.as_str() == Some(own.as_str()))
    };
    view.changes
        .retain(|change| change.field == "company" && (own(&change.from) || own(&change.to)));
    for change in &mut view.changes {
        for value in [&mut change.from, &mut change.to] {
            if !own(value) {
                *value = Value::Null;
            }
        }
    }
    view.companies.retain(|company| whose.company.as_ref() == Some(company));
    let theirs = matches!(&view.event.actor, Actor::Owner(id) if whose.owners.contains(id));
    if !theirs {
        view.event.reason.clear();
    }
}
