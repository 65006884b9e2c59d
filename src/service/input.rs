//! What callers send: the bodies of the acts, as yet unchecked against configuration and store.
//!
//! None of these types has `Debug`, for they may hold secrets.

use std::collections::BTreeMap;

use ipnet::IpNet;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::domain::conditions::{Conditions, Window};
use crate::domain::grant::{Contexts, Items};
use crate::domain::id::{OwnerId, Slug};
use crate::domain::limits::{Limits, Rate};
use crate::domain::owner::OwnerKind;
use crate::domain::period::Period;
use crate::domain::secret::Digest;
use crate::domain::time::{Span, Timestamp};

/// Parameters by context and name. A missing value takes the parameter away.
pub type ContextValues = BTreeMap<Slug, Option<BTreeMap<String, Option<String>>>>;

/// A token to be made.
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// Whom it acts for; required.
    #[serde(default)]
    pub owner: Option<OwnerId>,
    /// Required.
    #[serde(default)]
    pub name: String,
    /// The application that it is for.
    #[serde(default)]
    pub app: String,
    /// Who asked for it, and why.
    #[serde(default)]
    pub description: String,
    /// The tenant; the owner's if left out.
    #[serde(default)]
    pub company: Option<Slug>,
    /// The API that it is for: gives the idle limit if that is left out.
    #[serde(default)]
    pub api: Option<Slug>,
    /// The first second of its life; now if left out.
    #[serde(default)]
    pub not_before: Option<Timestamp>,
    /// The first second after its life.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
    /// The length of its life from `not_before`, instead of `expires_at`; zero is for ever.
    #[serde(deserialize_with = "length")]
    #[schema(value_type = Option<Length>)]
    #[serde(default)]
    pub lifetime: Option<Span>,
    /// How long it may lie unused; zero is for ever.
    #[serde(deserialize_with = "length")]
    #[schema(value_type = Option<Length>)]
    #[serde(default)]
    pub idle_ttl: Option<Span>,
    /// Access level; none if left out.
    #[serde(default)]
    pub flags: Option<FlagsInput>,
    /// Areas; all if left out.
    #[serde(default)]
    pub contexts: Option<Contexts>,
    /// Objects; all if left out.
    #[serde(default)]
    pub items: Option<Items>,
    /// A JSON object or array of objects, or text that holds one.
    #[schema(value_type = Option<serde_json::Value>)]
    #[serde(default)]
    pub params: Option<Box<RawValue>>,
    /// Values for the parameters that contexts define.
    #[schema(value_type = BTreeMap<String, Option<BTreeMap<String, Option<String>>>>)]
    #[serde(default)]
    pub context_params: ContextValues,
    /// From where, when and by whom it may be presented.
    #[serde(default)]
    pub conditions: Conditions,
    /// How much it may be used; without limits if left out.
    #[serde(default)]
    pub limits: Limits,
    /// Existing text that is to work as the token; made here if left out.
    #[serde(default)]
    pub secret: Option<String>,
}

