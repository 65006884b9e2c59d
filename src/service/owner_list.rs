//! Lists of users and services, as somebody asks for them, and finding one of them.

use std::sync::Arc;

use serde::Deserialize;

use crate::domain::id::{OwnerId, Slug};
use crate::domain::owner::{Owner, OwnerKind};
use crate::service::caller::Caller;
use crate::service::error::ServiceError;
use crate::service::family::Card;
use crate::service::list::{USUAL_ENTRIES, given, line, parsed};
use crate::service::view::OwnerView;
use crate::service::{Service, page_size};
use crate::store::Page;
use crate::store::query::folded;

/// Which users and services to list. All conditions hold at once; empty text is as if it were left out, as forms send it.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnerList {
    /// Text in its id, name or e-mail address.
    #[serde(default)]
    pub text: Option<String>,
    /// The tenant.
    #[serde(default)]
    pub company: Option<String>,
    /// `user` or `service`.
    #[serde(default)]
    pub kind: Option<String>,
    /// `active` or `blocked`; its company is not asked.
    #[serde(default)]
    pub state: Option<String>,
    /// A role that it has.
    #[serde(default)]
    pub role: Option<String>,
    /// Behind whom the list begins: where the page before ended.
    #[serde(default)]
    pub after: Option<OwnerId>,
    /// The most entries.
    #[serde(default)]
    pub limit: Option<usize>,
}

impl OwnerList {
    /// So many of all, behind this one.
    pub fn page(after: Option<OwnerId>, limit: usize) -> Self {
        Self { after, limit: Some(limit), ..Self::default() }
    }
}

/// What an owner must be to be listed; what is not said does not matter.
#[derive(Debug, Default, PartialEq)]
struct Filter {
    text: Option<String>,
    company: Option<Slug>,
    kind: Option<OwnerKind>,
    blocked: Option<bool>,
    role: Option<Slug>,
}

impl Filter {
    fn read(asked: &OwnerList) -> Result<Self, ServiceError> {
        Ok(Self {
            text: line("text", &asked.text)?.map(|text| folded(text.trim())),
            company: parsed("company", &asked.company)?,
            kind: given(&asked.kind).map(kind).transpose()?,
            blocked: given(&asked.state).map(is_blocked).transpose()?,
            role: parsed("role", &asked.role)?,
        })
    }

    fn fits(&self, card: &Card) -> bool {
        let Self { text, company, kind, blocked, role } = self;
        kind.is_none_or(|kind| kind == card.kind)
            && blocked.is_none_or(|blocked| blocked == card.blocked)
            && company.as_ref().is_none_or(|company| card.company.as_ref() == Some(company))
            && role.as_ref().is_none_or(|role| card.roles.contains(role))
            && text.as_ref().is_none_or(|text| card.text.contains(text.as_str()))
    }
}

fn kind(text: &str) -> Result<OwnerKind, ServiceError> {
    match text {
        "user" => Ok(OwnerKind::User),
        "service" => Ok(OwnerKind::Service),
        _ => Err(ServiceError::field("kind", "it is `user` or `service`")),
    }
}

fn is_blocked(text: &str) -> Result<bool, ServiceError> {
    match text {
        "active" => Ok(false),
        "blocked" => Ok(true),
        _ => Err(ServiceError::field("state", "it is `active` or `blocked`")),
    }
}

impl Service {
    /// A page of the users and services that `by` may see, in alphabetical order. A page may have fewer entries than
    /// were asked for, and another one behind it.
    ///
    /// # Errors
    /// A value that cannot be, or a store that cannot be read.
    pub async fn owners(
        &self,
        by: &Caller,
        asked: &OwnerList,
    ) -> Result<Page<OwnerView, OwnerId>, ServiceError> {
        let limit = page_size(asked.limit.unwrap_or(USUAL_ENTRIES))?;
        let (filter, after) = (Filter::read(asked)?, asked.after.as_ref());
        let settings = self.settings();
        let view = |owner: &Owner| OwnerView::new(owner, &settings.flags);
        if by.sees_all() && filter == Filter::default() {
            let page = self.store().owners(after, limit).await?;
            let entries = page.entries.iter().map(|owner| view(owner)).collect();
            return Ok(Page { entries, next: page.next });
        }
        let (ids, more) = {
            let family = self.family().await?;
            let sight = family.sight(by);
            let mut fitting = family.seen(&sight, after).filter(|(_, card)| filter.fits(card));
            let ids: Vec<_> = fitting.by_ref().take(limit).map(|(id, _)| id.clone()).collect();
            (ids, fitting.next().is_some())
        };
        let mut entries = Vec::with_capacity(ids.len());
        for id in &ids {
            let owner = self.store().owner(id).await?;
            // Somebody may have changed it meanwhile.
            let fits = |owner: &Arc<Owner>| filter.fits(&Card::of(owner));
            entries.extend(owner.filter(fits).map(|owner| view(&owner)));
        }
        Ok(Page { entries, next: ids.last().filter(|_| more).cloned() })
    }

    /// The one whom somebody means who types a name: by their id, or by the whole name or e-mail address that nobody
    /// else has whom `by` sees. None where that is nobody.
    ///
    /// # Errors
    /// Several are called so, or a store that cannot be read.
    pub async fn owner_meant(
        &self,
        by: &Caller,
        text: &str,
    ) -> Result<Option<OwnerId>, ServiceError> {
        let text = text.trim();
        if let Ok(id) = text.parse::<OwnerId>() {
            match self.owner(by, &id).await {
                Ok(_) => return Ok(Some(id)),
                Err(ServiceError::NoOwner(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let wanted = folded(text);
        let family = self.family().await?;
        let sight = family.sight(by);
        let is_it = |card: &Card| card.text.lines().any(|line| line == wanted);
        let mut found = family.seen(&sight, None).filter(|(_, card)| is_it(card));
        let first = found.next().map(|(id, _)| id.clone()).filter(|_| !wanted.is_empty());
        if first.is_some() && found.next().is_some() {
            let problem = "several users are called this: type the user name of the one you mean";
            return Err(ServiceError::field("owner", problem));
        }
        Ok(first)
    }
}
