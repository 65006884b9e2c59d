//! How tokens and owners stand, in numbers: of what somebody may see.

use std::collections::BinaryHeap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::id::TokenId;
use crate::domain::time::{Span, Timestamp};
use crate::domain::token::State;
use crate::service::Service;
use crate::service::caller::Caller;
use crate::service::error::ServiceError;
use crate::service::list::TokenList;
use crate::service::view::TokenView;
use crate::store::Glance;

/// How many of the tokens that end soonest are named.
const SOONEST: usize = 8;

/// What ends sooner than this is named.
pub const SOON: Span = Span::from_days(14);

/// Tokens by where they stand, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TokenCounts {
    /// All.
    pub all: usize,
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
    /// All.
    pub all: usize,
    /// Those that are blocked.
    pub blocked: usize,
}

/// The tokens that somebody may see, in numbers, and those of them that end next.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// By where they stand.
    pub counts: TokenCounts,
    /// Usable, and never used.
    pub usable_unused: usize,
    /// Those that end soonest, the latest of them on top.
    soonest: BinaryHeap<(Timestamp, TokenId)>,
}

impl Service {
    /// Counts the tokens that `by` would be listed. It looks at each of them; whoever sees everything may be
    /// given what was counted a few seconds ago.
    ///
    /// # Errors
    /// A store that cannot be read, or a clock that is behind.
    pub async fn token_counts(&self, by: &Caller) -> Result<TokenCounts, ServiceError> {
        Ok(self.tally(by).await?.counts.clone())
    }

    /// The same, with those that end soonest.
    ///
    /// # Errors
    /// The same.
    pub async fn tally(&self, by: &Caller) -> Result<Arc<Tally>, ServiceError> {
        let now = self.moment().await?;
        let make = async {
            let mut tally = Tally::default();
            self.each_seen(by, &TokenList::default(), now, |glance| tally.add(glance, now)).await?;
            Ok(Arc::new(tally))
        };
        if by.sees_all() { self.tally.get(&self.clock, make).await } else { make.await }
    }

    /// The tokens of a tally that end within [`SOON`], the soonest first, and no more than a few.
    ///
    /// # Errors
    /// A store that cannot be read, or a clock that is behind.
    pub async fn soonest(
        &self,
        by: &Caller,
        tally: &Tally,
    ) -> Result<Vec<TokenView>, ServiceError> {
        let (mut views, until) = (Vec::with_capacity(SOONEST), self.moment().await?.plus(SOON));
        for (_, id) in &tally.soonest {
            let view = self.token(by, *id).await?;
            // Since it was counted it may have ended, been used or changed.
            if let Some((end, _)) = view.end().filter(|(end, _)| *end <= until)
                && !view.state.is_final()
            {
                views.push((end, view));
            }
        }
        views.sort_by_key(|(end, view)| (*end, view.id));
        Ok(views.into_iter().map(|(_, view)| view).collect())
    }

    /// Counts the owners that `by` would be listed.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn owner_counts(&self, by: &Caller) -> Result<OwnerCounts, ServiceError> {
        if by.sees_all() {
            let make = async {
                let (all, blocked) = self.store().count_owners().await?;
                Ok(OwnerCounts { all, blocked })
            };
            return self.owner_tally.get(&self.clock, make).await;
        }
        let family = self.family().await?;
        let (sight, mut counts) = (family.sight(by), OwnerCounts::default());
        for (_, card) in family.seen(&sight, None) {
            counts.all += 1;
            counts.blocked += usize::from(card.blocked);
        }
        Ok(counts)
    }
}

impl Tally {
    fn add(&mut self, token: &Glance, now: Timestamp) {
        let Glance { course, used, blocked, .. } = token;
        let counts = &mut self.counts;
        let state = course.state(*used, now);
        counts.all += 1;
        let place = match state {
            State::Expired => &mut counts.expired,
            State::IdleExpired => &mut counts.idle_expired,
            State::Revoked => &mut counts.revoked,
            _ if *blocked => &mut counts.blocked,
            State::Pending => &mut counts.pending,
            State::Active => &mut counts.active,
            State::Disabled => &mut counts.disabled,
        };
        *place += 1;
        if state.is_final() {
            return;
        }
        counts.never_used += usize::from(used.is_none());
        self.usable_unused += usize::from(used.is_none() && state == State::Active && !blocked);
        let Some(end) = course.life.deadline(*used) else { return };
        for (days, count) in [
            (14, &mut counts.end_within_14_days),
            (3, &mut counts.end_within_3_days),
            (1, &mut counts.end_within_1_day),
        ] {
            *count += usize::from(end <= now.plus(Span::from_days(days)));
        }
        if end <= now.plus(SOON) {
            self.soonest.push((end, token.id));
            if self.soonest.len() > SOONEST {
                self.soonest.pop();
            }
        }
    }
}
