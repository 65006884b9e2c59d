//! Webhooks: their list, their deliveries, and a test.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::fault::Fault;
use super::visit::{Id, Visit};
use super::{Handle, page, seen_at};
use crate::admin::Handles;
use crate::domain::id::Slug;
use crate::notices::{Attempt, Notices, Outcome};
use crate::service::{Caller, ServiceError};
use crate::web::frame::Frame;
use crate::web::pages::notices::{Delivery, Notices as List, Webhook, WebhookRow, answer};
use crate::web::wrongs::{Wrong, Wrongs};

pub(super) async fn list(State(handles): Handle, visit: Visit) -> Result<Response, Fault> {
    let Visit { by, frame, .. } = visit;
    let webhooks = notices(&handles, &by)?.list(&by)?;
    let told = webhooks.iter().filter_map(|webhook| webhook.last_attempt.as_ref()?.token);
    let names = handles.service.names_of(told).await?;
    let rows = webhooks.iter().map(|webhook| WebhookRow::of(&frame, &names, webhook)).collect();
    Ok(page(&List { frame, rows }))
}

pub(super) async fn show(
    State(handles): Handle,
    Id(name): Id<Slug>,
    visit: Visit,
) -> Result<Response, Fault> {
    let Visit { by, frame, .. } = visit;
    Ok(page(&shown(&handles, (&by, frame), &name, Wrongs::default()).await?))
}

/// Calls it once. That it fails is an answer, which the page tells.
pub(super) async fn test(
    State(handles): Handle,
    Id(name): Id<Slug>,
    visit: Visit,
) -> Result<Response, Fault> {
    let Visit { by, frame, .. } = visit;
    let attempt = notices(&handles, &by)?.test(&by, &name).await?;
    if attempt.outcome == Outcome::Delivered {
        return Ok(seen_at(&format!("/notices/{name}"), Some("webhook-took")));
    }
    let wrongs = not_taken(&frame, &attempt);
    Ok(page(&shown(&handles, (&by, frame), &name, wrongs).await?))
}

async fn shown(
    handles: &Handles,
    (by, frame): (&Caller, Frame),
    name: &Slug,
    wrongs: Wrongs,
) -> Result<Webhook, Fault> {
    let notices = notices(handles, by)?;
    let deliveries = notices.deliveries(by, name)?;
    let webhooks = notices.list(by)?;
    let webhook = webhooks.iter().find(|webhook| webhook.name == *name);
    let webhook = webhook.ok_or_else(|| ServiceError::NoWebhook(name.clone()))?;
    let names =
        handles.service.names_of(deliveries.iter().filter_map(|attempt| attempt.token)).await?;
    let row = WebhookRow::of(&frame, &names, webhook);
    let deliveries =
        deliveries.iter().map(|attempt| Delivery::of(&frame, &names, attempt)).collect();
    Ok(Webhook { frame, wrongs, row, deliveries })
}

fn not_taken(frame: &Frame, attempt: &Attempt) -> Wrongs {
    let (place, words) = (String::new(), frame.t("wrong-webhook"));
    Wrongs { all: vec![Wrong { place, words, exact: Some(answer(frame, attempt)) }] }
}

/// Those who may not ask learn nothing, not even whether there are any.
fn notices<'h>(handles: &'h Handles, by: &Caller) -> Result<&'h Notices, Fault> {
    by.watches()?;
    let missing = || Fault::of(StatusCode::SERVICE_UNAVAILABLE, "unavailable");
    handles.notices.as_deref().ok_or_else(missing)
}
