//! Heads of answers on their way to a client: hyper writes how a message ends, and the upstream's
//! fields go in as they were read.
//!
//! Through a header map each of them would be hashed, compared and written again, and lose its
//! spelling.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite;

use super::upstream::Waiting;

/// Bodies up to this go out together with their head: copying them costs less than a second call,
/// or a list of pieces.
const TOGETHER_BYTES: usize = 4_096;

/// Whether pieces are small enough to be copied together.
pub(super) fn go_together(slices: &[IoSlice<'_>]) -> bool {
    slices.iter().map(|slice| slice.len()).fold(0, usize::saturating_add) <= TOGETHER_BYTES
}

/// Takes a head from the beginning of `slices` into `text`, with the fields that wait for it.
/// Answers how many bytes it took; a small body goes with it.
pub(super) fn take(slices: &[IoSlice<'_>], waiting: &mut Waiting, text: &mut Vec<u8>) -> usize {
    let head = slices.first().map_or(&[][..], |slice| slice);
    waiting.put_into(head, text);
    let more = gather(slices.get(1..).unwrap_or_default(), text);
    head.len().saturating_add(more)
}

/// Takes the first of `slices` as they are, as long as they are small; answers how many bytes.
pub(super) fn gather(slices: &[IoSlice<'_>], text: &mut Vec<u8>) -> usize {
    let mut taken = 0_usize;
    for slice in slices {
        if text.len().saturating_add(slice.len()) > TOGETHER_BYTES {
            break;
        }
        text.extend_from_slice(slice);
        taken = taken.saturating_add(slice.len());
    }
    taken
}

/// Where a core puts heads together. What goes out at once, as it nearly always does, takes no
/// memory of its connection.
#[derive(Debug, Default)]
pub(super) struct Desk(RefCell<Vec<u8>>);

impl Desk {
    /// Lends it, empty.
    pub(super) fn lend(&self) -> Vec<u8> {
        self.0.take()
    }

    /// Takes it back; what a long head took is not kept.
    pub(super) fn take_back(&self, mut text: Vec<u8>) {
        text.clear();
        text.shrink_to(2 * TOGETHER_BYTES);
        self.0.replace(text);
    }
}

/// What did not go out at once. It has to be written with [`Rest::poll`] before anything else.
#[derive(Debug, Default)]
pub(super) struct Rest {
    bytes: Vec<u8>,
    written: usize,
}

impl Rest {
    pub(super) fn keep(&mut self, bytes: &[u8]) {
        self.bytes = bytes.to_vec();
    }

    /// Whether nothing is left to write.
    pub(super) const fn is_written(&self) -> bool {
        self.bytes.is_empty()
    }

    /// How much of it is written by now.
    pub(super) const fn written(&self) -> usize {
        self.written
    }

    /// Writes what is left.
    pub(super) fn poll(
        &mut self,
        stream: &mut (impl AsyncWrite + Unpin),
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while let Some(rest) = self.bytes.get(self.written..).filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut *stream).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                more => self.written = self.written.saturating_add(more),
            }
        }
        *self = Self::default();
        Poll::Ready(Ok(()))
    }
}
