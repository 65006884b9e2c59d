//! Giving a token a successor.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::fault::Fault;
use super::form::{as_body, number, own, refused};
use super::tokens::rotated;
use super::visit::{Id, Visit};
use super::{Handle, page, page_with, seen_at};
use crate::domain::id::TokenId;
use crate::service::input::Rotation;
use crate::web::pages::parts::TokenRow;
use crate::web::pages::rotate::Rotate;
use crate::web::typed::Typed;
use crate::web::wrongs::Wrongs;

pub(super) async fn form(
    State(handles): Handle,
    Id(id): Id<TokenId>,
    visit: Visit,
) -> Result<Response, Fault> {
    let Visit { by, frame, .. } = visit;
    let row = TokenRow::of(&frame, &rotated(&handles, &by, id).await?);
    Ok(page(&Rotate::new(frame, (Typed::default(), Wrongs::default()), row)))
}

/// The secret of the successor waits for its one page, as that of a new token does (row F1).
pub(super) async fn rotate(
    State(handles): Handle,
    Id(id): Id<TokenId>,
    visit: Visit,
) -> Result<Response, Fault> {
    let Visit { by, session, frame, typed, .. } = visit;
    let service = &handles.service;
    let (status, wrongs) = match as_body::<Rotation>(&frame, rotation(&typed), own) {
        Err(wrongs) => (StatusCode::BAD_REQUEST, wrongs),
        Ok(input) => match service.rotate_token(&by, id, input).await {
            Ok(rotated) => {
                let new = rotated.token.id;
                if let Some(secret) = rotated.secret {
                    handles.people.once.keep(new, &session.csrf, secret, service.now());
                }
                return Ok(seen_at(&format!("/tokens/{new}/secret"), None));
            }
            Err(error) => refused(&frame, error)?,
        },
    };
    let row = TokenRow::of(&frame, &service.token(&by, id).await?);
    Ok(page_with(status, &Rotate::new(frame, (typed, wrongs), row)))
}

/// What was typed, as the body of the act in `/api/v1/tokens/{id}/rotate`.
fn rotation(typed: &Typed) -> Value {
    let mut body = Map::new();
    for field in ["grace", "after_use"] {
        if let Some(text) = typed.said(field) {
            body.insert(field.to_owned(), number(text));
        }
    }
    body.insert("reason".to_owned(), json!(typed.one("reason").trim()));
    Value::Object(body)
}
