//! Users: listing, showing, blocking.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::block::{self, Whom, decided};
use super::fault::Fault;
use super::form::{PAGE_ENTRIES, as_body, of_filters, own, refused};
use super::visit::{Id, Visit};
use super::{Handle, done_at, history, page, page_with};
use crate::admin::Handles;
use crate::domain::id::OwnerId;
use crate::service::Caller;
use crate::service::owner_list::OwnerList;
use crate::store::Subject;
use crate::web::frame::Frame;
use crate::web::pages::choices::Choice;
use crate::web::pages::user_filters::UserFilters;
use crate::web::pages::users::{May, OwnerOptions, User, UserRow, Users};
use crate::web::wrongs::Wrongs;

/// How many users a field offers.
const SUGGESTED: usize = 20;

pub(super) async fn list(State(handles): Handle, visit: Visit) -> Result<Response, Fault> {
    let Visit { by, frame, typed, .. } = visit;
    let filters = UserFilters { typed };
    // A page has no field for where it begins.
    let place = |field: &str| own(field).filter(|field| field != "after");
    let asked = as_body::<OwnerList>(&frame, filters.asked(PAGE_ENTRIES), place);
    let (status, wrongs, users) = match asked {
        Err(wrongs) => (StatusCode::BAD_REQUEST, of_filters(&frame, wrongs), None),
        Ok(asked) => match handles.service.owners(&by, &asked).await {
            Ok(users) => (StatusCode::OK, Wrongs::default(), Some(users)),
            Err(error) => {
                let (status, wrongs) = refused(&frame, error)?;
                (status, of_filters(&frame, wrongs), None)
            }
        },
    };
    let (entries, next) = users.map_or_else(Default::default, |page| (page.entries, page.next));
    let rows = entries.iter().map(|user| UserRow::of(&frame, user)).collect();
    let next = next.map(|next| next.to_string());
    Ok(page_with(status, &Users { frame, wrongs, filters, rows, next }))
}

/// Some whom a text fits, for the field of a form while somebody types.
pub(super) async fn suggest(State(handles): Handle, visit: Visit) -> Result<Response, Fault> {
    let text = visit.typed.said("text").map(str::to_owned);
    let asked = OwnerList { text, ..OwnerList::page(None, SUGGESTED) };
    let found = handles.service.owners(&visit.by, &asked).await?.entries.into_iter();
    let owners = found.map(|owner| Choice { id: owner.id.to_string(), name: owner.name });
    Ok(page(&OwnerOptions { owners: owners.collect() }))
}

pub(super) async fn show(
    State(handles): Handle,
    Id(id): Id<OwnerId>,
    visit: Visit,
) -> Result<Response, Fault> {
    Ok(page(&shown(&handles, &visit.by, visit.frame, &id, Wrongs::default()).await?))
}

async fn shown(
    handles: &Handles,
    by: &Caller,
    frame: Frame,
    id: &OwnerId,
    wrongs: Wrongs,
) -> Result<User, Fault> {
    let service = &handles.service;
    let user = service.owner(by, id).await?;
    let may = May {
        change: service.offers_change(by, id).await?,
        block: service.offers_blocking(by, id).await?,
        unblock: service.offers_unblocking(by, id).await?,
        end_tokens: service.offers_tokens(by, id).await?,
        make_tokens: service.offers_new_tokens(by, id).await?,
    };
    let events = history::of(handles, by, &frame, &Subject::Owner(id.clone())).await?;
    // Whoever may not set one is not told.
    let has_password = may.change && service.has_password(id).await?;
    let sees_company = match &user.company {
        Some(company) => service.company(by, company).await.is_ok(),
        None => false,
    };
    Ok(User::new(frame, wrongs, user, may, (has_password, sees_company), events))
}

pub(super) async fn ask_block(
    State(handles): Handle,
    Id(id): Id<OwnerId>,
    visit: Visit,
) -> Result<Response, Fault> {
    let Visit { by, frame, .. } = visit;
    let typed = (Wrongs::default(), "");
    let form = block::form(&handles, (&by, frame), Whom::User(&id), typed).await?;
    if !handles.service.offers_blocking(&by, &id).await? {
        return Err(Fault::of(StatusCode::FORBIDDEN, "forbidden"));
    }
    Ok(page(&form))
}

pub(super) async fn block(
    State(handles): Handle,
    Id(id): Id<OwnerId>,
    visit: Visit,
) -> Result<Response, Fault> {
    let outcome = handles.service.block_owner(&visit.by, &id, visit.reason()).await;
    if outcome.is_ok() {
        handles.people.sessions.end_all_of(&id);
    }
    let outcome = outcome.map(|user| user.changed);
    decided(&handles, visit, Whom::User(&id), outcome, "user-blocked").await
}

pub(super) async fn unblock(
    State(handles): Handle,
    Id(id): Id<OwnerId>,
    visit: Visit,
) -> Result<Response, Fault> {
    let seen = visit.by_what_they_saw();
    let outcome = handles.service.unblock_owner(&seen, &id, visit.reason()).await;
    let outcome = outcome.map(|user| user.changed);
    decided(&handles, visit, Whom::User(&id), outcome, "user-unblocked").await
}

fn done(id: &OwnerId, changed: bool, what: &str) -> Response {
    done_at(&format!("/users/{id}"), changed, what)
}

/// Another password of somebody else; one's own is changed on one's own page, which asks for the present
/// one.
pub(super) async fn set_password(
    State(handles): Handle,
    Id(id): Id<OwnerId>,
    visit: Visit,
) -> Result<Response, Fault> {
    let Visit { by, mut frame, typed, .. } = visit;
    let wanted = typed.one("password");
    let (status, wrongs) = match handles.service.set_password(&by, &id, None, Some(wanted)).await {
        Ok(_) => return Ok(done(&id, true, "user-password")),
        Err(error) => refused(&frame, error)?,
    };
    frame.path = format!("/users/{id}");
    Ok(page_with(status, &shown(&handles, &by, frame, &id, wrongs).await?))
}
