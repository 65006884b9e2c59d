//! Changing what a token is called and what it may do. What is not named in the change is left as
//! it is, and not checked again: a context that left the configuration stops nobody from renaming a
//! token.

use std::collections::BTreeMap;

use crate::config::Settings;
use crate::domain::company::Company;
use crate::domain::conditions::Conditions;
use crate::domain::event::EventKind;
use crate::domain::grant::Contexts;
use crate::domain::id::TokenId;
use crate::domain::owner::Owner;
use crate::domain::time::Timestamp;
use crate::domain::token::Token;
use crate::service::caller::Caller;
use crate::service::error::ServiceError;
use crate::service::input::{ConditionsChange, ContextValues, Patch, TokenChange};
use crate::service::tokens::{Seen, alive};
use crate::service::view::TokenChanged;
use crate::service::{Service, check, grant, limits, params, rotate, widening};

/// What a change is judged by.
struct Judge<'a> {
    by: &'a Caller,
    owner: &'a Owner,
    company: Option<&'a Company>,
    settings: &'a Settings,
    now: Timestamp,
}

impl Service {
    /// Changes a token. Its next request is decided by what it is now.
    ///
    /// # Errors
    /// No such token, one that has ended, a value that cannot be, more than may be granted, another
    /// revision than the one that the change was made from, or a store that refuses.
    pub async fn update_token(
        &self,
        by: &Caller,
        id: TokenId,
        change: &TokenChange,
    ) -> Result<TokenChanged, ServiceError> {
        check::line("reason", &change.reason, check::REASON_CHARS)?;
        let held = self.token_record(id).await?;
        let owner = self.owner_record(&held.owner).await?;
        let company = self.company_of(held.company.as_ref()).await?;
        let settings = self.settings();
        let now = self.moment().await?;
        let company = company.as_deref();
        // Others may still give it less.
        let hands_out = self.may_hand_out(by, &owner).await?;
        let judge = Judge { by, owner: &owner, company, settings: &settings, now };
        self.change_token(by, EventKind::TokenUpdated, &change.reason, id, |token, seen| {
            check::revision(|| format!("token {id}"), token.revision, change.revision)?;
            alive(token, seen.state)?;
            let before = (!hands_out).then(|| token.clone());
            judge.texts(token, change)?;
            let end = token.expires_at;
            judge.life(token, change)?;
            within_rotation(token, end)?;
            judge.idle(token, change, seen)?;
            judge.grants(token, change)?;
            self.apply_params(token, change, &settings)?;
            if by.bound {
                // Also what is not named: nothing of it may be more than the program has.
                rotate::within(by, &owner, token, "expires_at")?;
            }
            before.map_or(Ok(()), |before| widening::only_narrows(&before, token))
        })
        .await
    }

    fn apply_params(
        &self,
        token: &mut Token,
        change: &TokenChange,
        settings: &Settings,
    ) -> Result<(), ServiceError> {
        match &change.params {
            Patch::Keep => {}
            Patch::Clear => token.params = None,
            Patch::Set(raw) => token.params = Some(params::free(raw)?),
        }
        if change.context_params.is_empty() && matches!(change.contexts, Patch::Keep) {
            return Ok(());
        }
        let id = token.id;
        let seal = |context: &_, name: &str, text: &str| self.seal(id, context, name, text);
        token.context_params = params::merged(
            &token.context_params,
            &change.context_params,
            &token.contexts,
            &settings.contexts,
            seal,
        )?;
        Ok(())
    }
}