/// What is to change about a token. A field that is left out stays; one that is `null` is cleared.
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenChange {
    /// The revision that the change was made from; if it is not the present one, nothing is
    /// changed.
    #[serde(default)]
    pub revision: Option<u64>,
    /// Why, for the history.
    #[serde(default)]
    pub reason: String,
    /// Cannot be cleared.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    pub name: Patch<String>,
    /// The application.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    pub app: Patch<String>,
    /// Who asked for it, and why.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    pub description: Patch<String>,
    /// Cannot be cleared.
    #[schema(value_type = Option<Timestamp>)]
    #[serde(default)]
    pub not_before: Patch<Timestamp>,
    /// Cleared: never.
    #[schema(value_type = Option<Timestamp>)]
    #[serde(default)]
    pub expires_at: Patch<Timestamp>,
    /// The length of its life from `not_before`, instead of `expires_at`; zero is for ever.
    #[serde(deserialize_with = "length")]
    #[schema(value_type = Option<Length>)]
    #[serde(default)]
    pub lifetime: Option<Span>,
    /// How long it may lie unused; zero is for ever. It cannot be over already.
    #[serde(deserialize_with = "length")]
    #[schema(value_type = Option<Length>)]
    #[serde(default)]
    pub idle_ttl: Option<Span>,
    /// Cannot be cleared: zero is no access level.
    #[schema(value_type = Option<FlagsInput>)]
    #[serde(default)]
    pub flags: Patch<FlagsInput>,
    /// Cannot be cleared: say `all` or a list.
    #[schema(value_type = Option<Contexts>)]
    #[serde(default)]
    pub contexts: Patch<Contexts>,
    /// Cannot be cleared: say `all` or a list.
    #[schema(value_type = Option<Items>)]
    #[serde(default)]
    pub items: Patch<Items>,
    /// Cleared: none.
    #[schema(value_type = Option<serde_json::Value>)]
    #[serde(default)]
    pub params: Patch<Box<RawValue>>,
    /// Merged into what is there; a `null` takes a parameter, or all of a context, away.
    #[schema(value_type = BTreeMap<String, Option<BTreeMap<String, Option<String>>>>)]
    #[serde(default)]
    pub context_params: ContextValues,
    /// Merged into what is there. Cleared: none.
    #[schema(value_type = Option<ConditionsChange>)]
    #[serde(default)]
    pub conditions: Patch<ConditionsChange>,
    /// Merged into what is there. Cleared: none.
    #[schema(value_type = Option<LimitsChange>)]
    #[serde(default)]
    pub limits: Patch<LimitsChange>,
}

/// What is to change about the limits of a token, each part by itself. Cleared: not limited. What was
/// counted stays.
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitsChange {
    /// How fast requests may come; replaced as a whole.
    #[schema(value_type = Option<Rate>)]
    #[serde(default)]
    pub rate: Patch<Rate>,
    /// How many requests each period may have; a `null` takes one period away.
    #[schema(value_type = Option<BTreeMap<String, Option<u64>>>)]
    #[serde(default)]
    pub quotas: Patch<BTreeMap<Period, Option<u64>>>,
    /// How many requests there may be in all, with those that there were.
    #[schema(value_type = Option<u64>)]
    #[serde(default)]
    pub uses: Patch<u64>,
    /// How many requests may be under way at once.
    #[schema(value_type = Option<u32>)]
    #[serde(default)]
    pub concurrent: Patch<u32>,
}

/// What is to change about the conditions of a token, each part by itself. Cleared: none.
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConditionsChange {
    /// Networks that the client's address must be in.
    #[schema(value_type = Option<Vec<String>>)]
    #[serde(default)]
    pub networks: Patch<Vec<IpNet>>,
    /// Times of the week.
    #[schema(value_type = Option<Vec<Window>>)]
    #[serde(default)]
    pub windows: Patch<Vec<Window>>,
    /// Thumbprint of the client certificate.
    #[schema(value_type = Option<Digest>)]
    #[serde(default)]
    pub certificate: Patch<Digest>,
}

/// How a token is to be succeeded by another with the same rights.
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// For how long both work; a day if left out, zero ends the old one at once. It never lives longer
    /// than it would have.
    #[serde(deserialize_with = "length")]
    #[schema(value_type = Option<Length>)]
    #[serde(default)]
    pub grace: Option<Span>,
    /// How long the old one works once the new one was used, if that is sooner.
    #[serde(deserialize_with = "length")]
    #[schema(value_type = Option<Length>)]
    #[serde(default)]
    pub after_use: Option<Span>,
    /// Existing text that is to work as the new token; made here if left out.
    #[serde(default)]
    pub secret: Option<String>,
    /// Why, for the history.
    #[serde(default)]
    pub reason: String,
}

