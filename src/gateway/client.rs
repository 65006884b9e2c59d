//! A client's connection: who it is, how long it may take, and what is under way on it.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::wire;

use super::alarm::Alarm;
use super::core::Core;
use super::frames::{self, Frames};
use super::head::{self, Head};
use super::link::Link;
use super::spelling::Spelling;
use super::stream::Stream;
use super::upstream::{Lines, Waiting};

/// So much of an answer, written at once while nothing is under way, is more than the small change that
/// a connection of HTTP/2 lives on.
const MOVES_BYTES: usize = 1_024;

/// What is known of a client's connection while it is open.
#[derive(Debug)]
pub(super) struct Client {
    core: Rc<Core>,
    peer: IpAddr,
    /// The lines that say whence it came.
    forwarded: Box<[u8]>,
    alarm: Alarm,
    /// The last `Host` of this client, as it was sent and as it is read: it hardly ever changes.
    host: RefCell<(Box<[u8]>, Rc<str>)>,
    under_way: Cell<usize>,
    /// The heads that this client sent, as it spelled them; the one under way comes first.
    asked: RefCell<Spelling>,
    has_body: Cell<bool>,
    /// The fields of an upstream's answer, until its head is written.
    answer: RefCell<Waiting>,
    head_begun: Cell<bool>,
    http2: Cell<bool>,
    /// What it sends over HTTP/2.
    frames: Frames,
    /// The stream of HTTP/2 whose request is about to begin.
    stream: RefCell<Option<Rc<Stream>>>,
    head_timeout: Duration,
    idle_timeout: Duration,
    stall_timeout: Duration,
}

impl Client {
    pub(super) fn new(core: &Rc<Core>, peer: IpAddr) -> Rc<Self> {
        let snapshot = core.snapshot();
        let (limits, peer) = (&snapshot.limits, peer.to_canonical());
        let client = Self {
            peer,
            forwarded: wire::forwarded(peer, "http").into(),
            alarm: core.alarms.add(),
            host: RefCell::new((Box::default(), Rc::from(""))),
            under_way: Cell::new(0),
            asked: RefCell::default(),
            has_body: Cell::new(false),
            answer: RefCell::default(),
            head_begun: Cell::new(false),
            http2: Cell::new(false),
            frames: Frames::default(),
            stream: RefCell::new(None),
            head_timeout: limits.head_timeout,
            idle_timeout: limits.idle_timeout,
            stall_timeout: limits.stall_timeout,
            core: Rc::clone(core),
        };
        // A client that connects and says nothing has no longer than one that is slow to speak.
        client.alarm.set(client.head_timeout);
        core.counters.accepted.add(1);
        core.counters.open.add(1);
        core.serving.set(core.serving.get() + 1);
        Rc::new(client)
    }

    pub(super) const fn core(&self) -> &Rc<Core> {
        &self.core
    }

    pub(super) const fn peer(&self) -> IpAddr {
        self.peer
    }

    /// What `read` makes of a `Host`, from memory if it is the one that this client sent before.
    pub(super) fn known_host(
        &self,
        sent: &[u8],
        read: impl FnOnce(&[u8]) -> Option<Rc<str>>,
    ) -> Option<Rc<str>> {
        let mut known = self.host.borrow_mut();
        if *known.0 != *sent || sent.is_empty() {
            *known = (sent.into(), read(sent)?);
        }
        Some(Rc::clone(&known.1))
    }

    pub(super) const fn forwarded(&self) -> &[u8] {
        &self.forwarded
    }

    pub(super) const fn alarm(&self) -> &Alarm {
        &self.alarm
    }

    /// Spells the names of fields as the client did in the head of its request.
    pub(super) fn respell(&self, fields: &mut [u8]) {
        self.asked.borrow().respell(fields);
    }

    /// The fields of an upstream's answer, for its head.
    pub(super) fn is_answered(&self, lines: Lines) {
        self.answer.borrow_mut().push(lines);
    }

    /// An exchange begins; it ends when the answer is dropped.
    pub(super) fn begin(self: &Rc<Self>, has_body: bool) -> UnderWay {
        self.has_body.set(has_body);
        self.under_way.set(self.under_way.get() + 1);
        self.alarm.clear();
        self.frames.pay_for(frames::EACH_REQUEST);
        self.core.counters.under_way.add(1);
        UnderWay { stream: self.stream.take(), client: Rc::clone(self) }
    }

    /// The body of a request goes on beside its answer, and perhaps for longer.
    pub(super) fn begin_body(self: &Rc<Self>) -> BodyUnderWay {
        self.under_way.set(self.under_way.get() + 1);
        BodyUnderWay(Rc::clone(self))
    }

    /// Something that was under way is over.
    fn end(&self) {
        let left = self.under_way.get().saturating_sub(1);
        self.under_way.set(left);
        if left == 0 {
            self.head_begun.set(false);
            let mut asked = self.asked.borrow_mut();
            asked.drop_head(self.has_body.get());
            asked.shrink();
            self.alarm.set(self.idle_timeout);
        }
    }

