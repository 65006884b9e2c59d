//! A request on its way to an upstream: the head that was made for it, and its body as it comes.

use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http::{HeaderMap, HeaderName};
use hyper::body::Frame;
use tokio::io::AsyncWrite;

use crate::domain::refusal::Refusal;
use crate::gateway::body::RequestBody;

use super::answer::Wanted;
use super::halves::Writer;

/// Parts of a body up to this go out together with what stands before them: copying them costs less
/// than a second call, or a list of pieces.
const TOGETHER_BYTES: usize = 4_096;

/// How often a request that an upstream refused unseen goes out again: where it was, and on another connection.
const REFUSED_MAX: u8 = 2;

/// How the end of a request's body is told.
#[derive(Debug)]
pub(in crate::gateway) enum Coding {
    /// So many bytes are still to come.
    Length(u64),
    /// By the chunked coding, with these trailers if they come (RFC 9112 section 7.1), none of which its body withholds.
    Chunked(Vec<HeaderName>),
}

/// A request that is being sent.
#[derive(Debug, Default)]
pub(in crate::gateway) struct Outgoing {
    /// The head, and later what stands before a part of the body.
    text: Vec<u8>,
    data: Bytes,
    /// What stands behind the data.
    tail: &'static [u8],
    /// How much of these three is written.
    written: usize,
    body: Option<RequestBody>,
    coding: Coding,
    /// What its answer is to be like.
    pub(super) wanted: Wanted,
    /// A map that the answer's fields may be written into, so that it need not make one.
    pub(super) spare: HeaderMap,
    /// Whether TLS has some of it that is not on its way.
    unpushed: bool,
    /// Whether any of it was written.
    begun: bool,
    /// Whether the upstream takes no more of it.
    broken: bool,
    /// Whether it may be sent a second time although it was sent: then the head is kept. It has no
    /// body.
    repeatable: bool,
    /// How often an upstream said that it has not looked at it.
    refused: u8,
}

impl Default for Coding {
    fn default() -> Self {
        Self::Length(0)
    }
}

impl Outgoing {
    /// What there is to send. It is filled where it stands, for it is large.
    pub(in crate::gateway) fn fill(
        &mut self,
        head: Vec<u8>,
        body: Option<RequestBody>,
        coding: Coding,
        wanted: Wanted,
        spare: HeaderMap,
    ) {
        (self.text, self.body, self.coding) = (head, body, coding);
        (self.wanted, self.spare) = (wanted, spare);
    }

    #[cfg(test)]
    pub(in crate::gateway) fn new(
        head: Vec<u8>,
        body: Option<RequestBody>,
        coding: Coding,
        wanted: Wanted,
        spare: HeaderMap,
    ) -> Self {
        let mut request = Self::default();
        request.fill(head, body, coding, wanted, spare);
        request
    }

    /// Whether its answer may change the protocol to WebSocket.
    pub(in crate::gateway) const fn asks_websocket(&self) -> bool {
        self.wanted.websocket
    }

    /// It may be sent a second time.
    pub(in crate::gateway) const fn repeats(&mut self) {
        self.repeatable = self.body.is_none();
    }

    /// Whether it may.
    pub(in crate::gateway) const fn is_repeatable(&self) -> bool {
        self.repeatable
    }

    /// Its head as it was written, of a request that was not begun.
    pub(in crate::gateway) fn head(&self) -> &[u8] {
        &self.text
    }

    /// Its body, and how much that is where it was said, for whoever sends it in another way.
    pub(in crate::gateway) fn take_body(&mut self) -> (Option<RequestBody>, Option<u64>) {
        let left = if let Coding::Length(left) = &self.coding { Some(*left) } else { None };
        (self.body.take(), left)
    }

    /// The body was not sent, nor anything else.
    pub(super) fn put_back(&mut self, body: Option<RequestBody>) {
        self.body = body;
    }

    /// How often it was refused unseen, with this time.
    pub(super) const fn refused(&mut self) -> u8 {
        self.refused = self.refused.saturating_add(1);
        self.refused
    }

    /// Whether it was refused so often that it is left at that.
    pub(in crate::gateway) const fn is_refused_for_good(&self) -> bool {
        self.refused > REFUSED_MAX
    }

    pub(super) const fn is_begun(&self) -> bool {
        self.begun
    }

    /// Whether nothing of it is left to send. What TLS has taken goes out only if somebody sees to that.
    pub(in crate::gateway) fn is_sent(&self) -> bool {
        self.body.is_none() && self.rest().is_none() && !self.unpushed
    }

    /// Whether the upstream takes no more of it and has answered. Until then what the client sends
    /// is taken and dropped, for some clients read nothing before they have sent everything.
    /// `has_closed` tells of the upstream what no attempt to write has shown, and is asked only once
    /// nobody else listens to it.
    pub(super) fn is_in_vain(&self, has_closed: impl FnOnce() -> bool) -> bool {
        self.body.as_ref().is_some_and(RequestBody::outlived_its_answer)
            && (self.broken || has_closed())
    }

    /// Whether the upstream took all that it was sent.
    pub(super) fn is_whole(&self) -> bool {
        self.is_sent() && !self.broken
    }

    /// The upstream wants the body.
    pub(super) fn let_go(&self) {
        if let Some(body) = &self.body {
            body.let_go();
        }
    }

