//! The socket of a client, as hyper reads and writes it: what moves on it sets the time limits of
//! its connection, and heads of answers get the upstream's fields on their way out.

use std::cell::OnceCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::client::Client;
use super::head::{self, Rest};
use super::link::Link;
use super::unparsed;

/// So much of an answer, written at once while nothing is under way, is more than the small change
/// that a connection of HTTP/2 lives on.
const MOVES_BYTES: usize = 1_024;

/// How long a client may say nothing, and take in all, until it closes its side when we have closed ours: many read an answer
/// only once they have sent all of their request.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_MAX: Duration = Duration::from_secs(30);

/// Clients of HTTP/2 read while they send: so much of what they still send is taken.
const DROPPED_MAX: u64 = 256 << 10;

/// A client's socket, which tells the connection's alarm what moves on it.
#[derive(Debug)]
pub(super) struct Socket {
    link: Rc<Link>,
    client: Rc<Client>,
    /// What is left of a head.
    rest: Rest,
    /// Whether the end of an answer waits for its client to read, while nothing is under way any
    /// more.
    owes: bool,
    /// Whether what is written last waits for its client to read.
    waits: bool,
    /// Until when the client has to close its side, once we have closed ours.
    ends_at_ms: OnceCell<u64>,
}

impl Socket {
    pub(super) fn new(link: Rc<Link>, client: Rc<Client>) -> Self {
        Self {
            link,
            client,
            rest: Rest::default(),
            owes: false,
            waits: false,
            ends_at_ms: OnceCell::new(),
        }
    }

    fn poll_rest(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.rest.is_written() {
            return Poll::Ready(Ok(()));
        }
        self.client.writes();
        let before = self.rest.written();
        let written = self.rest.poll(&mut *self.link.stream.borrow_mut(), context);
        if written.is_pending() && self.rest.written() > before {
            // Some of it moved all the same.
            drop(self.wrote(Poll::Ready(Ok(()))));
        }
        self.wrote(written)
    }

    /// Takes the head of an answer, with the upstream's fields if it is the upstream's, and writes
    /// as much of it as goes out now; the rest goes with the next write or flush.
    fn begin(
        &mut self,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> io::Result<usize> {
        let mut text = self.client.core().desk.lend();
        let mut answer = self.client.answer().borrow_mut();
        let taken = if answer.is_empty() {
            head::gather(slices, &mut text)
        } else {
            head::take(slices, &mut answer, &mut text)
        };
        drop(answer);
        let written = self.write_head(context, &text);
        self.client.core().desk.take_back(text);
        match written {
            Poll::Ready(Err(error)) => return Err(error),
            Poll::Ready(Ok(())) => self.moved(taken),
            Poll::Pending => {}
        }
        Ok(taken)
    }

    fn write_head(&mut self, context: &mut Context<'_>, text: &[u8]) -> Poll<io::Result<()>> {
        let stream = &self.link.stream;
        let written = Pin::new(&mut *stream.borrow_mut()).poll_write(context, text)?;
        let written = if let Poll::Ready(bytes) = written { bytes } else { 0 };
        let rest = text.get(written..).unwrap_or_default();
        if written > 0 {
            drop(self.wrote(Poll::Ready(Ok(()))));
        }
        if rest.is_empty() {
            return Poll::Ready(Ok(()));
        }
        self.rest.keep(rest);
        self.poll_rest(context)
    }

    /// Tells the client that nothing more comes; what it still sends is read on.
    pub(super) fn poll_tell_end(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_rest(context))?;
        if self.link.is_tls() {
            let told = self.link.poll_tell_end(context);
            ready!(self.wrote(told))?;
        }
        // Whoever is gone need not be told.
        drop(self.link.shut());
        Poll::Ready(Ok(()))
    }

    /// What is left of answers when HTTP/2 has taken the last of them has the time of an idle
    /// connection, as long as it moves.
    fn moved(&self, bytes: usize) {
        let client = &self.client;
        if client.is_http2() && client.answers_with(bytes) >= MOVES_BYTES && !client.is_asked() {
            client.alarm().set(client.idle_timeout());
        }
    }

    fn wrote_some(&mut self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = &written {
            self.moved(*bytes);
        }
        self.wrote(written)
    }

