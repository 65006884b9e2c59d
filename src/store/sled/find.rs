//! Finding tokens: which way leads to the candidates, and what their records say.
//!
//! Whatever leads to a token, its record decides whether it is listed. Each token is judged as it is at some
//! moment of the search; the list as a whole is of no one moment, and need not be: a token that is there all
//! the time and fits all the time is listed, once.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::index::Index;
use super::packed::Entries;
use super::uses::Uses;
use super::{entry, keys};
use crate::domain::id::{OwnerId, TokenId};
use crate::domain::token::Token;
use crate::store::query::{Order, TokenQuery};
use crate::store::{Listed, Page, StoreError, UseSlot};

/// How many entries of the index are looked at in one go.
const STRIDE: usize = 512;

/// Behind every token in the order of keys.
const BEHIND: TokenId = TokenId::from_bytes([u8::MAX; 16]);

/// A search under way.
#[derive(Debug)]
pub(super) struct Search<'a> {
    pub(super) index: &'a Index,
    pub(super) uses: &'a Uses,
    pub(super) query: &'a TokenQuery,
    found: Vec<Listed>,
    /// Whether owners are blocked, as far as that was asked for.
    blocked: BTreeMap<OwnerId, bool>,
}

/// The page that is asked for.
pub(super) fn tokens(
    index: &Index,
    uses: &Uses,
    query: &TokenQuery,
) -> Result<Page<Listed, TokenId>, StoreError> {
    let mut search = Search { index, uses, query, found: Vec::new(), blocked: BTreeMap::new() };
    match query.filter.owners.as_ref().map(|owners| owners.iter().collect::<Vec<_>>()).as_deref() {
        Some([]) => {}
        Some([owner]) => search.of_owner(owner)?,
        _ => search.all()?,
    }
    Ok(search.page())
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
                let known = self.uses.read(head.slot, token.id)?;
                entry::telling(&token, known, self.uses.floor()).map(|usage| usage.at)
            }
            false => None,
        };
        let blocked = query.filter.asks_owner() && self.is_blocked(&token.owner)?;
        if query.filter.matches(&token, used, blocked, query.now) {
            self.found.push(Listed { token, slot: Some(UseSlot::new(head.slot)) });
        }
        Ok(())
    }

    fn is_blocked(&mut self, owner: &OwnerId) -> Result<bool, StoreError> {
        if let Some(known) = self.blocked.get(owner) {
            return Ok(*known);
        }
        let blocked = entry::owner(self.index, owner)?.is_some_and(|owner| owner.blocked.is_some());
        self.blocked.insert(owner.clone(), blocked);
        Ok(blocked)
    }
}
