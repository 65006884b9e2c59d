//! A listener with so many connections and no more, so that those who may not act here cannot use
//! up what the rest of the process needs. What is written to one and not taken ends it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};

use crate::admin::extract::Peer;
use crate::admin::limits::STALL;

/// How long to wait when the system has no more sockets to give, before asking again.
const PAUSE: Duration = Duration::from_millis(50);

/// What accepts connections of a kind.
pub(super) trait Accept: Send + 'static {
    /// A connection.
    type Io: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The next one.
    fn poll_accept(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Self::Io>>;

    /// Who is at the other end of one.
    fn peer(io: &Self::Io) -> Peer;
}

impl Accept for TcpListener {
    type Io = TcpStream;

    fn poll_accept(&mut self, context: &mut Context<'_>) -> Poll<io::Result<TcpStream>> {
        Self::poll_accept(self, context).map_ok(|(io, _)| io)
    }

    fn peer(io: &TcpStream) -> Peer {
        Peer { uid: None, address: io.peer_addr().ok().map(|peer| peer.ip().to_canonical()) }
    }
}

impl Accept for UnixListener {
    type Io = UnixStream;

    fn poll_accept(&mut self, context: &mut Context<'_>) -> Poll<io::Result<UnixStream>> {
        Self::poll_accept(self, context).map_ok(|(io, _)| io)
    }

    fn peer(io: &UnixStream) -> Peer {
        Peer { uid: io.peer_cred().ok().map(|peer| peer.uid()), address: None }
    }
}

/// A listener whose further connections wait in the system's queue.
#[derive(Debug)]
pub(super) struct Bounded<L> {
    listener: L,
    room: Arc<Semaphore>,
}

impl<L: Accept> Bounded<L> {
    /// Serves `most` connections at a time.
    pub(super) fn new(listener: L, most: usize) -> Self {
        Self { listener, room: Arc::new(Semaphore::new(most)) }
    }

    /// The next connection, once there is a place for it, and who is there.
    pub(super) async fn accept(&mut self) -> (Held<L::Io>, Peer) {
        // It is never closed.
        let place = Arc::clone(&self.room).acquire_owned().await.ok();
        loop {
            match std::future::poll_fn(|context| self.listener.poll_accept(context)).await {
                Ok(io) => {
                    let peer = L::peer(&io);
                    return (Held { io, stalled: None, _place: place }, peer);
                }
                // Of a client that went away meanwhile, or of a system without a free descriptor.
                Err(error) => {
                    tracing::debug!(%error, "an administrative connection cannot be accepted");
                    sleep(PAUSE).await;
                }
            }
        }
    }
}

/// A connection that holds its place.
#[derive(Debug)]
pub(super) struct Held<I> {
    io: I,
    /// Set while there is no room for what is to be written.
    stalled: Option<Pin<Box<Sleep>>>,
    _place: Option<OwnedSemaphorePermit>,
}

impl<I> Held<I> {
    /// Fails what waits for room, once there was none for too long.
    fn watched<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(STALL)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Held<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Held<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(context, bytes);
        self.watched(context, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Sockets keep nothing back: this is never waited for.
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
