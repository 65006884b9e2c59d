//! The way of a request, in the order in which a request meets it.

use std::convert::Infallible;
use std::rc::Rc;
use std::sync::Arc;

use http::request::Parts;
use http::{Request, Response};
use hyper::body::{Body as _, Incoming};

use crate::domain::refusal::Refusal;

use super::attempts;
use super::authorize;
use super::client::Client;
use super::forward;
use super::intake;
use super::limits;
use super::origin::Origin;
use super::relay::Relay;
use super::respond::{self, Body};
use super::route;
use super::snapshot::Snapshot;
use super::touch;
use super::trail::Trail;
use super::upstream::Outgoing;

/// Takes a request to its upstream, or refuses it. There is always an answer.
pub(super) fn handle(
    client: Rc<Client>,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Response<Body>, Infallible>> {
    // Boxed at once: a head is large, and would be moved from station to station.
    let (parts, body) = request.into_parts();
    answer(client, Box::new(parts), body)
}

async fn answer(
    client: Rc<Client>,
    parts: Box<Parts>,
    body: Incoming,
) -> Result<Response<Body>, Infallible> {
    let snapshot = client.core().snapshot();
    let origin = Origin::of(&client, &parts.headers, &snapshot);
    let mut trail = Trail::new(&client, &snapshot, (&parts, origin.address()));
    let under_way = client.begin(parts.version, !body.is_end_stream());
    Ok(match travel(&client, (parts, body, origin), &snapshot, &mut trail).await {
        Ok(response) => {
            trail.answered(response.status().as_u16());
            respond::relay(response, (trail.take_record(), trail.take_seat()), under_way)
        }
        Err(refusal) => {
            trail.refused(refusal);
            respond::refuse(refusal, &mut trail, under_way)
        }
    })
}

async fn travel<'s>(
    client: &Rc<Client>,
    (parts, body, origin): (Box<Parts>, Incoming, Origin),
    snapshot: &'s Arc<Snapshot>,
    trail: &mut Trail<'s>,
) -> Result<Response<Relay>, Refusal> {
    let (core, address) = (client.core(), origin.address());

    let inbound = match intake::receive(parts, body, (trail.request, origin), client, snapshot) {
        Ok(inbound) => inbound,
        Err((refusal, parts)) => return Err(trail.not_taken(refusal, &parts, snapshot)),
    };
    trail.read(&inbound);
    let matched = match route::find(&inbound, snapshot) {
        Ok(matched) => trail.matched.insert(matched),
        Err(refusal) => return Err(trail.not_taken(refusal, &inbound.parts, snapshot)),
    };
    let permit = authorize::permit(&inbound, matched, core, &mut trail.seen).await?;
    let mut request = Outgoing::default();
    let upload = forward::prepare(&permit, inbound, &mut request, client, snapshot);
    let upload = match upload {
        Ok(upload) => upload,
        Err(refusal) => return Err(trail.turned_away(permit, refusal)),
    };
    let seat = match limits::take(&permit, core).await {
        Ok(seat) => seat,
        Err(refusal) => return Err(trail.turned_away(permit, refusal)),
    };
    if let (Some(upload), Some(seat)) = (&upload, &seat) {
        upload.keep(seat);
    }
    touch::record(&permit, address, core);

    trail.permitted(&permit, seat);
    let answered = attempts::answer(client, permit, &mut request, upload.as_ref()).await;
    trail.returned(answered.as_ref().err().copied());
    answered
}
