//! Which tokens somebody wants to see, and in what order.
//!
//! [`TokenFilter::matches`] is the meaning of every filter. A store may find its candidates as it likes; what
//! it lists is what this says of the record, so that all stores list the same.

use std::collections::BTreeSet;
use std::str::FromStr;

use crate::domain::echo::shown;
use crate::domain::flags::Flags;
use crate::domain::grant::Contexts;
use crate::domain::id::{OwnerId, Slug, TokenId};
use crate::domain::time::Timestamp;
use crate::domain::token::{Course, State, Token};

/// One page of tokens.
#[derive(Clone, Debug)]
pub struct TokenQuery {
    /// Which ones.
    pub filter: TokenFilter,
    /// In what order.
    pub order: Order,
    /// Only those behind this one in that order; it need not be a token that there is.
    pub after: Option<TokenId>,
    /// The most entries.
    pub limit: usize,
    /// The moment at which states are judged.
    pub now: Timestamp,
}

impl TokenQuery {
    /// All tokens from the first one on.
    pub fn oldest(limit: usize) -> Self {
        let filter = TokenFilter::default();
        Self { filter, order: Order::Oldest, after: None, limit, now: Timestamp::EPOCH }
    }
}

/// By the ids of tokens, which is the order of their creation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The last one first.
    #[default]
    Newest,
    /// The first one first.
    Oldest,
}

/// What a token must be to be listed; what is not said does not matter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TokenFilter {
    /// It acts for one of these.
    pub owners: Option<BTreeSet<OwnerId>>,
    /// It belongs to this tenant.
    pub company: Option<Slug>,
    /// It is in one of these.
    pub standings: Option<BTreeSet<Standing>>,
    /// It may use this context, by name or because it may use all.
    pub context: Option<Slug>,
    /// It has this context by name: one that `all` does not mean any more.
    pub named_context: Option<Slug>,
    /// It has all of these bits.
    pub flags: Flags,
    /// This is its whole name, in capital letters or not.
    pub name: Option<String>,
    /// Its secret ends with this.
    pub hint: Option<String>,
    /// It was made at this moment or later.
    pub created_from: Option<Timestamp>,
    /// It was made before this moment.
    pub created_before: Option<Timestamp>,
    /// Its time is over before this moment, or was.
    pub expires_before: Option<Timestamp>,
    /// It lives, and will be over before this moment by time, or by idleness if it is not used again.
    pub ends_before: Option<Timestamp>,
    /// When it was used last.
    pub used: Option<Used>,
    /// It lives, and has a successor.
    pub rotated: Option<Rotated>,
    /// This stands in its name, application or description, or in its owner's id, in capital letters or not; or it
    /// is its own whole id.
    pub text: Option<String>,
}

/// When a token was used last, by the moment that it is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Used {
    /// At no time. What counts as used, as after a restore, does not count as this.
    Never,
    /// Before this moment, or never.
    Before(Timestamp),
}

/// How much is asked of a token that was rotated and is not over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotated {
    /// That it has a successor.
    Any,
    /// That it was used after that was made, too: somebody has not moved.
    InUse,
}

/// Where a token stands, for a filter: its state, and whether its owner and its company let it work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Not yet usable.
    Pending,
    /// Usable, also by its owner and its company.
    Active,
    /// Paused.
    Disabled,
    /// Not ended, and its owner or its company is blocked.
    Blocked,
    /// Not ended, and used as often as it may be. Meters know that, and no store: a store lists all that may be used
    /// so often and no more, and whoever asks it looks at the meters.
    UsedUp,
    /// Over: its time came.
    Expired,
    /// Over: it lay unused for too long.
    IdleExpired,
    /// Over: somebody ended it.
    Revoked,
}

/// All, with the names by which they are asked for.
const STANDINGS: [(&str, Standing); 8] = [
    ("pending", Standing::Pending),
    ("active", Standing::Active),
    ("disabled", Standing::Disabled),
    ("blocked", Standing::Blocked),
    ("used_up", Standing::UsedUp),
    ("expired", Standing::Expired),
    ("idle_expired", Standing::IdleExpired),
    ("revoked", Standing::Revoked),
];

/// Text that names no standing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no state `{0}`; known are pending, active, disabled, blocked, used_up, expired, idle_expired \
     and revoked"
)]
pub struct BadStanding(String);

impl FromStr for Standing {
    type Err = BadStanding;

    fn from_str(text: &str) -> Result<Self, BadStanding> {
        let found = STANDINGS.iter().find(|(name, _)| *name == text);
        found.map(|(_, standing)| *standing).ok_or_else(|| BadStanding(shown(text)))
    }
}

