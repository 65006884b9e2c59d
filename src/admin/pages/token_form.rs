//! The form for a token: what it offers, and changing a token with it. Making one is `create`'s.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::fault::Fault;
use super::tokens::{done, minded};
use super::visit::{Id, Visit};
use super::{Handle, form, page, page_with, token_change};
use crate::admin::Handles;
use crate::domain::id::TokenId;
use crate::service::offers::Fits;
use crate::service::owner_list::OwnerList;
use crate::service::view::{OwnerView, TokenView};
use crate::service::{Caller, ServiceError};
use crate::web::frame::Frame;
use crate::web::pages::choices::Choice;
use crate::web::pages::clash::Clash;
use crate::web::pages::token_form::{Offered, TokenForm, place};
use crate::web::typed::Typed;
use crate::web::wrongs::Wrongs;

/// How many owners are offered at once; others are found as they are typed, or typed in full.
const OWNERS_OFFERED: usize = 100;

pub(super) async fn edit(
    State(handles): Handle,
    Id(id): Id<TokenId>,
    visit: Visit,
) -> Result<Response, Fault> {
    let Visit { by, frame, unsent, .. } = visit;
    let held = minded(&handles, &by, id).await?;
    let typed = unsent.unwrap_or_else(|| token_change::as_typed(&held));
    let typed = (typed, Wrongs::default());
    Ok(page(&filled(&handles, &by, frame, typed, Some(&held)).await?))
}

pub(super) async fn change(
    State(handles): Handle,
    Id(id): Id<TokenId>,
    visit: Visit,
) -> Result<Response, Fault> {
    let Visit { by, frame, typed, .. } = visit;
    let held = minded(&handles, &by, id).await?;
    let changes = token_change::change(&frame, &typed, &held, &handles.service.settings());
    let (status, wrongs) = match changes {
        Err(wrongs) => (StatusCode::BAD_REQUEST, wrongs),
        Ok(change) => match handles.service.update_token(&by, id, &change).await {
            Ok(changed) => return Ok(done(id, changed.changed, "token-changed")),
            Err(error) if form::is_clash(&error) => {
                return clashed(&handles, (&by, frame), id, typed).await;
            }
            // The token's end is more than the form can say.
            Err(error @ ServiceError::Ended { .. }) => return Err(error.into()),
            Err(error) => refused(&frame, &error),
        },
    };
    let form = filled(&handles, &by, frame, (typed, wrongs), Some(&held)).await?;
    Ok(page_with(status, &form))
}

/// The form of a token that somebody else changed meanwhile: with what was typed, beside what is on record, and
/// sent again it is a change of that.
async fn clashed(
    handles: &Handles,
    (by, frame): (&Caller, Frame),
    id: TokenId,
    typed: Typed,
) -> Result<Response, Fault> {
    let held = minded(handles, by, id).await?;
    let typed = typed.instead("revision", held.revision.0.to_string());
    let end = held.expires_at.map(|at| frame.when(at).exact);
    let end = end.unwrap_or_else(|| frame.t("create-never"));
    let (path, before) = (format!("/tokens/{id}"), token_change::as_typed(&held));
    let params = token_change::shown_params(&handles.service.settings());
    let clash = Clash::token(&frame, path, (&typed, &before), &end, params);
    let mut form = filled(handles, by, frame, (typed, Wrongs::default()), Some(&held)).await?;
    form.clash = Some(clash);
    Ok(page_with(StatusCode::CONFLICT, &form))
}

/// What is said beside the form.
pub(super) fn refused(frame: &Frame, error: &ServiceError) -> (StatusCode, Wrongs) {
    // Not 404: it is the form that is shown, and one of its fields that is wrong.
    if matches!(error, ServiceError::NoOwner(_)) {
        let wrongs = Wrongs::field(frame, "owner", &error.to_string(), place);
        return (StatusCode::BAD_REQUEST, wrongs);
    }
    form::beside(frame, error, place)
}

/// The form with what is offered to `by`: for a new token, or for one that they may change.
pub(super) async fn filled(
    handles: &Handles,
    by: &Caller,
    frame: Frame,
    typed: (Typed, Wrongs),
    held: Option<&TokenView>,
) -> Result<TokenForm, Fault> {
    let service = &handles.service;
    let mut offered = Offered::default();
    if let Some(held) = held {
        let (owner, company) = (&held.owner, held.company.as_ref());
        offered.fits = service.fits(by, owner, company).await?;
        offered.more = service.offers_new_tokens(by, owner).await?;
    } else {
        let owners = service.owners(by, &OwnerList::page(None, OWNERS_OFFERED)).await?;
        let only = owners.entries.len() == 1 && owners.next.is_none();
        let choice = |owner: OwnerView| Choice { id: owner.id.to_string(), name: owner.name };
        offered.owners = (owners.entries.into_iter().map(choice).collect(), only);
        let companies = service.companies(by, None, OWNERS_OFFERED).await?.entries.into_iter();
        let companies = companies.map(|one| Choice { id: one.id.to_string(), name: one.name });
        offered.companies = companies.collect();
        let (owner, company) = (typed.0.one("owner").parse(), typed.0.one("company").parse());
        offered.fits = match owner {
            Ok(owner) => service.fits(by, &owner, company.ok().as_ref()).await?,
            Err(_) => Fits::default(),
        };
    }
    Ok(TokenForm::new(frame, typed, (&service.settings(), &by.grants), offered, held))
}
