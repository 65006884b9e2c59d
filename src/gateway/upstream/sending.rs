//! The body of a request on its way into a session of HTTP/2.

use std::cell::{Cell, OnceCell, RefCell};
use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use crate::domain::refusal::Refusal;
use crate::gateway::body::RequestBody;

use super::turns::Turn;

/// Whether a body goes no further; whoever asks is woken when that is so.
type IsOver = Box<dyn Fn(&mut Context<'_>) -> bool>;

/// What whoever waits for an answer shares with the task that sends the body: this, and once it goes on beside its answer
/// when to stop.
pub(super) struct Beside {
    body: RefCell<Option<RequestBody>>,
    /// Set once it need not go out again, since an answer came.
    answered: Cell<bool>,
    /// Whether somebody sends it, and whether it was only handed over for that, or given back while it waited.
    sends: Cell<bool>,
    waits: Cell<bool>,
    returned: Cell<bool>,
    /// Whether nobody waits for an answer any more, without having left the body to itself.
    over: Cell<bool>,
    left: OnceCell<IsOver>,
    /// Whoever sends it, and may wait for room that the upstream never gives.
    sender: RefCell<Option<Waker>>,
    /// The upstream counts it until both are done with it.
    turn: Turn,
}

impl fmt::Debug for Beside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Beside").field("sends", &self.sends).finish_non_exhaustive()
    }
}

impl Beside {
    pub(super) fn new(turn: Turn) -> Rc<Self> {
        Rc::new(Self {
            body: RefCell::default(),
            answered: Cell::default(),
            sends: Cell::default(),
            waits: Cell::default(),
            returned: Cell::default(),
            over: Cell::default(),
            left: OnceCell::new(),
            sender: RefCell::default(),
            turn,
        })
    }

    /// Of a request that goes out; what is short of its body is kept until an answer comes.
    pub(super) fn begin(
        self: &Rc<Self>,
        mut body: Option<RequestBody>,
        left: Option<u64>,
        (begun, opens): (&Rc<Begun>, bool),
    ) -> Sending {
        body.iter_mut().for_each(RequestBody::keeps);
        *self.body.borrow_mut() = body;
        self.sends.set(true);
        self.waits.set(true);
        self.turn.0.waits();
        let (beside, begun, asked) = (Rc::clone(self), Rc::clone(begun), Cell::new(false));
        Sending { left, beside, begun, opens, asked }
    }

    /// The body, for another try; whoever sends it sends no more.
    pub(super) fn take_back(&self) -> Option<RequestBody> {
        self.body.borrow_mut().take()
    }

    /// Why it was given up, if it was.
    pub(super) fn refused(&self) -> Option<Refusal> {
        self.body.borrow().as_ref().and_then(RequestBody::refused)
    }

    /// Whether it does not go out yet, which the library does at once where it may.
    pub(super) fn is_waiting(&self) -> bool {
        self.waits.get()
    }

    /// Whether its session gave it back before it went out.
    pub(super) fn is_returned(&self) -> bool {
        self.returned.get()
    }

    fn goes_out(&self) {
        if self.waits.replace(false) {
            self.turn.0.one_went();
        }
    }

    /// An answer came.
    pub(super) fn is_answered(&self) {
        self.answered.set(true);
        let mut body = self.body.borrow_mut();
        if self.sends.get() {
            body.iter_mut().for_each(RequestBody::forgets);
        } else {
            drop(body.take());
        }
    }

    /// Whether its end has not gone out.
    pub(super) fn is_sending(&self) -> bool {
        self.sends.get()
    }

