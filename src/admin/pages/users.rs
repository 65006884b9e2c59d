//! Users: listing, showing, blocking.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::block::{self, Whom, decided};
use super::fault::Fault;
use super::form::{PAGE_ENTRIES, optional, refused};
use super::visit::Visit;
use super::{Handle, done_at, history, page, page_with};
use crate::admin::Handles;
use crate::admin::extract::Id;
use crate::domain::id::OwnerId;
use crate::service::Caller;
use crate::store::Subject;
use crate::web::frame::Frame;
use crate::web::pages::users::{May, User, UserRow, Users};
use crate::web::wrongs::Wrongs;

pub(super) async fn list(State(handles): Handle, visit: Visit) -> Result<Response, Fault> {
    let Visit { by, frame, typed, .. } = visit;
    let after: Option<OwnerId> = optional(&typed, "after")?;
    let users = handles.service.owners(&by, after.as_ref(), PAGE_ENTRIES).await?;
    Ok(page(&Users {
        rows: users.entries.iter().map(|user| UserRow::of(&frame, user)).collect(),
        after: after.map(|after| after.to_string()),
        next: users.next.map(|next| next.to_string()),
        frame,
    }))
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
    Ok(User::new(frame, wrongs, user, may, events))
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
