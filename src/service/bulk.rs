//! Ending many tokens at once: what would be done is shown first, and nothing else is done.
//!
//! The answer that shows it has a word, which the act must bear. It names the moment of the answer, and a
//! digest over the tokens. Whoever was ended since is still one of them, so that an act that was broken off
//! can be called again with the same word; one more, or one that no longer fits, and the act is refused.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use crate::domain::event::{Event, EventKind, Many};
use crate::domain::id::{OwnerId, TokenId};
use crate::domain::token::{Act, End, Ended, Token};
use crate::service::bulk_set::{Confirm, Members};
use crate::service::caller::Caller;
use crate::service::error::ServiceError;
use crate::service::list::TokenList;
use crate::service::view::TokenView;
use crate::service::{Service, check};
use crate::store::{Change, Commit, OwnerKey, Record, StoreError, Subject};

/// The most tokens that one event ends. They are of one owner, who sees the event.
const OF_AN_EVENT: usize = 50;

/// How many events are on their way to the disk at once: one sync serves all of them.
const AT_ONCE: usize = 16;

/// The most tokens that one call ends, so that each is answered within seconds. Each looks at all of them.
pub const OF_A_CALL: usize = 10_000;

/// How many tokens are shown, and how many owners are named.
const SHOWN: usize = 20;

/// How many owners are counted one by one; some four MB.
const OWNERS_COUNTED: usize = 65_536;

/// Which tokens to end, and why.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkRevocation {
    /// The filters of the list; at least one.
    #[serde(default)]
    pub filter: TokenList,
    /// Why, for the history.
    #[serde(default)]
    pub reason: String,
    /// The word of what was shown; required for the act.
    #[serde(default)]
    pub confirm: Option<String>,
}

/// What would be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BulkPlan {
    /// How many tokens would end.
    pub tokens: usize,
    /// Of whom, those with the most first; not all where there are many.
    pub owners: Vec<OwnerShare>,
    /// How many tokens are of owners that are not named above.
    pub of_others: usize,
    /// The oldest of the tokens.
    pub first: Vec<TokenView>,
    /// How many fit the filter and stay, since they are not the caller's to end.
    pub not_yours: usize,
    /// What the act must bear.
    pub confirm: String,
}

/// How many tokens are of one owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OwnerShare {
    /// The owner.
    pub owner: OwnerId,
    /// How many.
    pub tokens: usize,
}

/// What was done in one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BulkDone {
    /// How many tokens this call ended.
    pub revoked: usize,
    /// How many are left: call again with the same word until there are none.
    pub left: usize,
    /// How many there were when they were shown.
    pub of: usize,
}

impl Service {
    /// Shows which tokens a filter would end: all that have not ended and are the caller's to end.
    ///
    /// # Errors
    /// A filter that says nothing or cannot be, or a store that cannot be read.
    pub async fn plan_revocation(
        &self,
        by: &Caller,
        asked: &BulkRevocation,
    ) -> Result<BulkPlan, ServiceError> {
        check::line("reason", &asked.reason, check::REASON_CHARS)?;
        let set = self.set(by, &asked.filter, None).await?;
        let (mut members, mut first) = (Members::new(&set), Vec::new());
        // How many, and the first of them, by which the owner is found.
        let mut shares: HashMap<OwnerKey, (usize, TokenId)> = HashMap::new();
        let not_yours = self.walk(by, &set, |token| {
            members.add(token);
            if first.len() < SHOWN {
                first.push(token.id);
            }
            let has_room = shares.len() < OWNERS_COUNTED;
            match shares.get_mut(&token.owner) {
                Some((tokens, _)) => *tokens += 1,
                None if has_room => drop(shares.insert(token.owner, (1, token.id))),
                None => {}
            }
        });
        members.not_yours = not_yours.await?;
        let owners = self.largest(shares.into_values().collect()).await?;
        let named = owners.iter().map(|share| share.tokens).sum();
        let mut views = Vec::with_capacity(first.len());
        for id in first {
            views.push(self.view(&*self.token_record(id).await?, set.now).await?);
        }
        Ok(BulkPlan {
            tokens: members.alive,
            owners,
            of_others: members.alive.saturating_sub(named),
            first: views,
            not_yours: members.not_yours,
            confirm: members.confirm(set.now).to_string(),
        })
    }

    /// Those who have the most, by how many each has and one token of each.
    async fn largest(
        &self,
        mut shares: Vec<(usize, TokenId)>,
    ) -> Result<Vec<OwnerShare>, ServiceError> {
        shares.sort_by_key(|(tokens, first)| (std::cmp::Reverse(*tokens), *first));
        let mut named: BTreeMap<OwnerId, usize> = BTreeMap::new();
        for (tokens, first) in shares.into_iter().take(SHOWN) {
            *named.entry(self.token_record(first).await?.owner.clone()).or_default() += tokens;
        }
        let shares = named.into_iter().map(|(owner, tokens)| OwnerShare { owner, tokens });
        let mut shares: Vec<_> = shares.collect();
        shares.sort_by_key(|share| std::cmp::Reverse(share.tokens));
        Ok(shares)
    }

