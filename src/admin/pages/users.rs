//! Users: listing, showing, blocking.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::fault::Fault;
use super::form::{PAGE_ENTRIES, optional, refused};
use super::visit::Visit;
use super::{Handle, history, page, page_with, seen_at};
use crate::admin::Handles;
use crate::admin::extract::Id;
use crate::domain::id::OwnerId;
use crate::service::view::OwnerChanged;
use crate::service::{Caller, ServiceError};
use crate::store::Subject;
use crate::web::frame::Frame;
use crate::web::pages::block::Block;
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
    let form = block_form(&handles, (&by, frame), &id, (Wrongs::default(), "")).await?;
    if !handles.service.offers_change(&by, &id).await? {
        return Err(Fault::of(StatusCode::FORBIDDEN, "forbidden"));
    }
    Ok(page(&form))
}

async fn block_form(
    handles: &Handles,
    (by, frame): (&Caller, Frame),
    id: &OwnerId,
    typed: (Wrongs, &str),
) -> Result<Block, Fault> {
    let user = handles.service.owner(by, id).await?;
    let stopping = handles.service.stopping(by, id).await?;
    Ok(Block::user(frame, typed, &user, stopping))
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
    decided(&handles, visit, &id, outcome, "user-blocked").await
}

pub(super) async fn unblock(
    State(handles): Handle,
    Id(id): Id<OwnerId>,
    visit: Visit,
) -> Result<Response, Fault> {
    let seen = visit.by_what_they_saw();
    let outcome = handles.service.unblock_owner(&seen, &id, visit.reason()).await;
    decided(&handles, visit, &id, outcome, "user-unblocked").await
}

/// The page after a block or its end, or the form with why not.
async fn decided(
    handles: &Handles,
    visit: Visit,
    id: &OwnerId,
    outcome: Result<OwnerChanged, ServiceError>,
    what: &str,
) -> Result<Response, Fault> {
    let (status, wrongs) = match outcome {
        Ok(changed) => return Ok(done(id, changed.changed, what)),
        Err(error) => refused(&visit.frame, error)?,
    };
    let Visit { by, frame, typed, .. } = visit;
    let typed = (wrongs, typed.one("reason"));
    Ok(page_with(status, &block_form(handles, (&by, frame), id, typed).await?))
}

fn done(id: &OwnerId, changed: bool, what: &str) -> Response {
    seen_at(&format!("/users/{id}"), Some(if changed { what } else { "nothing" }))
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
