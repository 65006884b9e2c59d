//! Connections to endpoints: idle ones, and new ones, for which there must be a place.

use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use crate::clock;
use crate::domain::refusal::Refusal;

use super::alarm::TICK;
use super::blame::{self, Try};
use super::core::Core;
use super::descriptors::Place;
use super::plan::ApiPlan;
use super::targets::Target;
use super::upstream::{self, Exchange, Way};

/// How often, and in which time, there is a look for room among the connections to upstreams: until
/// every core has looked twice for what it can close.
const PLACE_LOOKS: usize = 10;
const PLACE_PAUSE: Duration = Duration::from_millis(50);

/// A connection that lies idle, or over HTTP/2 a session that has room.
pub(super) fn idle(core: &Core, api: &ApiPlan, target: &Target) -> Option<Way> {
    if target.endpoint.http2 {
        return session(core, target, 0);
    }
    core.pool.take(target.number, api.idle_timeout, core.alarms.now_ms()).map(Way::Http1)
}

/// A session that has room, and is none of the first `but` that were made.
fn session(core: &Core, target: &Target, but: u64) -> Option<Way> {
    let session = core.pool.session(target.number, but, core.alarms.now_ms())?;
    Some(Way::Http2(Box::new(Exchange::new(session, core.alarms.add()))))
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

/// A new connection for a try that begins, and whether it is new; over HTTP/2 perhaps that which
/// somebody else made meanwhile, or unless it must be `anew` one that had no room before.
///
/// # Errors
/// Nobody is reached there in time, or too many connections are open.
pub(super) async fn connect(
    core: &Rc<Core>,
    tried: Try<'_>,
    anew: bool,
) -> Result<(Way, bool), Refusal> {
    if tried.target.endpoint.http2 {
        return Box::pin(share(core, tried, anew)).await;
    }
    let (target, timeout) = (tried.target, limit(tried, tried.left));
    let place = Box::pin(place(core)).await?;
    let connected = Box::pin(upstream::connect(&core.alarms, target, timeout, place)).await;
    told(core, tried, timeout, connected).map(|connection| (Way::Http1(connection), true))
}

/// How long a connection may take of what is `left`: less, so that it is known who was slow before the limit of all of it rings.
fn limit(tried: Try<'_>, left: Duration) -> Duration {
    tried.api.connect_timeout.min(left.saturating_sub(TICK).max(left / 2))
}

/// A session that whoever comes meanwhile waits for, and shares: also that nobody is reached, unless whoever waits has more
/// time for that.
async fn share(core: &Rc<Core>, tried: Try<'_>, anew: bool) -> Result<(Way, bool), Refusal> {
    let target = tried.target;
    let connecting = core.pool.connecting(target.number);
    let (failed, made) = (connecting.failed.get(), connecting.made.get());
    let (begun, alone) = (clock::instant(), tried.api.targets.len() == 1);
    let mut turn = pin!(connecting.turn.lock());
    let _turn = loop {
        let before = connecting.made.get();
        match tokio::time::timeout(limit(tried, tried.left), &mut turn).await {
            Ok(turn) => break turn,
            // Somebody in front was given a session meanwhile: the line moves, and there is no other. Yet not for longer than
            // an answer may take.
            Err(_)
                if alone
                    && connecting.made.get() != before
                    && begun.elapsed() < tried.api.response_timeout => {}
            // Who connects may have more time for that.
            Err(_) => return Err(Refusal::UpstreamTimeout),
        }
    };
    let timeout = limit(tried, tried.left.saturating_sub(begun.elapsed()));
    if let Some(way) = session(core, target, made) {
        return Ok((way, true));
    }
    if !anew && let Some(way) = session(core, target, 0) {
        return Ok((way, false));
    }
    let late = connecting.late.get();
    if connecting.failed.get() != failed && late.is_none_or(|had| had >= timeout) {
        return Err(unreached(tried, timeout, late.is_some()));
    }
    let place = place(core).await?;
    let connected = upstream::connect_http2(target, timeout, place, core.alarms.now_ms()).await;
    if let Err(error) = &connected {
        connecting.failed.set(connecting.failed.get().wrapping_add(1));
        connecting.late.set(is_late(error).then_some(timeout));
    }
    let session = told(core, tried, timeout, connected)?;
    core.pool.share(target.number, &session);
    Ok((Way::Http2(Box::new(Exchange::new(session, core.alarms.add()))), true))
}

fn is_late(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::TimedOut
}

/// Nobody was reached, within `timeout` where that took too `late`.
fn unreached(tried: Try<'_>, timeout: Duration, late: bool) -> Refusal {
    if tried.may_blame(late && timeout < tried.api.connect_timeout) {
        blame::fails(tried);
    }
    if late { Refusal::UpstreamTimeout } else { Refusal::UpstreamUnreachable }
}

/// Tells how it went.
fn told<C>(
    core: &Core,
    tried: Try<'_>,
    timeout: Duration,
    connected: io::Result<C>,
) -> Result<C, Refusal> {
    let Try { api, target, .. } = tried;
    match connected {
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
            Err(unreached(tried, timeout, is_late(&error)))
        }
    }
}
