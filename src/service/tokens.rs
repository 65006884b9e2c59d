//! Tokens: showing, pausing, ending. Making them is `create`'s, changing what they may do `update`'s.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::cache::At;
use crate::domain::event::EventKind;
use crate::domain::id::{Slug, TokenId};
use crate::domain::left::Left;
use crate::domain::owner::Owner;
use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;
use crate::domain::token::{Act, End, Ended, Revision, State, Token};
use crate::service::caller::Caller;
use crate::service::error::ServiceError;
use crate::service::view::{TokenChanged, TokenView};
use crate::service::{ATTEMPTS, Service, check, known};
use crate::store::{Change, Held, Record, StoreError, Subject};

/// How a token is named by somebody who asks about it.
#[derive(Debug)]
pub enum Presented {
    /// Publicly.
    Id(TokenId),
    /// As a client would.
    Secret(Secret),
}

/// How a token stands before it is changed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// Where in its life it is.
    pub(super) state: State,
    /// Since when it counts as unused.
    pub(super) last_use: Option<Timestamp>,
    /// When it is changed.
    pub(super) now: Timestamp,
}

impl Service {
    /// One token, also one that has ended.
    ///
    /// # Errors
    /// No such token, or a store that cannot be read.
    pub async fn token(&self, by: &Caller, id: TokenId) -> Result<TokenView, ServiceError> {
        let (token, now) = (self.token_seen(by, id).await?, self.moment().await?);
        self.view(&token, now).await
    }

