//! Tokens: listing, showing, and what is done to one.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::fault::Fault;
use super::form::{PAGE_ENTRIES, as_body, of_filters, own, refused};
use super::visit::{Id, Visit};
use super::{Handle, astray, done_at, history, page, page_with, seen_at};
use crate::admin::Handles;
use crate::domain::id::TokenId;
use crate::domain::secret;
use crate::service::list::TokenList;
use crate::service::usage::UsageQuestion;
use crate::service::view::TokenView;
use crate::service::{Caller, ServiceError};
use crate::store::Subject;
use crate::web::frame::Frame;
use crate::web::pages::filters::Filters;
use crate::web::pages::parts::{Ending, Ends, TokenRow};
use crate::web::pages::tokens::{Blocks, Revoke, Token, Tokens};
use crate::web::wrongs::Wrongs;

pub(super) async fn list(State(handles): Handle, visit: Visit) -> Result<Response, Fault> {
    let Visit { by, frame, typed, .. } = visit;
    let filters = Filters::new(typed, &handles.service.settings());
    let asked = as_body::<TokenList>(&frame, filters.asked(PAGE_ENTRIES), own);
    let (status, wrongs, tokens) = match asked {
        Err(wrongs) => (StatusCode::BAD_REQUEST, of_filters(&frame, wrongs), None),
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
                (status, of_filters(&frame, wrongs), None)
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
    let may_rotate = handles.service.offers_new_tokens(&by, &token.owner).await?;
    let may_enable = handles.service.offers_enabling(&by, id).await?;
    let used = handles.service.token_usage(&by, id, UsageQuestion::default()).await?;
    let (owner, company) = handles.service.blocks(&token).await?;
    let company = match company {
        Some(id) => Some((id.to_string(), handles.service.company(&by, &id).await.is_ok())),
        None => None,
    };
    let line = [token.rotated_from, token.rotated_to].into_iter().flatten();
    let names = handles.service.names_of(line).await?;
    let settings = handles.service.settings();
    let may = (may_change, may_rotate, may_enable);
    let about = (Blocks { owner, company }, &used, &*settings, &names);
    Ok(page(&Token::new(frame, token, may, about, events)))
}

/// When tokens end that are named in a list. One that is gone meanwhile is left out.
pub(super) async fn ending(
    handles: &Handles,
    (by, frame): (&Caller, &Frame),
    ids: impl Iterator<Item = TokenId>,
) -> Result<Ending, ServiceError> {
    let mut ending = Ending::new();
    for id in ids {
        match handles.service.token(by, id).await {
            Ok(token) => drop(ending.insert(id, Ends::of(frame, &token))),
            Err(ServiceError::NoToken(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(ending)
}

/// A token for a form that changes it: there is none for those who may not, and of one that is over.
pub(super) async fn minded(
    handles: &Handles,
    by: &Caller,
    id: TokenId,
) -> Result<TokenView, Fault> {
    let token = handles.service.token(by, id).await?;
    if !handles.service.offers_tokens(by, &token.owner).await? {
        return Err(Fault::of(StatusCode::FORBIDDEN, "forbidden"));
    }
    if token.state.is_final() {
        return Err(ServiceError::Ended { id, state: token.state }.into());
    }
    Ok(token)
}

/// A token for the form that gives it a successor.
pub(super) async fn rotated(
    handles: &Handles,
    by: &Caller,
    id: TokenId,
) -> Result<TokenView, Fault> {
    let token = minded(handles, by, id).await?;
    if !handles.service.offers_new_tokens(by, &token.owner).await? {
        return Err(Fault::of(StatusCode::FORBIDDEN, "forbidden"));
    }
    Ok(token)
}

pub(super) fn done(id: TokenId, changed: bool, what: &str) -> Response {
    done_at(&format!("/tokens/{id}"), changed, what)
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
    let row = TokenRow::of(&frame, &minded(&handles, &by, id).await?);
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

/// Finds the token of a secret that the script of a page kept out of the address.
pub(super) async fn find(State(handles): Handle, visit: Visit) -> Result<Response, Fault> {
    let Visit { by, typed, .. } = visit;
    Ok(match secret::own_in(typed.one("text")).next() {
        Some(found) => {
            let (place, known) = astray::place_of(&handles, &by, found).await?;
            seen_at(&place, Some(if known { "secret-found" } else { "secret-unknown" }))
        }
        None => seen_at("/tokens", Some("secret-unknown")),
    })
}
