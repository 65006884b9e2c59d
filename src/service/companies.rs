//! Companies: putting them on record, licensing contexts to them, blocking and unblocking.
//!
//! Tokens and owners may name a company that is not on record; nothing is known against it. Putting
//! it on record later holds for the tokens that there are.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::company::Company;
use crate::domain::event::EventKind;
use crate::domain::id::Slug;
use crate::domain::token::{Act, Revision};
use crate::service::caller::Caller;
use crate::service::error::ServiceError;
use crate::service::input::{CompanyChange, NewCompany, Patch};
use crate::service::view::{CompanyChanged, CompanyView};
use crate::service::{ATTEMPTS, Service, check, grant, known, page_size};
use crate::store::{Change, Page, Record, StoreError};

impl Service {
    /// Puts a company on record.
    ///
    /// # Errors
    /// A value that cannot be, a name that is taken, more than may be granted, or a store that
    /// refuses.
    pub async fn create_company(
        &self,
        by: &Caller,
        input: NewCompany,
    ) -> Result<CompanyView, ServiceError> {
        by.administers()?;
        by.is_free()?;
        let settings = self.settings();
        let id = input.id.ok_or_else(|| ServiceError::field("id", "a company has a name"))?;
        let name = if input.name.is_empty() { id.as_str().to_owned() } else { input.name };
        let contexts = input.contexts.unwrap_or_default();
        check::name("name", &name)?;
        check::contexts(&contexts, &settings.contexts, None)?;
        grant::tenant("id", &by.grants, Some(&id))?;
        grant::contexts(&by.grants, &contexts)?;
        let company = Company {
            id,
            name,
            contexts,
            blocked: None,
            created_by: by.actor.clone(),
            created_at: self.moment().await?,
            revision: Revision::NONE.next(),
        };
        self.hold_no_secret(known::of_company(&company), Vec::new(), &BTreeSet::new()).await?;
        let view = CompanyView::new(&company, &settings.contexts);
        let change = change(company, Revision::NONE);
        match self.write(by, EventKind::CompanyCreated, "", change, Vec::new()).await {
            Err(StoreError::Conflict { .. }) => Err(ServiceError::CompanyExists(view.id)),
            result => Ok(result.map(|_| view)?),
        }
    }

    /// One company.
    ///
    /// # Errors
    /// No such company on record, or a store that cannot be read.
    pub async fn company(&self, by: &Caller, id: &Slug) -> Result<CompanyView, ServiceError> {
        let company = self.company_seen(by, id).await?;
        Ok(CompanyView::new(&company, &self.settings().contexts))
    }

