//! Connections to endpoints: idle ones, and new ones, for which there must be a place.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::refusal::Refusal;

use super::alarm::TICK;
use super::blame;
use super::core::Core;
use super::descriptors::Place;
use super::plan::ApiPlan;
use super::targets::Target;
use super::upstream::{self, Connection};

/// How often, and in which time, there is a look for room among the connections to upstreams: until
/// every core has looked twice for what it can close.
const PLACE_LOOKS: usize = 10;
const PLACE_PAUSE: Duration = Duration::from_millis(50);

/// One that lies idle.
pub(super) fn idle(core: &Core, api: &ApiPlan, target: &Target) -> Option<Box<Connection>> {
    core.pool.take(target.number, api.idle_timeout, core.alarms.now_ms())
}

/// Leave for another connection. Where too many are open, idle ones make room: one of this core's at
/// once, those of the others when they look next.
async fn place(core: &Core) -> Result<Place, Refusal> {
    let descriptors = &core.shared.descriptors;
    for _ in 0..PLACE_LOOKS {
        if let Some(place) = descriptors.upstream() {
            return Ok(place);
        }
        if !core.pool.close_one() {
            descriptors.call_in();
            tokio::time::sleep(PLACE_PAUSE).await;
        }
    }
    if let Some(withheld) = core.shared.warnings.upstreams.ready() {
        tracing::warn!(
            open_files = descriptors.limit(),
            withheld,
            "no upstream can be connected to: as many files are open as may be"
        );
    }
    Err(Refusal::Overloaded)
}

/// A new connection, for an exchange that may take as long as `left`.
///
/// # Errors
/// Nobody is reached there in time, or too many connections are open.
pub(super) async fn connect(
    core: &Rc<Core>,
    api: &ApiPlan,
    target: &Arc<Target>,
    left: Duration,
) -> Result<Box<Connection>, Refusal> {
    let place = Box::pin(place(core)).await?;
    // Sooner than the limit of all of it rings, so that it is known who was slow.
    let timeout = api.connect_timeout.min(left.saturating_sub(TICK).max(left / 2));
    match Box::pin(upstream::connect(&core.alarms, target, timeout, place)).await {
        Ok(connection) => {
            core.counters.connected.add(1);
            if target.unreachable.over() {
                tracing::info!(api = %api.name, upstream = %target, "an upstream is reached again");
            }
            Ok(connection)
        }
        Err(error) => {
            if let Some(withheld) = target.unreachable.ready() {
                tracing::warn!(
                    api = %api.name, upstream = %target, %error, withheld,
                    "an upstream cannot be reached"
                );
            }
            blame::fails(api, target);
            let slow = error.kind() == std::io::ErrorKind::TimedOut;
            Err(if slow { Refusal::UpstreamTimeout } else { Refusal::UpstreamUnreachable })
        }
    }
}
