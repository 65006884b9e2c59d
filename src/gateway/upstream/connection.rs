//! A connection to an upstream over HTTP/1.1. Whoever has an exchange on it moves it along: it has
//! no task of its own, and so wakes nobody in passing.

use std::cell::RefCell;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::body::Frame;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use crate::domain::refusal::Refusal;
use crate::gateway::alarm::Alarm;
use crate::gateway::descriptors::Place;
use crate::gateway::load::Busy;
use crate::gateway::targets::Target;

use super::answer::{self, Answer};
use super::error::Broken;
use super::framing::Framing;
use super::halves::{Fresh, Reader, Writer};
use super::outgoing::Outgoing;
use super::part::Part;

/// What is read at once where little is expected, into memory that all connections of a core use in
/// turn.
const SCRATCH_BYTES: usize = 16 << 10;

/// Pieces up to this are copied from there, so that one that waits for its client does not hold so
/// much memory for so little.
const COPIED_BYTES: usize = 512;

/// What is read at once of a long body: more makes no difference, and each call costs a copy of it
/// anyway.
const LONG_BYTES: usize = 64 << 10;

/// Interim answers (RFC 9110 section 15.2) to one request.
const INTERIM_MAX: usize = 100;

/// Where the connections of a core read into. Most of what is read was passed on when the next is
/// read, so that the same memory serves again.
#[derive(Debug, Default)]
pub(in crate::gateway) struct Scratch(RefCell<BytesMut>);

impl Scratch {
    /// Reads what there is; nothing at the end.
    pub(in crate::gateway) fn poll_read(
        &self,
        socket: &mut (impl AsyncRead + Unpin),
        context: &mut Context<'_>,
    ) -> Poll<io::Result<Bytes>> {
        let mut scratch = self.0.borrow_mut();
        scratch.reserve(SCRATCH_BYTES);
        let read = ready!(pin!(socket.read_buf(&mut *scratch)).poll(context))?;
        if read > COPIED_BYTES {
            return Poll::Ready(Ok(scratch.split().freeze()));
        }
        let copied = Bytes::copy_from_slice(&scratch);
        scratch.clear();
        Poll::Ready(Ok(copied))
    }
}

/// A connection to an upstream.
#[derive(Debug)]
pub(in crate::gateway) struct Connection {
    read: Reader,
    /// None while a request's body goes on beside its answer.
    write: Option<Writer>,
    unread: Bytes,
    /// How much of it was read already without finding the end of a head.
    looked: usize,
    framing: Framing,
    /// Whether another exchange may follow.
    persists: bool,
    interim: usize,
    /// Whether the last read brought all that there was room for.
    long: bool,
    pub(in crate::gateway) alarm: Rc<Alarm>,
    /// Among all that may be open; also of what goes on beside an answer.
    place: Rc<Place>,
    pub(super) target: Arc<Target>,
    /// Counts its exchange, where the endpoint is one of several.
    pub(in crate::gateway) busy: Option<Busy>,
    made_at_ms: u64,
    pub(super) idle_since_ms: u64,
    /// How long it may lie idle, by the API whose exchange was the last.
    pub(in crate::gateway) idle_timeout: Duration,
    /// How long it may be used, in the same way.
    pub(in crate::gateway) lifetime: Duration,
}

/// Why an exchange gives no answer.
#[derive(Debug)]
pub(in crate::gateway) enum Failed {
    /// The upstream had none of the request, so that it may be tried again.
    Unsent,
    /// It had some of it or all, and says that it has not looked at it; all of it is there to be sent again.
    Refused(Broken),
    /// The same of one that is not there any more.
    Lost(Broken),
    /// It was taken back, and may go out all the same.
    Loose(Broken),
    Upstream(Broken),
    Client(Refusal),
}

impl Connection {
    pub(super) fn new(
        stream: Fresh,
        place: Place,
        alarm: Alarm,
        target: &Arc<Target>,
        now_ms: u64,
    ) -> Self {
        let (read, write) = stream.split();
        Self {
            read,
            write: Some(write),
            unread: Bytes::new(),
            looked: 0,
            framing: Framing::Length(0),
            persists: true,
            interim: 0,
            long: false,
            alarm: Rc::new(alarm),
            place: Rc::new(place),
            target: Arc::clone(target),
            busy: None,
            made_at_ms: now_ms,
            idle_since_ms: now_ms,
            idle_timeout: Duration::ZERO,
            lifetime: Duration::MAX,
        }
    }

