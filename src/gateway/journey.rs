//! The way of a request, in the order in which a request meets it.

use std::rc::Rc;
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;

use crate::clock;
use crate::domain::refusal::{Fault, Refusal};
use crate::telemetry::counters::Outcome;

use super::authorize;
use super::client::Client;
use super::forward;
use super::intake;
use super::relay::Relay;
use super::respond::{self, Body};
use super::route;
use super::snapshot::Snapshot;
use super::touch;
use super::trail::Trail;

/// Takes a request to its upstream, or refuses it. There is always an answer.
pub(super) async fn handle(client: Rc<Client>, request: Request<Incoming>) -> Response<Body> {
    let under_way = client.begin();
    let snapshot = client.core().snapshot();
    let mut trail = Trail::default();
    match travel(&client, request, &snapshot, &mut trail).await {
        Ok(response) => {
            trail.count(client.core().index, Outcome::Answered(response.status().as_u16()));
            respond::relay(response, under_way)
        }
        Err(refusal) => {
            client.core().counters.refused(refusal);
            trail.count(client.core().index, outcome(refusal));
            respond::refuse(refusal, &trail, under_way)
        }
    }
}

async fn travel<'s>(
    client: &Client,
    request: Request<Incoming>,
    snapshot: &'s Arc<Snapshot>,
    trail: &mut Trail<'s>,
) -> Result<Response<Relay>, Refusal> {
    let core = client.core();
    let begun = clock::instant();

    let inbound = intake::receive(request, client.peer(), snapshot)?;
    let matched = trail.matched.insert(route::find(&inbound, snapshot)?);
    let now = core.shared.now()?;
    let permit = authorize::permit(&inbound, matched, core, now).await?;
    touch::record(&permit, &inbound, core, now);

    let decided = clock::instant();
    core.counters.decision.observe(decided.duration_since(begun));
    let response = forward::send(permit, inbound, client, snapshot).await?;
    core.counters.upstream.observe(decided.elapsed());
    Ok(response)
}

const fn outcome(refusal: Refusal) -> Outcome {
    match refusal.fault() {
        Fault::Upstream => Outcome::Failed,
        Fault::Client | Fault::Gateway => Outcome::Refused,
    }
}
