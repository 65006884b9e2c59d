//! What a filter asks of a row: every token that the filter lists passes, and hardly any other.

use std::collections::HashSet;

use memchr::memmem::Finder;

use super::row::{self, Row};
use super::zone::Zone;
use crate::domain::hasher::BuildDigestHasher;
use crate::domain::id::TokenId;
use crate::domain::time::Timestamp;
use crate::store::glance::salted;
use crate::store::query::{Rotated, TokenFilter, TokenQuery, folded};
use crate::store::sled::stopped::Stopped;
use crate::store::sled::uses::Seen;

/// A filter, prepared for rows of one file.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    salt: u32,
    filter: &'a TokenFilter,
    now: Timestamp,
    /// Idle tokens that were made before this count as used then.
    floor: Timestamp,
    owners: Option<Hashes>,
    company: Option<u64>,
    context: u64,
    flags: u64,
    name: Option<u32>,
    hint: Option<u32>,
    blocked_owners: Hashes,
    blocked_companies: Hashes,
    text: Option<Finder<'static>>,
    /// The token whose id the text is.
    named: Option<TokenId>,
}

/// What a row says before its texts and its last use are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    No,
    Perhaps,
    /// It depends on the last use.
    Used,
}

/// Names as rows have them: hashes that nobody can choose, which need no other one.
#[derive(Debug)]
struct Hashes(HashSet<u64, BuildDigestHasher>);

impl Hashes {
    fn of<'a>(salt: u32, names: impl Iterator<Item = &'a str>) -> Self {
        Self(names.map(|name| salted(salt, name)).collect())
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn contains(&self, hash: u64) -> bool {
        self.0.contains(&hash)
    }
}

impl<'a> Wanted<'a> {
    pub(super) fn new(
        query: &'a TokenQuery,
        salt: u32,
        floor: Timestamp,
        blocked: &Stopped,
    ) -> Self {
        let TokenQuery { filter, now, .. } = query;
        let owners = filter.owners.as_ref();
        let contexts = [&filter.context, &filter.named_context].into_iter();
        Self {
            salt,
            filter,
            now: *now,
            floor,
            owners: owners.map(|all| Hashes::of(salt, all.iter().map(|id| id.as_str()))),
            company: filter.company.as_ref().map(|company| salted(salt, company.as_str())),
            context: contexts.flatten().fold(0, |bits, context| bits | row::context_bits(context)),
            flags: filter.flags.bits().cast_unsigned(),
            name: filter.name.as_deref().map(row::name_hash),
            hint: filter.hint.as_ref().map(|hint| crc32c::crc32c(hint.as_bytes())),
            blocked_owners: Hashes::of(salt, blocked.owners.iter().map(|id| id.as_str())),
            blocked_companies: Hashes::of(salt, blocked.companies.iter().map(|id| id.as_str())),
            text: filter.text.as_ref().map(|text| Finder::new(&folded(text)).into_owned()),
            named: filter.text.as_ref().and_then(|text| text.parse().ok()),
        }
    }

    pub(super) const fn salt(&self) -> u32 {
        self.salt
    }

    /// What to look for in the texts.
    pub(super) const fn text(&self) -> Option<&Finder<'static>> {
        self.text.as_ref()
    }

    /// Whether the text is the id of this row, whatever its own texts are.
    pub(super) fn is_named(&self, row: Row<'_>) -> bool {
        self.named == Some(row.id())
    }

    /// Whether a block may have rows that fit.
    pub(super) fn may_be_in(&self, zone: &Zone) -> bool {
        let blocked = !(self.blocked_owners.is_empty() && self.blocked_companies.is_empty());
        let asked = (self.flags, self.context);
        if !zone.marks.may_have(self.filter, asked, (self.now, blocked)) {
            return false;
        }
        let text = self.text.as_ref().map(Finder::needle);
        text.is_none_or(|text| zone.may_have(text)) || self.named.is_some_and(|id| zone.spans(id))
    }

    pub(super) fn asks(&self, row: Row<'_>) -> Says {
        let same = |wanted: Option<u32>, has: u32| wanted.is_none_or(|wanted| wanted == has);
        let fits = self.owners.as_ref().is_none_or(|owners| owners.contains(row.owner()))
            && self.company.is_none_or(|company| company == row.company())
            && row.contexts() & self.context == self.context
            && (self.filter.named_context.is_none() || !row.is_general())
            && row.flags() & self.flags == self.flags
            && same(self.name, row.name())
            && same(self.hint, row.hint());
        match fits {
            false => Says::No,
            true if row.is_far() => Says::Perhaps,
            true if !self.fits_times(row) => Says::No,
            true if !self.filter.asks_use() => Says::Perhaps,
            true => self.asks_moment(row),
        }
    }

    fn fits_times(&self, row: Row<'_>) -> bool {
        let (filter, life) = (self.filter, row.life());
        let expires = |end: Timestamp| life.expires_at.is_some_and(|expiry| expiry < end);
        filter.created_from.is_none_or(|from| life.created_at >= from)
            && filter.created_before.is_none_or(|end| life.created_at < end)
            && filter.expires_before.is_none_or(expires)
    }

    /// Whether a row that fits is enough to say so, its texts being looked at: of a token whose texts and times
    /// have room, where nothing is asked for that rows have of names alone.
    pub(super) fn is_sure(&self, row: Row<'_>) -> bool {
        let shortened = self.name.is_some() || self.hint.is_some();
        !shortened
            && !row.is_far()
            && (self.context == 0 || row.is_general())
            && (self.text.is_none() || row.texts().is_some())
    }

    /// A use can only move the end by idleness to later: what does not depend on it without one, does not at all.
    fn asks_moment(&self, row: Row<'_>) -> Says {
        let asks = self.filter.used.is_some() || self.filter.rotated == Some(Rotated::InUse);
        if asks || self.is_open(row) {
            return Says::Used;
        }
        if self.holds(row, None) { Says::Perhaps } else { Says::No }
    }

    /// Whether states and ends may be others with a use than without.
    fn is_open(&self, row: Row<'_>) -> bool {
        let Some(idle) = row.life().idle_deadline(None).filter(|_| !row.has_ended()) else {
            return false;
        };
        self.now >= idle || self.filter.ends_before.is_some_and(|end| idle < end)
    }

    /// Whether a token passes that was last used so.
    pub(super) fn passes(&self, row: Row<'_>, seen: Seen) -> bool {
        self.used(row, seen).is_none_or(|used| self.holds(row, used))
    }

    /// The moment by which a token is judged as used last, if its row and its slot tell.
    pub(super) fn used(&self, row: Row<'_>, seen: Seen) -> Option<Option<Timestamp>> {
        let known = match seen {
            Seen::Never => None,
            Seen::At(at) => Some(at),
            Seen::Once if !row.has_ended() => None,
            Seen::Once | Seen::Unknown => return None,
        };
        let idles = !row.has_ended() && row.life().created_at < self.floor;
        Some(if idles { known.max(Some(self.floor)) } else { known })
    }

    /// Whether its owner or its company is blocked.
    pub(super) fn is_blocked(&self, row: Row<'_>) -> bool {
        self.blocked_owners.contains(row.owner()) || self.blocked_companies.contains(row.company())
    }

    fn holds(&self, row: Row<'_>, used: Option<Timestamp>) -> bool {
        self.filter.matches_course(&row.course(), used, self.is_blocked(row), self.now)
    }
}
