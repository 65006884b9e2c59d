//! A connection to an upstream, moved along by whoever has an exchange on it.
//!
//! hyper means a connection to be a task of its own, which costs each exchange two wake-ups: of that
//! task when there is a request, and of the client's when there is an answer. Here the client's task
//! moves the connection along itself. What the two halves tell each other inside one poll is noted by a
//! [`Notice`], which wakes nobody; only the socket and the request's body wake the task.

use std::cell::{RefCell, RefMut};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::alarm::Alarm;
use super::body::RequestBody;
use super::seat::Seat;
use super::socket::{Socket, Words};

/// How often the two halves may take turns before other tasks get theirs.
const TURNS_MAX: usize = 32;

/// Fields of an answer's head, and of its trailers. nginx counts none and takes a head of 4 KiB; so many fit
/// into that only if they are 8 bytes long. Beyond hyper's own 100, hyper allocates its tables for each
/// head (60 ns instead of 30), however many there may be.
const FIELDS_MAX: usize = 500;

/// Bytes of an answer's head. Envoy takes 60 KiB, nginx 4 or 8.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// What asks for requests, and what moves them.
pub(super) type Opened = (http1::SendRequest<RequestBody>, Line);

/// The moving half of a connection.
#[derive(Debug)]
pub(super) struct Line {
    /// None once the connection is over.
    connection: Option<http1::Connection<TokioIo<Socket>, RequestBody>>,
    /// Whom the socket and the request's body wake.
    pub(super) seat: Rc<Seat>,
    notice: Arc<Notice>,
    notifier: Waker,
    words: Rc<RefCell<Words>>,
}

/// Notes that the other half has something to look at.
#[derive(Debug, Default)]
struct Notice(AtomicBool);

impl Wake for Notice {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Notice {
    // Only one thread ever writes, so that this need not be one locked instruction.
    fn take(&self) -> bool {
        let noted = self.0.load(Ordering::Relaxed);
        self.0.store(false, Ordering::Relaxed);
        noted
    }
}

impl Line {
    /// Begins HTTP/1.1 on a socket.
    pub(super) async fn open(stream: TcpStream) -> io::Result<Opened> {
        let seat = Rc::<Seat>::default();
        let words = Rc::<RefCell<Words>>::default();
        let socket = Socket::new(stream, Rc::clone(&seat), Rc::clone(&words));
        let (sender, connection) = http1::Builder::new()
            .max_headers(FIELDS_MAX)
            .max_header_size(HEAD_BYTES_MAX)
            .handshake(TokioIo::new(socket))
            .await
            .map_err(io::Error::other)?;
        let notice = Arc::<Notice>::default();
        let notifier = Waker::from(Arc::clone(&notice));
        Ok((sender, Self { connection: Some(connection), seat, notice, notifier, words }))
    }

    /// What passes between an exchange and the socket.
    pub(super) fn words(&self) -> RefMut<'_, Words> {
        self.words.borrow_mut()
    }

    /// Moves the connection along until `what` has come, in the name of the task that `context` wakes.
    /// `what` is something that the connection brings: an answer, or a part of its body.
    pub(super) fn drive<T>(
        &mut self,
        context: &mut Context<'_>,
        mut what: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.seat.take(context);
        for _ in 0..TURNS_MAX {
            if let Poll::Ready(come) = what(&mut Context::from_waker(&self.notifier)) {
                return Poll::Ready(come);
            }
            self.notice.take();
            self.move_along();
            if !self.notice.take() {
                // With its budget used up, tokio wakes whom it put off only later, and the notice nobody.
                if !tokio::task::coop::has_budget_remaining() {
                    context.waker().wake_by_ref();
                }
                return Poll::Pending;
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// From here on the line moves by itself, for an exchange whose two bodies do not wait for each other;
    /// it is given up when `limit` rings.
    pub(super) async fn go_on(mut self, limit: Rc<Alarm>) {
        std::future::poll_fn(|context| {
            self.seat.take(context);
            if limit.take_rung() {
                return Poll::Ready(());
            }
            limit.wake_me(context);
            let Some(connection) = &mut self.connection else { return Poll::Ready(()) };
            Pin::new(connection).poll(context).map(note_end)
        })
        .await;
    }

    /// One step, in the name of whoever has the seat. It also hears of what happened while nobody had,
    /// such as a close by the upstream.
    pub(super) fn move_along(&mut self) {
        let mut context = Context::from_waker(&self.notifier);
        if let Some(connection) = &mut self.connection
            && let Poll::Ready(ended) = Pin::new(connection).poll(&mut context)
        {
            note_end(ended);
            // Gives everybody who waits for something from it their answer.
            self.connection = None;
        }
    }
}

fn note_end(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection to an upstream ended");
    }
}