    /// The companies on record that `by` may see, in alphabetical order.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn companies(
        &self,
        by: &Caller,
        after: Option<&Slug>,
        limit: usize,
    ) -> Result<Page<CompanyView, Slug>, ServiceError> {
        let (limit, settings) = (page_size(limit)?, self.settings());
        let view = |company: &Arc<Company>| CompanyView::new(company, &settings.contexts);
        if !by.sees_all() {
            let one = by.watched_company().filter(|id| after.is_none_or(|after| *id > after));
            let found = self.company_of(one).await?;
            let entries = found.iter().map(view).collect();
            return Ok(Page { entries, next: None });
        }
        let page = self.store().companies(after, limit).await?;
        Ok(Page { entries: page.entries.iter().map(view).collect(), next: page.next })
    }

    /// Changes a company's name or what it is licensed for. The next request of each of its tokens
    /// is decided by that (row F5).
    ///
    /// # Errors
    /// No such company, a value that cannot be, more than may be granted, another revision than the
    /// one that the change was made from, or a store that refuses.
    pub async fn update_company(
        &self,
        by: &Caller,
        id: &Slug,
        change: &CompanyChange,
    ) -> Result<CompanyChanged, ServiceError> {
        let settings = self.settings();
        self.moment().await?;
        self.change_company(by, EventKind::CompanyUpdated, &change.reason, id, |company| {
            check::revision(|| format!("company `{id}`"), company.revision, change.revision)?;
            match &change.name {
                Patch::Keep => {}
                Patch::Clear => return Err(ServiceError::field("name", "a company has a name")),
                Patch::Set(name) => {
                    check::name("name", name)?;
                    company.name.clone_from(name);
                }
            }
            match &change.contexts {
                Patch::Keep => Ok(()),
                Patch::Clear => Err(ServiceError::field("contexts", "say \"all\" or give a list")),
                Patch::Set(contexts) => {
                    check::contexts(contexts, &settings.contexts, Some(&company.contexts))?;
                    grant::contexts(&by.grants, contexts)?;
                    company.contexts = contexts.clone();
                    Ok(())
                }
            }
        })
        .await
    }

    /// Stops all tokens of a company until it is unblocked.
    ///
    /// # Errors
    /// No such company on record, or a store that refuses.
    pub async fn block_company(
        &self,
        by: &Caller,
        id: &Slug,
        reason: &str,
    ) -> Result<CompanyChanged, ServiceError> {
        // What costs look-ups in the store comes last.
        check::line("reason", reason, check::REASON_CHARS)?;
        by.minds_company(id)?;
        grant::tenant("id", &by.grants, Some(id))?;
        let alone = self.alone(by).await?;
        if alone.as_ref().is_some_and(|alone| alone.are_of(id)) {
            let problem = "nobody blocks their own company: they could not come in to unblock it";
            return Err(ServiceError::Forbidden(problem.to_owned()));
        }
        let (at, kept) = (self.at().await?, self.kept(reason).await);
        let act = Act { at, by: by.actor.clone(), reason: kept };
        self.change_company(by, EventKind::CompanyBlocked, reason, id, |company| {
            // Who blocked it first stays on record.
            company.blocked.get_or_insert_with(|| act.clone());
            Ok(())
        })
        .await
    }

    /// Lets the tokens of a company go on.
    ///
    /// # Errors
    /// No such company on record, or a store that refuses.
    pub async fn unblock_company(
        &self,
        by: &Caller,
        id: &Slug,
        reason: &str,
    ) -> Result<CompanyChanged, ServiceError> {
        self.moment().await?;
        self.change_company(by, EventKind::CompanyUnblocked, reason, id, |company| {
            company.blocked = None;
            Ok(())
        })
        .await
    }

    /// Applies `apply` to the record and writes it, unless nothing changed. If somebody else was
    /// faster, it is applied to what they made of it.
    async fn change_company(
        &self,
        by: &Caller,
        kind: EventKind,
        reason: &str,
        id: &Slug,
        apply: impl Fn(&mut Company) -> Result<(), ServiceError>,
    ) -> Result<CompanyChanged, ServiceError> {
        check::line("reason", reason, check::REASON_CHARS)?;
        by.minds_company(id)?;
        grant::tenant("id", &by.grants, Some(id))?;
        let mut attempts = ATTEMPTS;
        loop {
            let held = self.company_record(id).await?;
            by.expects(held.revision, || format!("company `{id}`"))?;
            let mut company = Company::clone(&held);
            apply(&mut company)?;
            let changed = company != *held;
            company.revision = if changed { held.revision.next() } else { held.revision };
            let view = CompanyView::new(&company, &self.settings().contexts);
            if !changed {
                return Ok(CompanyChanged { company: view, changed, stopped: None });
            }
            let texts = (known::of_company(&company), known::of_company(&held));
            self.hold_no_secret(texts.0, texts.1, &BTreeSet::new()).await?;
            let change = change(company, held.revision);
            attempts -= 1;
            match self.write(by, kind, reason, change, Vec::new()).await {
                Err(StoreError::Conflict { .. }) if attempts > 0 => {}
                result => {
                    result?;
                    return Ok(CompanyChanged { company: view, changed, stopped: None });
                }
            }
        }
    }

    /// The record of a company.
    pub(super) async fn company_record(&self, id: &Slug) -> Result<Arc<Company>, ServiceError> {
        self.store().company(id).await?.ok_or_else(|| ServiceError::NoCompany(id.clone()))
    }

    /// The record of the company that is named, if one is named and is on record.
    pub(super) async fn company_of(
        &self,
        id: Option<&Slug>,
    ) -> Result<Option<Arc<Company>>, StoreError> {
        match id {
            Some(id) => self.store().company(id).await,
            None => Ok(None),
        }
    }
}

fn change(company: Company, expected: Revision) -> Change {
    Change { record: Record::Company(Arc::new(company)), expected, unused_since: None }
}
