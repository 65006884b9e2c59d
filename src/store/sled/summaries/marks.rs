//! What the rows of a block have, taken together: a filter that asks for anything else finds nothing there.

use super::row::Row;
use crate::domain::time::Timestamp;
use crate::domain::token::{Course, End};
use crate::store::query::{Standing, TokenFilter};

/// It only grows: a row that is written anew leaves what it had, so that a block may be read in vain.
#[derive(Debug)]
pub(super) struct Marks {
    /// Of a row whose times do not fit nothing is known.
    far: bool,
    flags: u64,
    contexts: u64,
    /// Whether a row names contexts.
    names: bool,
    disabled: bool,
    may_be_used_up: bool,
    succeeded: bool,
    revoked: bool,
    expired: bool,
    idle_expired: bool,
    first_made: Timestamp,
    last_made: Timestamp,
    last_begun: Timestamp,
    /// The first expiry, also of those that have ended.
    first_expiry: Timestamp,
    /// The first end by idleness of those that have not, if none of them is used any more.
    first_idle: Timestamp,
}

impl Marks {
    pub(super) const fn none() -> Self {
        Self {
            far: false,
            flags: 0,
            contexts: 0,
            names: false,
            disabled: false,
            may_be_used_up: false,
            succeeded: false,
            revoked: false,
            expired: false,
            idle_expired: false,
            first_made: Timestamp::MAX,
            last_made: Timestamp::EPOCH,
            last_begun: Timestamp::EPOCH,
            first_expiry: Timestamp::MAX,
            first_idle: Timestamp::MAX,
        }
    }

    pub(super) fn add(&mut self, row: Row<'_>) {
        let Course { life, ended, disabled, succeeded_at, may_be_used_up } = row.course();
        self.far |= row.is_far();
        self.flags |= row.flags();
        self.contexts |= row.contexts();
        self.names |= !row.is_general();
        self.disabled |= disabled;
        self.may_be_used_up |= may_be_used_up;
        self.succeeded |= succeeded_at.is_some();
        match ended {
            None => {
                let idle = life.idle_deadline(None).unwrap_or(Timestamp::MAX);
                self.first_idle = self.first_idle.min(idle);
            }
            Some(End::Revoked | End::Leaked) => self.revoked = true,
            Some(End::Expired) => self.expired = true,
            Some(End::IdleExpired) => self.idle_expired = true,
        }
        self.first_made = self.first_made.min(life.created_at);
        self.last_made = self.last_made.max(life.created_at);
        self.last_begun = self.last_begun.max(life.not_before);
        self.first_expiry = self.first_expiry.min(life.expires_at.unwrap_or(Timestamp::MAX));
    }

    /// Whether a row may be what a filter asks for that wants these flags and contexts; `blocked` says that some
    /// owner or company is.
    pub(super) fn may_have(
        &self,
        filter: &TokenFilter,
        (flags, contexts): (u64, u64),
        (now, blocked): (Timestamp, bool),
    ) -> bool {
        let ends = |end: Timestamp| self.first_expiry.min(self.first_idle) < end;
        let standings = filter.standings.as_ref();
        self.far
            || (self.flags & flags == flags
                && self.contexts & contexts == contexts
                && (filter.named_context.is_none() || self.names)
                && filter.created_from.is_none_or(|from| self.last_made >= from)
                && filter.created_before.is_none_or(|end| self.first_made < end)
                && filter.expires_before.is_none_or(|end| self.first_expiry < end)
                && filter.ends_before.is_none_or(ends)
                && (filter.rotated.is_none() || self.succeeded)
                && standings
                    .is_none_or(|all| all.iter().any(|one| self.may_stand(*one, now, blocked))))
    }

    fn may_stand(&self, standing: Standing, now: Timestamp, blocked: bool) -> bool {
        match standing {
            Standing::Active => true,
            Standing::Pending => self.last_begun > now,
            Standing::Disabled => self.disabled,
            Standing::Blocked => blocked,
            Standing::UsedUp => self.may_be_used_up,
            Standing::Expired => self.expired || self.first_expiry <= now,
            Standing::IdleExpired => self.idle_expired || self.first_idle <= now,
            Standing::Revoked => self.revoked,
        }
    }
}
