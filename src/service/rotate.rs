//! Rotation: a token gets a successor with the same rights, and both work until every client has moved.

use std::sync::Arc;

use crate::domain::event::{Actor, Event, EventKind};
use crate::domain::id::TokenId;
use crate::domain::owner::Owner;
use crate::domain::secret::Secret;
use crate::domain::time::{Span, Timestamp};
use crate::domain::token::{ParamValue, Revision, Token};
use crate::service::caller::Caller;
use crate::service::create::secret_for;
use crate::service::error::ServiceError;
use crate::service::input::Rotation;
use crate::service::tokens::alive;
use crate::service::view::TokenView;
use crate::service::{Service, check, grant, known};
use crate::store::sealed::{Binding, MasterKey};
use crate::store::{Change, Commit, Record, StoreError, Subject};

/// For how long both work if nobody says otherwise.
const GRACE: Span = Span::from_seconds(24 * 3_600);

/// A token and its successor.
pub struct Rotated {
    /// The successor.
    pub token: TokenView,
    /// Its secret, if that was made here: this is the only time that it is seen.
    pub secret: Option<Secret>,
    /// The old one, with its end.
    pub old: TokenView,
}

impl Service {
    /// Gives a token a successor with the same rights and as long a life as it had, in one act.
    ///
    /// # Errors
    /// No such token, one that has ended or has a successor, more than may be granted, or a store that
    /// refuses.
    pub async fn rotate_token(
        &self,
        by: &Caller,
        id: TokenId,
        input: Rotation,
    ) -> Result<Rotated, ServiceError> {
        check::line("reason", &input.reason, check::REASON_CHARS)?;
        let held = self.token_seen(by, id).await?;
        let owner = self.owner_record(&held.owner).await?;
        self.let_hand_out(by, &owner).await?;
        by.expects(held.revision, || format!("token {id}"))?;
        let now = self.moment().await?;
        let last_use = self.cache.last_use(&held).await?;
        alive(&held, held.state(last_use.as_ref().map(|last| last.at), now))?;
        if let Some(successor) = held.rotated_to {
            return Err(ServiceError::Rotated { id, successor });
        }
        let (secret, brought) = secret_for(input.secret.as_deref())?;
        let new = self.successor(by, &held, &secret, now)?;
        let left = self.left(&held).await?;
        if left.as_ref().is_some_and(|left| left.uses == Some(0)) {
            // Its successor would draw on the same meter.
            let problem = "the token is used up: raise this first";
            return Err(ServiceError::field("limits.uses", problem));
        }
        within(by, &owner, &new, "grace")?;
        let mut old = Token::clone(&held);
        let end = now.plus(input.grace.unwrap_or(GRACE));
        old.expires_at = Some(held.expires_at.map_or(end, |expiry| expiry.min(end)));
        old.retire_after_use = input.after_use;
        old.rotated_to = Some(new.id);
        old.revision = held.revision.next();
        let settings = self.settings();
        let blocked = self.is_blocked(&held).await?;
        let view = |token, used| {
            let view = TokenView::new(token, blocked, used, &settings.flags, now);
            view.with_lacks(&settings.contexts).with_left(left.clone())
        };
        let views = (view(&new, None), view(&old, last_use));
        let changes = vec![change(new, Revision::NONE), change(old, held.revision)];
        let (actor, kind) = (by.actor.clone(), EventKind::TokenRotated);
        // The store does not know the new one yet.
        let reason = known::without(&input.reason, std::slice::from_ref(&secret));
        match self.commit_as(actor, kind, &reason, changes, &held).await {
            Err(StoreError::Conflict { found, what, expected }) => {
                by.expects(found, || format!("token {id}"))?;
                return Err(StoreError::Conflict { found, what, expected }.into());
            }
            outcome => outcome?,
        }
        let (token, old) = views;
        Ok(Rotated { token, secret: (!brought).then_some(secret), old })
    }

