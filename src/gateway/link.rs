//! The link to a client: its socket, shared by hyper, which reads and writes, and by whoever
//! watches for the client's end while hyper does neither.
//!
//! hyper would watch by reading on, and for that it takes a new buffer with each request, since the
//! head of the request still stands in the old one. Told not to (`half_close`), it reads the next
//! head into the same buffer, when this one is used up.

use std::cell::{Cell, RefCell};
use std::task::{Context, Poll};

use tokio::io::ReadBuf;
use tokio::net::TcpStream;

/// A client's socket.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) stream: RefCell<TcpStream>,
    /// Whether there is something to read that hyper has not asked for.
    unread: Cell<bool>,
}

impl Link {
    pub(super) const fn new(stream: TcpStream) -> Self {
        Self { stream: RefCell::new(stream), unread: Cell::new(false) }
    }

    /// hyper reads.
    pub(super) fn reads(&self) {
        self.unread.set(false);
    }

    /// Whether the client has closed its side, or the connection broke; otherwise the task is woken
    /// when that may have changed. What else a client sends meanwhile, such as its next request, is
    /// left to hyper.
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
}
