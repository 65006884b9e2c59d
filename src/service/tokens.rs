//! Tokens: making, showing, pausing, ending. Changing what they may do is `update`'s.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::Settings;
use crate::domain::event::EventKind;
use crate::domain::flags::Flags;
use crate::domain::id::{OwnerId, TokenId};
use crate::domain::owner::Owner;
use crate::domain::secret::{self, Secret};
use crate::domain::time::{Span, Timestamp};
use crate::domain::token::{Act, End, Ended, Revision, State, Token};
use crate::service::caller::Caller;
use crate::service::error::ServiceError;
use crate::service::input::NewToken;
use crate::service::view::{TokenChanged, TokenView};
use crate::service::{ATTEMPTS, PAGE_ENTRIES, Service, check, grant, params};
use crate::store::{Change, Held, Listed, Page, Record, StoreError, Subject};

/// A new token, and its secret if that was made here: this is the only time that it is seen.
pub struct Created {
    /// The token.
    pub token: TokenView,
    /// None if the caller brought it.
    pub secret: Option<Secret>,
}

/// How a token is named by somebody who asks about it.
#[derive(Debug)]
pub enum Presented {
    /// Publicly.
    Id(TokenId),
    /// As a client would.
    Secret(Secret),
}

impl Service {
    /// Makes a token.
    ///
    /// # Errors
    /// A value that cannot be, more than may be granted, or a store that refuses.
    pub async fn create_token(
        &self,
        by: &Caller,
        input: NewToken,
    ) -> Result<Created, ServiceError> {
        let settings = self.settings();
        let owner = match &input.owner {
            Some(id) => {
                let owner = self.store().owner(id).await?;
                owner.ok_or_else(|| ServiceError::NoOwner(id.clone()))?
            }
            None => return Err(ServiceError::field("owner", "a token acts for a user: name one")),
        };
        let (secret, brought) = match &input.secret {
            Some(text) => (given(text)?, true),
            None => (Secret::issue(random).map_err(|()| ServiceError::NoEntropy)?, false),
        };
        let now = self.moment().await?;
        let token = self.draft((by, now), &input, &owner, &settings, &secret)?;
        let view = TokenView::new(
            &token,
            owner.blocked.is_some(),
            None,
            &settings.flags,
            token.created_at,
        );
        self.write_token(by, EventKind::TokenCreated, "", token, Revision::NONE).await?;
        Ok(Created { token: view, secret: (!brought).then_some(secret) })
    }

    /// The record of a token as `input` asks for it, if it may be.
    fn draft(
        &self,
        (by, now): (&Caller, Timestamp),
        input: &NewToken,
        owner: &Owner,
        settings: &Settings,
        secret: &Secret,
    ) -> Result<Token, ServiceError> {
        let contexts = input.contexts.clone().unwrap_or_default();
        let items = input.items.clone().unwrap_or_default();
        check::name("name", &input.name)?;
        check::line("app", &input.app, check::NAME_CHARS)?;
        check::description(&input.description)?;
        check::contexts(&contexts, &settings.contexts)?;
        check::items_fit(&items)?;
        check::conditions(&input.conditions)?;
        check::networks(&input.conditions.networks)?;
        let id = self.new_id()?;
        let not_before = input.not_before.unwrap_or(now);
        let flags = match &input.flags {
            Some(flags) => check::flags("flags", flags, &settings.flags)?,
            None => Flags::NONE,
        };
        let seal = |context: &_, name: &str, text: &str| self.seal(id, context, name, text);
        let token = Token {
            id,
            digest: secret.digest(),
            hint: secret.hint(),
            name: input.name.clone(),
            app: input.app.clone(),
            description: input.description.clone(),
            owner: owner.id.clone(),
            company: input.company.clone().or_else(|| owner.company.clone()),
            created_by: by.actor.clone(),
            created_at: now,
            not_before,
            expires_at: end(input, settings, not_before)?,
            idle_ttl: idle_ttl(input, settings)?,
            flags,
            params: input.params.as_deref().map(params::free).transpose()?,
            context_params: params::merged(
                &BTreeMap::new(),
                &input.context_params,
                &contexts,
                &settings.contexts,
                seal,
            )?,
            contexts,
            items,
            conditions: input.conditions.clone(),
            disabled: None,
            rotated_from: None,
            rotated_to: None,
            ended: None,
            revision: Revision::NONE.next(),
        };
        let end_field = if input.expires_at.is_some() { "expires_at" } else { "lifetime" };
        check::end(end_field, not_before, token.expires_at, now)?;
        grant::flags(&by.grants, owner, token.flags)?;
        grant::contexts(&by.grants, &token.contexts)?;
        grant::items(&by.grants, &token.items)?;
        grant::company(&by.grants, owner, token.company.as_ref())?;
        grant::end(end_field, &by.grants, token.expires_at)?;
        Ok(token)
    }

