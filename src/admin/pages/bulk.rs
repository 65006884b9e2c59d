//! Ending all tokens of a list: what would end is shown first, and the act bears the word of that.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use super::fault::Fault;
use super::form::{as_body, beside, refused};
use super::visit::Visit;
use super::{Handle, page_with, seen_at};
use crate::admin::Handles;
use crate::service::bulk::BulkRevocation;
use crate::service::{Caller, ServiceError};
use crate::web::frame::Frame;
use crate::web::pages::bulk::{Bulk, Plan, Underway};
use crate::web::pages::filters::Filters;
use crate::web::wrongs::Wrongs;

pub(super) async fn ask(State(handles): Handle, visit: Visit) -> Result<Response, Fault> {
    let Visit { by, frame, typed, .. } = visit;
    by.ends_tokens()?;
    let filters = Filters::new(typed, &handles.service.settings());
    let asked = (filters, String::new());
    shown(&handles, (&by, frame), asked, (StatusCode::OK, Wrongs::default())).await
}

pub(super) async fn revoke(State(handles): Handle, visit: Visit) -> Result<Response, Fault> {
    let Visit { by, frame, typed, .. } = visit;
    by.ends_tokens()?;
    let (reason, confirm) =
        (typed.one("reason").trim().to_owned(), typed.one("confirm").to_owned());
    let filters = Filters::new(typed, &handles.service.settings());
    let body = json!({"filter": filters.filter(), "reason": reason, "confirm": confirm});
    let wrong = match as_body::<BulkRevocation>(&frame, body, place) {
        Err(wrongs) => (StatusCode::BAD_REQUEST, wrongs),
        Ok(asked) => match handles.service.revoke_many(&by, &asked).await {
            Ok(done) if done.left == 0 => {
                return Ok(seen_at(
                    &format!("/tokens?{}", filters.query()),
                    Some("tokens-revoked"),
                ));
            }
            Ok(done) => {
                let underway = Some(Underway::of(done, &confirm));
                let (wrongs, plan) = (Wrongs::default(), None);
                let page = Bulk { frame, wrongs, filters, reason, plan, underway };
                return Ok(page_with(StatusCode::OK, &page));
            }
            // What fits now is shown, to be looked at anew.
            Err(error @ ServiceError::NotAsShown { .. }) => {
                (StatusCode::CONFLICT, Wrongs::refused(&frame, &error, place))
            }
            Err(error) => told(&frame, error)?,
        },
    };
    shown(&handles, (&by, frame), (filters, reason), wrong).await
}

/// The page with what would end now.
async fn shown(
    handles: &Handles,
    (by, frame): (&Caller, Frame),
    (filters, reason): (Filters, String),
    (mut status, mut wrongs): (StatusCode, Wrongs),
) -> Result<Response, Fault> {
    let body = json!({"filter": filters.filter()});
    let plan = match as_body::<BulkRevocation>(&frame, body, place) {
        Err(wrong) => Err((StatusCode::BAD_REQUEST, wrong)),
        Ok(asked) => match handles.service.plan_revocation(by, &asked).await {
            Ok(plan) => Ok(Plan::of(&frame, &plan)),
            Err(error) => Err(told(&frame, error)?),
        },
    };
    let plan = match plan {
        Ok(plan) => Some(plan),
        Err(wrong) => {
            (status, wrongs) = wrong;
            None
        }
    };
    Ok(page_with(status, &Bulk { frame, wrongs, filters, reason, plan, underway: None }))
}

/// The page has no fields for its filters.
fn place(field: &str) -> Option<String> {
    (field == "reason").then(|| field.to_owned())
}

/// What is wrong, also that there is nobody of that name: the page stays, with the filters that were meant.
fn told(frame: &Frame, error: ServiceError) -> Result<(StatusCode, Wrongs), Fault> {
    Ok(match error {
        ServiceError::NoOwner(_) | ServiceError::NoCompany(_) => beside(frame, &error, place),
        other => placed(refused(frame, other)?),
    })
}

fn placed((status, mut wrongs): (StatusCode, Wrongs)) -> (StatusCode, Wrongs) {
    for wrong in &mut wrongs.all {
        wrong.place = place(&wrong.place).unwrap_or_default();
    }
    (status, wrongs)
}
