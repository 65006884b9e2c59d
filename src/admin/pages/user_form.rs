//! The form for a user: a new one, and one that is changed. What it says is `user_body`'s.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::fault::Fault;
use super::form::{PAGE_ENTRIES, as_body, beside, is_clash};
use super::user_body::{as_typed, changes, neutral, place, user};
use super::visit::{Id, Visit};
use super::{Handle, all, company, page, page_with, seen_at};
use crate::admin::Handles;
use crate::domain::id::{OwnerId, Slug};
use crate::service::caller::Tenant;
use crate::service::input::{NewOwner, OwnerChange};
use crate::service::offers::OwnerOffers;
use crate::service::view::OwnerView;
use crate::service::{Caller, ServiceError};
use crate::web::frame::Frame;
use crate::web::pages::choices::Choice;
use crate::web::pages::clash::Clash;
use crate::web::pages::users::UserForm;
use crate::web::typed::Typed;
use crate::web::wrongs::Wrongs;

pub(super) async fn form(State(handles): Handle, visit: Visit) -> Result<Response, Fault> {
    let Visit { by, frame, unsent, .. } = visit;
    let offers = makes(&by)?;
    let typed = unsent.unwrap_or_else(|| fresh(&offers));
    Ok(page(&filled(&handles, (&by, frame), (typed, Wrongs::default()), None).await?))
}

/// What they may make of a new user: no form is shown to those who make none.
fn makes(by: &Caller) -> Result<OwnerOffers, Fault> {
    by.offers_owners().ok_or_else(|| Fault::of(StatusCode::FORBIDDEN, "forbidden"))
}

/// The form before anything is typed: what cannot be otherwise is filled in, and no access level is given unasked.
fn fresh(offers: &OwnerOffers) -> Typed {
    let mut typed = Typed::default().with("ceiling", "chosen");
    if let Tenant::Only(Some(company)) = &offers.company {
        typed = typed.with("company", company.to_string());
    }
    match &offers.superior {
        Some(superior) => typed.with("parent", superior.to_string()),
        None => typed,
    }
}

pub(super) async fn make(State(handles): Handle, visit: Visit) -> Result<Response, Fault> {
    let Visit { by, frame, typed, .. } = visit;
    makes(&by)?;
    let service = &handles.service;
    let unknown = company::unknown(&handles, &by, &typed).await?;
    let (status, wrongs) = match (tried(&handles, (&by, &frame), &typed).await, &unknown) {
        (Err((status, first)), _) => {
            (status, all_wrong(&handles, (&by, &frame), first, &typed).await)
        }
        (Ok(()), Some(_)) => (StatusCode::OK, Wrongs::default()),
        (Ok(()), None) => match as_body::<NewOwner>(&frame, user(&typed), place) {
            Err(wrongs) => (StatusCode::BAD_REQUEST, wrongs),
            Ok(input) => match service.create_owner(&by, input).await {
                Ok(made) => {
                    return Ok(seen_at(&format!("/users/{}", made.id), Some("user-created")));
                }
                Err(error) => wrong(&frame, &error),
            },
        },
    };
    let mut form = filled(&handles, (&by, frame), (typed, wrongs), None).await?;
    form.unknown_company = unknown;
    Ok(page_with(status, &form))
}

/// Whether a user could be made so, or what is wrong first.
async fn tried(
    handles: &Handles,
    (by, frame): (&Caller, &Frame),
    typed: &Typed,
) -> Result<(), (StatusCode, Wrongs)> {
    match as_body::<NewOwner>(frame, user(typed), place) {
        Err(wrongs) => Err((StatusCode::BAD_REQUEST, wrongs)),
        Ok(input) => {
            let tried = handles.service.try_owner(by, input).await;
            tried.map_err(|error| wrong(frame, &error))
        }
    }
}

/// All that is wrong, of which `first` was found.
async fn all_wrong(
    handles: &Handles,
    (by, frame): (&Caller, &Frame),
    first: Wrongs,
    typed: &Typed,
) -> Wrongs {
    let tried = |typed: Typed| async move { tried(handles, (by, frame), &typed).await };
    all::all_wrong(first, typed, neutral, tried).await
}