impl Judge<'_> {
    fn texts(&self, token: &mut Token, change: &TokenChange) -> Result<(), ServiceError> {
        if let Some(name) = value(&change.name, "name", "a token always has a name")? {
            check::name("name", name)?;
            token.name.clone_from(name);
        }
        match &change.app {
            Patch::Keep => {}
            Patch::Clear => token.app.clear(),
            Patch::Set(app) => {
                check::app(app)?;
                token.app.clone_from(app);
            }
        }
        match &change.description {
            Patch::Keep => {}
            Patch::Clear => token.description.clear(),
            Patch::Set(description) => {
                check::description(description)?;
                token.description.clone_from(description);
            }
        }
        Ok(())
    }

    fn life(&self, token: &mut Token, change: &TokenChange) -> Result<(), ServiceError> {
        let moved = value(&change.not_before, "not_before", "a token always has a beginning")?;
        if let Some(not_before) = moved {
            token.not_before = *not_before;
        }
        let field = match (&change.expires_at, change.lifetime) {
            (Patch::Keep, None) => {
                if moved.is_none() {
                    return Ok(());
                }
                "not_before"
            }
            (Patch::Keep, Some(lifetime)) => {
                let end = token.not_before.plus(lifetime);
                token.expires_at = (!lifetime.is_zero()).then_some(end);
                "lifetime"
            }
            (_, Some(_)) => {
                return Err(ServiceError::field("lifetime", "give a lifetime or an end, not both"));
            }
            (Patch::Clear, None) => {
                token.expires_at = None;
                "expires_at"
            }
            (Patch::Set(end), None) => {
                token.expires_at = Some(*end);
                "expires_at"
            }
        };
        check::end(field, token.not_before, token.expires_at, self.now)?;
        grant::end(field, &self.by.grants, token.expires_at)
    }

    /// Nothing is over the moment it is changed: whoever wants that revokes it.
    fn idle(
        &self,
        token: &mut Token,
        change: &TokenChange,
        seen: Seen,
    ) -> Result<(), ServiceError> {
        let Some(idle_ttl) = change.idle_ttl else { return Ok(()) };
        token.idle_ttl = idle_ttl;
        match token.life().idle_deadline(seen.last_use) {
            Some(end) if end <= seen.now => {
                let problem = format_args!("the token lies unused for longer: it was over {end}");
                Err(ServiceError::field("idle_ttl", problem))
            }
            _ => grant::idle_ttl(&self.by.grants, idle_ttl),
        }
    }

    fn grants(&self, token: &mut Token, change: &TokenChange) -> Result<(), ServiceError> {
        let (maker, settings) = (&self.by.grants, self.settings);
        if let Some(flags) = value(&change.flags, "flags", "say 0 for no access level")? {
            token.flags = check::flags("flags", flags, &settings.flags)?;
            grant::flags(maker, self.owner, token.flags)?;
        }
        if let Some(contexts) = value(&change.contexts, "contexts", "say \"all\" or give a list")? {
            check::contexts(contexts, &settings.contexts, Some(&token.contexts))?;
            self.licences(token, contexts)?;
            grant::contexts(maker, contexts)?;
            token.contexts = contexts.clone();
        }
        // What the token has already is not looked at, like a context that left the configuration.
        self.licences_of(token, &change.context_params)?;
        if let Some(items) = value(&change.items, "items", "say \"all\" or give a list")? {
            check::items_fit(items)?;
            grant::items(maker, items)?;
            token.items = items.clone();
        }
        match &change.conditions {
            Patch::Keep => {}
            Patch::Clear => token.conditions = Conditions::default(),
            Patch::Set(change) => {
                // What the token has is not looked at: it may be older than this check.
                if let Patch::Set(networks) = &change.networks {
                    check::networks(networks)?;
                }
                merge_conditions(&mut token.conditions, change);
                check::conditions(&token.conditions)?;
            }
        }
        // Also where they are not named: nobody changes what they could not make.
        grant::conditions(maker, &token.conditions)?;
        if limits::merge(&mut token.limits, &change.limits) {
            limits::check(&token.limits)?;
            grant::limits(maker, &token.limits)?;
        }
        Ok(())
    }

    /// Refuses contexts that the token's company is not licensed for. Whoever may not act for that company, such as a
    /// superior in another one, is told nothing of it: they take contexts away, and give none.
    fn licences(&self, token: &Token, contexts: &Contexts) -> Result<(), ServiceError> {
        let (maker, company) = (&self.by.grants, token.company.as_ref());
        if maker.company.includes(company) {
            return check::licensed(self.by, contexts, &BTreeMap::new(), self.company);
        }
        if contexts.within(&token.contexts) {
            return Ok(());
        }
        grant::tenant("contexts", maker, company)
    }

    /// The same for parameters of contexts.
    fn licences_of(&self, token: &Token, params: &ContextValues) -> Result<(), ServiceError> {
        let (maker, company) = (&self.by.grants, token.company.as_ref());
        if maker.company.includes(company) {
            return check::licensed(self.by, &Contexts::All, params, self.company);
        }
        let given = params.values().flatten().flat_map(BTreeMap::values).any(Option::is_some);
        if given { grant::tenant("context_params", maker, company) } else { Ok(()) }
    }
}

/// Refuses a later end for a token with a successor: by rotating it somebody said when its secret stops to work, and
/// nobody looks for it afterwards.
fn within_rotation(token: &Token, end: Option<Timestamp>) -> Result<(), ServiceError> {
    let later = match (end, token.expires_at) {
        (Some(end), Some(now)) => now > end,
        (end, now) => end.is_some() && now.is_none(),
    };
    if token.rotated_to.is_none() || !later {
        return Ok(());
    }
    let problem = "the token was rotated, and its end is part of the rotation: it can be sooner, and \
                   not later";
    Err(ServiceError::field("expires_at", problem))
}

fn merge_conditions(conditions: &mut Conditions, change: &ConditionsChange) {
    match &change.networks {
        Patch::Keep => {}
        Patch::Clear => conditions.networks.clear(),
        Patch::Set(networks) => conditions.networks.clone_from(networks),
    }
    match &change.windows {
        Patch::Keep => {}
        Patch::Clear => conditions.windows.clear(),
        Patch::Set(windows) => conditions.windows.clone_from(windows),
    }
    match &change.certificate {
        Patch::Keep => {}
        Patch::Clear => conditions.certificate = None,
        Patch::Set(certificate) => conditions.certificate = Some(*certificate),
    }
}

/// The new value of a field that cannot be cleared.
fn value<'a, T>(
    patch: &'a Patch<T>,
    field: &str,
    problem: &str,
) -> Result<Option<&'a T>, ServiceError> {
    match patch {
        Patch::Keep => Ok(None),
        Patch::Clear => Err(ServiceError::field(field, problem)),
        Patch::Set(value) => Ok(Some(value)),
    }
}
