//! What pages read from forms and links, and what they say of a form that is refused.

use axum::http::StatusCode;
use serde_json::Value;

use super::fault::Fault;
use crate::admin::extract;
use crate::service::ServiceError;
use crate::store::StoreError;
use crate::web::frame::Frame;
use crate::web::typed::Typed;
use crate::web::wrongs::Wrongs;

/// How many tokens, users or events a page has.
pub(super) const PAGE_ENTRIES: usize = 50;

/// A parameter of a query, if it is there.
pub(super) fn optional<T: std::str::FromStr>(
    typed: &Typed,
    name: &str,
) -> Result<Option<T>, Fault> {
    typed.said(name).map(|text| text.parse().map_err(|_| Fault::nothing())).transpose()
}

/// Reads what a form says as the body of an act in `/api/v1`, or tells which of its fields is wrong.
pub(super) fn as_body<T: serde::de::DeserializeOwned>(
    frame: &Frame,
    body: Value,
    place: impl Fn(&str) -> Option<String>,
) -> Result<T, Wrongs> {
    let text = body.to_string();
    let mut reader = serde_json::Deserializer::from_str(&text);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let field = error.path().to_string();
        Wrongs::field(frame, &field, &extract::words(error.inner()), place)
    })
}

/// A field of the act is called as the field of the form.
pub(super) fn own(field: &str) -> Option<String> {
    Some(field.to_owned())
}

/// What is wrong with filters of a list, in words that fit them: nothing is given to anybody there.
pub(super) fn of_filters(frame: &Frame, wrongs: Wrongs) -> Wrongs {
    wrongs.worded(frame, |place| {
        Some(match place {
            "company" => "wrong-company-id",
            "text" | "name" => "wrong-filter-text",
            "hint" => "wrong-filter-hint",
            "flags" | "state" | "context" | "kind" | "role" | "rotated" => "wrong-filter-choice",
            _ if place.ends_with("_from") || place.ends_with("_before") => "wrong-since",
            _ => return None,
        })
    })
}

/// A number that was typed, else the text, so that the act says what is wrong with it.
pub(super) fn number(text: &str) -> Value {
    text.parse::<u64>().map_or_else(|_| Value::from(text), Value::from)
}

/// Whether somebody else changed the record meanwhile.
pub(super) fn is_clash(error: &ServiceError) -> bool {
    matches!(error, ServiceError::Changed { .. } | ServiceError::Store(StoreError::Conflict { .. }))
}

/// What is said beside the form, whatever is refused: nothing that was typed is lost.
pub(super) fn beside(
    frame: &Frame,
    error: &ServiceError,
    place: impl Fn(&str) -> Option<String>,
) -> (StatusCode, Wrongs) {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
    (status, Wrongs::refused(frame, error, place))
}

/// What is said beside the form; what is wrong with more than what was typed has a page of its own.
pub(super) fn refused(frame: &Frame, error: ServiceError) -> Result<(StatusCode, Wrongs), Fault> {
    match error {
        ServiceError::Field { .. } | ServiceError::NotAllowed { .. } => {
            let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
            // A page has no field for where it begins.
            let place = |field: &str| own(field).filter(|field| field != "cursor");
            Ok((status, Wrongs::refused(frame, &error, place)))
        }
        other => Err(other.into()),
    }
}