    /// The connection speaks HTTP/2. It lies idle until the next request begins: frames that begin none,
    /// such as pings or a head without an end, give it no more time.
    pub(super) fn speaks_http2(&self) {
        self.http2.set(true);
        self.alarm.set(self.idle_timeout);
    }

    /// Whether something is under way.
    pub(super) const fn is_busy(&self) -> bool {
        self.under_way.get() > 0
    }

    pub(super) const fn is_http2(&self) -> bool {
        self.http2.get()
    }

    /// How long an answer may lie unread.
    pub(super) const fn stall_timeout(&self) -> Duration {
        self.stall_timeout
    }

    /// The request that begins next does so on this stream.
    pub(super) fn next_on(&self, stream: &Rc<Stream>) {
        *self.stream.borrow_mut() = Some(Rc::clone(stream));
    }

    /// Takes note of what came.
    ///
    /// # Errors
    /// A flood of frames that ask for nothing.
    fn read(&self, bytes: &[u8]) -> io::Result<()> {
        if self.http2.get() {
            return if self.frames.read(bytes, self.alarm.now_ms()) {
                Ok(())
            } else {
                self.core.counters.floods.add(1);
                Err(io::Error::other("a flood of frames that ask for nothing"))
            };
        }
        if self.under_way.get() > 0 {
            return Ok(());
        }
        self.asked.borrow_mut().remember(bytes);
        if !self.head_begun.replace(true) {
            self.alarm.set(self.head_timeout);
        }
        Ok(())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.core.counters.open.sub(1);
        self.core.serving.set(self.core.serving.get().saturating_sub(1));
        self.core.shared.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An exchange that is not over.
#[derive(Debug)]
pub(super) struct UnderWay {
    /// None in HTTP/1, where the connection has the time limit of its answer.
    stream: Option<Rc<Stream>>,
    client: Rc<Client>,
}

impl UnderWay {
    /// The next part of the answer is asked for.
    pub(super) fn asked(&self) {
        if let Some(stream) = &self.stream {
            stream.asked();
        }
    }

    /// A part of the answer goes to the client.
    pub(super) fn handed_over(&self, context: &Context<'_>) {
        if let Some(stream) = &self.stream {
            stream.handed_over(context);
            self.client.frames.pay_for(frames::EACH_PART);
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.client.core.counters.under_way.sub(1);
        self.client.end();
    }
}

/// The body of a request that is not over, although its answer may be.
#[derive(Debug)]
pub(super) struct BodyUnderWay(Rc<Client>);

impl Drop for BodyUnderWay {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// A client's socket, which tells the connection's alarm what moves on it.
#[derive(Debug)]
pub(super) struct Socket {
    link: Rc<Link>,
    client: Rc<Client>,
    head: Head,
}

impl Socket {
    pub(super) fn new(link: Rc<Link>, client: Rc<Client>) -> Self {
        Self { link, client, head: Head::default() }
    }

    fn poll_head(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.head.is_written() {
            return Poll::Ready(Ok(()));
        }
        let written = self.head.poll(&mut self.link.stream.borrow_mut(), context);
        self.wrote(written)
    }

    /// Takes the head of an answer, with the upstream's fields if it is the upstream's, and writes as much
    /// of it as goes out now; the rest goes with the next write or flush.
    fn begin(
        &mut self,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> io::Result<usize> {
        let mut answer = self.client.answer.borrow_mut();
        let taken = if answer.is_empty() {
            self.head.gather(slices)
        } else {
            self.head.take(slices, &mut answer)
        };
        drop(answer);
        match self.poll_head(context) {
            Poll::Ready(Err(error)) => return Err(error),
            Poll::Ready(Ok(())) => self.moved(taken),
            Poll::Pending => {}
        }
        Ok(taken)
    }

    /// What is left of answers when HTTP/2 has taken the last of them has the time of an idle
    /// connection, as long as it moves.
    fn moved(&self, bytes: usize) {
        let client = &self.client;
        if bytes >= MOVES_BYTES && client.http2.get() && client.under_way.get() == 0 {
            client.alarm.set(client.idle_timeout);
        }
    }

    fn wrote_some(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = &written {
            self.moved(*bytes);
        }
        self.wrote(written)
    }

    /// A client that does not read what it asked for has as long as any other that stalls.
    fn wrote<T>(&self, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match &written {
            Poll::Pending => self.client.alarm.arm(self.client.stall_timeout),
            Poll::Ready(_) if self.client.under_way.get() > 0 => self.client.alarm.clear(),
            Poll::Ready(_) => {}
        }
        written
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        self.link.reads();
        let mut stream = self.link.stream.borrow_mut();
        let result = ready!(Pin::new(&mut *stream).poll_read(context, buffer));
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
        ready!(self.poll_head(context))?;
        if !self.client.answer.borrow().is_empty() {
            return Poll::Ready(self.begin(context, &[io::IoSlice::new(bytes)]));
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
        ready!(self.poll_head(context))?;
        if !self.client.answer.borrow().is_empty() || head::go_together(slices) {
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
        self.poll_head(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_head(context))?;
        Pin::new(&mut *self.link.stream.borrow_mut()).poll_shutdown(context)
    }
}
