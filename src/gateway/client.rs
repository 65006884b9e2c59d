//! A client's connection: who it is, how long it may take, and what is under way on it.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::HeaderValue;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::alarm::Alarm;
use super::core::Core;

/// What is known of a client's connection while it is open.
#[derive(Debug)]
pub(super) struct Client {
    core: Rc<Core>,
    peer: IpAddr,
    forwarded_for: HeaderValue,
    alarm: Alarm,
    /// The last `Host` of this client, as it was sent and as it is read: it hardly ever changes.
    host: RefCell<(Box<[u8]>, Rc<str>)>,
    under_way: Cell<usize>,
    head_begun: Cell<bool>,
    http2: Cell<bool>,
    head_timeout: Duration,
    idle_timeout: Duration,
    stall_timeout: Duration,
}

impl Client {
    pub(super) fn new(core: &Rc<Core>, peer: IpAddr) -> Rc<Self> {
        let snapshot = core.snapshot();
        let limits = &snapshot.limits;
        let client = Self {
            peer: peer.to_canonical(),
            forwarded_for: HeaderValue::try_from(peer.to_canonical().to_string())
                .unwrap_or_else(|_| HeaderValue::from_static("unknown")),
            alarm: core.alarms.add(),
            host: RefCell::new((Box::default(), Rc::from(""))),
            under_way: Cell::new(0),
            head_begun: Cell::new(false),
            http2: Cell::new(false),
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

    pub(super) fn forwarded_for(&self) -> HeaderValue {
        self.forwarded_for.clone()
    }

    pub(super) const fn alarm(&self) -> &Alarm {
        &self.alarm
    }

    /// An exchange begins; it ends when the answer is dropped.
    pub(super) fn begin(self: &Rc<Self>) -> UnderWay {
        self.under_way.set(self.under_way.get() + 1);
        self.alarm.clear();
        self.core.counters.under_way.add(1);
        UnderWay(Rc::clone(self))
    }

    /// The connection speaks HTTP/2, where bytes between two requests need not begin a head.
    pub(super) fn speaks_http2(&self) {
        self.http2.set(true);
    }

    fn read(&self) {
        if self.under_way.get() > 0 {
            return;
        }
        if self.http2.get() {
            self.alarm.set(self.idle_timeout);
        } else if !self.head_begun.replace(true) {
            self.alarm.set(self.head_timeout);
        }
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
pub(super) struct UnderWay(Rc<Client>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        let client = &self.0;
        client.core.counters.under_way.sub(1);
        let left = client.under_way.get().saturating_sub(1);
        client.under_way.set(left);
        if left == 0 {
            client.head_begun.set(false);
            client.alarm.set(client.idle_timeout);
        }
    }
}

/// A client's socket, which tells the connection's alarm what moves on it.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    client: Rc<Client>,
}

impl Socket {
    pub(super) const fn new(stream: TcpStream, client: Rc<Client>) -> Self {
        Self { stream, client }
    }

    /// A client that does not read what it asked for has as long as any other that stalls.
    fn wrote(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
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
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = ready!(Pin::new(&mut self.stream).poll_read(context, buffer));
        if buffer.filled().len() > before {
            self.client.read();
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
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wrote(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.wrote(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
