//! Tokens at a glance: told by their summaries, by their records where these say too little.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::find;
use super::index::Index;
use super::shared::Shared;
use super::stopped::Stopped;
use super::summaries::{Against, Glanced, Scanned};
use super::{blocked, entry, keys};
use crate::domain::id::TokenId;
use crate::domain::token::Token;
use crate::store::query::TokenQuery;
use crate::store::{Glance, Page, PendingUses, StoreError, UseKey, UseSlot};

/// The most records that a page is made of where there is nothing else.
const RECORDS: usize = 1_000;

/// A page under way.
struct Looking<'a> {
    index: &'a Index,
    shared: &'a Shared,
    query: &'a TokenQuery,
    pending: &'a dyn PendingUses,
    stopped: Stopped,
}

/// The page that is asked for.
pub(super) fn glances(
    index: &Index,
    shared: &Shared,
    query: &TokenQuery,
    pending: &dyn PendingUses,
) -> Result<Page<Glance, TokenId>, StoreError> {
    let stopped = shared.blocked.all(index)?;
    let looking = Looking { index, shared, query, pending, stopped };
    let rough = TokenQuery { filter: query.filter.of_record(), ..query.clone() };
    let owners = rough.filter.owners.as_ref().map(|owners| owners.iter().collect::<Vec<_>>());
    let few = match owners.as_deref() {
        Some(owners) => owners.is_empty() || find::few(index, owners)?.is_some(),
        None => false,
    };
    match looking.by_summaries(&rough, few)? {
        Some(page) => Ok(page),
        None => looking.by_records(&rough),
    }
}

impl Looking<'_> {
    /// None where the summaries cannot be relied on, or of `few` tokens, which are quicker to look at.
    fn by_summaries(
        &self,
        rough: &TokenQuery,
        few: bool,
    ) -> Result<Option<Page<Glance, TokenId>>, StoreError> {
        let limit = self.query.limit;
        let mut entries: Vec<Glance> = Vec::new();
        let take = |glanced: Glanced| {
            let glance = match glanced {
                Glanced::Sure(glance) => Some(glance),
                Glanced::Ask(id, salt) => match entry::token_with_head(self.index, id)? {
                    Some((token, head)) => self.of_record(&token, head.slot, salt)?,
                    None => None,
                },
            };
            entries.extend(glance.filter(|glance| self.is_wanted(glance)));
            // One more than the page has says that there are more.
            let full = entries.len() > limit;
            Ok(if full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        };
        let (uses, pending) = (&self.shared.uses, Some(self.pending));
        let against = Against { query: rough, uses, pending, blocked: &self.stopped };
        if few || self.shared.summaries.glances(against, take)? == Scanned::Unreliable {
            return Ok(None);
        }
        let more = entries.len() > limit;
        entries.truncate(limit);
        let next = entries.last().filter(|_| more).map(|glance| glance.id);
        Ok(Some(Page { entries, next }))
    }

    fn by_records(&self, rough: &TokenQuery) -> Result<Page<Glance, TokenId>, StoreError> {
        let rough = TokenQuery { limit: rough.limit.min(RECORDS), ..rough.clone() };
        let page = find::tokens(self.index, self.shared, &rough)?;
        let mut entries = Vec::with_capacity(page.entries.len());
        for listed in &page.entries {
            let slot = listed.slot.map_or(0, UseSlot::number);
            let glance = self.of_record(&listed.token, slot, 0)?;
            entries.extend(glance.filter(|glance| self.is_wanted(glance)));
        }
        Ok(Page { entries, next: page.next })
    }

    /// None of a record that is not wanted.
    fn of_record(
        &self,
        token: &Arc<Token>,
        slot: u64,
        salt: u32,
    ) -> Result<Option<Glance>, StoreError> {
        let Self { shared, stopped, .. } = self;
        if !self.query.filter.matches_record(token) {
            return Ok(None);
        }
        // First, since a use leaves the memory only after it is in its slot.
        let waits = self.pending.newest(UseKey { token: token.id, slot: Some(UseSlot::new(slot)) });
        let stored = entry::telling(token, shared.uses.read(slot, token.id)?, shared.uses.floor());
        let used = stored.map(|usage| usage.at).max(waits);
        let by_company = || token.company.as_ref().is_some_and(|id| stopped.companies.contains(id));
        let blocked = stopped.owners.contains(&token.owner) || by_company();
        Ok(Some(Glance::of(token, salt, used, blocked)))
    }

    /// What of the filter its record alone does not say.
    fn is_wanted(&self, glance: &Glance) -> bool {
        let Glance { course, used, blocked, .. } = glance;
        self.query.filter.matches_course(course, *used, *blocked, self.query.now)
    }
}

/// How many owners there are, and how many of them are blocked.
pub(super) fn count_owners(index: &Index, shared: &Shared) -> Result<(usize, usize), StoreError> {
    let mut count = 0;
    blocked::each(index, keys::OWNERS, |_, _| {
        count += 1;
        Ok(())
    })?;
    let blocked = shared.blocked.all(index)?.owners.len();
    Ok((count, blocked.min(count)))
}