    /// Sends a request and waits for the head of its answer. It reads before it writes, so that an
    /// upstream that closed is heard of while the request is unsent.
    pub(in crate::gateway) fn poll_exchange(
        &mut self,
        request: &mut Outgoing,
        scratch: &Scratch,
        context: &mut Context<'_>,
    ) -> Poll<Result<Answer, Failed>> {
        loop {
            match self.poll_answer(request, scratch, context) {
                Poll::Pending => break,
                // Whatever it says, it is no answer to what it has not seen.
                Poll::Ready(_) if !request.is_begun() => return Poll::Ready(Err(Failed::Unsent)),
                Poll::Ready(Ok(answer)) if is_interim(&answer) => {
                    if answer.response.status().as_u16() == 100 {
                        request.let_go();
                    }
                }
                Poll::Ready(answer) => return Poll::Ready(answer.map_err(Failed::Upstream)),
            }
        }
        // Part of something that nobody asked for would become the beginning of the answer
        // (sec-S13).
        if !request.is_begun() && !self.unread.is_empty() {
            return Poll::Ready(Err(Failed::Unsent));
        }
        let Some(write) = &mut self.write else { return Poll::Pending };
        if let Poll::Ready(Err(refusal)) = request.poll(write, context) {
            return Poll::Ready(Err(Failed::Client(refusal)));
        }
        Poll::Pending
    }

    fn poll_answer(
        &mut self,
        request: &mut Outgoing,
        scratch: &Scratch,
        context: &mut Context<'_>,
    ) -> Poll<Result<Answer, Broken>> {
        loop {
            if let Some(mut answer) = self.read_head(request)? {
                if is_interim(&answer) {
                    self.interim = self.interim.saturating_add(1);
                    if self.interim > INTERIM_MAX {
                        return Poll::Ready(Err(Broken::Malformed(
                            "more than 100 interim answers",
                        )));
                    }
                } else {
                    self.interim = 0;
                    self.persists = answer.persists;
                    self.framing = std::mem::replace(&mut answer.framing, Framing::Closed);
                }
                return Poll::Ready(Ok(answer));
            }
            if !ready!(self.poll_read(scratch, context))? {
                return Poll::Ready(Err(Broken::Closed));
            }
        }
    }

    /// Takes the head of an answer from what was read, if it is there to its end.
    fn read_head(&mut self, request: &mut Outgoing) -> Result<Option<Answer>, Broken> {
        if !answer::may_be_whole(&self.unread, self.looked) {
            return Ok(None);
        }
        let answer = answer::read(&mut self.unread, request.wanted, &mut request.spare)?;
        self.looked = if answer.is_none() { self.unread.len() } else { 0 };
        Ok(answer)
    }

