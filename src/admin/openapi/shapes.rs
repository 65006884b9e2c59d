//! What the types of `domain/` look like in JSON. That room knows nothing of documents, hence here; the types
//! of the other rooms derive theirs from what serde reads and writes.

use std::borrow::Cow;

use serde_json::{Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::conditions::{Conditions, Window};
use crate::domain::day::Day;
use crate::domain::event::{Actor, Event, EventKind};
use crate::domain::flags::Flags;
use crate::domain::grant::{Contexts, Items};
use crate::domain::id::{OwnerId, Slug, TokenId};
use crate::domain::left::{Left, Room};
use crate::domain::limits::{Limits, Rate};
use crate::domain::notice::NoticeKind;
use crate::domain::owner::OwnerKind;
use crate::domain::secret::Digest;
use crate::domain::time::{Span, Timestamp};
use crate::domain::token::{Act, End, Ended, Revision, State};
use crate::store::Order;

/// A schema from its JSON; `tests` prove that each is one.
pub(super) fn read(value: Value) -> RefOr<Schema> {
    serde_json::from_value(value).unwrap_or_else(|_| RefOr::T(Schema::default()))
}

fn refer(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

macro_rules! shapes {
    ($($shown:ty, $name:literal, [$($inner:ty),*], $schema:expr;)+) => {
        $(
            impl PartialSchema for $shown {
                fn schema() -> RefOr<Schema> {
                    read($schema)
                }
            }

            impl ToSchema for $shown {
                fn name() -> Cow<'static, str> {
                    Cow::Borrowed($name)
                }

                fn schemas(found: &mut Vec<(String, RefOr<Schema>)>) {
                    $(
                        found.push((<$inner>::name().into_owned(), <$inner>::schema()));
                        <$inner>::schemas(found);
                    )*
                    let _ = found;
                }
            }
        )+

        /// Each of them as it is written above.
        #[cfg(test)]
        pub(super) fn written() -> Vec<(&'static str, Value)> {
            vec![$(($name, $schema)),+]
        }
    };
}

fn all_or(items: Value) -> Value {
    json!({"oneOf": [{"type": "string", "enum": ["all"]}, {"type": "array", "items": items}]})
}

fn words(about: &str, words: &[&str]) -> Value {
    json!({"type": "string", "enum": words, "description": about})
}

/// An object that takes nothing but what is named.
fn closed(about: &str, required: &[&str], properties: Value) -> Value {
    let mut object = open(about, required, properties);
    if let Some(fields) = object.as_object_mut() {
        fields.insert("additionalProperties".to_owned(), json!(false));
    }
    object
}

fn open(about: &str, required: &[&str], properties: Value) -> Value {
    json!({"type": "object", "description": about, "required": required, "properties": properties})
}

fn number(about: &str) -> Value {
    json!({"type": "integer", "minimum": 0, "description": about})
}

fn maybe_number(about: &str) -> Value {
    json!({"type": ["integer", "null"], "minimum": 0, "description": about})
}

fn maybe(name: &str) -> Value {
    json!({"oneOf": [{"type": "null"}, refer(name)]})
}

shapes! {
    TokenId, "TokenId", [], json!({"type": "string", "format": "uuid",
        "description": "A UUID of version 7 (RFC 9562)."});
    OwnerId, "OwnerId", [], json!({"type": "string", "minLength": 1, "maxLength": 128,
        "pattern": "^[a-z0-9][a-z0-9._+@-]*$", "description": "The one name of a user or a service; at most one `@`."});
    Slug, "Slug", [], json!({"type": "string", "minLength": 1, "maxLength": 128,
        "pattern": "^[a-z0-9][a-z0-9._-]*$", "description": "A short name of a company, a context or a role."});
    Timestamp, "Timestamp", [], json!({"type": "string", "format": "date-time",
        "description": "RFC 3339, in whole seconds; answers are in UTC."});
    Day, "Day", [], json!({"type": "string", "format": "date", "description": "A day in UTC."});
    Span, "Span", [], number("A length of time in seconds.");
    Revision, "Revision", [], number("How often a record was changed.");
    Digest, "Digest", [], json!({"type": "string", "pattern": "^[0-9a-fA-F]{64}$",
        "description": "SHA-256 in hexadecimal digits."});
    Flags, "Flags", [], json!({"type": "integer", "format": "int64", "minimum": -1,
        "description": "A sum of bits; -1 is unlimited."});
    Contexts, "Contexts", [Slug], all_or(refer("Slug"));
    Items, "Items", [], all_or(json!({"type": "string", "minLength": 1, "maxLength": 128}));
    Actor, "Actor", [], json!({"type": "string", "pattern": "^(local:[0-9]+|owner:.+|system)$",
        "description": "Who did something: `owner:ID`, `local:UID` at the local socket, or `system`."});
    State, "State", [], words("Where in its life a token is.",
        &["pending", "active", "disabled", "expired", "idle_expired", "revoked"]);
    End, "End", [], words("The way in which a token ended; every one is final.",
        &["revoked", "leaked", "expired", "idle_expired"]);
    OwnerKind, "OwnerKind", [], words("A person or a program.", &["user", "service"]);
    Order, "Order", [], words("By the time at which tokens were made.", &["newest", "oldest"]);
    EventKind, "EventKind", [], json!({"type": "string", "pattern": "^[a-z]+\\.[a-z_]+$",
        "description": "What happened, such as `token.created`."});
    NoticeKind, "NoticeKind", [], words("What somebody is told of.", &["token.expires_soon",
        "token.idles_out_soon", "token.revoked", "token.leaked", "token.reused", "rights.widened", "test"]);
    Act, "Act", [Timestamp, Actor], open("Somebody did something at some time.", &["at", "by"], json!({
        "at": refer("Timestamp"), "by": refer("Actor"), "reason": {"type": "string"}}));
    Ended, "Ended", [Timestamp, Actor, End], open("How a token came to its end.", &["how", "at", "by"], json!({
        "how": refer("End"), "at": refer("Timestamp"), "by": refer("Actor"), "reason": {"type": "string"}}));
    Event, "Event", [Timestamp, Actor, EventKind], open("One act.", &["at", "effective_at", "actor", "kind"], json!({
        "at": refer("Timestamp"), "effective_at": refer("Timestamp"), "actor": refer("Actor"),
        "kind": refer("EventKind"), "reason": {"type": "string"}, "many": {"type": "object",
        "description": "The act on many tokens that this is a part of.", "required": ["tokens", "filter"],
        "properties": {"tokens": {"type": "integer", "minimum": 0}, "filter": {"type": "object",
        "additionalProperties": {"type": "string"}}}}}));
    Window, "Window", [], closed("Minutes of a day, on some days of the week (1 is Monday). One that ends earlier than it begins goes on over midnight, and its days are those on which it begins.",
        &["days", "from_minute", "until_minute"], json!({
        "days": {"type": "array", "minItems": 1, "items": {"type": "integer", "minimum": 1, "maximum": 7}},
        "from_minute": {"type": "integer", "minimum": 0, "maximum": 1439},
        "until_minute": {"type": "integer", "minimum": 1, "maximum": 1440},
        "utc_offset_minutes": {"type": "integer", "minimum": -840, "maximum": 840}}));
    Conditions, "Conditions", [Window, Digest], closed("From where, when and by whom a token may be presented.", &[],
        json!({"networks": {"type": "array", "items": {"type": "string"}, "description": "Such as `10.0.0.0/8`."},
        "windows": {"type": "array", "items": refer("Window")}, "certificate": maybe("Digest")}));
    Rate, "Rate", [], closed("So many requests in each second, minute or hour.", &["requests", "per"], json!({
        "requests": number("How many."), "per": words("In which time.", &["second", "minute", "hour"]),
        "burst": maybe_number("How many at once after a pause.")}));
    Limits, "Limits", [Rate], closed("How much a token may be used.", &[], json!({
        "rate": maybe("Rate"), "quotas": periods(number("How many requests.")),
        "uses": maybe_number("How many requests in all."),
        "concurrent": maybe_number("How many requests at once.")}));
    Room, "Room", [], open("What is left of a limit that time lifts.", &["requests", "seconds"], json!({
        "requests": number("How many requests."), "seconds": number("Until there is room again.")}));
    Left, "Left", [Room], open("What is left of each limit that a token has.", &[], json!({
        "rate": refer("Room"), "quotas": periods(refer("Room")), "uses": number("How many requests in all."),
        "concurrent": number("How many requests at once.")}));
}

fn periods(of: Value) -> Value {
    json!({"type": "object", "additionalProperties": false,
        "properties": {"hour": of, "day": of, "week": of, "month": of}})
}