    /// One token, also one that has ended.
    ///
    /// # Errors
    /// No such token, or a store that cannot be read.
    pub async fn token(&self, id: TokenId) -> Result<TokenView, ServiceError> {
        let (token, now) = (self.token_record(id).await?, self.moment().await?);
        self.view(&token, now).await
    }

    /// A token with its owner and its last use, if there is one.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn presented(&self, by: &Presented) -> Result<Option<Held>, ServiceError> {
        let token = match by {
            Presented::Id(id) => self.store().token(*id).await?,
            Presented::Secret(secret) => {
                self.store().held(&secret.digest()).await?.map(|held| held.token)
            }
        };
        let Some(token) = token else { return Ok(None) };
        let owner = self.owner_record(&token.owner).await?;
        let last_use = self.cache.last_use(&token).await?;
        Ok(Some(Held { token, owner, last_use, slot: None }))
    }

    /// Tokens in the order of their creation, of one owner or of all. Ended ones stay in the list
    /// for ever (row F3).
    ///
    /// # Errors
    /// No such owner, or a store that cannot be read.
    pub async fn tokens(
        &self,
        owner: Option<&OwnerId>,
        after: Option<TokenId>,
        limit: usize,
    ) -> Result<Page<TokenView, TokenId>, ServiceError> {
        let (settings, now) = (self.settings(), self.moment().await?);
        let page = self.store().tokens(owner, after, limit.clamp(1, PAGE_ENTRIES)).await?;
        if let Some(owner) = owner.filter(|_| page.entries.is_empty()) {
            self.owner_record(owner).await?;
        }
        let mut blocked: BTreeMap<&OwnerId, bool> = BTreeMap::new();
        let keys: Vec<_> = page.entries.iter().map(Listed::use_key).collect();
        let last_uses = self.cache.last_uses(&keys).await?;
        let mut entries = Vec::with_capacity(page.entries.len());
        for (Listed { token, .. }, last_use) in page.entries.iter().zip(last_uses) {
            let blocked = match blocked.get(&token.owner) {
                Some(blocked) => *blocked,
                None => {
                    let is_blocked = self.is_blocked(&token.owner).await?;
                    *blocked.entry(&token.owner).or_insert(is_blocked)
                }
            };
            entries.push(TokenView::new(token, blocked, last_use, &settings.flags, now));
        }
        Ok(Page { entries, next: page.next })
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
        self.change_token(by, EventKind::TokenDisabled, reason, id, |token, state| {
            alive(token, state)?;
            if token.disabled.is_none() {
                token.disabled = Some(act.clone());
            }
            Ok(())
        })
        .await
    }

    /// Lifts a pause.
    ///
    /// # Errors
    /// No such token, one that has ended, or a store that refuses.
    pub async fn enable_token(
        &self,
        by: &Caller,
        id: TokenId,
        reason: &str,
    ) -> Result<TokenChanged, ServiceError> {
        self.act(by, reason).await?;
        self.moment().await?;
        self.change_token(by, EventKind::TokenEnabled, reason, id, |token, state| {
            alive(token, state)?;
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
        apply: impl Fn(&mut Token, State) -> Result<(), ServiceError>,
    ) -> Result<TokenChanged, ServiceError> {
        let mut attempts = ATTEMPTS;
        loop {
            let held = self.token_record(id).await?;
            let last_use = self.cache.last_use(&held).await?.map(|last| last.at);
            let mut token = Token::clone(&held);
            let now = self.at().await?;
            apply(&mut token, held.state(last_use, now))?;
            if token == *held {
                return Ok(TokenChanged { token: self.view(&held, now).await?, changed: false });
            }
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

    async fn write_token(
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

    pub(super) async fn token_record(&self, id: TokenId) -> Result<Arc<Token>, ServiceError> {
        self.store().token(id).await?.ok_or(ServiceError::NoToken(id))
    }

    async fn view(&self, token: &Token, now: Timestamp) -> Result<TokenView, ServiceError> {
        let blocked = self.is_blocked(&token.owner).await?;
        let last_use = self.cache.last_use(token).await?;
        Ok(TokenView::new(token, blocked, last_use, &self.settings().flags, now))
    }

    async fn is_blocked(&self, owner: &OwnerId) -> Result<bool, ServiceError> {
        Ok(self.store().owner(owner).await?.is_some_and(|owner| owner.blocked.is_some()))
    }

    async fn act(&self, by: &Caller, reason: &str) -> Result<Act, ServiceError> {
        check::line("reason", reason, check::REASON_CHARS)?;
        Ok(Act { at: self.at().await?, by: by.actor.clone(), reason: reason.to_owned() })
    }

    fn new_id(&self) -> Result<TokenId, ServiceError> {
        let mut bytes = [0; 10];
        random(&mut bytes).map_err(|()| ServiceError::NoEntropy)?;
        Ok(TokenId::new(self.clock.unix_ms(), bytes))
    }
}

/// Refuses a token that has ended, by its record or by the clock.
pub(super) const fn alive(token: &Token, state: State) -> Result<(), ServiceError> {
    if state.is_final() { Err(ServiceError::Ended { id: token.id, state }) } else { Ok(()) }
}

fn random(buffer: &mut [u8]) -> Result<(), ()> {
    aws_lc_rs::rand::fill(buffer).map_err(|_| ())
}

/// Text that a caller wants to work as a token. It is not repeated in an error.
fn given(text: &str) -> Result<Secret, ServiceError> {
    if secret::is_plausible(text.as_bytes()) {
        return Ok(Secret::new(text.to_owned()));
    }
    let (least, most) = (secret::SECRET_BYTES.start(), secret::SECRET_BYTES.end());
    Err(ServiceError::field(
        "secret",
        format_args!(
            "a secret has {least} to {most} characters A-Z, a-z, 0-9, `-`, `.`, `_`, `~`, `+`, \
             `/`, and `=` at its end; one that begins with `tg_` must be whole"
        ),
    ))
}

/// When the token ends: by its date, its lifetime, or the configured lifetime.
fn end(
    input: &NewToken,
    settings: &Settings,
    not_before: Timestamp,
) -> Result<Option<Timestamp>, ServiceError> {
    match (input.expires_at, input.lifetime) {
        (Some(_), Some(_)) => {
            Err(ServiceError::field("lifetime", "give a lifetime or an end, not both"))
        }
        (Some(end), None) => Ok(Some(end)),
        (None, lifetime) => {
            let lifetime = lifetime.unwrap_or(settings.tokens.lifetime);
            Ok((!lifetime.is_zero()).then(|| not_before.plus(lifetime)))
        }
    }
}

/// How long the token may lie unused: by its maker, its API, or the configuration.
fn idle_ttl(input: &NewToken, settings: &Settings) -> Result<Span, ServiceError> {
    let by_api = match &input.api {
        Some(name) => {
            let missing = || ServiceError::field("api", format_args!("there is no API `{name}`"));
            settings.apis.iter().find(|api| api.name == *name).ok_or_else(missing)?.idle_ttl
        }
        None => None,
    };
    Ok(input.idle_ttl.or(by_api).unwrap_or(settings.tokens.idle_ttl))
}