    /// The next part of the answer's body; none when it is over.
    pub(in crate::gateway) fn poll_part(
        &mut self,
        scratch: &Scratch,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        loop {
            match self.framing.next(&mut self.unread) {
                Err(broken) => return Poll::Ready(Some(Err(broken))),
                Ok(Part::End) => return Poll::Ready(None),
                Ok(Part::Data(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Ok(Part::Trailers(fields)) => {
                    return Poll::Ready(Some(Ok(Frame::trailers(fields))));
                }
                Ok(Part::More) => {}
            }
            match ready!(self.poll_read(scratch, context)) {
                Ok(true) => {}
                Ok(false) => {
                    self.persists = false;
                    if let Err(broken) = self.framing.close() {
                        return Poll::Ready(Some(Err(broken)));
                    }
                }
                Err(broken) => return Poll::Ready(Some(Err(broken))),
            }
        }
    }

    /// Reads more; false if the upstream sends no more.
    fn poll_read(
        &mut self,
        scratch: &Scratch,
        context: &mut Context<'_>,
    ) -> Poll<Result<bool, Broken>> {
        let come = if self.long
            || self.framing.left().is_some_and(|left| left > SCRATCH_BYTES as u64)
        {
            let mut long = BytesMut::with_capacity(LONG_BYTES);
            ready!(pin!(self.read.read_buf(&mut long)).poll(context))?;
            self.long = long.len() == long.capacity();
            // What is short and waits for its client must not hold so much memory.
            if long.len() < LONG_BYTES / 4 { Bytes::copy_from_slice(&long) } else { long.freeze() }
        } else {
            let come = ready!(scratch.poll_read(&mut self.read, context))?;
            self.long = come.len() >= SCRATCH_BYTES;
            come
        };
        let more = !come.is_empty();
        if self.unread.is_empty() {
            self.unread = come;
        } else if more {
            // The rest of a head whose beginning has come. Nobody else has a share in it yet.
            let unread = std::mem::take(&mut self.unread);
            let mut joined = unread.try_into_mut().unwrap_or_else(|shared| shared[..].into());
            joined.extend_from_slice(&come);
            self.unread = joined.freeze();
        }
        Poll::Ready(Ok(more))
    }

    /// What comes behind an answer that changed the protocol; nothing at the end.
    pub(in crate::gateway) fn poll_come(
        &mut self,
        scratch: &Scratch,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<Bytes>> {
        if !self.unread.is_empty() {
            return Poll::Ready(Ok(std::mem::take(&mut self.unread)));
        }
        scratch.poll_read(&mut self.read, context)
    }

    /// Sends this as it is, or the beginning of it: how much went out.
    pub(in crate::gateway) fn poll_send(
        &mut self,
        data: &[u8],
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let Some(write) = &mut self.write else { return Poll::Ready(Ok(data.len())) };
        match ready!(Pin::new(write).poll_write(context, data))? {
            0 => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            written => Poll::Ready(Ok(written)),
        }
    }

    /// Ready when all of that is on its way.
    pub(in crate::gateway) fn poll_push(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.write.as_mut().map_or(Poll::Ready(()), |write| write.poll_push(context))
    }

    /// Says that nothing more comes.
    pub(in crate::gateway) fn poll_end(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(write) = &mut self.write else { return Poll::Ready(Ok(())) };
        Pin::new(write).poll_shutdown(context)
    }

    /// Whether nothing of the answer follows.
    pub(in crate::gateway) const fn is_over(&self) -> bool {
        self.framing.is_over()
    }

    /// How much of the answer's body follows, where that is known.
    pub(in crate::gateway) const fn left(&self) -> Option<u64> {
        self.framing.left()
    }

    /// Whether nothing of an answer has come.
    pub(in crate::gateway) fn is_silent(&self) -> bool {
        self.unread.is_empty() && self.interim == 0
    }

    /// Sends the rest of a request by a task of its own, for a body that goes on beside its answer,
    /// until it `is_over`. Such a connection is not used again.
    pub(in crate::gateway) fn leave(
        &mut self,
        mut request: Outgoing,
        is_over: impl Fn(&mut Context<'_>) -> bool + 'static,
    ) {
        let Some(mut write) = self.write.take() else { return };
        // An answer without a go-ahead before it is one.
        request.let_go();
        let (alarm, place) = (Rc::clone(&self.alarm), Rc::clone(&self.place));
        tokio::task::spawn_local(async move {
            let ended = std::future::poll_fn(|context| {
                if is_over(context) {
                    return Poll::Ready(Ok(()));
                }
                let sent = request.poll(&mut write, context);
                // Whether an upstream that has answered has closed, so that it takes no more either: heard also
                // while there is nothing to write, and asked only where nobody reads the answer any more.
                let in_vain = request.is_in_vain(|| write.poll_readable(context));
                if in_vain { Poll::Ready(Ok(())) } else { sent }
            });
            if ended.await.is_err() {
                // Whoever passes the answer on looks why.
                alarm.ring();
            }
            // An upstream may take a half-closed connection for an abandoned one.
            write.forget();
            drop((place, is_over));
        });
    }

    /// Whether it is still open, as far as anybody has heard.
    pub(super) fn is_open(&mut self) -> bool {
        let mut byte = [0];
        let mut context = Context::from_waker(Waker::noop());
        Pin::new(&mut self.read).poll_read(&mut context, &mut ReadBuf::new(&mut byte)).is_pending()
    }

    /// Whether it was used for as long as it may be.
    pub(super) fn is_old(&self, now_ms: u64) -> bool {
        u128::from(now_ms.saturating_sub(self.made_at_ms)) > self.lifetime.as_millis()
    }

    /// Whether another exchange may have it after one whose request was sent whole.
    pub(super) fn is_reusable(&self) -> bool {
        let over = self.framing.is_over() && self.unread.is_empty();
        over && self.persists && self.write.is_some()
    }
}

fn is_interim(answer: &Answer) -> bool {
    answer.response.status().is_informational() && answer.response.status().as_u16() != 101
}

#[cfg(test)]
mod tests;
