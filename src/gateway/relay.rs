//! The body of an answer on its way to the client, and the upstream connection that it comes from.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body as _, Frame, Incoming, SizeHint};

use super::body::{BodyError, Upload};
use super::core::Core;
use super::pool::Connection;

/// A streamed answer. When it is over, the connection goes back to the pool; when it is given up, the
/// connection is closed, so that nobody else ever reads the rest of it (sec-S13).
#[derive(Debug)]
pub(super) struct Relay {
    body: Incoming,
    connection: Option<Connection>,
    /// Whether the upstream had the whole request when it answered. If not, it may take what follows on
    /// the connection for the rest of it, or the other way round.
    asked_in_full: bool,
    /// How long the upstream may stall in the middle of the answer.
    stall_timeout: Duration,
    core: Rc<Core>,
    over: bool,
    broken_off: bool,
}

impl Relay {
    pub(super) fn new(
        body: Incoming,
        connection: Connection,
        upload: Option<&Upload>,
        core: &Rc<Core>,
    ) -> Self {
        Self {
            body,
            connection: Some(connection),
            asked_in_full: upload.is_none_or(Upload::is_done),
            stall_timeout: core.snapshot().limits.stall_timeout,
            core: Rc::clone(core),
            over: false,
            broken_off: false,
        }
    }

    pub(super) fn poll_frame(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let alarm = self.connection.as_ref().map(|connection| &connection.alarm);
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(frame) => {
                if let Some(alarm) = alarm {
                    alarm.clear();
                }
                self.over = frame.is_none();
                self.broken_off |= matches!(frame, Some(Err(_)));
                Poll::Ready(frame.map(|frame| frame.map_err(BodyError::Broken)))
            }
            Poll::Pending => match alarm {
                Some(alarm) if alarm.take_rung() => {
                    self.broken_off = true;
                    Poll::Ready(Some(Err(BodyError::Stalled)))
                }
                Some(alarm) => {
                    alarm.arm(self.stall_timeout);
                    alarm.wake_me(context);
                    Poll::Pending
                }
                None => Poll::Pending,
            },
        }
    }

    pub(super) fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let whole = self.over || self.body.is_end_stream();
        if !whole {
            let counters = &self.core.counters;
            let cut =
                if self.broken_off { &counters.cut_by_upstream } else { &counters.cut_by_client };
            cut.add(1);
        }
        let clean = whole && self.asked_in_full;
        if let Some(connection) = self.connection.take().filter(|_| clean) {
            connection.alarm.clear();
            self.core.pool.put(connection, self.core.alarms.now_ms());
        }
    }
}
