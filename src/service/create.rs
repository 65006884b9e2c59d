//! Making tokens.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::Settings;
use crate::domain::company::Company;
use crate::domain::event::EventKind;
use crate::domain::flags::Flags;
use crate::domain::id::{Slug, TokenId};
use crate::domain::owner::Owner;
use crate::domain::secret::{self, Digest, Secret};
use crate::domain::time::{Span, Timestamp};
use crate::domain::token::{Revision, Token};
use crate::service::caller::Caller;
use crate::service::error::ServiceError;
use crate::service::input::NewToken;
use crate::service::view::TokenView;
use crate::service::{Service, check, grant, known, limits, params, rights};

/// A new token, and its secret if that was made here: this is the only time that it is seen.
pub struct Created {
    /// The token.
    pub token: TokenView,
    /// None if the caller brought it.
    pub secret: Option<Secret>,
}

/// A token that may be made.
struct Prepared {
    token: Token,
    /// None if the caller brought it.
    secret: Option<Secret>,
    /// Whether its owner or its company is blocked.
    blocked: bool,
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
        let Prepared { token, secret, blocked } =
            self.prepared_token(by, &input, &settings).await?;
        let view = TokenView::new(&token, blocked, None, &settings.flags, token.created_at)
            .with_lacks(&settings.contexts);
        let limited = (!token.limits.is_empty()).then(|| token.clone());
        self.write_token(by, EventKind::TokenCreated, "", token, Revision::NONE).await?;
        let left = match &limited {
            Some(token) => self.left(token).await?,
            None => None,
        };
        Ok(Created { token: view.with_left(left), secret })
    }

    /// Tells whether a token could be made so, and makes none.
    ///
    /// # Errors
    /// Those of making it, but for a store that refuses to write.
    pub async fn try_token(&self, by: &Caller, input: &NewToken) -> Result<(), ServiceError> {
        self.prepared_token(by, input, &self.settings()).await.map(drop)
    }

    /// The record of a new token, if it may be, before it is written.
    async fn prepared_token(
        &self,
        by: &Caller,
        input: &NewToken,
        settings: &Settings,
    ) -> Result<Prepared, ServiceError> {
        let Some(id) = &input.owner else {
            return Err(ServiceError::field("owner", "a token acts for a user: name one"));
        };
        let owner = match self.store().owner(id).await? {
            Some(owner) => owner,
            None if by.sees_all() => return Err(ServiceError::NoOwner(id.clone())),
            None => return Err(rights::not_for(id)),
        };
        self.let_hand_out(by, &owner).await?;
        let (secret, brought) = secret_for(input.secret.as_deref())?;
        let now = self.moment().await?;
        let company = input.company.clone().or_else(|| owner.company.clone());
        let company = (self.company_of(company.as_ref()).await?, company);
        let by_secret = (secret.digest(), secret.hint());
        let token = self.draft((by, now), input, (&owner, &company), settings, by_secret)?;
        let texts = known::of_token(&token);
        let before = known::of_tenant(owner.company.as_ref());
        self.hold_no_secret(texts, before, &[token.digest].into()).await?;
        let on_record = company.0.as_deref();
        let blocked = owner.blocked.is_some() || on_record.is_some_and(|on| on.blocked.is_some());
        Ok(Prepared { token, secret: (!brought).then_some(secret), blocked })
    }

    /// The record of a token as `input` asks for it, if it may be.
    pub(super) fn draft(
        &self,
        (by, now): (&Caller, Timestamp),
        input: &NewToken,
        (owner, (on_record, company)): (&Owner, &(Option<Arc<Company>>, Option<Slug>)),
        settings: &Settings,
        (digest, hint): (Digest, String),
    ) -> Result<Token, ServiceError> {
        let contexts = input.contexts.clone().unwrap_or_default();
        let items = input.items.clone().unwrap_or_default();
        check::name("name", &input.name)?;
        check::app(&input.app)?;
        check::description(&input.description)?;
        check::contexts(&contexts, &settings.contexts, None)?;
        // Before anything is said of the company that is not theirs to know.
        grant::company(&by.grants, owner, company.as_ref())?;
        check::licensed(by, &contexts, &input.context_params, on_record.as_deref())?;
        check::items_fit(&items)?;
        check::conditions(&input.conditions)?;
        check::networks(&input.conditions.networks)?;
        limits::check(&input.limits)?;
        let id = self.new_id()?;
        let not_before = input.not_before.unwrap_or(now);
        let flags = match &input.flags {
            Some(flags) => check::flags("flags", flags, &settings.flags)?,
            None => Flags::NONE,
        };
        let seal = |context: &_, name: &str, text: &str| self.seal(id, context, name, text);
        let token = Token {
            id,
            digest,
            hint,
            name: input.name.clone(),
            app: input.app.clone(),
            description: input.description.clone(),
            owner: owner.id.clone(),
            company: company.clone(),
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
            limits: input.limits.clone(),
            disabled: None,
            rotated_from: None,
            family: None,
            rotated_to: None,
            retire_after_use: None,
            ended: None,
            revision: Revision::NONE.next(),
        };
        let end_field = if input.expires_at.is_some() { "expires_at" } else { "lifetime" };
        check::end(end_field, not_before, token.expires_at, now)?;
        grant::flags(&by.grants, owner, token.flags)?;
        grant::contexts(&by.grants, &token.contexts)?;
        grant::items(&by.grants, &token.items)?;
        grant::idle_ttl(&by.grants, token.idle_ttl)?;
        grant::limits(&by.grants, &token.limits)?;
        grant::conditions(&by.grants, &token.conditions)?;
        grant::end(end_field, &by.grants, token.expires_at)?;
        Ok(token)
    }

    /// An id that nothing has.
    ///
    /// # Errors
    /// The machine gives no random numbers.
    pub fn new_id(&self) -> Result<TokenId, ServiceError> {
        let mut bytes = [0; 10];
        random(&mut bytes).map_err(|()| ServiceError::NoEntropy)?;
        Ok(TokenId::new(self.clock.unix_ms(), bytes))
    }
}

pub(super) fn random(buffer: &mut [u8]) -> Result<(), ()> {
    aws_lc_rs::rand::fill(buffer).map_err(|_| ())
}

/// The secret of a new token, and whether its maker brought it.
pub(super) fn secret_for(brought: Option<&str>) -> Result<(Secret, bool), ServiceError> {
    Ok(match brought {
        Some(text) => (given(text)?, true),
        None => (Secret::issue(random).map_err(|()| ServiceError::NoEntropy)?, false),
    })
}

/// Text that a caller wants to work as a token. It is not repeated in an error.
pub(super) fn given(text: &str) -> Result<Secret, ServiceError> {
    if secret::is_plausible(text.as_bytes()) {
        return Ok(Secret::new(text.to_owned()));
    }
    let (least, most) = (secret::SECRET_BYTES.start(), secret::SECRET_BYTES.end());
    Err(ServiceError::field(
        "secret",
        format_args!(
            "a secret has {least} to {most} characters A-Z, a-z, 0-9, `-`, `.`, `_`, `~`, `+`, `/`, \
             and `=` at its end; one that begins with `tg_` must be whole"
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