/// An owner to be made.
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOwner {
    /// Its one name; required.
    #[serde(default)]
    pub id: Option<OwnerId>,
    /// A person or a program.
    #[serde(default)]
    pub kind: OwnerKind,
    /// How people call it; the id if left out.
    #[serde(default)]
    pub name: String,
    /// For people to reach them; nothing is sent there.
    #[serde(default)]
    pub email: Option<String>,
    /// The tenant.
    #[serde(default)]
    pub company: Option<Slug>,
    /// The user whose subordinate it is.
    #[serde(default)]
    pub parent: Option<OwnerId>,
    /// What rules may ask for.
    #[serde(default)]
    pub roles: Vec<Slug>,
    /// The most that its tokens may have; unlimited if left out.
    #[serde(default)]
    pub ceiling: Option<FlagsInput>,
}

/// What is to change about an owner. A field that is left out stays; one that is `null` is cleared.
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnerChange {
    /// The revision that the change was made from; if it is not the present one, nothing is
    /// changed.
    #[serde(default)]
    pub revision: Option<u64>,
    /// Why, for the history.
    #[serde(default)]
    pub reason: String,
    /// Cannot be cleared.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    pub name: Patch<String>,
    /// For people to reach them; nothing is sent there.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    pub email: Patch<String>,
    /// The tenant. Tokens that were made before keep theirs.
    #[schema(value_type = Option<Slug>)]
    #[serde(default)]
    pub company: Patch<Slug>,
    /// The user whose subordinate it is.
    #[schema(value_type = Option<OwnerId>)]
    #[serde(default)]
    pub parent: Patch<OwnerId>,
    /// What rules may ask for: all of them anew. Cleared: none.
    #[schema(value_type = Option<Vec<Slug>>)]
    #[serde(default)]
    pub roles: Patch<Vec<Slug>>,
    /// The most that its tokens may have. Cannot be cleared: -1 is no limit.
    #[schema(value_type = Option<FlagsInput>)]
    #[serde(default)]
    pub ceiling: Patch<FlagsInput>,
}

/// A company to be put on record.
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCompany {
    /// Its one name; required.
    #[serde(default)]
    pub id: Option<Slug>,
    /// How people call it; the id if left out.
    #[serde(default)]
    pub name: String,
    /// What it is licensed for; all contexts if left out.
    #[serde(default)]
    pub contexts: Option<Contexts>,
}

/// What is to change about a company. A field that is left out stays.
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompanyChange {
    /// The revision that the change was made from; if it is not the present one, nothing is
    /// changed.
    #[serde(default)]
    pub revision: Option<u64>,
    /// Why, for the history.
    #[serde(default)]
    pub reason: String,
    /// Cannot be cleared.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    pub name: Patch<String>,
    /// What it is licensed for: all of it anew. Cannot be cleared: say `all` or a list.
    #[schema(value_type = Option<Contexts>)]
    #[serde(default)]
    pub contexts: Patch<Contexts>,
}

/// The body of an act that needs nothing but a reason.
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// Why, for the history.
    #[serde(default)]
    pub reason: String,
}

/// Flags as a number or as a list of configured names and numbers.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(untagged, expecting = "flags are a number, -1, or a list of names")]
pub enum FlagsInput {
    /// A sum of bits, or -1.
    Bits(i64),
    /// Names of the catalogue, or numbers such as `0x100`.
    Names(Vec<String>),
}

/// A field of a change.
#[derive(Default)]
pub enum Patch<T> {
    /// Left out.
    #[default]
    Keep,
    /// `null`.
    Clear,
    /// A new value.
    Set(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Clear, Self::Set))
    }
}

/// A length of time: seconds, or text such as `100d`.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(untagged, expecting = "a length of time is a number of seconds or text such as `100d`")]
enum Length {
    Seconds(u64),
    Text(String),
}

fn length<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Span>, D::Error> {
    Ok(match Option::deserialize(deserializer)? {
        None => None,
        Some(Length::Seconds(seconds)) => Some(Span::from_seconds(seconds)),
        Some(Length::Text(text)) => Some(text.parse().map_err(serde::de::Error::custom)?),
    })
}
