//! The history.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::fault::Fault;
use super::form::{PAGE_ENTRIES, optional, refused};
use super::visit::Visit;
use super::{Handle, page, page_with};
use crate::admin::Handles;
use crate::service::acts::Gathered;
use crate::service::events::EventList;
use crate::service::{Caller, ServiceError};
use crate::store::{Page, Position, StoreError, Subject};
use crate::web::frame::Frame;
use crate::web::pages::history::{Broken, Checked, EventRow, History, NAMED};
use crate::web::typed::Typed;
use crate::web::wrongs::Wrongs;

/// How many events stand on the page of what they are about.
const EVENTS_BESIDE: usize = 8;

pub(super) async fn list(State(handles): Handle, visit: Visit) -> Result<Response, Fault> {
    let Visit { by, frame, typed, .. } = visit;
    let before: Option<u64> = optional(&typed, "before")?;
    let service = &handles.service;
    let said = |field: &str| typed.said(field).map(str::to_owned);
    let [kind, who, since, until] = ["kind", "by", "since", "until"].map(said);
    let asked = EventList { kind, by: who, since, until };
    let subject = subject(&frame, &typed);
    let found = match &subject {
        Err(wrongs) => Err((StatusCode::BAD_REQUEST, wrongs.clone())),
        Ok(subject) => {
            let asked = (&asked, before.map(Position));
            match service.acts(&by, subject.as_ref(), asked, PAGE_ENTRIES).await {
                Ok(events) => Ok(events),
                Err(error) if error.at_field().is_some() => Err(refused(&frame, error)?),
                Err(error) => match unknown(&frame, &by, &error) {
                    Some(wrongs) => Err((StatusCode::NOT_FOUND, wrongs)),
                    None => return Err(error.into()),
                },
            }
        }
    };
    let (status, wrongs, events) = match found {
        Ok(events) => (StatusCode::OK, Wrongs::default(), events),
        Err((status, wrongs)) => (status, wrongs, Page { entries: Vec::new(), next: None }),
    };
    // One that is not there is said beside its field alone.
    let subject = subject.unwrap_or_default().filter(|_| status != StatusCode::NOT_FOUND);
    let head = match by.watches().is_ok() && subject.is_none() {
        true => Some(service.head().await?),
        false => None,
    };
    let (mut token, mut user, mut company) = (None, None, None);
    match subject {
        None => {}
        Some(Subject::Token(id)) => {
            let name = service.token(&by, id).await?.name;
            token = Some((id.to_string(), name));
        }
        Some(Subject::Owner(id)) => user = Some(id.to_string()),
        Some(Subject::Company(id)) => company = Some(id.to_string()),
    }
    let events_next = events.next.map(|position| position.0);
    let searches_on = events_next.is_some() && events.entries.len() < PAGE_ENTRIES;
    let shown = History {
        events: rows(&handles, &frame, &events.entries).await?,
        token,
        user,
        company,
        before,
        next: events_next,
        searches_on,
        head,
        wrongs,
        typed,
        frame,
    };
    Ok(page_with(status, &shown))
}

/// What the events must be about, or which field of the form says it wrong.
fn subject(frame: &Frame, typed: &Typed) -> Result<Option<Subject>, Wrongs> {
    let fields = ["token", "user", "company"];
    let mut said = fields.into_iter().filter_map(|field| Some((field, typed.said(field)?)));
    let Some((field, text)) = said.next() else { return Ok(None) };
    if let Some((other, _)) = said.next() {
        return Err(Wrongs::one(frame, other, "wrong-subject"));
    }
    let subject = match field {
        "token" => text.parse().map(Subject::Token).map_err(|error| error.to_string()),
        "user" => text.parse().map(Subject::Owner).map_err(|error| error.to_string()),
        _ => text.parse().map(Subject::Company).map_err(|error| error.to_string()),
    };
    subject.map(Some).map_err(|problem| said_of(frame, field, &problem))
}

/// A token, a user or a company that is not there, or not for this reader.
fn unknown(frame: &Frame, by: &Caller, error: &ServiceError) -> Option<Wrongs> {
    let field = match error {
        ServiceError::NoToken(_) => "token",
        ServiceError::NoOwner(_) => "user",
        ServiceError::NoCompany(_) => "company",
        _ => return None,
    };
    let wrongs = said_of(frame, field, &error.to_string());
    // To some there may be one whom they do not see; an id that nobody has is an id all the same.
    let is_told = by.watches().is_ok() && field != "token";
    Some(if is_told { wrongs } else { wrongs.worded(frame, |_| Some("problem-not-found")) })
}

fn said_of(frame: &Frame, field: &str, problem: &str) -> Wrongs {
    // `wrong-parent` asks for a user by the user name, `wrong-company-id` for a company by its short name.
    let key = match field {
        "token" => "wrong-token",
        "user" => "wrong-parent",
        _ => "wrong-company-id",
    };
    let wrongs = Wrongs::field(frame, field, problem, |_| Some(field.to_owned()));
    wrongs.worded(frame, |_| Some(key))
}

/// Events with what their tokens are called.
pub(super) async fn rows(
    handles: &Handles,
    frame: &Frame,
    acts: &[Gathered],
) -> Result<Vec<EventRow>, Fault> {
    let named = acts.iter().flat_map(|act| act.view.tokens.iter().take(NAMED).copied());
    let names = handles.service.names_of(named).await?;
    let settings = handles.service.settings();
    Ok(acts.iter().map(|act| EventRow::of(frame, &settings, &names, act)).collect())
}

pub(super) async fn check(State(handles): Handle, visit: Visit) -> Result<Response, Fault> {
    visit.by.watches()?;
    match handles.service.verify(None).await {
        Ok(found) => {
            let hash = found.head.hash.to_hex();
            Ok(page(&Checked { frame: visit.frame, found, hash }))
        }
        // It was looked for, and is no failure of the page.
        Err(ServiceError::Store(StoreError::Damaged { place, what, .. })) => {
            Ok(page(&Broken::at(visit.frame, place, &what)))
        }
        Err(ServiceError::Store(StoreError::Cut { path, known, left })) => {
            Ok(page(&Broken::cut(visit.frame, path, (known, left))))
        }
        Err(error) => Err(error.into()),
    }
}

/// The latest events of one token or user, and where older ones are.
pub(super) async fn of(
    handles: &Handles,
    by: &Caller,
    frame: &Frame,
    subject: &Subject,
) -> Result<(Vec<EventRow>, Option<u64>), Fault> {
    let all = (&EventList::default(), None);
    let events = handles.service.acts(by, Some(subject), all, EVENTS_BESIDE).await?;
    let rows = rows(handles, frame, &events.entries).await?;
    Ok((rows, events.next.map(|position| position.0)))
}
