//! Secrets that were found in the open: it is shown what would become of their tokens, and what became of them.

use std::collections::HashSet;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use zeroize::Zeroizing;

use super::fault::Fault;
use super::form::refused;
use super::tokens::ending;
use super::visit::Visit;
use super::{Handle, page, page_with};
use crate::domain::secret::Secret;
use crate::service::leaks::{OF_A_REPORT, new_in, said};
use crate::web::frame::Frame;
use crate::web::pages::leaks::{LeakRow, Leaks};
use crate::web::wrongs::Wrongs;

pub(super) async fn form(visit: Visit) -> Result<Response, Fault> {
    visit.by.administers()?;
    Ok(page(&empty(visit.frame, Wrongs::default(), "")))
}

/// Ends the tokens of what was sent, or of what was sent to be tried before; or tries it. What is tried is kept
/// meanwhile, since no page repeats a secret.
pub(super) async fn end(State(handles): Handle, visit: Visit) -> Result<Response, Fault> {
    let Visit { by, session, frame, typed, .. } = visit;
    by.administers()?;
    let (reason, tried, now) =
        (typed.one("reason").trim(), typed.has("try"), handles.service.now());
    let drafts = &handles.people.drafts;
    let text = match typed.said("draft") {
        None => Zeroizing::new(typed.one("secrets").to_owned()),
        Some(number) => {
            let number = number.parse().ok();
            match number.and_then(|number| drafts.take(&session.csrf, number, now)) {
                Some(draft) => draft.text,
                None => {
                    let wrongs = Wrongs::one(&frame, "secrets", "wrong-draft-secrets");
                    return Ok(page_with(StatusCode::GONE, &empty(frame, wrongs, reason)));
                }
            }
        }
    };
    let (mut secrets, mut numbers, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    for (number, line) in (1..).zip(text.lines()) {
        for found in new_in(line, &mut seen) {
            secrets.push(Secret::new(found.to_owned()));
            numbers.push(number);
        }
    }
    let outcome = handles.service.leaked(&by, reason, &secrets, tried).await;
    let reason = &said(reason, &secrets);
    match outcome {
        Ok(lines) => {
            let ids = lines.iter().filter_map(|line| line.id);
            let names = handles.service.names_of(ids).await?;
            let ending = ending(&handles, (&by, &frame), lines.iter().filter_map(|line| line.id));
            let told = (&names, &ending.await?);
            let rows =
                numbers.into_iter().zip(&lines).map(|line| LeakRow::of(told, line)).collect();
            let draft =
                tried.then(|| drafts.keep((&session.owner, &session.csrf), &text, false, now));
            Ok(page(&Leaks { rows, draft, ..empty(frame, Wrongs::default(), reason) }))
        }
        Err(error) => {
            let (status, wrongs): (StatusCode, _) = refused(&frame, error)?;
            Ok(page_with(status, &empty(frame, wrongs, reason)))
        }
    }
}

fn empty(frame: Frame, wrongs: Wrongs, reason: &str) -> Leaks {
    let most = u64::try_from(OF_A_REPORT).unwrap_or(u64::MAX);
    Leaks { frame, wrongs, most, reason: reason.to_owned(), rows: Vec::new(), draft: None }
}
