//! Tokens: listing, showing, and what is done to one.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use super::fault::Fault;
use super::form::{PAGE_ENTRIES, as_body, own, refused};
use super::visit::Visit;
use super::{Handle, history, page, page_with, seen_at};
use crate::admin::extract::Id;
use crate::domain::id::TokenId;
use crate::service::ServiceError;
use crate::service::input::TokenChange;
use crate::service::list::TokenList;
use crate::store::Subject;
use crate::web::pages::filters::Filters;
use crate::web::pages::parts::TokenRow;
use crate::web::pages::tokens::{Edit, Revoke, Token, Tokens};
use crate::web::typed::Typed;
use crate::web::wrongs::Wrongs;

pub(super) async fn list(State(handles): Handle, visit: Visit) -> Result<Response, Fault> {
    let Visit { by, frame, typed, .. } = visit;
    let filters = Filters::new(typed, &handles.service.settings());
    let asked = as_body::<TokenList>(&frame, filters.asked(PAGE_ENTRIES), own);
    let (status, wrongs, tokens) = match asked {
        Err(wrongs) => (StatusCode::BAD_REQUEST, wrongs, None),
        Ok(asked) => match handles.service.tokens(&by, &asked).await {
            Ok(tokens) => (StatusCode::OK, Wrongs::default(), Some(tokens)),
            Err(error @ ServiceError::NoOwner(_)) => {
                let mut wrongs = Wrongs::field(&frame, "owner", &error.to_string(), own);
                if by.watches().is_err() {
                    // There may be one whom they do not see.
                    let words = frame.t("problem-not-found");
                    wrongs.all.iter_mut().for_each(|wrong| wrong.words.clone_from(&words));
                }
                (StatusCode::NOT_FOUND, wrongs, None)
            }
            Err(error) => {
                let (status, wrongs) = refused(&frame, error)?;
                (status, wrongs, None)
            }
        },
    };
    let (entries, next) = tokens.map_or_else(Default::default, |page| (page.entries, page.next));
    let rows = entries.iter().map(|token| TokenRow::of(&frame, token)).collect();
    Ok(page_with(status, &Tokens { frame, wrongs, filters, rows, next }))
}

pub(super) async fn show(
    State(handles): Handle,
    Id(id): Id<TokenId>,
    visit: Visit,
) -> Result<Response, Fault> {
    let Visit { by, frame, .. } = visit;
    let token = handles.service.token(&by, id).await?;
    let may_change = handles.service.offers_tokens(&by, &token.owner).await?;
    let events = history::of(&handles, &by, &frame, &Subject::Token(id)).await?;
    let may_enable = handles.service.offers_enabling(&by, id).await?;
    Ok(page(&Token::new(frame, token, (may_change, may_enable), events)))
}

pub(super) async fn edit(
    State(handles): Handle,
    Id(id): Id<TokenId>,
    visit: Visit,
) -> Result<Response, Fault> {
    let Visit { by, frame, .. } = visit;
    let token = handles.service.token(&by, id).await?;
    let typed = Typed::default()
        .with("name", token.name.clone())
        .with("description", token.description)
        .with("revision", token.revision.0.to_string());
    let wrongs = Wrongs::default();
    Ok(page(&Edit { frame, wrongs, id: id.to_string(), name: token.name, typed }))
}

pub(super) async fn change(
    State(handles): Handle,
    Id(id): Id<TokenId>,
    visit: Visit,
) -> Result<Response, Fault> {
    let Visit { by, frame, typed, .. } = visit;
    let (name, description) = (typed.one("name").trim(), typed.one("description").trim());
    let revision = typed.one("revision").parse::<u64>().ok();
    let body = json!({"name": name, "description": description, "revision": revision});
    let (status, wrongs) = match as_body::<TokenChange>(&frame, body, own) {
        Err(wrongs) => (StatusCode::BAD_REQUEST, wrongs),
        Ok(change) => match handles.service.update_token(&by, id, &change).await {
            Ok(changed) => return Ok(done(id, changed.changed, "token-changed")),
            Err(error) => refused(&frame, error)?,
        },
    };
    let token = handles.service.token(&by, id).await?;
    let edit = Edit { frame, wrongs, id: id.to_string(), name: token.name, typed };
    Ok(page_with(status, &edit))
}

fn done(id: TokenId, changed: bool, what: &str) -> Response {
    seen_at(&format!("/tokens/{id}"), Some(if changed { what } else { "nothing" }))
}

pub(super) async fn disable(
    State(handles): Handle,
    Id(id): Id<TokenId>,
    visit: Visit,
) -> Result<Response, Fault> {
    let reason = visit.typed.one("reason");
    let changed = handles.service.disable_token(&visit.by, id, reason).await?.changed;
    Ok(done(id, changed, "token-disabled"))
}

pub(super) async fn enable(
    State(handles): Handle,
    Id(id): Id<TokenId>,
    visit: Visit,
) -> Result<Response, Fault> {
    let reason = visit.typed.one("reason");
    let changed =
        handles.service.enable_token(&visit.by_what_they_saw(), id, reason).await?.changed;
    Ok(done(id, changed, "token-enabled"))
}

pub(super) async fn ask_revoke(
    State(handles): Handle,
    Id(id): Id<TokenId>,
    visit: Visit,
) -> Result<Response, Fault> {
    let Visit { by, frame, .. } = visit;
    let row = TokenRow::of(&frame, &handles.service.token(&by, id).await?);
    let (wrongs, reason) = (Wrongs::default(), String::new());
    Ok(page(&Revoke { frame, wrongs, row, reason }))
}

pub(super) async fn revoke(
    State(handles): Handle,
    Id(id): Id<TokenId>,
    visit: Visit,
) -> Result<Response, Fault> {
    let Visit { by, frame, typed, .. } = visit;
    let reason = typed.one("reason").trim();
    let (status, wrongs) = match handles.service.revoke_token(&by, id, reason).await {
        Ok(changed) => return Ok(done(id, changed.changed, "token-revoked")),
        Err(error) => refused(&frame, error)?,
    };
    let row = TokenRow::of(&frame, &handles.service.token(&by, id).await?);
    Ok(page_with(status, &Revoke { frame, wrongs, row, reason: reason.to_owned() }))
}
