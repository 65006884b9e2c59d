//! How tokens and owners stand, in numbers: of what somebody may see.

use serde::{Deserialize, Serialize};

use crate::domain::time::{Span, Timestamp};
use crate::domain::token::State;
use crate::service::caller::Caller;
use crate::service::error::ServiceError;
use crate::service::list::TokenList;
use crate::service::view::TokenView;
use crate::service::{PAGE_ENTRIES, Service};
use crate::store::Order;

/// How many tokens, and how many owners, are counted at the most: an overview is asked for often, and must not
/// read a million records each time.
const COUNTED: usize = 100_000;

/// Tokens by where they stand, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TokenCounts {
    /// All that were counted.
    pub all: usize,
    /// Whether there are more, which were not.
    pub more: bool,
    /// Not yet usable.
    pub pending: usize,
    /// Usable.
    pub active: usize,
    /// Paused.
    pub disabled: usize,
    /// Stopped with their owner or their company.
    pub blocked: usize,
    /// Over: their time came.
    pub expired: usize,
    /// Over: they lay unused for too long.
    pub idle_expired: usize,
    /// Over: somebody ended them.
    pub revoked: usize,
    /// Not over, and never used.
    pub never_used: usize,
    /// Not over, and will be within 14 days by time or by idleness.
    pub end_within_14_days: usize,
    /// The same within 3 days.
    pub end_within_3_days: usize,
    /// The same within a day.
    pub end_within_1_day: usize,
}

/// Users and services.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OwnerCounts {
    /// All that were counted.
    pub all: usize,
    /// Whether there are more, which were not.
    pub more: bool,
    /// Those that are blocked.
    pub blocked: usize,
}

impl Service {
    /// Counts the tokens that `by` would be listed.
    ///
    /// # Errors
    /// A store that cannot be read, or a clock that is behind.
    pub async fn token_counts(&self, by: &Caller) -> Result<TokenCounts, ServiceError> {
        let (mut counts, mut cursor) = (TokenCounts::default(), None);
        let now = self.moment().await?;
        loop {
            let (order, limit) = (Some(Order::Oldest), Some(PAGE_ENTRIES));
            let asked = TokenList { order, limit, cursor, ..TokenList::default() };
            let page = self.tokens(by, &asked).await?;
            page.entries.iter().for_each(|token| counts.add(token, now));
            cursor = page.next;
            if cursor.is_none() || counts.all >= COUNTED {
                counts.more = cursor.is_some();
                return Ok(counts);
            }
        }
    }

    /// Counts the owners that `by` would be listed.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn owner_counts(&self, by: &Caller) -> Result<OwnerCounts, ServiceError> {
        let (mut counts, mut after) = (OwnerCounts::default(), None);
        loop {
            let page = self.owners(by, after.as_ref(), PAGE_ENTRIES).await?;
            counts.all += page.entries.len();
            counts.blocked += page.entries.iter().filter(|owner| owner.blocked.is_some()).count();
            after = page.next;
            if after.is_none() || counts.all >= COUNTED {
                counts.more = after.is_some();
                return Ok(counts);
            }
        }
    }
}

impl TokenCounts {
    fn add(&mut self, token: &TokenView, now: Timestamp) {
        self.all += 1;
        let place = match token.state {
            State::Expired => &mut self.expired,
            State::IdleExpired => &mut self.idle_expired,
            State::Revoked => &mut self.revoked,
            _ if token.blocked => &mut self.blocked,
            State::Pending => &mut self.pending,
            State::Active => &mut self.active,
            State::Disabled => &mut self.disabled,
        };
        *place += 1;
        if token.state.is_final() {
            return;
        }
        let unused = token.last_use.is_none() && token.counts_as_used_at.is_none();
        self.never_used += usize::from(unused);
        let Some(end) = [token.expires_at, token.idle_at].into_iter().flatten().min() else {
            return;
        };
        for (days, count) in [
            (14, &mut self.end_within_14_days),
            (3, &mut self.end_within_3_days),
            (1, &mut self.end_within_1_day),
        ] {
            *count += usize::from(end <= now.plus(Span::from_days(days)));
        }
    }
}
