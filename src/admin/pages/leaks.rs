//! Secrets that were found in the open: their tokens end, and the page says what became of each.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::fault::Fault;
use super::form::refused;
use super::visit::Visit;
use super::{Handle, page, page_with};
use crate::domain::secret::Secret;
use crate::service::leaks::{OF_A_REPORT, secrets_in};
use crate::web::frame::Frame;
use crate::web::pages::leaks::{LeakRow, Leaks};
use crate::web::wrongs::Wrongs;

pub(super) async fn form(visit: Visit) -> Result<Response, Fault> {
    visit.by.administers()?;
    Ok(page(&shown(visit.frame, Wrongs::default(), "", Vec::new())))
}

pub(super) async fn end(State(handles): Handle, visit: Visit) -> Result<Response, Fault> {
    let Visit { by, frame, typed, .. } = visit;
    by.administers()?;
    let reason = typed.one("reason").trim();
    let found = typed.one("secrets").lines().flat_map(secrets_in);
    let secrets: Vec<_> = found.map(|text| Secret::new(text.to_owned())).collect();
    match handles.service.leaked(&by, reason, &secrets).await {
        Ok(lines) => {
            let rows = (1..).zip(&lines).map(LeakRow::of).collect();
            Ok(page(&shown(frame, Wrongs::default(), "", rows)))
        }
        Err(error) => {
            let (status, wrongs): (StatusCode, _) = refused(&frame, error)?;
            Ok(page_with(status, &shown(frame, wrongs, reason, Vec::new())))
        }
    }
}

fn shown(frame: Frame, wrongs: Wrongs, reason: &str, rows: Vec<LeakRow>) -> Leaks {
    let most = u64::try_from(OF_A_REPORT).unwrap_or(u64::MAX);
    Leaks { frame, wrongs, most, reason: reason.to_owned(), rows }
}
