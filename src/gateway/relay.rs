//! The body of an answer on its way to the client, and the upstream connection that it comes from.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body as _, Frame, Incoming, SizeHint};

use crate::domain::refusal::Refusal;

use super::body::{BodyError, Upload};
use super::client::Client;
use super::core::Core;
use super::pool::Connection;
use super::stream::PIECE_BYTES;

/// A streamed answer. When it is over, the connection goes back to the pool; when it is given up, the
/// connection is closed, so that nobody else ever reads the rest of it (sec-S13).
#[derive(Debug)]
pub(super) struct Relay {
    body: Incoming,
    connection: Option<Box<Connection>>,
    /// The rest of the request's body, if that goes on beside the answer.
    upload: Option<Rc<Upload>>,
    /// Whether the upstream had the whole request when it answered. If not, it may take what follows on
    /// the connection for the rest of it, or the other way round.
    asked_in_full: bool,
    /// How long the upstream may stall in the middle of the answer.
    stall_timeout: Duration,
    core: Rc<Core>,
    over: bool,
    /// How much is passed on at once, and what is left of a part that was larger.
    piece_bytes: usize,
    rest: Option<Bytes>,
    /// Why the rest does not come. Told one turn late, so that what came before goes out first.
    broken_off: Option<BodyError>,
    told: bool,
}

impl Relay {
    /// `upload` is the request's body where that is not over.
    pub(super) fn new(
        body: Incoming,
        connection: Box<Connection>,
        upload: Option<&Rc<Upload>>,
        stall_timeout: Duration,
        client: &Client,
    ) -> Self {
        let core = client.core();
        Self {
            body,
            connection: Some(connection),
            asked_in_full: upload.is_none(),
            upload: upload.map(Rc::clone),
            stall_timeout,
            core: Rc::clone(core),
            over: false,
            piece_bytes: if client.is_http2() { PIECE_BYTES } else { usize::MAX },
            rest: None,
            broken_off: None,
            told: false,
        }
    }

    pub(super) fn poll_frame(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.told {
            return Poll::Ready(None);
        }
        if let Some(error) = self.broken_off.take() {
            self.told = true;
            return Poll::Ready(Some(Err(error)));
        }
        if let Some(rest) = self.rest.take() {
            return Poll::Ready(Some(Ok(self.piece(rest))));
        }
        let Self { body, connection, .. } = self;
        let mut next = |context: &mut Context<'_>| Pin::new(&mut *body).poll_frame(context);
        let Some(connection) = connection else { return Poll::Ready(None) };
        let frame = match &mut connection.line {
            Some(line) => line.drive(context, next),
            None => next(context),
        };
        let alarm = &connection.alarm;
        match frame {
            Poll::Ready(frame) => {
                alarm.clear();
                self.over = frame.is_none();
                match frame {
                    Some(Err(error)) => {
                        let own = self.refused().map(BodyError::Client);
                        self.break_off(own.unwrap_or(BodyError::Broken(error)), context)
                    }
                    Some(Ok(frame)) => Poll::Ready(Some(Ok(self.in_pieces(frame)))),
                    None => Poll::Ready(None),
                }
            }
            Poll::Pending if alarm.take_rung() => self.break_off(BodyError::Stalled, context),
            Poll::Pending => {
                alarm.arm(self.stall_timeout);
                alarm.wake_me(context);
                Poll::Pending
            }
        }
    }

    /// Why the client's part of the exchange was given up.
    fn refused(&self) -> Option<Refusal> {
        self.upload.as_ref().and_then(|upload| upload.refused.get())
    }

    fn in_pieces(&mut self, frame: Frame<Bytes>) -> Frame<Bytes> {
        if frame.data_ref().is_none_or(|data| data.len() <= self.piece_bytes) {
            return frame;
        }
        match frame.into_data() {
            Ok(data) => self.piece(data),
            Err(frame) => frame,
        }
    }

    fn piece(&mut self, mut data: Bytes) -> Frame<Bytes> {
        if data.len() > self.piece_bytes {
            self.rest = Some(data.split_off(self.piece_bytes));
        }
        Frame::data(data)
    }

    fn break_off<T>(&mut self, error: BodyError, context: &Context<'_>) -> Poll<T> {
        self.broken_off = Some(error);
        context.waker().wake_by_ref();
        Poll::Pending
    }

    pub(super) fn is_end_stream(&self) -> bool {
        self.rest.is_none() && self.body.is_end_stream()
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        if self.rest.is_some() { SizeHint::default() } else { self.body.size_hint() }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let whole = self.over || self.body.is_end_stream();
        if !whole || self.rest.is_some() {
            let counters = &self.core.counters;
            let broken_off = self.told || self.broken_off.is_some();
            let broken_off = broken_off && self.refused().is_none();
            let cut = if broken_off { &counters.cut_by_upstream } else { &counters.cut_by_client };
            cut.add(1);
        }
        if let Some(upload) = &self.upload {
            upload.answer_is_over(whole);
        }
        let clean = whole && self.asked_in_full;
        if let Some(connection) = self.connection.take().filter(|_| clean) {
            self.core.pool.put(connection, self.core.alarms.now_ms());
        }
    }
}
