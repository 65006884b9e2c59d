//! What a filter asks of a row: every token that the filter lists passes, and hardly any other.

use std::collections::HashSet;

use memchr::memmem::Finder;

use super::row::{self, Row};
use crate::domain::id::OwnerId;
use crate::domain::time::Timestamp;
use crate::store::query::{Standing, TokenFilter, TokenQuery, Used, folded};
use crate::store::sled::stopped::Stopped;
use crate::store::sled::uses::Seen;

/// A filter, prepared for rows of one file.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    filter: &'a TokenFilter,
    now: Timestamp,
    /// Idle tokens that were made before this count as used then.
    floor: Timestamp,
    owners: Option<HashSet<u64>>,
    company: Option<u32>,
    context: u64,
    flags: u64,
    name: Option<u32>,
    hint: Option<u32>,
    created: (u32, u32),
    expires_before: Option<u32>,
    blocked_owners: HashSet<u64>,
    blocked_companies: HashSet<u32>,
    text: Option<Finder<'static>>,
}

/// What a row says before its texts and its last use are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    No,
    Perhaps,
    /// It depends on the last use.
    Used,
}

impl<'a> Wanted<'a> {
    pub(super) fn new(
        query: &'a TokenQuery,
        salt: u32,
        floor: Timestamp,
        blocked: &Stopped,
    ) -> Self {
        let TokenQuery { filter, now, .. } = query;
        let last_before = |end: Timestamp| row::short(end.unix().saturating_sub(1));
        let of_owner = |owner: &OwnerId| row::owner_hash(salt, owner);
        Self {
            filter,
            now: *now,
            floor,
            owners: filter.owners.as_ref().map(|all| all.iter().map(of_owner).collect()),
            company: filter.company.as_ref().map(row::company_hash),
            context: filter.context.as_ref().map_or(0, row::context_bits),
            flags: filter.flags.bits().cast_unsigned(),
            name: filter.name.as_deref().map(row::name_hash),
            hint: filter.hint.as_ref().map(|hint| crc32c::crc32c(hint.as_bytes())),
            created: (
                filter.created_from.map_or(0, |from| row::short(from.unix())),
                filter.created_before.map_or(u32::MAX, last_before),
            ),
            expires_before: filter.expires_before.map(last_before),
            blocked_owners: blocked.owners.iter().map(of_owner).collect(),
            blocked_companies: blocked.companies.iter().map(row::company_hash).collect(),
            text: filter.text.as_ref().map(|text| Finder::new(&folded(text)).into_owned()),
        }
    }

    /// What to look for in the texts.
    pub(super) const fn text(&self) -> Option<&Finder<'static>> {
        self.text.as_ref()
    }

    pub(super) fn asks(&self, row: Row<'_>) -> Says {
        let same = |wanted: Option<u32>, has: u32| wanted.is_none_or(|wanted| wanted == has);
        let expires = |end: u32| row.expires().is_some_and(|expiry| expiry <= end);
        let fits = self.owners.as_ref().is_none_or(|owners| owners.contains(&row.owner()))
            && same(self.company, row.company())
            && row.contexts() & self.context == self.context
            && row.flags() & self.flags == self.flags
            && same(self.name, row.name())
            && same(self.hint, row.hint())
            && (self.created.0..=self.created.1).contains(&row.created())
            && self.expires_before.is_none_or(expires);
        match fits {
            false => Says::No,
            true if row.is_far() || !self.filter.asks_use() => Says::Perhaps,
            true => self.asks_moment(row),
        }
    }

    /// A use can only move the end by idleness to later: what does not depend on it without one, does not at all.
    fn asks_moment(&self, row: Row<'_>) -> Says {
        if self.filter.used.is_some() || self.is_open(row) {
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
        let known = match seen {
            Seen::Never => None,
            Seen::At(at) => Some(at),
            Seen::Unknown => return true,
        };
        let idles = !row.has_ended() && row.life().created_at < self.floor;
        let used = if idles { known.max(Some(self.floor)) } else { known };
        let was_used = match self.filter.used {
            None => true,
            Some(Used::Never) => used.is_none(),
            Some(Used::Before(moment)) => used.is_none_or(|used| used < moment),
        };
        was_used && self.holds(row, used)
    }

    fn holds(&self, row: Row<'_>, used: Option<Timestamp>) -> bool {
        let state = row.state(used, self.now);
        let ends = |end: Timestamp| {
            !state.is_final() && row.life().deadline(used).is_some_and(|deadline| deadline < end)
        };
        let blocked = || self.blocked_owners.contains(&row.owner());
        // Two companies can look alike in a row: then only the record tells.
        let perhaps = || self.blocked_companies.contains(&row.company());
        let stands = |all: &std::collections::BTreeSet<Standing>| {
            all.iter().any(|standing| {
                standing.holds(state, blocked()) || (perhaps() && standing.holds(state, true))
            })
        };
        // Since when it has its successor stands in the record.
        let rotates = self.filter.rotated.is_none() || (row.is_rotated() && !state.is_final());
        rotates
            && self.filter.ends_before.is_none_or(ends)
            && self.filter.standings.as_ref().is_none_or(stands)
    }
}
