//! Answers: an upstream's, made ready for the client, or our own refusal. There is always one.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Response, StatusCode};
use hyper::body::{Frame, SizeHint};

use crate::cache::Seat;
use crate::domain::refusal::Refusal;

use super::access_record::AccessRecord;
use super::client::UnderWay;
use super::dialect;
use super::pieces::grpc_status;
use super::relay::{BodyError, Relay};
use super::trail::Trail;
use super::websocket;

/// The body of an answer.
#[derive(Debug)]
pub(super) struct Body {
    source: Source,
    /// Tells the connection that the answer is over, by being dropped.
    under_way: UnderWay,
    /// Of a token with limits: says that the request is over, by being dropped.
    _seat: Option<Rc<Seat>>,
    /// Writes the line about the request, by being dropped; last, when everything else is over.
    record: Option<Box<AccessRecord>>,
}

#[derive(Debug)]
enum Source {
    Text(Option<Bytes>),
    Relay(Relay),
}

/// An upstream's answer.
pub(super) fn relay(
    response: Response<Relay>,
    (record, seat): (Option<Box<AccessRecord>>, Option<Rc<Seat>>),
    under_way: UnderWay,
) -> Response<Body> {
    response.map(|relay| Body { source: Source::Relay(relay), record, _seat: seat, under_way })
}

/// An upstream's answer that changes the protocol: what follows is none of HTTP.
/// Over HTTP/2 the stream is opened by any success (RFC 8441 section 5).
pub(super) fn switch(
    response: Response<Relay>,
    under_way: UnderWay,
    http2: bool,
) -> Response<Body> {
    let body = Body { source: Source::Text(None), record: None, _seat: None, under_way };
    let mut response = response.map(|_| body);
    if http2 {
        *response.status_mut() = StatusCode::OK;
        response.headers_mut().remove(header::SEC_WEBSOCKET_ACCEPT);
        return response;
    }
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static(websocket::NAME));
    response
}

/// Tells a client of HTTP/1 that this is the last answer on its connection (RFC 9112 section 9.6).
pub(super) fn leave(response: &mut Response<Body>) {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
}

/// Our own answer to a browser that asks what a script may do, or to who asks about the way and no further than here
/// (RFC 9110 sections 7.6.2 and 9.3.7). That one is told no `Allow`: what there is the upstream knows alone.
pub(super) fn own(trail: &mut Trail<'_>, under_way: UnderWay) -> Response<Body> {
    let preflight = trail.across.as_ref().is_some_and(|across| across.preflight);
    let status = if preflight { StatusCode::NO_CONTENT } else { StatusCode::OK };
    match preflight {
        true => trail.preflighted(status.as_u16()),
        false => trail.answered(status.as_u16()),
    }
    let record = trail.take_record();
    let body = Body { source: Source::Text(None), record, _seat: None, under_way };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    trail.tell(response.headers_mut());
    if !preflight {
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    response
}

/// Our own answer to a request that does not go through (RFC 6750 section 3.1), with a body as the
/// dialect of its API has it.
pub(super) fn refuse(
    refusal: Refusal,
    trail: &mut Trail<'_>,
    under_way: UnderWay,
) -> Response<Body> {
    let told = dialect::refusals(trail.dialect());
    let (text, length) = told.of(refusal);
    let record = trail.take_record();
    // hyper takes a body out of an answer to `HEAD` for HTTP/1 alone.
    let text = (!trail.bodiless && !trail.is_call).then_some(text);
    let body = Body { source: Source::Text(text), record, _seat: None, under_way };
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(told.content_type));
    headers.insert(header::CONTENT_LENGTH, length);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    trail.tell(headers);
    if let Some(challenge) = trail.challenge(refusal) {
        headers.insert(header::WWW_AUTHENTICATE, challenge);
    }
    match refusal {
        Refusal::CannotDecide | Refusal::Overloaded | Refusal::UpstreamBusy => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        Refusal::Limited(limit) => trail.tell_limits(limit, headers),
        Refusal::TooManyFailures => trail.tell_when(headers),
        Refusal::MethodNotAllowed => {
            let allowed = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
            headers.insert(header::ALLOW, HeaderValue::from_static(allowed));
        }
        // Whoever sends what has two readings may have sent more of it.
        Refusal::BadRequest(_) | Refusal::TransferCoding | Refusal::BodyTimeout => {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        _ => {}
    }
    if trail.is_call {
        refuse_call(refusal, &mut response);
    }
    response
}

/// Makes of a refusal what clients of gRPC read (gRPC over HTTP/2, "Trailers-Only"): they look at no status of HTTP but 200 for
/// their own, and at no body for what it says.
fn refuse_call(refusal: Refusal, response: &mut Response<Body>) {
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.extend(grpc_status(refusal));
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Self { source, under_way, .. } = &mut *self;
        under_way.asked();
        let frame = match source {
            Source::Text(text) => Poll::Ready(text.take().map(|text| Ok(Frame::data(text)))),
            Source::Relay(relay) => match under_way.over() {
                None => relay.poll_frame(context),
                Some(refusal) => relay.poll_last(refusal, context),
            },
        };
        if frame.is_ready() {
            self.under_way.handed_over(context);
        }
        if let (Some(record), Poll::Ready(frame)) = (&mut self.record, &frame) {
            match frame {
                None => record.complete(),
                Some(Ok(frame)) => record.sent(frame.data_ref().map_or(0, Bytes::len)),
                Some(Err(BodyError::Client(_) | BodyError::Over(_))) => {}
                Some(Err(_)) => record.broken_off(),
            }
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Text(text) => text.is_none(),
            Source::Relay(relay) => relay.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Text(text) => SizeHint::with_exact(text.as_ref().map_or(0, Bytes::len) as u64),
            Source::Relay(relay) => relay.size_hint(),
        }
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if let Some(refusal) = self.under_way.over() {
            self.under_way.counters().cut_by_token.add(1);
            if let Source::Relay(relay) = &mut self.source {
                relay.is_over_early();
            }
            if let Some(record) = &mut self.record {
                record.over(refusal);
            }
            return;
        }
        // Whoever knows how long the body is does not ask whether there is more.
        let over = match &self.source {
            _ if self.record.is_none() => false,
            Source::Relay(relay) => relay.is_all(),
            Source::Text(_) => hyper::body::Body::is_end_stream(self),
        };
        if let Some(record) = self.record.as_mut().filter(|_| over) {
            record.complete();
        }
    }
}
