//! The two directions of a connection to an upstream: plain, within TLS, or through a Unix socket. A body may go on in one while its
//! answer is read from the other, by another task of the same core.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpStream, UnixStream, unix};
use tokio_rustls::client::TlsStream;

type Shared = Rc<RefCell<TlsStream<TcpStream>>>;

/// What the upstream sends.
#[derive(Debug)]
pub(super) enum Reader {
    Plain(OwnedReadHalf),
    Unix(unix::OwnedReadHalf),
    Tls(Shared),
}

/// What it is sent.
#[derive(Debug)]
pub(super) enum Writer {
    Plain(OwnedWriteHalf),
    Unix(unix::OwnedWriteHalf),
    Tls(Shared),
}

/// A connection that was just made.
pub(super) enum Fresh {
    Plain(TcpStream),
    Unix(UnixStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Fresh {
    pub(super) fn split(self) -> (Reader, Writer) {
        match self {
            Self::Plain(stream) => {
                let (read, write) = stream.into_split();
                (Reader::Plain(read), Writer::Plain(write))
            }
            Self::Unix(stream) => {
                let (read, write) = stream.into_split();
                (Reader::Unix(read), Writer::Unix(write))
            }
            Self::Tls(stream) => {
                let shared = Rc::new(RefCell::new(*stream));
                (Reader::Tls(Rc::clone(&shared)), Writer::Tls(shared))
            }
        }
    }
}

impl Writer {
    /// Writes what TLS has taken and not yet sent. What goes wrong is heard of by whoever reads.
    pub(super) fn poll_push(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Plain(_) | Self::Unix(_) => Poll::Ready(()),
            Self::Tls(stream) => {
                Pin::new(&mut *stream.borrow_mut()).poll_flush(context).map(|_| ())
            }
        }
    }

    /// Whether something can be read, or the other side is closed.
    pub(super) fn poll_readable(&self, context: &mut Context<'_>) -> bool {
        let mut byte = [0];
        let mut byte = ReadBuf::new(&mut byte);
        match self {
            Self::Plain(write) => write.as_ref().poll_peek(context, &mut byte).is_ready(),
            Self::Unix(write) => poll_peek(write.as_ref(), context).is_ready(),
            Self::Tls(stream) => {
                stream.borrow().get_ref().0.poll_peek(context, &mut byte).is_ready()
            }
        }
    }

    /// Lets go of it without closing this side.
    pub(super) fn forget(self) {
        match self {
            Self::Plain(write) => write.forget(),
            Self::Unix(write) => write.forget(),
            Self::Tls(stream) => drop(stream),
        }
    }
}

/// Ready once something can be read from a Unix socket, or its other side is closed.
fn poll_peek(stream: &UnixStream, context: &mut Context<'_>) -> Poll<()> {
    loop {
        if ready!(stream.poll_read_ready(context)).is_err() {
            return Poll::Ready(());
        }
        // What the runtime remembers may be over.
        let mut byte = [MaybeUninit::uninit()];
        match stream.try_io(Interest::READABLE, || SockRef::from(stream).peek(&mut byte)) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            _ => return Poll::Ready(()),
        }
    }
}

impl AsyncRead for Reader {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(read) => Pin::new(read).poll_read(context, buffer),
            Self::Unix(read) => Pin::new(read).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(&mut *stream.borrow_mut()).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Writer {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(write) => Pin::new(write).poll_write(context, bytes),
            Self::Unix(write) => Pin::new(write).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(&mut *stream.borrow_mut()).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(write) => Pin::new(write).poll_write_vectored(context, slices),
            Self::Unix(write) => Pin::new(write).poll_write_vectored(context, slices),
            Self::Tls(stream) => {
                Pin::new(&mut *stream.borrow_mut()).poll_write_vectored(context, slices)
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_push(context).map(Ok)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(write) => Pin::new(write).poll_shutdown(context),
            Self::Unix(write) => Pin::new(write).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(&mut *stream.borrow_mut()).poll_shutdown(context),
        }
    }
}