    /// A token with its owner, its company and its last use, if there is one.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn presented(
        &self,
        by: &Caller,
        presented: &Presented,
    ) -> Result<Option<Held>, ServiceError> {
        let token = match presented {
            Presented::Id(id) => self.store().token(*id).await?,
            Presented::Secret(secret) => {
                self.store().held(&secret.digest()).await?.map(|held| held.token)
            }
        };
        let Some(token) = token else { return Ok(None) };
        let owner = self.owner_record(&token.owner).await?;
        if !by.sees(&owner, self.relation(by, &owner).await?) {
            return Ok(None);
        }
        let last_use = self.cache.last_use(&token).await?;
        let company = self.company_of(token.company.as_ref()).await?;
        Ok(Some(Held { token, owner, company, last_use, slot: None }))
    }

    /// Ends a token for good (row F8). One that was ended before stays as it was.
    ///
    /// # Errors
    /// No such token, or a store that refuses.
    pub async fn revoke_token(
        &self,
        by: &Caller,
        id: TokenId,
        reason: &str,
    ) -> Result<TokenChanged, ServiceError> {
        let act = self.act(by, reason).await?;
        let ended = Ended { how: End::Revoked, act };
        self.change_token(by, EventKind::TokenRevoked, reason, id, |token, _| {
            // Not by its state: an expiry that only the clock knows of is gone when the clock is
            // set back, and the token must not be.
            if token.ended.is_none() {
                token.ended = Some(ended.clone());
            }
            Ok(())
        })
        .await
    }

    /// Pauses a token.
    ///
    /// # Errors
    /// No such token, one that has ended, or a store that refuses.
    pub async fn disable_token(
        &self,
        by: &Caller,
        id: TokenId,
        reason: &str,
    ) -> Result<TokenChanged, ServiceError> {
        let act = self.act(by, reason).await?;
        let (held, owner) = self.token_minded(by, id).await?;
        let outranks = self.outranks(by, &owner, held.disabled.as_ref()).await?;
        self.change_token(by, EventKind::TokenDisabled, reason, id, |token, seen| {
            alive(token, seen.state)?;
            as_judged(&held, token)?;
            if outranks {
                token.disabled = Some(act.clone());
            }
            Ok(())
        })
        .await
    }

    /// Lifts a pause that nobody set who stands higher.
    ///
    /// # Errors
    /// No such token, one that has ended, a pause that is not theirs to lift, or a store that refuses.
    pub async fn enable_token(
        &self,
        by: &Caller,
        id: TokenId,
        reason: &str,
    ) -> Result<TokenChanged, ServiceError> {
        self.act(by, reason).await?;
        self.moment().await?;
        let (held, owner) = self.token_minded(by, id).await?;
        self.let_lift(by, &owner, held.disabled.as_ref()).await?;
        self.change_token(by, EventKind::TokenEnabled, reason, id, |token, seen| {
            alive(token, seen.state)?;
            as_judged(&held, token)?;
            token.disabled = None;
            Ok(())
        })
        .await
    }

    /// Applies `apply` to the record and writes it, unless nothing changed. If somebody else was
    /// faster, it is applied to what they made of it.
    pub(super) async fn change_token(
        &self,
        by: &Caller,
        kind: EventKind,
        reason: &str,
        id: TokenId,
        apply: impl Fn(&mut Token, Seen) -> Result<(), ServiceError>,
    ) -> Result<TokenChanged, ServiceError> {
        let mut attempts = ATTEMPTS;
        self.token_minded(by, id).await?;
        loop {
            let held = self.token_record(id).await?;
            by.expects(held.revision, || format!("token {id}"))?;
            let last_use = self.cache.last_use(&held).await?.map(|last| last.at);
            let mut token = Token::clone(&held);
            let now = self.at().await?;
            apply(&mut token, Seen { state: held.state(last_use, now), last_use, now })?;
            if token == *held {
                return Ok(TokenChanged { token: self.view(&held, now).await?, changed: false });
            }
            let texts = (known::of_token(&token), known::of_token(&held));
            self.hold_no_secret(texts.0, texts.1, &BTreeSet::new()).await?;
            token.revision = held.revision.next();
            let changed = token.clone();
            attempts -= 1;
            match self.write_token(by, kind, reason, token, held.revision).await {
                Err(StoreError::Conflict { .. }) if attempts > 0 => {}
                Err(error) => return Err(error.into()),
                Ok(()) => {
                    return Ok(TokenChanged {
                        token: self.view(&changed, now).await?,
                        changed: true,
                    });
                }
            }
        }
    }

    pub(super) async fn write_token(
        &self,
        by: &Caller,
        kind: EventKind,
        reason: &str,
        token: Token,
        expected: Revision,
    ) -> Result<(), StoreError> {
        // The owner's history shows what happened to its tokens.
        let subjects = vec![Subject::Owner(token.owner.clone())];
        let record = Record::Token(Arc::new(token));
        let change = Change { record, expected, unused_since: None };
        self.write(by, kind, reason, change, subjects).await.map(|_| ())
    }

    /// The record of a token that `by` may change, and its owner.
    async fn token_minded(
        &self,
        by: &Caller,
        id: TokenId,
    ) -> Result<(Arc<Token>, Arc<Owner>), ServiceError> {
        let token = self.token_seen(by, id).await?;
        let owner = self.owner_record(&token.owner).await?;
        self.let_mind_tokens(by, &owner).await?;
        Ok((token, owner))
    }

    /// The record of a token that `by` may see.
    pub(super) async fn token_seen(
        &self,
        by: &Caller,
        id: TokenId,
    ) -> Result<Arc<Token>, ServiceError> {
        let token = self.token_record(id).await?;
        let owner = self.owner_record(&token.owner).await?;
        match self.let_see(by, &owner).await {
            Err(ServiceError::NoOwner(_)) => Err(ServiceError::NoToken(id)),
            outcome => outcome.map(|()| token),
        }
    }

    pub(super) async fn token_record(&self, id: TokenId) -> Result<Arc<Token>, ServiceError> {
        self.store().token(id).await?.ok_or(ServiceError::NoToken(id))
    }

    pub(super) async fn view(
        &self,
        token: &Token,
        now: Timestamp,
    ) -> Result<TokenView, ServiceError> {
        let blocked = self.is_blocked(token).await?;
        let last_use = self.cache.last_use(token).await?;
        let settings = self.settings();
        let view = TokenView::new(token, blocked, last_use, &settings.flags, now);
        Ok(view.with_lacks(&settings.contexts).with_left(self.left(token).await?))
    }

    /// What is left of the limits of a token; none where it has none, or where nobody can tell.
    ///
    /// # Errors
    /// A store that cannot be read. One count that is damaged does not stop a list.
    pub async fn left(&self, token: &Token) -> Result<Option<Left>, ServiceError> {
        let at = At { now: self.at().await?, uptime_ns: self.uptime_ns() };
        match self.cache.left(token, at).await {
            Err(StoreError::Damaged { .. }) => Ok(None),
            left => Ok(left?),
        }
    }

    /// Whether a token is stopped with its owner or its company.
    pub(super) async fn is_blocked(&self, token: &Token) -> Result<bool, ServiceError> {
        let owner = self.store().owner(&token.owner).await?;
        if owner.is_some_and(|owner| owner.blocked.is_some()) {
            return Ok(true);
        }
        let company = self.company_of(token.company.as_ref()).await?;
        Ok(company.is_some_and(|company| company.blocked.is_some()))
    }

    /// Whose block stops a token that was shown: whether its owner's, and its company if that is blocked.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn blocks(&self, token: &TokenView) -> Result<(bool, Option<Slug>), ServiceError> {
        let owner = self.store().owner(&token.owner).await?;
        let company = self.company_of(token.company.as_ref()).await?;
        let company = company.filter(|company| company.blocked.is_some());
        let owner = owner.is_some_and(|owner| owner.blocked.is_some());
        Ok((owner, company.map(|company| company.id.clone())))
    }

    async fn act(&self, by: &Caller, reason: &str) -> Result<Act, ServiceError> {
        check::line("reason", reason, check::REASON_CHARS)?;
        let reason = self.kept(reason).await;
        Ok(Act { at: self.at().await?, by: by.actor.clone(), reason })
    }
}

/// Refuses a token that has ended, by its record or by the clock.
pub(super) const fn alive(token: &Token, state: State) -> Result<(), ServiceError> {
    if state.is_final() { Err(ServiceError::Ended { id: token.id, state }) } else { Ok(()) }
}

/// Refuses what was judged by a pause that is another one by now.
fn as_judged(judged: &Token, token: &Token) -> Result<(), ServiceError> {
    let expected = (judged.disabled != token.disabled).then_some(judged.revision.0);
    check::revision(|| format!("token {}", token.id), token.revision, expected)
}
