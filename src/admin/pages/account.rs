//! The reader's own account.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;

use super::fault::Fault;
use super::form::refused;
use super::sign::with_cookie;
use super::visit::Visit;
use super::{Handle, page, page_with, seen_at};
use crate::admin::session;
use crate::service::ServiceError;
use crate::web::pages::account::Account;
use crate::web::pages::users::UserRow;
use crate::web::wrongs::{Wrong, Wrongs};

pub(super) async fn show(State(handles): Handle, visit: Visit) -> Result<Response, Fault> {
    let Visit { by, owner, frame, .. } = visit;
    let row = UserRow::of(&frame, &handles.service.owner(&by, &owner.id).await?);
    Ok(page(&Account { frame, wrongs: Wrongs::default(), row }))
}

/// Another password of one's own. All sessions of before end with it; this one goes on as a new one.
pub(super) async fn set_password(
    State(handles): Handle,
    headers: HeaderMap,
    visit: Visit,
) -> Result<Response, Fault> {
    let Visit { by, owner, mut frame, typed, .. } = visit;
    frame.path = "/account".to_owned();
    let (present, wanted) = (typed.one("present"), typed.one("password"));
    let service = &handles.service;
    let mut after = None;
    let (status, wrongs) = if wanted == typed.one("again") {
        match session::set_password(&handles, &by, &owner.id, Some(present), Some(wanted)).await {
            Ok(_) => {
                let now = service.signed_in_still(&owner.id).await?;
                let opened = now.and_then(|owner| session::open(&handles, &headers, &owner));
                let (_, cookie) = opened.ok_or(ServiceError::NoEntropy)?;
                return with_cookie(seen_at("/account", Some("own-password")), &cookie);
            }
            Err(ServiceError::TooManyFailures(wait)) => {
                let words = frame.n("wrong-wait", wait.seconds());
                let wrong = Wrong { place: "present".to_owned(), words, exact: None };
                after = Some(wait);
                (StatusCode::TOO_MANY_REQUESTS, Wrongs { all: vec![wrong] })
            }
            Err(error) => refused(&frame, error)?,
        }
    } else {
        (StatusCode::BAD_REQUEST, Wrongs::one(&frame, "again", "wrong-again"))
    };
    let row = UserRow::of(&frame, &service.owner(&by, &owner.id).await?);
    let mut response = page_with(status, &Account { frame, wrongs, row });
    if let Some(wait) = after {
        response.headers_mut().insert(header::RETRY_AFTER, wait.seconds().into());
    }
    Ok(response)
}
