//! `/api/v1/overview`: how tokens, owners and requests stand, in numbers.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use crate::admin::Handles;
use crate::admin::extract::By;
use crate::admin::problem::Problem;
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::gateway::core::Shared;
use crate::service::overview::{OwnerCounts, TokenCounts};
use crate::telemetry::counters::Outcome;
use crate::telemetry::rates::{Flow, PerSecond};

/// Everything in numbers.
#[derive(Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Overview {
    /// Those that the caller may see.
    pub tokens: TokenCounts,
    /// Those that the caller may see.
    pub users: OwnerCounts,
    /// None without a server, and for whoever does not see everything.
    pub requests: Option<RequestCounts>,
}

/// Requests since the server began.
#[derive(Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RequestCounts {
    /// When that was.
    pub since: Timestamp,
    /// Over the last ten seconds.
    pub per_second: PerSecond,
    /// Each minute of the last hour, the present one last.
    pub minutes: Vec<Flow>,
    /// How many met a rule, by how they ended.
    pub outcomes: BTreeMap<String, u64>,
    /// How many did not go through, by the exact reason; reasons that nobody met are left out.
    pub refusals: BTreeMap<String, u64>,
}

pub(super) async fn show(
    State(handles): State<Arc<Handles>>,
    By(by): By,
) -> Result<Json<Overview>, Problem> {
    let (tokens, users) =
        (handles.service.token_counts(&by).await?, handles.service.owner_counts(&by).await?);
    let requests = match (&handles.shared, &handles.server) {
        (Some(shared), Some(server)) if by.watches().is_ok() => {
            Some(requests(shared, server.started_at))
        }
        _ => None,
    };
    Ok(Json(Overview { tokens, users, requests }))
}

pub(super) fn requests(shared: &Shared, since: Timestamp) -> RequestCounts {
    let counters = &shared.counters;
    let mut outcomes: BTreeMap<_, u64> =
        Outcome::LABELS.into_iter().map(|label| (label.to_owned(), 0)).collect();
    for (_, rule) in counters.rules() {
        for (label, count) in Outcome::LABELS.into_iter().zip(rule.read()) {
            *outcomes.entry(label.to_owned()).or_default() += count;
        }
    }
    let refused = |refusal: &Refusal| {
        let count: u64 = counters.cores.iter().map(|core| core.refusals.of(*refusal)).sum();
        (count > 0).then(|| (refusal.reason().to_owned(), count))
    };
    let refusals = Refusal::ALL.iter().filter_map(refused).collect();
    let (per_second, minutes) =
        (counters.rates.per_second(), counters.rates.minutes(shared.clock.uptime()));
    RequestCounts { since, per_second, minutes, outcomes, refusals }
}
