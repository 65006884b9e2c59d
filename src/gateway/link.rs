//! The link to a client: its socket, shared by hyper, which reads and writes, and by whoever
//! watches for the client's end while hyper does neither.
//!
//! hyper would watch by reading on, and for that it takes a new buffer with each request, since the
//! head of the request still stands in the old one. Told not to (`half_close`), it reads the next
//! head into the same buffer, when this one is used up.

use std::cell::{Cell, OnceCell, RefCell};
use std::io;
use std::net::Shutdown;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use rustix::io::ioctl_fionread;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead as _, AsyncWrite as _, Interest, ReadBuf, Ready};

use super::alarm::Alarm;
use super::channel::Channel;
use super::client::Client;

/// What asks a client that sends no more whether it is still there. It may always be sent before an
/// answer (RFC 9110 section 15.2), and the system of a client that has closed answers with a reset.
const QUESTION: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// How often the systems ask one another where no such question can be put. They tell of a socket
/// that was closed once the client's has forgotten it, after a minute.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// What is known of what a client sends, while hyper does not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sends {
    /// Nothing that was not read; the task is woken when that changes.
    Nothing,
    /// Something that is left to hyper, such as the next request. An end would stand behind it.
    More,
    /// No more: its side is closed, and perhaps all of it.
    NoMore,
}

/// A client's socket.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) stream: RefCell<Channel>,
    pub(super) sends: Cell<Sends>,
    /// Rings with each tick where nothing else wakes the task.
    ticks: OnceCell<Alarm>,
    /// How much was dropped since our side was shut; none before that.
    dropped: Cell<Option<u64>>,
    /// Whether hyper holds nothing that is to be written.
    flushed: Cell<bool>,
    /// What was read of the next request and is to be read again.
    unread: RefCell<Bytes>,
}

impl Link {
    pub(super) const fn new(stream: Channel, unread: Bytes) -> Self {
        Self {
            stream: RefCell::new(stream),
            sends: Cell::new(Sends::Nothing),
            ticks: OnceCell::new(),
            dropped: Cell::new(None),
            flushed: Cell::new(true),
            unread: RefCell::new(unread),
        }
    }

    /// Waits with no more than the socket until there is something to do; false once the time for that is over.
    pub(super) async fn rests(&self, client: &Client) -> bool {
        std::future::poll_fn(|context| {
            if client.alarm().take_rung() {
                return Poll::Ready(false);
            }
            client.alarm().wake_me(context);
            let is_there =
                !self.unread.borrow().is_empty() || self.stream.borrow_mut().holds_unread();
            if is_there
                || client.core().is_leaving()
                || self.stream.borrow().socket().poll_read_ready(context).is_ready()
            {
                return Poll::Ready(true);
            }
            Poll::Pending
        })
        .await
    }

    /// What hyper had read and not used when it was done; the next one reads it first. Empty lines before a request are
    /// nothing (RFC 9112 section 2.2).
    pub(super) fn comes_back(&self, read: Bytes) {
        let mut all = self.unread(read);
        let empty = all.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        all.advance(empty);
        self.unread.replace(all);
    }

    /// All that was read and not used, of which hyper holds a part.
    pub(super) fn unread(&self, held: Bytes) -> Bytes {
        let kept = self.unread.take();
        if held.is_empty() {
            kept
        } else if kept.is_empty() {
            held
        } else {
            [held, kept].concat().into()
        }
    }

    /// Reads what was read before, and then what comes.
    pub(super) fn poll_read(
        &self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut unread = self.unread.borrow_mut();
        if unread.is_empty() {
            return Pin::new(&mut *self.stream.borrow_mut()).poll_read(context, buffer);
        }
        let length = unread.len().min(buffer.remaining());
        let early = unread.split_to(length);
        buffer.put_slice(&early);
        Poll::Ready(Ok(()))
    }

    /// hyper has read all that there was, or, if its buffer is `full`, perhaps not all. In that case
    /// an end is heard with the next tick: a look behind each such read of an upload would cost a
    /// call of the system.
    pub(super) fn read(&self, full: bool) {
        if self.sends.get() != Sends::NoMore {
            self.sends.set(if full { Sends::More } else { Sends::Nothing });
        }
    }

