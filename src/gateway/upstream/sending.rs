//! The body of a request on its way into a session of HTTP/2.

use std::cell::OnceCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use crate::domain::refusal::Refusal;
use crate::gateway::alarm::Alarm;
use crate::gateway::body::RequestBody;

/// What the task that sends a body beside its answer is told: when to stop, and what to let go of then.
#[derive(Default)]
pub(super) struct Beside {
    pub(super) limit: OnceCell<Rc<Alarm>>,
    pub(super) under_way: OnceCell<Box<dyn std::any::Any>>,
}

/// The body of a request, as the library asks for it.
pub(super) struct Sending {
    pub(super) body: Option<RequestBody>,
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
    /// Takes note of a part.
    fn pass(&mut self, part: &Frame<Bytes>) -> Result<(), Unsent> {
        let (Some(left), Some(data)) = (&mut self.left, part.data_ref()) else { return Ok(()) };
        match left.checked_sub(data.len() as u64) {
            Some(rest) => *left = rest,
            None => return Err(self.wrong()),
        }
        Ok(())
    }

    /// Its length is not what its head said.
    fn wrong(&self) -> Unsent {
        self.body.as_ref().map_or(Unsent::Over, |body| Unsent::Refused(body.refuse()))
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
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        match ready!(body.poll_part(context)) {
            Some(Ok(part)) => {
                if let Err(unsent) = self.pass(&part) {
                    return Poll::Ready(Some(Err(unsent)));
                }
                Poll::Ready(Some(Ok(part)))
            }
            Some(Err(refusal)) => Poll::Ready(Some(Err(Unsent::Refused(refusal)))),
            None if self.left.is_some_and(|left| left > 0) => Poll::Ready(Some(Err(self.wrong()))),
            None => {
                self.body = None;
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(RequestBody::is_end) && self.left.unwrap_or_default() == 0
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
