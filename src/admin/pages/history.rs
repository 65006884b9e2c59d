//! The history.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::fault::Fault;
use super::form::{PAGE_ENTRIES, optional, refused};
use super::visit::Visit;
use super::{Handle, page, page_with};
use crate::admin::Handles;
use crate::domain::id::{OwnerId, Slug, TokenId};
use crate::service::Caller;
use crate::service::events::EventList;
use crate::store::{Page, Position, Subject};
use crate::web::frame::Frame;
use crate::web::pages::history::{Checked, EventRow, History};
use crate::web::wrongs::Wrongs;

/// How many events stand on the page of what they are about.
const EVENTS_BESIDE: usize = 8;

pub(super) async fn list(State(handles): Handle, visit: Visit) -> Result<Response, Fault> {
    let Visit { by, owner, frame, typed, .. } = visit;
    let token: Option<TokenId> = optional(&typed, "token")?;
    let user: Option<OwnerId> = optional(&typed, "user")?;
    let company: Option<Slug> = optional(&typed, "company")?;
    let before: Option<u64> = optional(&typed, "before")?;
    let watches = by.watches().is_ok();
    // Whoever does not see the whole sees what is about themselves.
    let about = token.is_some() || company.is_some();
    let user = user.or_else(|| (!about && !watches).then(|| owner.id.clone()));
    let subject = match (token, &user, &company) {
        (Some(id), ..) => Some(Subject::Token(id)),
        (None, Some(id), _) => Some(Subject::Owner(id.clone())),
        (None, None, Some(id)) => Some(Subject::Company(id.clone())),
        (None, None, None) => None,
    };
    let service = &handles.service;
    let from = before.map(Position);
    let said = |field: &str| typed.said(field).map(str::to_owned);
    let [kind, who, since, until] = ["kind", "by", "since", "until"].map(said);
    let asked = EventList { kind, by: who, since, until };
    let found = service.events_like(&by, subject.as_ref(), (&asked, from), PAGE_ENTRIES).await;
    let (status, wrongs, events) = match found {
        Ok(events) => (StatusCode::OK, Wrongs::default(), events),
        Err(error) if error.at_field().is_some() => {
            let (status, wrongs) = refused(&frame, error)?;
            (status, wrongs, Page { entries: Vec::new(), next: None })
        }
        Err(error) => return Err(error.into()),
    };
    let head = match watches && subject.is_none() {
        true => Some(service.head().await?),
        false => None,
    };
    let shown = History {
        events: events.entries.iter().map(|event| EventRow::of(&frame, event)).collect(),
        token: token.map(|id| id.to_string()),
        user: user.map(|id| id.to_string()),
        company: company.map(|id| id.to_string()),
        before,
        next: events.next.map(|position| position.0),
        head,
        wrongs,
        typed,
        frame,
    };
    Ok(page_with(status, &shown))
}

pub(super) async fn check(State(handles): Handle, visit: Visit) -> Result<Response, Fault> {
    visit.by.watches()?;
    let found = handles.service.verify(None).await?;
    let hash = found.head.hash.to_hex();
    Ok(page(&Checked { frame: visit.frame, found, hash }))
}

/// The latest events of one token or user, and where older ones are.
pub(super) async fn of(
    handles: &Handles,
    by: &Caller,
    frame: &Frame,
    subject: &Subject,
) -> Result<(Vec<EventRow>, Option<u64>), Fault> {
    let events = handles.service.events(by, Some(subject), None, EVENTS_BESIDE).await?;
    let rows = events.entries.iter().map(|event| EventRow::of(frame, event)).collect();
    Ok((rows, events.next.map(|position| position.0)))
}
