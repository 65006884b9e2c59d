//! Going through many tokens at a glance, page by page: to count them, or to end them.

use std::sync::Arc;

use crate::domain::owner::Owner;
use crate::domain::time::Timestamp;
use crate::service::Service;
use crate::service::caller::Caller;
use crate::service::error::ServiceError;
use crate::service::list::TokenList;
use crate::store::{Glance, Order, StoreError, TokenFilter, TokenQuery};

/// How many tokens are looked at in one go, within milliseconds; some three MB.
const TOGETHER: usize = if cfg!(test) { 16 } else { 32_768 };

/// A walk through all tokens of a filter, in the order of their ids.
#[derive(Debug)]
pub(super) struct Walk {
    query: TokenQuery,
    is_over: bool,
}

impl Walk {
    /// As the tokens are at `now`.
    pub(super) const fn new(filter: TokenFilter, now: Timestamp) -> Self {
        let (order, after) = (Order::Oldest, None);
        Self { query: TokenQuery { filter, order, after, limit: TOGETHER, now }, is_over: false }
    }
}

impl Service {
    /// The next tokens of a walk, perhaps none of some; none at its end.
    pub(super) async fn step(&self, walk: &mut Walk) -> Result<Option<Vec<Glance>>, StoreError> {
        if walk.is_over {
            return Ok(None);
        }
        let page = self.cache.glances(&walk.query).await?;
        walk.query.after = page.next;
        walk.is_over = page.next.is_none();
        Ok(Some(page.entries))
    }

    /// Shows `visit` every token that `by` would be listed.
    pub(super) async fn each_seen(
        &self,
        by: &Caller,
        asked: &TokenList,
        now: Timestamp,
        mut visit: impl FnMut(&Glance),
    ) -> Result<(), ServiceError> {
        let reach = self.reach_of(by, asked).await?;
        let mut walk = Walk::new(self.filter(reach.as_ref(), asked)?, now);
        while let Some(some) = self.step(&mut walk).await? {
            some.iter().for_each(&mut visit);
        }
        Ok(())
    }

    /// Whose a token is; none if its record tells of another one by now.
    pub(super) async fn owner_of(
        &self,
        glance: &Glance,
    ) -> Result<Option<Arc<Owner>>, ServiceError> {
        match self.store().token(glance.id).await? {
            Some(token) if glance.owner.is_of(&token.owner) => {
                Ok(Some(self.owner_record(&token.owner).await?))
            }
            _ => Ok(None),
        }
    }
}
