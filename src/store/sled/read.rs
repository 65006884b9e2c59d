//! Reading: what each question looks up in the index and in the history.

use std::sync::Arc;

use super::index::Index;
use super::uses::Uses;
use super::{entry, keys};
use crate::domain::company::Company;
use crate::domain::id::{OwnerId, Slug, TokenId};
use crate::domain::owner::Owner;
use crate::domain::secret::Digest;
use crate::domain::time::Timestamp;
use crate::domain::token::Token;
use crate::store::{Due, Held, Page, StoreError, Usage, UseKey, UseSlot};

/// What a cache miss needs.
pub(super) fn held(
    index: &Index,
    digest: &Digest,
    uses: &Uses,
) -> Result<Option<Held>, StoreError> {
    let key = keys::digest(digest);
    let lacks = |what: &str| index.damage(&key, what);
    let Some((id, token, head)) = bonded(index, &key)? else { return Ok(None) };
    if token.digest != *digest {
        // The key says half of it.
        let is_of_key = token.digest.half() == digest.half();
        return if is_of_key { Ok(None) } else { Err(lacks("its token has another digest")) };
    }
    let owner =
        entry::owner(index, &token.owner)?.ok_or_else(|| lacks("its owner is not there"))?;
    let company = match &token.company {
        Some(id) => entry::company(index, id)?,
        None => None,
    };
    let last_use = entry::deciding(&token, uses.read(head.slot, id)?, uses.floor());
    Ok(Some(Held { token, owner, company, last_use, slot: Some(UseSlot::new(head.slot)) }))
}

/// The token that the digest of this key stands for. The two are written together and read one after the
/// other: a change may come between, and then both are read again.
fn bonded(
    index: &Index,
    key: &[u8],
) -> Result<Option<(TokenId, Arc<Token>, entry::Head)>, StoreError> {
    let mut before = None;
    loop {
        let Some(payload) = index.read(key)? else { return Ok(None) };
        if before.as_ref() == Some(&payload) {
            return Err(index.damage(key, "the record is not the newest one"));
        }
        let (id, bond) = entry::read_digest(index, key, &payload)?;
        if let Some((token, head)) = entry::bonded_token(index, id, bond)? {
            return Ok(Some((id, token, head)));
        }
        before = Some(payload);
    }
}

/// The number of a token's slot; none for an unknown token.
pub(super) fn slot(index: &Index, of: UseKey) -> Result<Option<u64>, StoreError> {
    match of.slot {
        Some(slot) => Ok(Some(slot.number())),
        None => Ok(entry::head(index, of.token)?.map(|head| head.slot)),
    }
}

/// The last use that counts; none for an unknown token.
pub(super) fn last_use(
    index: &Index,
    of: UseKey,
    uses: &Uses,
) -> Result<Option<Usage>, StoreError> {
    let Some(slot) = slot(index, of)? else { return Ok(None) };
    let (known, floor) = (uses.read(slot, of.token)?, uses.floor());
    // Only after a loss of the last uses does the record matter.
    let is_sure = match &known.last {
        None => floor == Timestamp::EPOCH,
        Some(usage) => usage.last.is_some() && usage.at >= floor,
    };
    if is_sure {
        return Ok(known.last);
    }
    let token = entry::token(index, of.token)?;
    Ok(token.and_then(|token| entry::telling(&token, known, floor)))
}

pub(super) fn owners(
    index: &Index,
    after: Option<&OwnerId>,
    limit: usize,
) -> Result<Page<Arc<Owner>, OwnerId>, StoreError> {
    let after = after.map(keys::owner);
    let found = index.list(&[keys::OWNERS], after.as_deref(), None, limit.saturating_add(1))?;
    let owners = found.iter().map(|(key, payload)| entry::read_owner(index, key, payload));
    page(owners.collect::<Result<_, StoreError>>()?, limit, |owner: &Arc<Owner>| owner.id.clone())
}

pub(super) fn companies(
    index: &Index,
    after: Option<&Slug>,
    limit: usize,
) -> Result<Page<Arc<Company>, Slug>, StoreError> {
    let after = after.map(keys::company);
    let found = index.list(&[keys::COMPANIES], after.as_deref(), None, limit.saturating_add(1))?;
    let companies = found.iter().map(|(key, payload)| entry::read_company(index, key, payload));
    let companies = companies.collect::<Result<_, StoreError>>()?;
    page(companies, limit, |company: &Arc<Company>| company.id.clone())
}

pub(super) fn page<T, C>(
    mut entries: Vec<T>,
    limit: usize,
    cursor: impl Fn(&T) -> C,
) -> Result<Page<T, C>, StoreError> {
    let more = entries.len() > limit;
    entries.truncate(limit);
    let next = entries.last().filter(|_| more).map(cursor);
    Ok(Page { entries, next })
}

pub(super) fn due(
    index: &Index,
    until: Timestamp,
    after: Option<Due>,
    limit: usize,
) -> Result<Vec<Due>, StoreError> {
    let after = after.map(keys::due);
    let end = until.unix().saturating_add(1).to_be_bytes();
    let end = [&[keys::DEADLINES][..], &end].concat();
    if after.as_ref().is_some_and(|after| *after >= end) {
        return Ok(Vec::new());
    }
    let found = index.list(&[keys::DEADLINES], after.as_deref(), Some(&end), limit)?;
    let read = |(key, _): &(::sled::IVec, ::sled::IVec)| {
        keys::read_due(key).ok_or_else(|| index.damage(key, "it is not a deadline"))
    };
    found.iter().map(read).collect()
}
