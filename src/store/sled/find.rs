//! Finding tokens: which way leads to the candidates, and what their records say.
//!
//! Whatever leads to a token, its record decides whether it is listed. Each token is judged as it is at some
//! moment of the search; the list as a whole is of no one moment, and need not be: a token that is there all
//! the time and fits all the time is listed, once.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::index::Index;
use super::packed::Entries;
use super::shared::Shared;
use super::stopped::Stopped;
use super::summaries::{Against, Scanned};
use super::{entry, keys};
use crate::domain::id::{OwnerId, Slug, TokenId};
use crate::domain::token::Token;
use crate::store::query::{Order, TokenFilter, TokenQuery};
use crate::store::{Listed, Page, StoreError, UseSlot};

/// How many entries of the index are looked at in one go.
const STRIDE: usize = 512;

/// Of an owner with no more tokens than this, each is looked at: it takes a few milliseconds.
const FEW: usize = 512;

/// Behind every token in the order of keys.
const BEHIND: TokenId = TokenId::from_bytes([u8::MAX; 16]);

/// A search under way.
#[derive(Debug)]
pub(super) struct Search<'a> {
    pub(super) index: &'a Index,
    pub(super) shared: &'a Shared,
    pub(super) query: &'a TokenQuery,
    found: Vec<Listed>,
    /// Whether owners and companies are blocked, as far as that was asked for.
    blocked: (BTreeMap<OwnerId, bool>, BTreeMap<Slug, bool>),
}

/// The page that is asked for.
pub(super) fn tokens(
    index: &Index,
    shared: &Shared,
    query: &TokenQuery,
) -> Result<Page<Listed, TokenId>, StoreError> {
    let new = || Search { index, shared, query, found: Vec::new(), blocked: Default::default() };
    let mut search = new();
    let filter = &query.filter;
    let owners = filter.owners.as_ref().map(|owners| owners.iter().collect::<Vec<_>>());
    let only = TokenFilter { owners: filter.owners.clone(), ..TokenFilter::default() };
    match owners.as_deref() {
        Some([]) => {}
        Some([owner]) if *filter == only => search.of_owner(owner)?,
        None if filter.is_open() => search.all()?,
        owners => match search.few(owners.unwrap_or_default())? {
            Some(ids) => search.some(&ids)?,
            None if search.by_summaries()? == Scanned::Done => {}
            None => {
                search = new();
                search.all()?;
            }
        },
    }
    Ok(search.page())
}

/// The tokens of these owners, if they are few.
pub(super) fn few(index: &Index, owners: &[&OwnerId]) -> Result<Option<Vec<TokenId>>, StoreError> {
    if owners.is_empty() || owners.len() > FEW {
        return Ok(None);
    }
    let mut ids = Vec::new();
    for owner in owners {
        let left = FEW.saturating_sub(ids.len()).saturating_add(1);
        let found = index.list(&keys::owned(owner), None, None, left)?;
        if found.len() == left {
            return Ok(None);
        }
        for (key, _) in found {
            let id = keys::trailing_token(&key);
            ids.push(id.ok_or_else(|| index.damage(&key, "it does not end with a token id"))?);
        }
    }
    Ok(Some(ids))
}