    /// The body goes on beside its answer, until it `is_over`.
    pub(super) fn leave(&self, is_over: impl Fn(&mut Context<'_>) -> bool + 'static) {
        // It is left once.
        let _ = self.left.set(Box::new(is_over));
        self.wake_sender();
    }

    /// Nobody waits for the answer any more; the body goes on only where it was left to itself.
    pub(super) fn give_up(&self) {
        if self.left.get().is_none() {
            self.over.set(true);
            self.wake_sender();
        }
        if self.waits.get() {
            // It may still go out, and not to its end.
            drop(self.take_back());
        }
    }

    fn wake_sender(&self) {
        if let Some(waker) = self.sender.take() {
            waker.wake();
        }
    }

    /// Whether it goes no further, for whoever sends it.
    fn is_over(&self, context: &mut Context<'_>) -> bool {
        if let Some(is_over) = self.left.get() {
            return is_over(context);
        }
        match &mut *self.sender.borrow_mut() {
            Some(sender) => sender.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
        self.over.get()
    }
}

/// Where a body that is asked for the first time says whose it is: what the library spawns then is what sends the rest, or
/// waits for the answer that opens its stream.
pub(super) type Begun = RefCell<Option<Rc<Beside>>>;

/// Sends a body, or what is said on a stream, as far as there is room until it is over. The library does not ask while there
/// is none at the upstream; what is dropped here resets its stream (RFC 9113 section 5.4.2).
pub(super) async fn see_out(
    sending: impl Future<Output = ()>,
    beside: Rc<Beside>,
    begun: Rc<Begun>,
) {
    let mut sending = pin!(sending);
    poll_fn(|context| {
        // What waits for an answer that opens a stream spawns what sends on it.
        let before = begun.replace(Some(Rc::clone(&beside)));
        let sent = sending.as_mut().poll(context);
        begun.replace(before);
        if sent.is_pending() && beside.is_over(context) { Poll::Ready(()) } else { sent }
    })
    .await;
}

/// The body of a request, as the library asks for it.
pub(super) struct Sending {
    /// How much is still to come, where that was said.
    left: Option<u64>,
    beside: Rc<Beside>,
    begun: Rc<Begun>,
    /// Whether the answer opens a stream.
    opens: bool,
    /// Whether it was asked for anything.
    asked: Cell<bool>,
}

/// A body that does not come to its end; whose fault that is, its upload knows. Its stream is reset for the reason that this
/// has.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub(super) struct Unsent {
    why: &'static str,
    source: h2::Error,
}

impl Unsent {
    fn new(why: &'static str) -> Self {
        Self { why, source: h2::Reason::CANCEL.into() }
    }
}

impl Sending {
    fn is_asked(&self) {
        if !self.asked.replace(true) {
            self.begun.replace(Some(Rc::clone(&self.beside)));
        }
    }

    /// Takes note of a part; false where it is more than the head said.
    fn pass(&mut self, part: &Frame<Bytes>) -> bool {
        let (Some(left), Some(data)) = (&mut self.left, part.data_ref()) else { return true };
        let rest = left.checked_sub(data.len() as u64);
        *left = rest.unwrap_or_default();
        rest.is_some()
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.begun.take();
        if self.beside.waits.get() && self.beside.turn.0.are_returned() {
            self.beside.returned.set(true);
        }
        self.beside.goes_out();
        self.beside.sends.set(false);
        // Else it may have to go out again.
        if self.beside.answered.get() {
            drop(self.beside.take_back());
        }
    }
}

impl Body for Sending {
    type Data = Bytes;
    type Error = Unsent;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Unsent>>> {
        let beside = Rc::clone(&self.beside);
        self.is_asked();
        beside.goes_out();
        let mut body = beside.body.borrow_mut();
        let unsent = |why| Poll::Ready(Some(Err(Unsent::new(why))));
        let Some(body) = &mut *body else { return unsent("it goes out elsewhere") };
        match ready!(body.poll_part(context)) {
            Some(Ok(part)) if self.pass(&part) => return Poll::Ready(Some(Ok(part))),
            Some(Err(refusal)) => return unsent(refusal.reason()),
            None if self.left.is_none_or(|left| left == 0) => return Poll::Ready(None),
            Some(Ok(_)) | None => {}
        }
        unsent(body.refuse().reason())
    }

    fn is_end_stream(&self) -> bool {
        if self.opens {
            // Such a request is asked for nothing but this.
            self.is_asked();
        }
        let body = self.beside.body.borrow();
        body.as_ref().is_none_or(RequestBody::is_end) && self.left.unwrap_or_default() == 0
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