impl Standing {
    /// The name by which it is asked for.
    pub fn as_str(self) -> &'static str {
        STANDINGS.iter().find(|(_, standing)| *standing == self).map_or("", |(name, _)| name)
    }

    /// Whether a token in `state`, which may be blocked with its owner or its company, or used up, stands here. One
    /// that is paused or pending is so whatever these are; active is what could be used if it is not used up, which
    /// a change of its limits would mend.
    pub fn holds(self, state: State, blocked: bool, used_up: bool) -> bool {
        match self {
            Self::Pending => state == State::Pending,
            Self::Active => state == State::Active && !blocked,
            Self::Disabled => state == State::Disabled,
            Self::Blocked => blocked && !state.is_final(),
            Self::UsedUp => used_up && !state.is_final(),
            Self::Expired => state == State::Expired,
            Self::IdleExpired => state == State::IdleExpired,
            Self::Revoked => state == State::Revoked,
        }
    }
}

/// Text as it is compared: capital letters are small ones, each by itself, so that what is part of a text is
/// part of it here.
pub fn folded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars().flat_map(char::to_lowercase).collect()
}

/// What of a token is searched for text.
pub fn texts(token: &Token) -> [&str; 4] {
    [&token.name, &token.app, &token.description, token.owner.as_str()]
}

impl TokenFilter {
    /// Whether it leaves out no token at all.
    pub fn is_open(&self) -> bool {
        *self == Self::default()
    }

    /// The same as far as the record alone answers it.
    #[must_use]
    pub fn of_record(&self) -> Self {
        Self { standings: None, ends_before: None, used: None, rotated: None, ..self.clone() }
    }

    /// Whether it asks for the last use of a token with an idle limit or without.
    pub const fn asks_use(&self) -> bool {
        let states = self.standings.is_some() || self.rotated.is_some();
        states || self.ends_before.is_some() || self.used.is_some()
    }

    /// Whether it asks if the owner or the company is blocked.
    pub fn asks_blocked(&self) -> bool {
        let asks = |standing: &Standing| matches!(standing, Standing::Active | Standing::Blocked);
        self.standings.as_ref().is_some_and(|all| all.iter().any(asks))
    }

    /// Whether it asks if a token is used up, so that meters must be looked at.
    pub fn asks_used_up(&self) -> bool {
        self.standings.as_ref().is_some_and(|all| all.contains(&Standing::UsedUp))
    }

    /// Whether `token` is to be listed, if it counts as used last at `used`, and is blocked or not with its
    /// owner or its company.
    pub fn matches(
        &self,
        token: &Token,
        used: Option<Timestamp>,
        blocked: bool,
        now: Timestamp,
    ) -> bool {
        self.matches_record(token) && self.matches_course(&token.course(), used, blocked, now)
    }

    /// What the record alone says.
    pub fn matches_record(&self, token: &Token) -> bool {
        fn all<T>(wanted: Option<&T>, holds: impl FnOnce(&T) -> bool) -> bool {
            wanted.is_none_or(holds)
        }
        let context = |wanted: &Slug| match &token.contexts {
            Contexts::All => true,
            Contexts::Set(names) => names.contains(wanted),
        };
        let named = |wanted: &Slug| token.contexts != Contexts::All && context(wanted);
        let expires = |end: &Timestamp| token.expires_at.is_some_and(|expiry| expiry < *end);
        let text = |wanted: &String| {
            let wanted = folded(wanted);
            wanted.parse() == Ok(token.id)
                || texts(token).iter().any(|text| folded(text).contains(&wanted))
        };
        all(self.owners.as_ref(), |owners| owners.contains(&token.owner))
            && all(self.company.as_ref(), |company| token.company.as_ref() == Some(company))
            && all(self.context.as_ref(), context)
            && all(self.named_context.as_ref(), named)
            && token.flags.contains(self.flags)
            && all(self.name.as_ref(), |name| folded(name) == folded(&token.name))
            && all(self.hint.as_ref(), |hint| *hint == token.hint)
            && all(self.created_from.as_ref(), |from| token.created_at >= *from)
            && all(self.created_before.as_ref(), |end| token.created_at < *end)
            && all(self.expires_before.as_ref(), expires)
            && all(self.text.as_ref(), text)
    }

    /// What its life and its last use say, where the record alone says yes.
    pub fn matches_course(
        &self,
        course: &Course,
        used: Option<Timestamp>,
        blocked: bool,
        now: Timestamp,
    ) -> bool {
        if !self.asks_use() {
            return true;
        }
        let state = course.state(used, now);
        let ends = |end: Timestamp| {
            !state.is_final() && course.life.deadline(used).is_some_and(|deadline| deadline < end)
        };
        let was_used = |wanted: Used| match wanted {
            Used::Never => used.is_none(),
            Used::Before(moment) => used.is_none_or(|used| used < moment),
        };
        let moves = |rotated: Rotated| {
            let since = course.succeeded_at.filter(|_| !state.is_final());
            since.is_some_and(|since| match rotated {
                Rotated::Any => true,
                Rotated::InUse => used.is_some_and(|used| used >= since),
            })
        };
        let stands = |one: &Standing| one.holds(state, blocked, course.may_be_used_up);
        self.standings.as_ref().is_none_or(|all| all.iter().any(stands))
            && self.rotated.is_none_or(moves)
            && self.ends_before.is_none_or(ends)
            && self.used.is_none_or(was_used)
    }
}

#[cfg(test)]
mod tests;
