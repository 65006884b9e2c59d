//! Fields of answers, and the refusals that come with some.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use crate::admin::access::{not_signed_in, used_up};
use crate::admin::problem::Problem;
use crate::domain::token::Revision;
use crate::service::ServiceError;

/// All fields, by name.
pub(super) fn all() -> Value {
    let field = |about: &str, schema: Value| json!({"description": about, "required": true, "schema": schema});
    let text = || json!({"type": "string"});
    let seconds = json!({"type": "integer", "minimum": 1});
    json!({
        "ETag": field(
            "The revision of the record, for `If-Match` (RFC 9110 section 8.8.3).",
            json!({"type": "string", "pattern": "^\"[0-9]+\"$", "example": "\"3\""}),
        ),
        "Location": field("Where the new record is (RFC 9110 section 10.2.2).", text()),
        "Retry-After": field("Seconds to wait (RFC 9110 section 10.2.3).", seconds),
        "RateLimit": field("What is left of the limits of the token that asks.", text()),
        "RateLimit-Policy": field("The limits of the token that asks.", text()),
        "Set-Cookie": field("The session, or its end: `HttpOnly`, `Secure`, `SameSite=Strict`.", text()),
        "WWW-Authenticate": field("How to be known (RFC 9110 section 11.6.1).", text()),
    })
}

/// Those of one answer.
pub(super) fn named(fields: &[&str]) -> Value {
    let told =
        |name: &&str| ((*name).to_owned(), json!({"$ref": format!("#/components/headers/{name}")}));
    fields.iter().map(told).collect::<Map<_, _>>().into()
}

/// What is wrong, by name: problem documents.
pub(super) fn refusals() -> Value {
    let refusal = |about: &str, fields: &[&str], example: Problem| {
        let content =
            json!({"schema": {"$ref": "#/components/schemas/Problem"}, "example": example});
        json!({"description": about, "content": {"application/problem+json": content},
            "headers": named(fields)})
    };
    let too_many = StatusCode::TOO_MANY_REQUESTS;
    let changed = ServiceError::Changed { what: "user `alice`".to_owned(), found: Revision(4) };
    json!({
        "Problem": refusal(
            "What is wrong, and what to do (RFC 9457).",
            &[],
            Problem::new(StatusCode::NOT_FOUND, "not-found", "Not found", "there is no user `alice`"),
        ),
        "NotSignedIn": refusal("Whoever asks is not known.", &["WWW-Authenticate"], not_signed_in()),
        "Changed": refusal("It is at another revision.", &["ETag"], changed.into()),
        "Limited": refusal(
            "The token that asks has met one of its limits, or too many passwords were wrong.",
            &["Retry-After", "RateLimit", "RateLimit-Policy"],
            used_up(),
        ),
        "TooMany": refusal(
            "There were too many of these from one address.",
            &["Retry-After"],
            Problem::new(too_many, "too-many", "Try again later", "too many reports came from there; wait for 2 s"),
        ),
    })
}
