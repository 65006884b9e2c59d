//! The link to a client: its socket, shared by hyper, which reads and writes, and by whoever
//! watches for the client's end while hyper does neither.
//!
//! hyper would watch by reading on, and for that it takes a new buffer with each request, since the
//! head of the request still stands in the old one. Told not to (`half_close`), it reads the next
//! head into the same buffer, when this one is used up.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::io::ioctl_fionread;
use socket2::SockRef;
use tokio::io::{AsyncRead as _, ReadBuf};
use tokio::net::TcpStream;

/// So much of what a client sends behind its last answer is taken and dropped.
const DROPPED_MAX: usize = 256 << 10;

/// A client's socket.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) stream: RefCell<TcpStream>,
    /// Whether there is something to read that hyper has not asked for.
    unread: Cell<bool>,
    /// How much was dropped since our side was shut; none before that.
    dropped: Cell<Option<usize>>,
}

impl Link {
    pub(super) const fn new(stream: TcpStream) -> Self {
        let (unread, dropped) = (Cell::new(false), Cell::new(None));
        Self { stream: RefCell::new(stream), unread, dropped }
    }

    /// hyper reads.
    pub(super) fn reads(&self) {
        self.unread.set(false);
    }

    /// Whether the client has closed its side, or the connection broke; otherwise the task is woken
    /// when that may have changed. What else a client sends meanwhile, such as its next request, is
    /// left to hyper, and hides an end behind it until hyper has read that.
    pub(super) fn is_gone(&self, context: &mut Context<'_>) -> bool {
        if self.unread.get() {
            return false;
        }
        let mut byte = [0];
        let stream = self.stream.borrow();
        match stream.poll_peek(context, &mut ReadBuf::new(&mut byte)) {
            Poll::Pending => false,
            Poll::Ready(Ok(0) | Err(_)) => true,
            Poll::Ready(Ok(_)) => {
                self.unread.set(true);
                false
            }
        }
    }

    /// Whether closing takes nothing back: TCP resets a connection that is closed with something
    /// unread, and drops what is not yet sent of an answer.
    pub(super) fn is_read(&self) -> bool {
        ioctl_fionread(&*self.stream.borrow()).is_ok_and(|unread| unread == 0)
    }

    pub(super) const fn is_shut(&self) -> bool {
        self.dropped.get().is_some()
    }

    /// Tells the client that nothing more comes. True the first time.
    pub(super) fn shut(&self) -> io::Result<bool> {
        let first = self.dropped.get().is_none();
        if first {
            self.dropped.set(Some(0));
            SockRef::from(&*self.stream.borrow()).shutdown(Shutdown::Write)?;
        }
        Ok(first)
    }

    /// Takes and drops what the client still sends, until it closes its side or sends too much.
    pub(super) fn poll_end(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut scrap = [0; 4_096];
        let mut stream = self.stream.borrow_mut();
        loop {
            let mut buffer = ReadBuf::new(&mut scrap);
            let read = ready!(Pin::new(&mut *stream).poll_read(context, &mut buffer));
            let bytes = buffer.filled().len();
            let dropped = self.dropped.get().unwrap_or_default().saturating_add(bytes);
            self.dropped.set(Some(dropped));
            if read.is_err() || bytes == 0 || dropped > DROPPED_MAX {
                return Poll::Ready(());
            }
        }
    }
}
