//! Bodies on their way through: never gathered, bounded in size, and watched so that a stalled or
//! broken one is told apart by whose fault it is.

mod kept;

use std::cell::{Cell, OnceCell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http::HeaderName;
use http::header::{self, HeaderMap};
use hyper::body::{Body as _, Frame, Incoming};

use crate::cache::Seat;
use crate::config::settings::Dialect;
use crate::domain::refusal::{BadRequest, Refusal};
use crate::wire;

use super::alarm::Alarm;
use super::dialect;
use super::gate::Turn;
use super::pace::Pace;
use super::snapshot::Snapshot;

use kept::Kept;

/// How long an upstream has to say that it wants a body. Some never do; then the body goes on its
/// way unasked (RFC 9110 section 10.1.1).
const PATIENCE: Duration = Duration::from_secs(1);

/// What both halves of an exchange know of the request's body.
#[derive(Debug)]
pub(super) struct Upload {
    /// Whether all of it was passed on.
    done: Cell<bool>,
    done_at_ms: Cell<u64>,
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
    /// The time limit of the connection that it goes out on.
    way: RefCell<Option<Rc<Alarm>>>,
    snapshot: Arc<Snapshot>,
    /// That of the API.
    dialect: Dialect,
    /// Whether it waits until the upstream has said that it wants it, so that a refused upload
    /// costs nobody its bytes.
    held: Cell<bool>,
    /// The place among its token's requests at a time, which it keeps as long as it goes on.
    seat: OnceCell<Rc<Seat>>,
    /// The same of its upstream's.
    turn: OnceCell<Rc<Turn>>,
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
        (snapshot, dialect): (&Arc<Snapshot>, Dialect),
        limit: Option<u64>,
        response_timeout: Duration,
        held: bool,
    ) -> Rc<Self> {
        let limits = &snapshot.limits;
        Rc::new(Self {
            done: Cell::new(false),
            done_at_ms: Cell::new(0),
            patient: Cell::new(false),
            pace: Pace::new(limits.body_rate, limits.stall_timeout),
            refused: Cell::new(None),
            left: Cell::new(limit),
            stall_timeout: limits.stall_timeout,
            response_timeout,
            beside: OnceCell::new(),
            way: RefCell::new(None),
            snapshot: Arc::clone(snapshot),
            dialect,
            held: Cell::new(held),
            seat: OnceCell::new(),
            turn: OnceCell::new(),
        })
    }

    /// Keeps a place until it is over, which may be after its answer.
    pub(super) fn keep(&self, seat: &Rc<Seat>) {
        let _ = self.seat.set(Rc::clone(seat));
    }

    /// The same with leave to go to its upstream.
    pub(super) fn keep_turn(&self, turn: &Rc<Turn>) {
        let _ = self.turn.set(Rc::clone(turn));
    }

    /// Whether it was only the patience that ran out; the body goes then, also without a word.
    pub(super) fn let_go(&self) -> bool {
        let patient = self.patient.take();
        if patient {
            self.held.set(false);
        }
        patient
    }

    /// Goes on with the time that a body has.
    pub(super) fn go_on(&self) {
        if let Some(beside) = self.beside.get() {
            if beside.answer_is_over.get() {
                beside.limit.set(self.stall_timeout);
            } else if let Some(alarm) = self.way.borrow().as_ref() {
                // It is the answer that is waited for, if anything is. That the body moves shows
                // that the upstream is at work.
                alarm.prolong(beside.stall_timeout);
            }
            return;
        }
        self.set_alarm(if self.done.get() { self.response_timeout } else { self.stall_timeout });
    }

    /// The answer has begun before the body is over, and has the time limit until it is over too.
    /// Answers what ends the body then.
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

    /// Whether the answer began before the body was over, and has come to its end.
    pub(super) fn is_outlived(&self) -> bool {
        self.beside.get().is_some_and(|beside| beside.answer_is_over.get())
    }

    /// Nothing more of the answer comes. If it came to its end, the body may do so too; from here
    /// on it has a time limit of its own.
    pub(super) fn answer_is_over(&self, whole: bool) {
        let Some(beside) = self.beside.get() else { return };
        beside.answer_is_over.set(true);
        if whole {
            beside.limit.set(self.stall_timeout);
            // It looks whether the upstream wants more.
            beside.limit.wake();
        } else {
            beside.limit.ring();
        }
    }

    fn set_alarm(&self, after: Duration) {
        if let Some(alarm) = self.way.borrow().as_ref() {
            alarm.set(after);
        }
    }

    /// Takes part in the time limit of the connection that the request goes out on.
    pub(super) fn watch(&self, alarm: &Rc<Alarm>) {
        *self.way.borrow_mut() = Some(Rc::clone(alarm));
        self.patient.set(self.held.get());
        self.set_alarm(match (self.held.get(), self.done.get()) {
            (true, _) => PATIENCE,
            (false, true) => self.response_timeout,
            (false, false) => self.stall_timeout,
        });
    }

    /// How long all of it has been there; not at all where it has not.
    pub(super) fn done_for(&self) -> Duration {
        let since_ms = if self.done.get() { self.done_at_ms.get() } else { u64::MAX };
        Duration::from_millis(self.now_ms().saturating_sub(since_ms))
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
            self.done_at_ms.set(self.now_ms());
        }
        self.patient.set(false);
        self.go_on();
    }

    fn refuse(&self, refusal: Refusal) -> Refusal {
        self.refused.set(Some(refusal));
        refusal
    }

    fn now_ms(&self) -> u64 {
        self.way.borrow().as_ref().map_or(0, |alarm| alarm.now_ms())
    }

    fn take(&self, bytes: usize, last: bool) -> Result<(), Refusal> {
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
}