    /// Whether the client has gone away before it had its answers; otherwise the task is woken when
    /// that may have changed. One that only sends no more is still there.
    pub(super) fn is_gone(&self, context: &mut Context<'_>, client: &Client) -> bool {
        if !client.is_asked() {
            self.ticks.get().inspect(|ticks| ticks.clear());
            return false;
        }
        if self.sends.get() == Sends::Nothing {
            match self.peek(context) {
                Poll::Pending => return false,
                Poll::Ready(Ok(0)) => self.ends(),
                Poll::Ready(Ok(_)) => self.sends.set(Sends::More),
                Poll::Ready(Err(_)) => return true,
            }
        }
        let ticks = self.ticks.get_or_init(|| client.core().alarms.add());
        let tick = ticks.take_rung();
        ticks.arm(Duration::ZERO);
        ticks.wake_me(context);
        tick && self.is_gone_now(client)
    }

    fn is_gone_now(&self, client: &Client) -> bool {
        let closed = self.closed();
        if closed.is_write_closed() {
            return true;
        }
        if closed.is_read_closed() && self.sends.get() != Sends::NoMore {
            self.ends();
        }
        let no_more = self.sends.get() == Sends::NoMore;
        if no_more && (self.is_tls() || client.is_gone_with_its_end()) {
            // Nobody closes one side alone within TLS, or who waits for events, and the question could not be taken back in
            // part.
            return true;
        }
        let asks = no_more && client.take_silence();
        let asked = asks.then(|| self.stream.borrow().socket().try_write(QUESTION));
        // What went out in part cannot be taken back.
        asked.is_some_and(|asked| asked.is_ok_and(|written| written < QUESTION.len()))
    }

    fn peek(&self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.stream.borrow().socket().poll_peek(context, &mut ReadBuf::new(&mut [0]))
    }

    fn ends(&self) {
        self.sends.set(Sends::NoMore);
        let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE);
        // Without it the time limits of the answer are what is left.
        drop(SockRef::from(self.stream.borrow().socket()).set_tcp_keepalive(&keepalive));
    }

    /// The sides that are closed, as far as the core has heard: a reset closes both. This asks
    /// nothing of the system.
    fn closed(&self) -> Ready {
        let stream = self.stream.borrow();
        let ready = pin!(stream.socket().ready(Interest::READABLE.add(Interest::WRITABLE)));
        match ready.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(ready)) => ready,
            Poll::Ready(Err(_)) | Poll::Pending => Ready::EMPTY,
        }
    }

    /// hyper writes, or has written all that it holds.
    pub(super) fn flushes(&self, flushed: bool) {
        self.flushed.set(flushed);
    }

    /// Whether hyper holds nothing that is to be written, and our side is open.
    pub(super) const fn is_flushed(&self) -> bool {
        self.flushed.get() && !self.is_shut()
    }

    /// Whether another process can go on with this connection: it stands between two requests, and nothing is held here
    /// of what was sent either way but the beginning of the next request.
    pub(super) fn can_move(&self, client: &Client) -> bool {
        self.stays_unread(client) && self.is_flushed()
    }

    /// Whether what comes next is left to the successor, to whom this connection moves.
    pub(super) fn stays_unread(&self, client: &Client) -> bool {
        !client.is_asked() && !client.is_http2()
    }

    pub(super) fn is_tls(&self) -> bool {
        self.stream.borrow().is_tls()
    }

    /// Tells the client within TLS that nothing more comes.
    pub(super) fn poll_tell_end(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream.borrow_mut()).poll_shutdown(context)
    }

    /// Whether closing takes nothing back: TCP resets a connection that is closed with something
    /// unread, and drops what is not yet sent of an answer.
    pub(super) fn is_read(&self) -> bool {
        ioctl_fionread(self.stream.borrow().socket()).is_ok_and(|unread| unread == 0)
    }

    pub(super) const fn is_shut(&self) -> bool {
        self.dropped.get().is_some()
    }

    /// Tells the client that nothing more comes. True the first time.
    pub(super) fn shut(&self) -> io::Result<bool> {
        let first = self.dropped.get().is_none();
        if first {
            self.dropped.set(Some(0));
            SockRef::from(self.stream.borrow().socket()).shutdown(Shutdown::Write)?;
        }
        Ok(first)
    }

    /// How much of what the client still sent was dropped.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.get().unwrap_or_default()
    }

    /// Takes and drops what the client still sends, until it closes its side or sends more than `most`.
    pub(super) fn poll_end(&self, most: u64, context: &mut Context<'_>) -> Poll<()> {
        let mut scrap = [0; 16_384];
        let mut stream = self.stream.borrow_mut();
        loop {
            let mut buffer = ReadBuf::new(&mut scrap);
            let read = ready!(stream.poll_read_raw(context, &mut buffer));
            let bytes = buffer.filled().len();
            self.dropped.set(Some(self.dropped().saturating_add(bytes as u64)));
            if read.is_err() || bytes == 0 || self.dropped() > most {
                return Poll::Ready(());
            }
        }
    }
}
