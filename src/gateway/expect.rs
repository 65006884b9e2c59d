//! `Expect: 100-continue` (RFC 9110 section 10.1.1): the client's body waits until the upstream has said
//! that it wants it, so that a refused upload costs nobody its bytes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// How long the upstream has to say so. Some never do; then the body goes on its way unasked.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// Holds a body back. It is shared with a callback that hyper wants to be able to send to other threads.
#[derive(Debug, Default)]
pub(super) struct Hold {
    released: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Hold {
    /// Lets the body go.
    pub(super) fn release(&self) {
        self.released.store(true, Ordering::Release);
        if let Some(waker) = self.waker.lock().unwrap_or_else(PoisonError::into_inner).take() {
            waker.wake();
        }
    }

    /// Whether the body may go.
    pub(super) fn is_released(&self) -> bool {
        self.released.load(Ordering::Acquire)
    }

    pub(super) fn poll(&self, context: &Context<'_>) -> Poll<()> {
        if self.is_released() {
            return Poll::Ready(());
        }
        let mut waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
        *waker = Some(context.waker().clone());
        // Released between the first look and the waker's arrival.
        if self.is_released() { Poll::Ready(()) } else { Poll::Pending }
    }
}
