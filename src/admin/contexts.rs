//! `/api/v1/contexts`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use crate::admin::Handles;
use crate::admin::extract::By;
use crate::service::contexts::ContextView;

/// All contexts.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ContextList {
    /// By their names.
    pub contexts: Vec<ContextView>,
}

/// For whoever may ask for anything.
pub(super) async fn list(State(handles): State<Arc<Handles>>, By(_): By) -> Json<ContextList> {
    Json(ContextList { contexts: handles.service.contexts() })
}