    /// Ends tokens of what was shown, at most [`OF_A_CALL`] of them.
    ///
    /// # Errors
    /// No word, or one of other tokens than those that fit now: nothing is done. A store that refuses: what
    /// was done until then is done, and the call can be made again.
    pub async fn revoke_many(
        &self,
        by: &Caller,
        asked: &BulkRevocation,
    ) -> Result<BulkDone, ServiceError> {
        check::line("reason", &asked.reason, check::REASON_CHARS)?;
        let Some(word) = &asked.confirm else {
            let problem = "the preview of this act answers with a word, which must stand here";
            return Err(ServiceError::field("confirm", problem));
        };
        let confirm: Confirm = word
            .parse()
            .map_err(|()| ServiceError::field("confirm", "this is not the word of a preview"))?;
        let set = self.set(by, &asked.filter, Some(confirm.at)).await?;
        let (mut members, mut next) = (Members::new(&set), Vec::new());
        self.walk(by, &set, |token| {
            members.add(token);
            if token.course.ended.is_none() && next.len() < self.of_a_call {
                next.push(token.id);
            }
        })
        .await?;
        if !members.are(&confirm) {
            let (shown, now) = (confirm.tokens, members.alive);
            return Err(ServiceError::NotAsShown { shown, now });
        }
        let many = Many { tokens: confirm.tokens, filter: asked.filter.said() };
        let revoked = self.end_all(by, &asked.reason, next, &many).await?;
        Ok(BulkDone { revoked, left: members.alive.saturating_sub(revoked), of: confirm.tokens })
    }

    /// Ends all of them, those of one owner by common events.
    async fn end_all(
        &self,
        by: &Caller,
        reason: &str,
        tokens: Vec<TokenId>,
        many: &Many,
    ) -> Result<usize, ServiceError> {
        let mut by_owner: BTreeMap<OwnerId, Vec<Arc<Token>>> = BTreeMap::new();
        for id in tokens {
            let token = self.token_record(id).await?;
            // Who was faster has ended it.
            if token.ended.is_none() {
                by_owner.entry(token.owner.clone()).or_default().push(token);
            }
        }
        let at = self.at().await?;
        let act = Act { at, by: by.actor.clone(), reason: self.kept(reason).await };
        let (mut done, mut failed, mut running) = (0, None, JoinSet::new());
        let mut alone = Vec::new();
        let mut settle = |(ids, outcome): Outcome| match outcome {
            Ok(()) => done += ids.len(),
            // Somebody changed one of them meanwhile.
            Err(StoreError::Conflict { .. }) => alone.extend(ids),
            Err(error) => failed = failed.take().or(Some(error)),
        };
        for (owner, tokens) in &by_owner {
            for some in tokens.chunks(OF_AN_EVENT) {
                if running.len() >= AT_ONCE
                    && let Some(Ok(outcome)) = running.join_next().await
                {
                    settle(outcome);
                }
                let ids: Vec<_> = some.iter().map(|token| token.id).collect();
                let commit = commit(owner, some, &act, many);
                let cache = Arc::clone(&self.cache);
                running.spawn(async move { (ids, cache.commit(commit).await.map(|_| ())) });
            }
        }
        while let Some(joined) = running.join_next().await {
            match joined {
                Ok(outcome) => settle(outcome),
                Err(_) => settle((Vec::new(), Err(StoreError::Closed))),
            }
        }
        if let Some(error) = failed {
            return Err(error.into());
        }
        for id in alone {
            done += usize::from(self.revoke_token(by, id, reason).await?.changed);
        }
        Ok(done)
    }
}

/// Which tokens an event was to end, and what became of it.
type Outcome = (Vec<TokenId>, Result<(), StoreError>);

/// The end of some tokens of one owner.
fn commit(owner: &OwnerId, tokens: &[Arc<Token>], act: &Act, many: &Many) -> Commit {
    let change = |held: &Arc<Token>| {
        let mut token = Token::clone(held);
        token.ended = Some(Ended { how: End::Revoked, act: act.clone() });
        token.revision = held.revision.next();
        let record = Record::Token(Arc::new(token));
        Change { record, expected: held.revision, unused_since: None }
    };
    let event = Event {
        at: act.at,
        effective_at: act.at,
        actor: act.by.clone(),
        kind: EventKind::TokenRevoked,
        reason: act.reason.clone(),
        many: Some(many.clone()),
    };
    let subjects = vec![Subject::Owner(owner.clone())];
    Commit { event, changes: tokens.iter().map(change).collect(), subjects }
}