impl Search<'_> {
    /// One entry more than the page has says that there are more.
    fn is_full(&self) -> bool {
        self.found.len() > self.query.limit
    }

    fn page(self) -> Page<Listed, TokenId> {
        let (mut entries, limit) = (self.found, self.query.limit);
        let more = entries.len() > limit;
        entries.truncate(limit);
        let next = entries.last().filter(|_| more).map(|listed| listed.token.id);
        Page { entries, next }
    }

    /// Looks at every record behind the place that the query names, in its order.
    fn all(&mut self) -> Result<(), StoreError> {
        self.walk(&[keys::TOKENS], keys::token, |search, key, payload| {
            let read = entry::read_token(search.index, key, payload)?;
            search.judge(read)
        })
    }

    /// The same for those of one owner.
    fn of_owner(&mut self, owner: &OwnerId) -> Result<(), StoreError> {
        let prefix = keys::owned(owner);
        self.walk(
            &prefix,
            |id| keys::owned_token(owner, id),
            |search, key, _| {
                let id = keys::trailing_token(key)
                    .ok_or_else(|| search.index.damage(key, "it does not end with a token id"))?;
                let read = entry::token_with_head(search.index, id)?;
                search
                    .judge(read.ok_or_else(|| search.index.damage(key, "its token is not there"))?)
            },
        )
    }

    /// The tokens of these owners behind the place that the query names, in its order, if they are few.
    fn few(&self, owners: &[&OwnerId]) -> Result<Option<Vec<TokenId>>, StoreError> {
        let Some(mut ids) = few(self.index, owners)? else { return Ok(None) };
        ids.sort_unstable();
        match (self.query.order, self.query.after) {
            (Order::Oldest, after) => ids.retain(|id| after.is_none_or(|after| *id > after)),
            (Order::Newest, after) => {
                ids.retain(|id| after.is_none_or(|after| *id < after));
                ids.reverse();
            }
        }
        Ok(Some(ids))
    }

    /// Looks at some tokens in the order of the list.
    fn some(&mut self, ids: &[TokenId]) -> Result<(), StoreError> {
        for id in ids {
            if self.look(*id)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Looks at those that the summaries name.
    fn by_summaries(&mut self) -> Result<Scanned, StoreError> {
        let shared = self.shared;
        let blocked = match self.query.filter.asks_blocked() {
            true => shared.blocked.all(self.index)?,
            false => Stopped::default(),
        };
        let (query, uses) = (self.query, &shared.uses);
        let against = Against { query, uses, pending: None, blocked: &blocked };
        shared.summaries.candidates(against, |id| self.look(id))
    }

    /// Looks at one token; answers whether more are wanted.
    fn look(&mut self, id: TokenId) -> Result<ControlFlow<()>, StoreError> {
        if let Some(read) = entry::token_with_head(self.index, id)? {
            self.judge(read)?;
        }
        Ok(if self.is_full() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }

    /// Goes through the entries that begin with `prefix`, until the page is full.
    fn walk(
        &mut self,
        prefix: &[u8],
        key: impl Fn(TokenId) -> Vec<u8>,
        mut take: impl FnMut(&mut Self, &[u8], &[u8]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut after = self.query.after.map(&key);
        // A page of everything needs no more than it has.
        let stride = if self.query.filter.is_open() { self.query.limit + 1 } else { STRIDE };
        while !self.is_full() {
            let some: Entries = match self.query.order {
                Order::Oldest => self.index.list(prefix, after.as_deref(), None, stride)?,
                Order::Newest => {
                    let before = after.clone().unwrap_or_else(|| key(BEHIND));
                    self.index.list_back(prefix, &before, stride)?
                }
            };
            for (key, payload) in &some {
                take(self, key, payload)?;
                if self.is_full() {
                    return Ok(());
                }
            }
            match some.last() {
                Some((last, _)) if some.len() == stride => after = Some(last.to_vec()),
                _ => break,
            }
        }
        Ok(())
    }

    /// Lists a token if its record says so.
    fn judge(&mut self, (token, head): (Arc<Token>, entry::Head)) -> Result<(), StoreError> {
        let query = self.query;
        if !query.filter.matches_record(&token) {
            return Ok(());
        }
        let used = match query.filter.asks_use() {
            true => {
                let known = self.shared.uses.read(head.slot, token.id)?;
                entry::telling(&token, known, self.shared.uses.floor()).map(|usage| usage.at)
            }
            false => None,
        };
        let blocked = query.filter.asks_blocked() && self.is_blocked(&token)?;
        if query.filter.matches(&token, used, blocked, query.now) {
            self.found.push(Listed { token, slot: Some(UseSlot::new(head.slot)) });
        }
        Ok(())
    }

    fn is_blocked(&mut self, token: &Token) -> Result<bool, StoreError> {
        let (index, (owners, companies)) = (self.index, &mut self.blocked);
        let owner = remembered(owners, &token.owner, |id| {
            Ok(entry::owner(index, id)?.is_some_and(|owner| owner.blocked.is_some()))
        })?;
        match &token.company {
            Some(company) if !owner => remembered(companies, company, |id| {
                Ok(entry::company(index, id)?.is_some_and(|company| company.blocked.is_some()))
            }),
            _ => Ok(owner),
        }
    }
}

fn remembered<K: Ord + Clone>(
    known: &mut BTreeMap<K, bool>,
    id: &K,
    ask: impl FnOnce(&K) -> Result<bool, StoreError>,
) -> Result<bool, StoreError> {
    if let Some(known) = known.get(id) {
        return Ok(*known);
    }
    let answer = ask(id)?;
    known.insert(id.clone(), answer);
    Ok(answer)
}
