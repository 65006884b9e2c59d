//! `/api/v1/bulk/...`: acts on many tokens, each with a preview.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use crate::admin::Handles;
use crate::admin::extract::{Body, By};
use crate::admin::problem::Problem;
use crate::service::bulk::{BulkDone, BulkPlan, BulkRevocation};

type Handle = State<Arc<Handles>>;

pub(super) async fn preview(
    State(handles): Handle,
    By(by): By,
    Body(asked): Body<BulkRevocation>,
) -> Result<Json<BulkPlan>, Problem> {
    Ok(Json(handles.service.plan_revocation(&by, &asked).await?))
}

pub(super) async fn revoke(
    State(handles): Handle,
    By(by): By,
    Body(asked): Body<BulkRevocation>,
) -> Result<Json<BulkDone>, Problem> {
    Ok(Json(handles.service.revoke_many(&by, &asked).await?))
}