    /// A client that does not read what it asked for has as long as any other that stalls, also for
    /// what is left when its answer was handed over. From then on it is idle.
    fn wrote<T>(&mut self, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        let (client, owed) = (&self.client, self.owes);
        self.waits = written.is_pending();
        self.owes = written.is_pending() && !client.is_asked() && !client.is_http2();
        match (&written, client.is_asked()) {
            (Poll::Pending, _) if self.owes && !owed => client.alarm().set(client.stall_timeout()),
            (Poll::Pending, _) => client.alarm().arm(client.stall_timeout()),
            (Poll::Ready(_), true) => client.alarm().clear(),
            (Poll::Ready(_), false) if owed => client.alarm().set(client.idle_timeout()),
            (Poll::Ready(_), false) => {}
        }
        written
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Where more waits for a client that does not read, the system would go on with it for minutes, counted by nobody.
        if self.client.is_cut() || self.waits {
            // Closing resets the connection then. Where that fails, it is gone already.
            drop(self.link.stream.borrow().socket().set_zero_linger());
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.client.core().moving.get() && self.link.stays_unread(&self.client) {
            // The next request is the successor's. Whoever polled this moves the connection right away.
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let result = self.link.poll_read(context, buffer);
        self.link.read(buffer.remaining() == 0);
        let result = ready!(result);
        if let Some(read) = buffer.filled().get(before..).filter(|read| !read.is_empty()) {
            self.client.read(read)?;
        }
        Poll::Ready(result)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.client.writes();
        self.link.flushes(false);
        ready!(self.poll_rest(context))?;
        if !self.client.answer().borrow().is_empty() {
            return Poll::Ready(self.begin(context, &[io::IoSlice::new(bytes)]));
        }
        if let Some(text) = unparsed::instead(bytes, &self.client) {
            return Poll::Ready(match self.write_head(context, &text) {
                Poll::Ready(Err(error)) => Err(error),
                _ => Ok(bytes.len()),
            });
        }
        let written = Pin::new(&mut *self.link.stream.borrow_mut()).poll_write(context, bytes);
        self.wrote_some(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [only] = slices {
            // A plain write costs the system less than a list of one.
            return self.poll_write(context, only);
        }
        self.client.writes();
        self.link.flushes(false);
        ready!(self.poll_rest(context))?;
        if !self.client.answer().borrow().is_empty() || head::go_together(slices) {
            return Poll::Ready(self.begin(context, slices));
        }
        let mut stream = self.link.stream.borrow_mut();
        let written = Pin::new(&mut *stream).poll_write_vectored(context, slices);
        drop(stream);
        self.wrote_some(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.link.stream.borrow().is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_rest(context))?;
        if self.link.is_tls() {
            // What TLS has taken may still have to go out.
            let flushed = Pin::new(&mut *self.link.stream.borrow_mut()).poll_flush(context);
            ready!(self.wrote(flushed))?;
        }
        self.link.flushes(true);
        Poll::Ready(Ok(()))
    }

    /// The socket is closed right after this, which tells the client that it is over without another
    /// call. Where that would take back what was written, the client is told first, and waited for.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_rest(context))?;
        let (client, link) = (&self.client, &self.link);
        client.closes();
        let all_came = link.is_read() && !client.is_unsettled();
        let closes = !client.is_http2() && !link.is_shut() && all_came;
        if !client.is_cut() && link.is_tls() && !link.is_shut() {
            // RFC 8446 section 6.1: within TLS the end is told, or the answer may have been cut off.
            let told = link.poll_tell_end(context);
            ready!(self.wrote(told))?;
        }
        let (client, link) = (&self.client, &self.link);
        if client.is_cut() || closes {
            return Poll::Ready(Ok(()));
        }
        let (first, before, now_ms) = (link.shut()?, link.dropped(), client.alarm().now_ms());
        let end = link.poll_end(if client.is_http2() { DROPPED_MAX } else { u64::MAX }, context);
        if first || link.dropped() > before {
            let most = u64::try_from(LINGER_MAX.as_millis()).unwrap_or(u64::MAX);
            let ends_at_ms = *self.ends_at_ms.get_or_init(|| now_ms.saturating_add(most));
            let left = Duration::from_millis(ends_at_ms.saturating_sub(now_ms));
            client.alarm().set(LINGER.min(left));
        }
        end.map(Ok)
    }
}

#[cfg(test)]
mod tests;
