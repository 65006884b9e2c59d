//! `/api/v1/webhooks`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use crate::admin::Handles;
use crate::admin::extract::{Body, By, Id};
use crate::admin::problem::Problem;
use crate::admin::system::Empty;
use crate::domain::id::Slug;
use crate::notices::acts::WebhookView;
use crate::notices::{Attempt, Notices};

/// Who is told what happened.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WebhookList {
    /// In the order of the configuration.
    pub webhooks: Vec<WebhookView>,
}

/// What was tried.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeliveryList {
    /// Newest first, as many as are kept.
    pub deliveries: Vec<Attempt>,
}

type Handle = State<Arc<Handles>>;

pub(super) async fn list(State(handles): Handle, By(by): By) -> Result<Json<WebhookList>, Problem> {
    Ok(Json(WebhookList { webhooks: notices(&handles).ok_or_else(no_server)?.list(&by)? }))
}

pub(super) async fn deliveries(
    State(handles): Handle,
    By(by): By,
    Id(name): Id<Slug>,
) -> Result<Json<DeliveryList>, Problem> {
    Ok(Json(DeliveryList {
        deliveries: notices(&handles).ok_or_else(no_server)?.deliveries(&by, &name)?,
    }))
}

/// Answers what came of the call; that it failed is no problem of this request.
pub(super) async fn test(
    State(handles): Handle,
    By(by): By,
    Id(name): Id<Slug>,
    Body(Empty {}): Body<Empty>,
) -> Result<Json<Attempt>, Problem> {
    Ok(Json(notices(&handles).ok_or_else(no_server)?.test(&by, &name).await?))
}

fn notices(handles: &Handles) -> Option<&Notices> {
    handles.notices.as_deref()
}

fn no_server() -> Problem {
    Problem::no_server("telling others what happened")
}