    /// What is left of it, for whoever goes on with it.
    pub(in crate::gateway) fn take_over(&mut self) -> Self {
        let coding = std::mem::replace(&mut self.coding, Coding::Length(0));
        Self {
            text: std::mem::take(&mut self.text),
            data: std::mem::take(&mut self.data),
            body: self.body.take(),
            coding,
            spare: HeaderMap::new(),
            ..*self
        }
    }

    /// It goes out on another connection.
    pub(in crate::gateway) const fn begin_again(&mut self) {
        (self.broken, self.begun, self.unpushed, self.written) = (false, false, false, 0);
    }

    /// Sends as much as there is of it; ready when it is sent whole.
    ///
    /// # Errors
    /// The client sends its body wrong.
    pub(super) fn poll(
        &mut self,
        write: &mut Writer,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), Refusal>> {
        let sent = self.poll_all(write, context);
        let pushed = write.poll_push(context);
        self.unpushed = pushed.is_pending();
        if matches!(sent, Poll::Ready(Ok(()))) { pushed.map(Ok) } else { sent }
    }

    fn poll_all(
        &mut self,
        write: &mut Writer,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), Refusal>> {
        loop {
            let waits = self.written == 0 && self.gather(context)?;
            ready!(self.poll_write(write, context));
            if self.body.is_none() {
                return Poll::Ready(Ok(()));
            }
            if waits {
                return Poll::Pending;
            }
        }
    }

    /// Takes what there is of the body, as long as it goes together with what is there already;
    /// true if there is no more now.
    fn gather(&mut self, context: &mut Context<'_>) -> Result<bool, Refusal> {
        while self.data.is_empty() && self.text.len() < TOGETHER_BYTES {
            let Some(body) = &mut self.body else { return Ok(true) };
            match body.poll_part(context) {
                Poll::Pending => return Ok(true),
                Poll::Ready(frame) => self.take(frame)?,
            }
            // What ends chunks must not stand before the last of them.
            if self.data.is_empty() && self.body.as_ref().is_some_and(RequestBody::is_end) {
                self.end(None)?;
            }
        }
        Ok(false)
    }

    fn take(&mut self, frame: Option<Result<Frame<Bytes>, Refusal>>) -> Result<(), Refusal> {
        match frame.transpose()?.map(Frame::into_data) {
            Some(Ok(data)) => self.take_data(data),
            Some(Err(frame)) => self.end(frame.into_trailers().ok().as_ref()),
            None => self.end(None),
        }
    }

    fn take_data(&mut self, data: Bytes) -> Result<(), Refusal> {
        match &mut self.coding {
            _ if data.is_empty() => return Ok(()),
            Coding::Length(left) => match left.checked_sub(data.len() as u64) {
                Some(rest) => *left = rest,
                None => return self.refuse(),
            },
            Coding::Chunked(_) => {
                self.text.extend_from_slice(format!("{:x}\r\n", data.len()).as_bytes());
                self.tail = b"\r\n";
            }
        }
        if self.text.len().saturating_add(data.len()) <= TOGETHER_BYTES {
            self.text.extend_from_slice(&data);
            self.text.extend_from_slice(std::mem::take(&mut self.tail));
        } else {
            self.data = data;
        }
        Ok(())
    }

    fn end(&mut self, trailers: Option<&HeaderMap>) -> Result<(), Refusal> {
        match &self.coding {
            Coding::Length(0) => {}
            Coding::Length(_) => return self.refuse(),
            Coding::Chunked(declared) => end_chunks(&mut self.text, declared, trailers),
        }
        self.body = None;
        Ok(())
    }

    /// Its length is not what its head said.
    fn refuse(&self) -> Result<(), Refusal> {
        self.body.as_ref().map_or(Ok(()), |body| Err(body.refuse()))
    }

    /// Writes what was gathered.
    ///
    /// An upstream that refuses an upload early may close while more of it is on its way. Its
    /// answer has come then, perhaps not yet to our ears. So what cannot be written is dropped, and
    /// reading tells how the exchange ends. What was not begun is kept, for another connection.
    fn poll_write(&mut self, write: &mut Writer, context: &mut Context<'_>) -> Poll<()> {
        while !self.broken
            && let Some(rest) = self.rest()
        {
            let write = Pin::new(&mut *write);
            let written = match &rest {
                [only, [], []] => write.poll_write(context, only),
                slices => write.poll_write_vectored(context, &slices.map(IoSlice::new)),
            };
            match ready!(written) {
                Ok(0) | Err(_) => self.broken = true,
                Ok(more) => {
                    self.begun = true;
                    self.written = self.written.saturating_add(more);
                }
            }
        }
        if self.broken && !self.begun {
            return Poll::Pending;
        }
        if self.repeatable {
            return Poll::Ready(());
        }
        self.text.clear();
        (self.data, self.tail, self.written) = (Bytes::new(), &[], 0);
        Poll::Ready(())
    }

    /// What is left to write of what was gathered.
    fn rest(&self) -> Option<[&[u8]; 3]> {
        let mut skip = self.written;
        let rest = [&self.text[..], &self.data, self.tail].map(|mut piece| {
            let less = skip.min(piece.len());
            piece.advance(less);
            skip = skip.saturating_sub(less);
            piece
        });
        rest.iter().any(|piece| !piece.is_empty()).then_some(rest)
    }
}

fn end_chunks(text: &mut Vec<u8>, declared: &[HeaderName], trailers: Option<&HeaderMap>) {
    text.extend_from_slice(b"0\r\n");
    for (name, value) in trailers.into_iter().flatten() {
        if declared.contains(name) {
            for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
                text.extend_from_slice(part);
            }
        }
    }
    text.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests;
