//! `/api/v1/clock`: the wall clock, the latest time that was relied on, and the act that takes that back.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use crate::admin::Handles;
use crate::admin::extract::{Body, By};
use crate::admin::problem::Problem;
use crate::clock::ClockState;
use crate::domain::time::Timestamp;
use crate::service::mark::{MarkChanged, MarkView};

/// How the clock stands.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockView {
    /// The wall clock and the mark.
    #[serde(flatten)]
    pub clock: MarkView,
    /// Whether a running server decides requests by it; none without a server.
    pub decides: Option<bool>,
    /// Whether a running server ends tokens for good by it; none without a server.
    pub ends: Option<bool>,
}

/// The word of an operator.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lower {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    confirmed: bool,
}

type Handle = State<Arc<Handles>>;

pub(super) async fn show(State(handles): Handle, By(_): By) -> Result<Json<ClockView>, Problem> {
    let mut clock = handles.service.mark().await?;
    let shared = handles.shared.as_ref();
    if let Some(shared) = shared {
        // Memory is ahead of what is persisted.
        clock.mark =
            clock.mark.max(Timestamp::from_unix(shared.high_water.load(Ordering::Relaxed)));
        clock.behind = clock.mark.since(clock.wall);
    }
    Ok(Json(ClockView {
        clock,
        decides: shared.map(|shared| shared.now().is_ok()),
        ends: shared.map(|shared| shared.clock_state() == ClockState::Trusted),
    }))
}

pub(super) async fn lower(
    State(handles): Handle,
    By(by): By,
    Body(Lower { reason, confirmed }): Body<Lower>,
) -> Result<Json<MarkChanged>, Problem> {
    if let Some(shared) = &handles.shared {
        // The store learns of the time now and then; an operator who looks must see the same mark.
        let high = Timestamp::from_unix(shared.high_water.load(Ordering::Relaxed));
        handles.service.note_mark(high).await?;
    }
    let changed = handles.service.lower_mark(&by, &reason, confirmed).await?;
    if let Some(shared) = handles.shared.as_ref().filter(|_| changed.changed) {
        shared.high_water.store(changed.clock.mark.unix(), Ordering::Relaxed);
        // Whoever says that the wall clock is right and the mark wrong has settled both.
        shared.operator_word.fetch_add(1, Ordering::Relaxed);
    }
    Ok(Json(changed))
}