pub(super) async fn edit(
    State(handles): Handle,
    Id(id): Id<OwnerId>,
    visit: Visit,
) -> Result<Response, Fault> {
    let Visit { by, frame, unsent, .. } = visit;
    let held = handles.service.owner(&by, &id).await?;
    if !handles.service.offers_change(&by, &id).await? {
        return Err(Fault::of(StatusCode::FORBIDDEN, "forbidden"));
    }
    let typed = (unsent.unwrap_or_else(|| as_typed(&held)), Wrongs::default());
    Ok(page(&filled(&handles, (&by, frame), typed, Some(&held)).await?))
}

pub(super) async fn change(
    State(handles): Handle,
    Id(id): Id<OwnerId>,
    visit: Visit,
) -> Result<Response, Fault> {
    let Visit { by, frame, typed, .. } = visit;
    let held = handles.service.owner(&by, &id).await?;
    if !handles.service.offers_change(&by, &id).await? {
        return Err(Fault::of(StatusCode::FORBIDDEN, "forbidden"));
    }
    let moves = typed.said("company") != held.company.as_ref().map(Slug::as_str);
    if moves && let Some(unknown) = company::unknown(&handles, &by, &typed).await? {
        let typed = (typed, Wrongs::default());
        let mut form = filled(&handles, (&by, frame), typed, Some(&held)).await?;
        form.unknown_company = Some(unknown);
        return Ok(page(&form));
    }
    let body = changes(&typed, &held);
    let (status, wrongs) = match as_body::<OwnerChange>(&frame, body, place) {
        Err(wrongs) => (StatusCode::BAD_REQUEST, wrongs),
        Ok(change) => match handles.service.update_owner(&by, &id, &change).await {
            Ok(done) => {
                let what = match (done.changed, done.left_behind) {
                    (_, Some(_)) => "user-left",
                    (true, None) => "user-changed",
                    (false, None) => "nothing",
                };
                return Ok(seen_at(&format!("/users/{id}"), Some(what)));
            }
            Err(error) if is_clash(&error) => {
                return clashed(&handles, (&by, frame), &id, typed).await;
            }
            Err(error) => wrong(&frame, &error),
        },
    };
    Ok(page_with(status, &filled(&handles, (&by, frame), (typed, wrongs), Some(&held)).await?))
}

/// The form of a user whom somebody else changed meanwhile: with what was typed, beside what is on record, and sent
/// again it is a change of that.
async fn clashed(
    handles: &Handles,
    (by, frame): (&Caller, Frame),
    id: &OwnerId,
    typed: Typed,
) -> Result<Response, Fault> {
    let held = handles.service.owner(by, id).await?;
    let typed = typed.instead("revision", held.revision.0.to_string());
    let clash = Clash::user(&frame, format!("/users/{id}"), &typed, &as_typed(&held));
    let typed = (typed, Wrongs::default());
    let mut form = filled(handles, (by, frame), typed, Some(&held)).await?;
    form.clash = Some(clash);
    Ok(page_with(StatusCode::CONFLICT, &form))
}

async fn filled(
    handles: &Handles,
    (by, frame): (&Caller, Frame),
    typed: (Typed, Wrongs),
    held: Option<&OwnerView>,
) -> Result<UserForm, Fault> {
    let companies = handles.service.companies(by, None, PAGE_ENTRIES).await?.entries.into_iter();
    let companies = companies.map(|one| Choice { id: one.id.to_string(), name: one.name });
    let settings = handles.service.settings();
    let offers = makes(by)?;
    let offers = (&offers, companies.collect());
    Ok(UserForm::new(frame, typed, held, (&settings, &by.grants), offers))
}

/// What is said beside the form, whatever is refused: nothing that was typed is lost.
fn wrong(frame: &Frame, error: &ServiceError) -> (StatusCode, Wrongs) {
    match error {
        ServiceError::OwnerExists(_) => {
            let mut wrongs = Wrongs::refused(frame, error, place);
            wrongs.all.iter_mut().for_each(|wrong| wrong.place = "id".to_owned());
            (StatusCode::CONFLICT, wrongs)
        }
        // Not 404: it is the form that is shown, and one of its fields that is wrong.
        ServiceError::NoOwner(_) => {
            let wrongs = Wrongs::field(frame, "parent", &error.to_string(), place);
            (StatusCode::BAD_REQUEST, wrongs)
        }
        _ => beside(frame, error, place),
    }
}
