//! `/api/v1/clock`: the wall clock, the latest time that was relied on, the act that takes that
//! back, and the word that the clock is right.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::admin::Handles;
use crate::admin::extract::{Body, By};
use crate::admin::problem::Problem;
use crate::clock::ClockState;
use crate::domain::time::Timestamp;
use crate::service::mark::{MarkChanged, MarkView};

/// How the clock stands.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ClockView {
    /// The wall clock and the mark.
    #[serde(flatten)]
    pub clock: MarkView,
    /// Whether a running server decides requests by it; none without a server.
    pub decides: Option<bool>,
    /// Whether a running server ends tokens for good by it; none without a server.
    pub ends: Option<bool>,
}

/// The answer to the word that the clock is right.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ClockTrusted {
    /// What the wall clock shows.
    pub wall: Timestamp,
    /// Whether that was needed; a clock that is trusted needs no word.
    pub changed: bool,
}

/// The word of an operator that the mark is wrong.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LowerMark {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    confirmed: bool,
}

/// The word of an operator that the clock is right.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Trust {
    #[serde(default)]
    reason: String,
}

type Handle = State<Arc<Handles>>;

pub(super) async fn show(State(handles): Handle, By(by): By) -> Result<Json<ClockView>, Problem> {
    by.watches()?;
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
    Body(LowerMark { reason, confirmed }): Body<LowerMark>,
) -> Result<Json<MarkChanged>, Problem> {
    by.operates()?;
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

pub(super) async fn trust(
    State(handles): Handle,
    By(by): By,
    Body(Trust { reason }): Body<Trust>,
) -> Result<Json<ClockTrusted>, Problem> {
    by.operates()?;
    let Some(shared) = &handles.shared else {
        return Err(Problem::no_server("saying that the clock is right"));
    };
    let wall = handles.service.now();
    match shared.clock_state() {
        ClockState::Trusted => return Ok(Json(ClockTrusted { wall, changed: false })),
        ClockState::Behind => {
            let detail = format!(
                "the wall clock is {} seconds behind the mark; if the clock is right, take the \
                 mark back with `tollgate clock --set-mark-to-now`",
                shared.behind().seconds()
            );
            let title = "Not by this act";
            return Err(Problem::new(StatusCode::CONFLICT, "clock-behind", title, detail));
        }
        ClockState::Settling | ClockState::Stepped => {}
    }
    handles.service.trust_clock(&by, &reason).await?;
    shared.operator_word.fetch_add(1, Ordering::Relaxed);
    Ok(Json(ClockTrusted { wall, changed: true }))
}
