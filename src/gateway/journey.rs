//! The way of a request, in the order in which a request meets it.

use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use http::header::TRANSFER_ENCODING;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use hyper::body::{Body as _, Incoming};
use hyper::upgrade::OnUpgrade;

use crate::domain::refusal::{BadRequest, Refusal};

use super::attempts;
use super::authorize;
use super::client::{Client, UnderWay};
use super::core::Own;
use super::forward;
use super::hops;
use super::intake;
use super::limits;
use super::origin::Origin;
use super::places;
use super::preflight;
use super::presenter;
use super::relay::Relay;
use super::respond::{self, Body};
use super::route;
use super::snapshot::Snapshot;
use super::touch;
use super::trail::Trail;
use super::tunnel::{self, Agreed, Agreement};
use super::upstream::Outgoing;

/// A body that is refused unread is mostly there with its head, up to this many bytes, and then no reason to close.
const SHORT_BYTES: u64 = 8 << 10;

/// Takes a request to its upstream, or refuses it. There is always an answer.
pub(super) fn handle(
    client: Rc<Client>,
    agreement: Agreement,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Response<Body>, Infallible>> {
    // Boxed at once: a head is large, and would be moved from station to station.
    let (mut parts, body) = request.into_parts();
    let stream = if parts.method == Method::CONNECT { parts.extensions.remove() } else { None };
    answer(client, (agreement, stream), Box::new(parts), body)
}

async fn answer(
    client: Rc<Client>,
    (agreement, stream): (Agreement, Option<OnUpgrade>),
    parts: Box<Parts>,
    body: Incoming,
) -> Result<Response<Body>, Infallible> {
    let snapshot = client.core().snapshot();
    let origin = Origin::of(&client, &parts.headers, &snapshot);
    let mut trail = Trail::new(&client, &snapshot, (&parts, origin.address()));
    let under_way = client.begin(parts.version, !body.is_end_stream());
    let waits = client.requests().wait();
    if !body.is_end_stream() {
        let chunks = parts.headers.contains_key(TRANSFER_ENCODING);
        client.begins_body(chunks || body.size_hint().lower() > SHORT_BYTES);
    }
    let parties = (&client, &under_way);
    let mut response = match travel(parties, (parts, body, origin), &snapshot, &mut trail).await {
        Ok(None) => respond::own(&mut trail, under_way),
        Ok(Some(mut response)) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
            let http2 = stream.is_some();
            let status = if http2 { StatusCode::OK } else { response.status() };
            trail.answered(status.as_u16());
            let agreed = agreed(&mut response, &mut trail, &under_way);
            waits.ends();
            match (stream, agreed) {
                (Some(stream), Some(agreed)) => tunnel::spawn(stream, agreed, &client),
                (_, agreed) => agreement.set(agreed),
            }
            return Ok(respond::switch(response, under_way, http2));
        }
        Ok(Some(mut response)) => {
            trail.answered(response.status().as_u16());
            trail.tell(response.headers_mut());
            respond::relay(response, (trail.take_record(), trail.take_seat()), under_way)
        }
        Err(refusal) => {
            trail.refused(refusal);
            if refusal == Refusal::BadRequest(BadRequest::Body) {
                // The client has ended its stream so.
                client.requests().give_up();
            }
            if let Some(wait) = trail.take_wait() {
                // Boxed, so that the way of all others stays small.
                Box::pin(wait.pass()).await;
            }
            respond::refuse(refusal, &mut trail, under_way)
        }
    };
    waits.ends();
    if client.is_to_leave() {
        respond::leave(&mut response);
    }
    Ok(response)
}

/// What is to go on behind the head of an answer that changes the protocol.
fn agreed(
    response: &mut Response<Relay>,
    trail: &mut Trail<'_>,
    under_way: &UnderWay,
) -> Option<Agreed> {
    let (way, bounds) = response.body_mut().take_way();
    let idle = trail.matched.as_ref().map_or(Duration::ZERO, |matched| matched.api.tunnel_timeout);
    let (record, seat, grounds) =
        (trail.take_record(), trail.take_seat(), under_way.take_grounds());
    Some(Agreed { way: way?, bounds, idle, record, seat, grounds })
}

/// What its upstream answers to a request; none where the gateway does, to a browser's preflight or to one that goes no
/// further.
async fn travel<'s>(
    (client, under_way): (&Rc<Client>, &UnderWay),
    (parts, body, origin): (Box<Parts>, Incoming, Origin),
    snapshot: &'s Own<Snapshot>,
    trail: &mut Trail<'s>,
) -> Result<Option<Response<Relay>>, Refusal> {
    let (core, address) = (client.core(), origin.address());

    let mut inbound = match intake::receive(parts, body, (trail.request, origin), client, snapshot)
    {
        Ok(inbound) => inbound,
        Err((refusal, parts)) => return Err(trail.not_taken(refusal, &parts, snapshot)),
    };
    trail.read(&inbound);
    let matched = match route::find(inbound.way(), inbound.ambiguities, snapshot) {
        Ok(matched) => trail.matched.insert(matched),
        Err(refusal) => return Err(trail.not_taken(refusal, &inbound.parts, snapshot)),
    };
    if preflight::is_granted(&inbound, matched, &mut trail.across)? {
        return Ok(None);
    }
    let presented = (inbound.certificate.is_some(), client.asked_name());
    let needed = client.needs_certificate(snapshot);
    presenter::check(matched.api, &inbound.host, presented, needed)?;
    trail.taken_from = places::take(&mut inbound, matched)?;
    let permitted = authorize::permit(&inbound, matched, core, snapshot, &mut trail.seen).await;
    let mut permit = match permitted {
        Ok(permit) => permit,
        Err(refusal) => return Err(trail.kept_out(refusal, &inbound, snapshot)),
    };
    let ends = hops::are_over(&mut inbound.parts);
    let certificate = inbound.certificate.as_ref().map(Rc::clone);
    let shown = (address, certificate, client.is_within_tls());
    let mut request = Outgoing::default();
    let prepared = forward::prepare(&permit, inbound, &mut request, client, snapshot);
    let (upload, sought) = match prepared {
        Ok(prepared) => prepared,
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
    if ends {
        return Ok(None);
    }
    if let Some(matched) = &trail.matched {
        under_way.rests_on(permit.take_grounds((matched, sought), shown, core, snapshot));
    }
    let answered = attempts::answer(under_way, permit, &mut request, upload.as_ref()).await;
    trail.returned(answered.as_ref().err().copied());
    answered.map(Some)
}
