//! Tokens as another Tollgate, or a spreadsheet, takes them. Never a secret; a digest, by which a token works
//! elsewhere too, is given to administrators who ask for it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::domain::conditions::Conditions;
use crate::domain::event::EventKind;
use crate::domain::flags::Flags;
use crate::domain::grant::{Contexts, Items};
use crate::domain::id::{OwnerId, Slug, TokenId};
use crate::domain::left::{Left, Room};
use crate::domain::limits::Limits;
use crate::domain::period::Period;
use crate::domain::secret::Digest;
use crate::domain::time::{Span, Timestamp};
use crate::domain::token::{ParamValue, State, Token};
use crate::service::Service;
use crate::service::caller::Caller;
use crate::service::error::ServiceError;
use crate::service::list::{Shown, TokenList};
use crate::store::Page;

/// One token; the names are those of the body that makes one.
#[derive(Serialize)]
pub struct Exported {
    /// Whom it acts for.
    pub owner: OwnerId,
    /// Given by its maker.
    pub name: String,
    /// The application.
    pub app: String,
    /// Who asked for it, and why.
    pub description: String,
    /// The tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company: Option<Slug>,
    /// Where in its life it is; `blocked` for one that would be usable but for its owner or its company.
    pub state: &'static str,
    /// Whether its owner or its company is blocked, whatever its state.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub blocked: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// The first second of its life.
    pub not_before: Timestamp,
    /// The first second after its life.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Zero where it does not expire, so that no configuration gives it an end elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<u64>,
    /// How long it may lie unused, in seconds.
    pub idle_ttl: Span,
    /// When it was last used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
    /// Access level.
    pub flags: Flags,
    /// Areas.
    pub contexts: Contexts,
    /// Objects.
    pub items: Items,
    /// Free parameters, as they came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub params: Option<Box<RawValue>>,
    /// Parameters of contexts, without the secret ones, which nobody is shown.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub context_params: BTreeMap<Slug, BTreeMap<String, String>>,
    /// From where, when and by whom it may be presented.
    #[serde(skip_serializing_if = "Conditions::is_empty")]
    pub conditions: Conditions,
    /// How much it may be used.
    #[serde(skip_serializing_if = "Limits::is_empty")]
    pub limits: Limits,
    /// How many requests it still has of those that it may have in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uses_left: Option<u64>,
    /// What it had of its quotas in the present periods.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub quotas_used: BTreeMap<Period, QuotaUsed>,
    /// The last characters of its secret.
    pub hint: String,
    /// Public.
    pub id: TokenId,
    /// SHA-256 of its secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
}

/// Requests that count towards a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuotaUsed {
    /// The first second of their period.
    pub since: Timestamp,
    /// How many.
    pub requests: u64,
}

impl Service {
    /// Refuses whoever may not have digests.
    ///
    /// # Errors
    /// They are for administrators.
    pub fn may_export(&self, by: &Caller, digests: bool) -> Result<(), ServiceError> {
        if digests { by.administers().and_then(|()| by.is_free()) } else { Ok(()) }
    }

    /// Puts on record that somebody is given digests.
    ///
    /// # Errors
    /// A store that refuses; then nothing may be given.
    pub async fn note_export(&self, by: &Caller) -> Result<(), ServiceError> {
        self.record(by, EventKind::TokensExported, self.now(), String::new()).await
    }

    /// A page of the tokens that the list would show.
    ///
    /// # Errors
    /// Those of the list, or digests for somebody who is no administrator.
    pub async fn export(
        &self,
        by: &Caller,
        asked: &TokenList,
        digests: bool,
    ) -> Result<Page<Exported, String>, ServiceError> {
        self.may_export(by, digests)?;
        let now = self.moment().await?;
        let page = self.listed(by, asked, now).await?;
        let mut entries = Vec::with_capacity(page.entries.len());
        for shown in &page.entries {
            let limits = &shown.token.limits;
            let left = if limits.is_counted() { self.left(&shown.token).await? } else { None };
            let left = left.unwrap_or_else(|| nothing_left(limits));
            entries.push(exported(shown, &left, digests, now));
        }
        Ok(Page { entries, next: page.next })
    }
}

fn exported(shown: &Shown, left: &Left, digests: bool, now: Timestamp) -> Exported {
    let Shown { token, last_use, blocked } = shown;
    let state = token.state(last_use.as_ref().map(|usage| usage.at), now);
    let stopped = *blocked && matches!(state, State::Active | State::Pending);
    let open = |values: &BTreeMap<String, ParamValue>| {
        let plain = values.iter().filter_map(|(name, value)| match value {
            ParamValue::Plain(text) => Some((name.clone(), text.clone())),
            ParamValue::Sealed(_) => None,
        });
        plain.collect::<BTreeMap<_, _>>()
    };
    let context_params = token.context_params.iter().map(|(of, held)| (of.clone(), open(held)));
    let token = Token::clone(token);
    Exported {
        context_params: context_params.filter(|(_, values)| !values.is_empty()).collect(),
        lifetime: token.expires_at.is_none().then_some(0),
        state: if stopped { "blocked" } else { state.as_str() },
        blocked: *blocked,
        uses_left: left.uses,
        quotas_used: used(left, &token.limits, now),
        last_used_at: last_use.as_ref().and_then(|usage| usage.last.as_ref()).map(|last| last.at),
        // What was kept is JSON.
        params: token
            .params
            .and_then(|params| RawValue::from_string(params.replace(['\r', '\n'], " ")).ok()),
        owner: token.owner,
        name: token.name,
        app: token.app,
        description: token.description,
        company: token.company,
        created_at: token.created_at,
        not_before: token.not_before,
        expires_at: token.expires_at,
        idle_ttl: token.idle_ttl,
        flags: token.flags,
        contexts: token.contexts,
        items: token.items,
        conditions: token.conditions,
        limits: token.limits,
        hint: token.hint,
        id: token.id,
        digest: digests.then_some(token.digest),
    }
}

/// Of limits whose counts cannot be read: the token is not let through either.
fn nothing_left(limits: &Limits) -> Left {
    let none = Room { requests: 0, seconds: 0 };
    let quotas = limits.quotas.keys().map(|period| (*period, none)).collect();
    Left { quotas, uses: limits.uses.map(|_| 0), ..Left::default() }
}

/// What was used of quotas, by what is left of them.
fn used(left: &Left, limits: &Limits, now: Timestamp) -> BTreeMap<Period, QuotaUsed> {
    let of = |(period, most): (&Period, &u64)| {
        let requests = most.saturating_sub(left.quotas.get(period)?.requests);
        (requests > 0).then(|| (*period, QuotaUsed { since: period.begin(now), requests }))
    };
    limits.quotas.iter().filter_map(of).collect()
}
