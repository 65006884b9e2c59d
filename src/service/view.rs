//! What callers are shown. Never a secret, a digest or a sealed value.
//!
//! The command line reads these back from the local socket, hence `Deserialize`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::config::settings::Context;
use crate::domain::conditions::Conditions;
use crate::domain::event::Actor;
use crate::domain::flags::{FlagCatalog, Flags};
use crate::domain::grant::{Contexts, Items};
use crate::domain::id::{OwnerId, Slug, TokenId};
use crate::domain::left::Left;
use crate::domain::limits::Limits;
use crate::domain::time::{Span, Timestamp};
use crate::domain::token::{Act, Ended, ParamValue, Revision, State, Token};
use crate::store::{LastUse, Usage};

mod owners;

pub use owners::{CompanyChanged, CompanyView, LeftBehind, OwnerChanged, OwnerMade, OwnerView};

/// A token, as it is at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TokenView {
    /// Public.
    pub id: TokenId,
    /// The last four characters of the secret.
    pub hint: String,
    /// Given by its maker.
    pub name: String,
    /// The application.
    pub app: String,
    /// Who asked for it, and why.
    pub description: String,
    /// Whom it acts for.
    pub owner: OwnerId,
    /// The tenant.
    pub company: Option<Slug>,
    /// Where in its life it is.
    pub state: State,
    /// Whether its owner or its company is blocked, which stops it whatever its state.
    pub blocked: bool,
    /// Who made it.
    pub created_by: Actor,
    /// When it was made.
    pub created_at: Timestamp,
    /// The first second of its life.
    pub not_before: Timestamp,
    /// The first second after its life.
    pub expires_at: Option<Timestamp>,
    /// It ends this long after the first use of its successor, in seconds, if that is sooner; `expires_at` says so then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retire_after_use: Option<Span>,
    /// How long it may lie unused, in seconds; zero is for ever.
    pub idle_ttl: Span,
    /// When it is over for good if it is not used again.
    pub idle_at: Option<Timestamp>,
    /// When and where it was last used, as far as that is known.
    pub last_use: Option<LastUseView>,
    /// Where later uses may be lost, as after a restore: the moment at which it counts as used.
    /// Nobody need have used it then.
    #[serde(default)]
    pub counts_as_used_at: Option<Timestamp>,
    /// Access level, before the owner's ceiling.
    pub flags: Flags,
    /// The same by name.
    pub flag_names: Vec<String>,
    /// Areas.
    pub contexts: Contexts,
    /// Objects.
    pub items: Items,
    /// A JSON object or array of objects.
    #[schema(value_type = Option<serde_json::Value>)]
    pub params: Option<FreeParams>,
    /// Parameters that contexts define.
    #[schema(value_type = BTreeMap<String, BTreeMap<String, ParamView>>)]
    pub context_params: BTreeMap<Slug, BTreeMap<String, ParamView>>,
    /// What it reaches and could not enter: parameters that its contexts require and it has not, as
    /// `CONTEXT.NAME`. Requests through these contexts are refused (row F7).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<String>,
    /// Those of its contexts that are not in the configuration at present: each opens nothing until it is back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent_contexts: Vec<Slug>,
    /// From where, when and by whom it may be presented.
    pub conditions: Conditions,
    /// How much it may be used.
    #[serde(default)]
    pub limits: Limits,
    /// What is left of its limits; none for a token without limits, and where nobody can tell.
    #[serde(default)]
    pub left: Option<Left>,
    /// Whether it was used as often as it may be in all, which stops it whatever its state.
    #[serde(default)]
    pub used_up: bool,
    /// Since when, by whom and why it is paused.
    pub disabled: Option<Act>,
    /// The token that this one succeeds.
    pub rotated_from: Option<TokenId>,
    /// The token that succeeds this one.
    pub rotated_to: Option<TokenId>,
    /// How it ended.
    pub ended: Option<Ended>,
    /// How often it was changed.
    pub revision: Revision,
}

/// When and where a token was last used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LastUseView {
    /// When.
    pub at: Timestamp,
    /// From which address.
    #[schema(value_type = String)]
    pub address: IpAddr,
    /// Through which API.
    pub api: String,
}

/// A context parameter: `{"value": ...}`, or `{"sealed": true}` for one that is never shown again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ParamView {
    /// Readable.
    Value(String),
    /// Set, and never shown again.
    Sealed(bool),
}