    fn successor(
        &self,
        by: &Caller,
        held: &Token,
        secret: &Secret,
        now: Timestamp,
    ) -> Result<Token, ServiceError> {
        let begin = held.not_before.max(now);
        let mut new = Token {
            id: self.new_id()?,
            digest: secret.digest(),
            hint: secret.hint(),
            created_by: by.actor.clone(),
            created_at: now,
            // One that has not begun is none the sooner for it.
            not_before: begin,
            expires_at: held.expires_at.map(|expiry| begin.plus(expiry.since(held.not_before))),
            rotated_from: Some(held.id),
            family: Some(held.metered_as()),
            rotated_to: None,
            retire_after_use: None,
            revision: Revision::NONE.next(),
            ..held.clone()
        };
        // A value is sealed for one place in one token.
        let mut key = None;
        for (context, values) in &mut new.context_params {
            for (parameter, value) in values.iter_mut() {
                let ParamValue::Sealed(sealed) = value else { continue };
                let key = match &mut key {
                    Some(key) => key,
                    none => none.insert(MasterKey::load(&self.settings().store.master_key)?),
                };
                let text = key.open(&Binding { token: held.id, context, parameter }, sealed)?;
                let binding = Binding { token: new.id, context, parameter };
                *value = ParamValue::Sealed(key.seal(&binding, &text)?);
            }
        }
        Ok(new)
    }

    /// Writes an event about a token, which its owner sees.
    pub(super) async fn commit_as(
        &self,
        actor: Actor,
        kind: EventKind,
        reason: &str,
        changes: Vec<Change>,
        of: &Token,
    ) -> Result<(), StoreError> {
        let at = self.at().await?;
        let reason = self.kept(reason).await;
        let event = Event { at, effective_at: at, actor, kind, reason, many: None };
        let subjects = vec![Subject::Owner(of.owner.clone())];
        self.cache.commit(Commit { event, changes, subjects }).await.map(|_| ())
    }

    /// Begins the end of rotated tokens whose successors were used since the last call. Called by the
    /// upkeep; what fails is done when the old token is used again.
    ///
    /// # Errors
    /// The store's.
    pub async fn retire_rotated(&self) -> Result<(), ServiceError> {
        for id in self.cache.take_rotating() {
            let Some(token) = self.store().token(id).await? else { continue };
            let (old, new) = match (token.rotated_from, token.rotated_to) {
                (_, Some(successor)) => (token, self.store().token(successor).await?),
                (Some(before), None) => match self.store().token(before).await? {
                    Some(old) => (old, Some(token)),
                    None => continue,
                },
                (None, None) => continue,
            };
            let Some(new) = new else { continue };
            self.retire(&old, &new).await?;
        }
        Ok(())
    }

    async fn retire(&self, old: &Arc<Token>, new: &Token) -> Result<(), ServiceError> {
        let (Some(after), None) = (old.retire_after_use, &old.ended) else { return Ok(()) };
        let Some(used) = self.cache.last_use(new).await?.filter(|usage| !usage.is_presumed())
        else {
            return Ok(());
        };
        let end = used.at.plus(after);
        let mut retired = Token::clone(old);
        retired.expires_at = Some(old.expires_at.map_or(end, |expiry| expiry.min(end)));
        // Once: later uses of the successor do not matter.
        retired.retire_after_use = None;
        retired.revision = old.revision.next();
        let changes = vec![change(retired, old.revision)];
        let kind = EventKind::TokenRetired;
        match self.commit_as(Actor::System, kind, "", changes, old).await {
            // Somebody changed it meanwhile: its next use brings it here again.
            Err(StoreError::Conflict { .. }) => Ok(()),
            outcome => Ok(outcome?),
        }
    }
}

/// Nobody rotates what they could not make.
pub(super) fn within(
    by: &Caller,
    owner: &Owner,
    token: &Token,
    end_field: &'static str,
) -> Result<(), ServiceError> {
    grant::flags(&by.grants, owner, token.flags)?;
    grant::contexts(&by.grants, &token.contexts)?;
    grant::items(&by.grants, &token.items)?;
    grant::idle_ttl(&by.grants, token.idle_ttl)?;
    grant::limits(&by.grants, &token.limits)?;
    grant::conditions(&by.grants, &token.conditions)?;
    grant::company(&by.grants, owner, token.company.as_ref())?;
    grant::end(end_field, &by.grants, token.expires_at)
}

fn change(token: Token, expected: Revision) -> Change {
    Change { record: Record::Token(Arc::new(token)), expected, unused_since: None }
}
