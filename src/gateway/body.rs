//! Bodies on their way through: never gathered, bounded in size, and watched so that a stalled or broken
//! one is told apart by whose fault it is.

use std::cell::{Cell, OnceCell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http::header::{self, HeaderMap};
use hyper::body::{Frame, Incoming, SizeHint};

use crate::domain::refusal::{BadRequest, Refusal};
use crate::wire;

use super::alarm::Alarm;
use super::expect::{self, Hold};
use super::pace::Pace;
use super::seat::Seat;
use super::snapshot::Snapshot;

/// Why a body could not be passed on.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    /// The client sent it wrong, or too slowly, or too much.
    #[error("the client's body was refused: {}", .0.reason())]
    Client(Refusal),
    /// The connection to the other side broke.
    #[error(transparent)]
    Broken(#[from] hyper::Error),
    /// The upstream stalled.
    #[error("the upstream stalled in the middle of its answer")]
    Stalled,
}

/// What both halves of an exchange know of the request's body.
#[derive(Debug)]
pub(super) struct Upload {
    /// Whether all of it was passed on.
    done: Cell<bool>,
    /// Whether the time limit is that of the upstream's word, and not the body's.
    patient: Cell<bool>,
    pace: Pace,
    /// Why it was given up.
    pub(super) refused: Cell<Option<Refusal>>,
    left: Cell<Option<u64>>,
    stall_timeout: Duration,
    response_timeout: Duration,
    /// Once the answer has begun.
    beside: OnceCell<Beside>,
    /// The connection that it goes out on: its time limit, and whom the body wakes.
    way: RefCell<Option<(Rc<Alarm>, Rc<Seat>)>>,
    snapshot: Arc<Snapshot>,
    /// Holds the body back until the upstream has said that it wants it.
    pub(super) hold: Option<Arc<Hold>>,
}

/// A body that goes on beside its answer.
#[derive(Debug)]
struct Beside {
    /// How long the answer may stand still.
    stall_timeout: Duration,
    /// What ends the body once the answer is over.
    limit: Rc<Alarm>,
    answer_is_over: Cell<bool>,
}

impl Upload {
    pub(super) fn new(
        snapshot: &Arc<Snapshot>,
        limit: Option<u64>,
        response_timeout: Duration,
        hold: Option<Arc<Hold>>,
    ) -> Rc<Self> {
        let limits = &snapshot.limits;
        Rc::new(Self {
            done: Cell::new(false),
            patient: Cell::new(false),
            pace: Pace::new(limits.body_rate, limits.stall_timeout),
            refused: Cell::new(None),
            left: Cell::new(limit),
            stall_timeout: limits.stall_timeout,
            response_timeout,
            beside: OnceCell::new(),
            way: RefCell::new(None),
            snapshot: Arc::clone(snapshot),
            hold,
        })
    }

    /// Waits a while for the upstream's word, before the body goes unasked.
    pub(super) fn be_patient(&self) {
        self.patient.set(true);
        self.set_alarm(expect::PATIENCE);
    }

    /// Whether it was only the patience that ran out; the body goes then, also without a word.
    pub(super) fn let_go(&self) -> bool {
        if let Some(hold) = self.hold.as_ref().filter(|_| self.patient.get()) {
            hold.release();
        }
        self.patient.take()
    }

    /// Goes on with the time that a body has.
    pub(super) fn go_on(&self) {
        if let Some(beside) = self.beside.get() {
            if beside.answer_is_over.get() {
                beside.limit.set(self.stall_timeout);
            } else if let Some((alarm, _)) = self.way.borrow().as_ref() {
                // It is the answer that is waited for, if anything is. That the body moves shows that
                // the upstream is at work.
                alarm.prolong(beside.stall_timeout);
            }
            return;
        }
        self.set_alarm(if self.done.get() { self.response_timeout } else { self.stall_timeout });
    }

    /// The answer has begun before the body is over, and has the time limit until it is over too. Answers
    /// what ends the body then.
    pub(super) fn is_answered(&self, stall_timeout: Duration, limit: Alarm) -> Rc<Alarm> {
        if stall_timeout == Duration::MAX {
            // A conversation: neither side need say anything for any length of time.
            self.pace.end();
        }
        let (limit, answer_is_over) = (Rc::new(limit), Cell::new(false));
        let beside = Beside { stall_timeout, limit: Rc::clone(&limit), answer_is_over };
        // Nothing is answered twice.
        drop(self.beside.set(beside));
        limit
    }

    /// Nothing more of the answer comes. If it came to its end, the body may do so too; from here on it
    /// has a time limit of its own.
    pub(super) fn answer_is_over(&self, whole: bool) {
        let Some(beside) = self.beside.get() else { return };
        beside.answer_is_over.set(true);
        if whole {
            beside.limit.set(self.stall_timeout);
        } else {
            beside.limit.ring();
        }
    }

    fn set_alarm(&self, after: Duration) {
        if let Some((alarm, _)) = self.way.borrow().as_ref() {
            alarm.set(after);
        }
    }

    /// Polls something that is to wake whoever has the connection that the body goes out on.
    fn polling<T>(&self, poll: impl FnOnce(&mut Context<'_>) -> T) -> T {
        match self.way.borrow().as_ref() {
            Some((_, seat)) => seat.polling(poll),
            None => poll(&mut Context::from_waker(Waker::noop())),
        }
    }

    pub(super) const fn is_done(&self) -> bool {
        self.done.get()
    }

    /// Takes part in the time limit of the connection that the request goes out on, and wakes whoever
    /// moves that.
    pub(super) fn watch(&self, alarm: &Rc<Alarm>, seat: Option<&Rc<Seat>>) {
        alarm.set(self.stall_timeout);
        *self.way.borrow_mut() = seat.map(|seat| (Rc::clone(alarm), Rc::clone(seat)));
    }

    /// Whose fault it is that nothing moves.
    pub(super) const fn stalled(&self) -> Refusal {
        if !self.done.get() && self.pace.is_waiting() {
            Refusal::BodyTimeout
        } else {
            Refusal::UpstreamTimeout
        }
    }

    fn moved(&self, done: bool) {
        if done {
            self.done.set(true);
        }
        self.patient.set(false);
        self.go_on();
    }

    fn refuse(&self, refusal: Refusal) -> BodyError {
        self.refused.set(Some(refusal));
        BodyError::Client(refusal)
    }

    fn now_ms(&self) -> u64 {
        self.way.borrow().as_ref().map_or(0, |(alarm, _)| alarm.now_ms())
    }

    fn take(&self, bytes: usize, last: bool) -> Result<(), BodyError> {
        if !self.pace.came(bytes, self.now_ms()) && !last {
            return Err(self.refuse(Refusal::BodyTimeout));
        }
        let Some(left) = self.left.get() else { return Ok(()) };
        match left.checked_sub(bytes as u64) {
            None => Err(self.refuse(Refusal::BodyTooLarge)),
            rest => {
                self.left.set(rest);
                Ok(())
            }
        }
    }

    /// Trailers never add to who is calling or where from (sec-H5).
    fn clean(&self, trailers: &mut HeaderMap) {
        let gone: Vec<_> = trailers
            .keys()
            .filter(|name| {
                let text = name.as_str();
                wire::is_hop_by_hop(text)
                    || wire::is_claim(text)
                    || self.snapshot.identity.is_identity(text)
                    || matches!(
                        **name,
                        header::AUTHORIZATION
                            | header::COOKIE
                            | header::HOST
                            | header::CONTENT_LENGTH
                            | header::TRANSFER_ENCODING
                    )
            })
            .cloned()
            .collect();
        for name in gone {
            trailers.remove(name);
        }
    }
}

/// The body of a request on its way to the upstream; none of both for a request without one.
#[derive(Debug)]
pub(super) struct RequestBody(Option<(Incoming, Rc<Upload>)>);

impl RequestBody {
    pub(super) const fn empty() -> Self {
        Self(None)
    }

    pub(super) const fn new(body: Incoming, upload: Rc<Upload>) -> Self {
        Self(Some((body, upload)))
    }
}

impl hyper::body::Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some((body, upload)) = &mut self.0 else { return Poll::Ready(None) };
        // The context is that of the line, which notes things and wakes nobody.
        if let Some(hold) = &upload.hold {
            ready!(upload.polling(|context| hold.poll(context)));
        }
        let polled = upload.polling(|context| Pin::new(&mut *body).poll_frame(context));
        let Poll::Ready(frame) = polled else {
            upload.pace.wait(upload.now_ms());
            return Poll::Pending;
        };
        Poll::Ready(match frame {
            None => {
                upload.moved(true);
                None
            }
            Some(Err(_)) => Some(Err(upload.refuse(Refusal::BadRequest(BadRequest::Body)))),
            Some(Ok(mut frame)) => {
                let last = body.is_end_stream();
                let taken = upload.take(frame.data_ref().map_or(0, Buf::remaining), last);
                if let Some(trailers) = frame.trailers_mut() {
                    upload.clean(trailers);
                }
                upload.moved(last);
                Some(taken.map(|()| frame))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(|(body, _)| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(|| SizeHint::with_exact(0), |(body, _)| body.size_hint())
    }
}