/// Whether a field behind the body of a request goes on: it never adds to who is calling or where from (sec-H5).
pub(super) fn may_trail(name: &HeaderName, dialect: Dialect, snapshot: &Snapshot) -> bool {
    let text = name.as_str();
    wire::trailers::may_trail(name)
        && *name != header::COOKIE
        && !wire::is_framing_alias(text)
        && !wire::is_claim(text)
        && !snapshot.identity.is_identity(text)
        && !dialect::withholds(dialect, text, false)
}

/// The body of a request on its way to the upstream.
#[derive(Debug)]
pub(super) struct RequestBody {
    body: Incoming,
    upload: Rc<Upload>,
    /// Set to false once its end is known, where that may be another than it seems.
    unsettled: Option<Rc<Cell<bool>>>,
    http2: bool,
    kept: Kept,
    /// Whether all of it came.
    over: bool,
}

impl RequestBody {
    pub(super) fn new(
        body: Incoming,
        (upload, unsettled): (Rc<Upload>, Option<Rc<Cell<bool>>>),
        http2: bool,
    ) -> Self {
        Self { body, upload, unsettled, http2, kept: Kept::default(), over: false }
    }

    /// The upstream wants it.
    pub(super) fn let_go(&self) {
        self.upload.held.set(false);
    }

    /// Whether it has outlived its answer.
    pub(super) fn outlived_its_answer(&self) -> bool {
        self.upload.is_outlived()
    }

    /// Whether it is known that nothing follows.
    pub(super) fn is_end(&self) -> bool {
        self.kept.is_passed() && (self.over || self.body.is_end_stream())
    }

    /// What goes out of it from here on is kept, if it is short, so that all of it can go out again.
    pub(super) fn keeps(&mut self) {
        self.kept.begin();
    }

    /// It need not go out again.
    pub(super) fn forgets(&mut self) {
        self.kept.forget();
    }

    /// It goes out again from its beginning; false where that was not kept.
    pub(super) fn begins_again(&mut self) -> bool {
        self.kept.rewind()
    }

    /// It is not what its head said.
    pub(super) fn refuse(&self) -> Refusal {
        self.upload.refuse(Refusal::BadRequest(BadRequest::Body))
    }

    /// Why it was given up, if it was.
    pub(super) fn refused(&self) -> Option<Refusal> {
        self.upload.refused.get()
    }

    /// The next part of it; none when it is over.
    pub(super) fn poll_part(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Refusal>>> {
        let Self { body, upload, unsettled, http2, kept, over } = self;
        if let Some(part) = kept.next() {
            return Poll::Ready(Some(Ok(Frame::data(part))));
        }
        if *over {
            return Poll::Ready(None);
        }
        if upload.held.get() {
            // Whoever lets it go looks here again.
            return Poll::Pending;
        }
        let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(context) else {
            upload.pace.wait(upload.now_ms());
            return Poll::Pending;
        };
        Poll::Ready(match frame {
            // hyper takes a stream that was reset without an error for one that is over. Only its
            // end is the end of the body (RFC 9113 section 8.1).
            None if *http2 && !body.is_end_stream() => Some(Err(self.refuse())),
            None => {
                *over = true;
                let _ = unsettled.as_ref().map(|unsettled| unsettled.set(false));
                upload.moved(true);
                None
            }
            Some(Err(_)) => Some(Err(self.refuse())),
            // In HTTP/1 hyper has taken what follows a bare line feed for trailers.
            Some(Ok(frame)) if !*http2 && frame.trailers_ref().is_some_and(HeaderMap::is_empty) => {
                Some(Err(self.refuse()))
            }
            Some(Ok(mut frame)) => {
                let last = body.is_end_stream() || frame.is_trailers();
                if last && frame.is_data() {
                    let _ = unsettled.as_ref().map(|unsettled| unsettled.set(false));
                }
                let taken = upload.take(frame.data_ref().map_or(0, Buf::remaining), last);
                if let Some(trailers) = frame.trailers_mut() {
                    let goes_on =
                        |name: &HeaderName| may_trail(name, upload.dialect, &upload.snapshot);
                    wire::trailers::keep(trailers, goes_on);
                }
                kept.add(frame.data_ref());
                upload.moved(last);
                Some(taken.map(|()| frame))
            }
        })
    }
}

#[cfg(test)]
mod tests;