impl TokenView {
    /// How `token` looks at `now`.
    pub fn new(
        token: &Token,
        blocked: bool,
        usage: Option<Usage>,
        catalog: &FlagCatalog,
        now: Timestamp,
    ) -> Self {
        let used_at = usage.as_ref().map(|usage| usage.at);
        let presumed = usage.as_ref().is_some_and(Usage::is_presumed);
        let token = token.clone();
        Self {
            state: token.state(used_at, now),
            idle_at: token.life().idle_deadline(used_at).filter(|_| token.ended.is_none()),
            blocked,
            counts_as_used_at: used_at.filter(|_| presumed),
            last_use: usage.and_then(|usage| usage.last).map(LastUseView::from),
            flag_names: catalog.describe(token.flags),
            context_params: shown(&token.context_params),
            lacks: Vec::new(),
            absent_contexts: Vec::new(),
            id: token.id,
            hint: token.hint,
            name: token.name,
            app: token.app,
            description: token.description,
            owner: token.owner,
            company: token.company,
            created_by: token.created_by,
            created_at: token.created_at,
            not_before: token.not_before,
            expires_at: token.expires_at,
            retire_after_use: token.retire_after_use.filter(|_| token.ended.is_none()),
            idle_ttl: token.idle_ttl,
            flags: token.flags,
            contexts: token.contexts,
            items: token.items,
            params: token.params.map(FreeParams),
            conditions: token.conditions,
            limits: token.limits,
            left: None,
            used_up: false,
            disabled: token.disabled,
            rotated_from: token.rotated_from,
            rotated_to: token.rotated_to,
            ended: token.ended,
            revision: token.revision,
        }
    }
}

impl TokenView {
    /// When it will be over, if it is neither used nor changed before, and whether that is by idleness: whichever
    /// comes first, and by time if they meet. None for one that never ends by itself.
    pub fn end(&self) -> Option<(Timestamp, bool)> {
        match (self.expires_at, self.idle_at) {
            (Some(expiry), Some(idle)) if idle < expiry => Some((idle, true)),
            (Some(expiry), _) => Some((expiry, false)),
            (None, idle) => idle.map(|at| (at, true)),
        }
    }

    /// The same with what is left of its limits.
    #[must_use]
    pub fn with_left(self, left: Option<Left>) -> Self {
        let used_up = left.as_ref().is_some_and(|left| left.uses == Some(0));
        Self { left, used_up, ..self }
    }

    /// The same with what it lacks of what contexts require, and which of its contexts there are not.
    #[must_use]
    pub fn with_lacks(self, catalog: &BTreeMap<Slug, Context>) -> Self {
        let reached = catalog.iter().filter(|(context, _)| self.contexts.contains(context));
        let required = reached.flat_map(|(context, known)| {
            let required = known.params.iter().filter(|(_, defined)| defined.required);
            required.map(move |(name, _)| (context, name))
        });
        let has = |(context, name): &(&Slug, &String)| {
            self.context_params.get(*context).is_some_and(|held| held.contains_key(*name))
        };
        let lacks = required.filter(|one| !has(one)).map(|(of, name)| format!("{of}.{name}"));
        let absent_contexts = absent(&self.contexts, catalog);
        Self { lacks: lacks.collect(), absent_contexts, ..self }
    }
}

/// Contexts that somebody has and the configuration has not.
fn absent(held: &Contexts, catalog: &BTreeMap<Slug, Context>) -> Vec<Slug> {
    match held {
        Contexts::All => Vec::new(),
        Contexts::Set(names) => {
            names.iter().filter(|name| !catalog.contains_key(*name)).cloned().collect()
        }
    }
}

fn shown(
    params: &BTreeMap<Slug, BTreeMap<String, ParamValue>>,
) -> BTreeMap<Slug, BTreeMap<String, ParamView>> {
    let view = |value: &ParamValue| match value {
        ParamValue::Plain(text) => ParamView::Value(text.clone()),
        ParamValue::Sealed(_) => ParamView::Sealed(true),
    };
    let values = |values: &BTreeMap<String, ParamValue>| {
        values.iter().map(|(name, value)| (name.clone(), view(value))).collect()
    };
    params.iter().map(|(context, held)| (context.clone(), values(held))).collect()
}

/// Free parameters: JSON in JSON, with every digit as it came. Line breaks between its parts become
/// spaces, so that an answer can be one line; the record has them as they came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreeParams(String);

impl FreeParams {
    /// As JSON text.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl Serialize for FreeParams {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let text = self.0.replace(['\r', '\n'], " ");
        RawValue::from_string(text).map_err(serde::ser::Error::custom)?.serialize(to)
    }
}

impl<'de> Deserialize<'de> for FreeParams {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(from)?;
        Ok(Self(raw.get().to_owned()))
    }
}

impl From<LastUse> for LastUseView {
    fn from(last: LastUse) -> Self {
        Self { at: last.at, address: last.address, api: last.api.as_ref().to_owned() }
    }
}

/// The answer to an act that changes a token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TokenChanged {
    /// As it is now.
    pub token: TokenView,
    /// Whether the act changed anything: if not, it was so already and nothing was written.
    pub changed: bool,
}
