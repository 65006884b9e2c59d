//! Contexts.

use axum::extract::State;
use axum::response::Response;

use super::visit::Visit;
use super::{Handle, page};
use crate::web::pages::contexts::Contexts;

pub(super) async fn list(State(handles): Handle, visit: Visit) -> Response {
    page(&Contexts { frame: visit.frame, contexts: handles.service.contexts() })
}
