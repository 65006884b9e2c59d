//! The body of a request on its way into a session of HTTP/2.

use std::cell::{OnceCell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use crate::domain::refusal::Refusal;
use crate::gateway::alarm::Alarm;
use crate::gateway::body::RequestBody;

/// What whoever waits for an answer shares with the task that sends the body: this, and once it goes on beside its answer
/// when to stop, and what to let go of then.
#[derive(Default)]
pub(super) struct Beside {
    body: RefCell<Option<RequestBody>>,
    /// Set once it need not go out again, since an answer came.
    answered: OnceCell<()>,
    pub(super) limit: OnceCell<Rc<Alarm>>,
    pub(super) under_way: OnceCell<Box<dyn std::any::Any>>,
}

impl Beside {
    /// Of a request that goes out; what is short of its body is kept until an answer comes.
    pub(super) fn begin(&self, mut body: Option<RequestBody>) {
        body.iter_mut().for_each(RequestBody::keeps);
        *self.body.borrow_mut() = body;
    }

    /// The body, for another try; whoever sends it sends no more.
    pub(super) fn take_back(&self) -> Option<RequestBody> {
        self.body.borrow_mut().take()
    }

    /// An answer came.
    pub(super) fn is_answered(&self, is_sending: bool) {
        let _ = self.answered.set(());
        let mut body = self.body.borrow_mut();
        if is_sending {
            body.iter_mut().for_each(RequestBody::forgets);
        } else {
            drop(body.take());
        }
    }
}

/// The body of a request, as the library asks for it.
pub(super) struct Sending {
    /// How much is still to come, where that was said.
    pub(super) left: Option<u64>,
    pub(super) beside: Rc<Beside>,
}

/// Why a body does not come to its end. Whose fault it is, its upload knows.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unsent {
    #[error("the client's body was refused: {}", .0.reason())]
    Refused(Refusal),
    #[error("its answer is over")]
    Over,
}

impl Sending {
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
        // Else it may have to go out again.
        if self.beside.answered.get().is_some() {
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
        if let Some(limit) = self.beside.limit.get() {
            if limit.take_rung() {
                return Poll::Ready(Some(Err(Unsent::Over)));
            }
            limit.wake_me(context);
        }
        let beside = Rc::clone(&self.beside);
        let mut body = beside.body.borrow_mut();
        // It goes out elsewhere.
        let Some(body) = &mut *body else { return Poll::Ready(Some(Err(Unsent::Over))) };
        let wrong = |body: &RequestBody| Some(Err(Unsent::Refused(body.refuse())));
        Poll::Ready(match ready!(body.poll_part(context)) {
            Some(Ok(part)) if self.pass(&part) => Some(Ok(part)),
            Some(Ok(_)) => wrong(body),
            Some(Err(refusal)) => Some(Err(Unsent::Refused(refusal))),
            None if self.left.is_some_and(|left| left > 0) => wrong(body),
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        let body = self.beside.body.borrow();
        body.as_ref().is_none_or(RequestBody::is_end) && self.left.unwrap_or_default() == 0
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
