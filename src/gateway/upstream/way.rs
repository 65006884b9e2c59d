//! The way of one exchange to its upstream: a connection of its own over HTTP/1.1, or a part in a session of HTTP/2.

use std::io;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Frame;

use crate::gateway::alarm::Alarm;
use crate::gateway::load::Busy;

use super::answer::Answer;
use super::connection::{Connection, Failed, Scratch};
use super::error::Broken;
use super::http2::Exchange;
use super::outgoing::Outgoing;
use super::pool::Pool;

/// The way of an exchange.
#[derive(Debug)]
pub(in crate::gateway) enum Way {
    Http1(Box<Connection>),
    Http2(Box<Exchange>),
}

impl Way {
    /// The time limit of the exchange.
    pub(in crate::gateway) const fn alarm(&self) -> &Rc<Alarm> {
        match self {
            Self::Http1(connection) => &connection.alarm,
            Self::Http2(exchange) => &exchange.alarm,
        }
    }

    /// An exchange begins: for how long what it goes out on may lie idle and be used, and what counts the exchange.
    pub(in crate::gateway) fn begin(
        &mut self,
        (idle_timeout, lifetime): (Duration, Duration),
        busy: Option<Busy>,
    ) {
        match self {
            Self::Http1(connection) => {
                (connection.idle_timeout, connection.lifetime) = (idle_timeout, lifetime);
                connection.busy = busy;
            }
            Self::Http2(exchange) => exchange.begin((idle_timeout, lifetime), busy),
        }
    }

    /// What counts the exchange, where the endpoint is one of several.
    pub(in crate::gateway) const fn busy(&self) -> Option<&Busy> {
        match self {
            Self::Http1(connection) => connection.busy.as_ref(),
            Self::Http2(exchange) => exchange.busy.as_ref(),
        }
    }

    /// Sends a request and waits for the head of its answer.
    pub(in crate::gateway) fn poll_exchange(
        &mut self,
        request: &mut Outgoing,
        scratch: &Scratch,
        context: &mut Context<'_>,
    ) -> Poll<Result<Answer, Failed>> {
        match self {
            Self::Http1(connection) => connection.poll_exchange(request, scratch, context),
            Self::Http2(exchange) => exchange.poll_answer(request, context),
        }
    }

    /// The next part of the answer's body; none when it is over.
    pub(in crate::gateway) fn poll_part(
        &mut self,
        scratch: &Scratch,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match self {
            Self::Http1(connection) => connection.poll_part(scratch, context),
            Self::Http2(exchange) => exchange.poll_part(context),
        }
    }

    /// Whether nothing of the answer follows.
    pub(in crate::gateway) fn is_over(&self) -> bool {
        match self {
            Self::Http1(connection) => connection.is_over(),
            Self::Http2(exchange) => exchange.is_over(),
        }
    }

    /// How much of the answer's body follows, where that is known.
    pub(in crate::gateway) fn left(&self) -> Option<u64> {
        match self {
            Self::Http1(connection) => connection.left(),
            Self::Http2(exchange) => exchange.left(),
        }
    }

    /// Whether not a byte of an answer came, so that what may be acted on twice can be sent again. Asked where no head came.
    pub(in crate::gateway) fn is_silent(&self) -> bool {
        match self {
            Self::Http1(connection) => connection.is_silent(),
            Self::Http2(_) => true,
        }
    }

    /// Has the body of a request go on beside its answer, until it `is_over`, which wakes whoever asked.
    pub(in crate::gateway) fn leave(
        &mut self,
        request: &mut Outgoing,
        is_over: impl Fn(&mut Context<'_>) -> bool + 'static,
    ) {
        match self {
            Self::Http1(connection) => connection.leave(request.take_over(), is_over),
            Self::Http2(exchange) => exchange.leave(is_over),
        }
    }

    /// Whether the body of a request may go on beside its answer.
    pub(in crate::gateway) fn has_more(&self, request: &Outgoing) -> bool {
        match self {
            Self::Http1(_) => !request.is_sent(),
            Self::Http2(exchange) => exchange.is_sending(),
        }
    }

    /// Whether the upstream took all of a request when it answered.
    pub(in crate::gateway) fn has_all(&self, request: &Outgoing) -> bool {
        match self {
            Self::Http1(_) => request.is_whole(),
            Self::Http2(exchange) => !exchange.is_sending(),
        }
    }

    /// What comes behind an answer that changed the protocol; nothing at the end.
    pub(in crate::gateway) fn poll_come(
        &mut self,
        scratch: &Scratch,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<Bytes>> {
        match self {
            Self::Http1(connection) => connection.poll_come(scratch, context),
            Self::Http2(exchange) => exchange.talk()?.poll_come(scratch, context),
        }
    }

    /// Sends this as it is, or the beginning of it: how much went out.
    pub(in crate::gateway) fn poll_send(
        &mut self,
        data: &[u8],
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Http1(connection) => connection.poll_send(data, context),
            Self::Http2(exchange) => exchange.talk()?.poll_send(data, context),
        }
    }

    /// Ready when all of that is on its way.
    pub(in crate::gateway) fn poll_push(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Http1(connection) => connection.poll_push(context),
            // Its session sees to that.
            Self::Http2(_) => Poll::Ready(()),
        }
    }

    /// Says that nothing more comes.
    pub(in crate::gateway) fn poll_end(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        match self {
            Self::Http1(connection) => connection.poll_end(context),
            Self::Http2(exchange) => exchange.talk()?.poll_end(context),
        }
    }

    /// Gives it back after an exchange that came to its end.
    pub(in crate::gateway) fn give_back(self, pool: &Pool, now_ms: u64) {
        match self {
            Self::Http1(connection) => pool.put(connection, now_ms),
            Self::Http2(exchange) => exchange.finish(),
        }
    }
}

#[cfg(test)]
mod tests;
