//! Heads of answers on their way to a client: hyper writes how a message ends, and the upstream's
//! fields go in as they were read.
//!
//! Through a header map each of them would be hashed, compared and written again, and lose its
//! spelling.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite;
use tokio::net::TcpStream;

use super::upstream::Waiting;

/// Bodies up to this go out together with their head: copying them costs less than a second call,
/// or a list of pieces.
const TOGETHER_BYTES: usize = 4_096;

/// Whether pieces are small enough to be copied together.
pub(super) fn go_together(slices: &[IoSlice<'_>]) -> bool {
    slices.iter().map(|slice| slice.len()).fold(0, usize::saturating_add) <= TOGETHER_BYTES
}

/// A head that is being written.
#[derive(Debug, Default)]
pub(super) struct Head {
    bytes: Vec<u8>,
    written: usize,
}

impl Head {
    /// Takes a head from the beginning of `slices`, with the fields that wait for it. Answers how
    /// many bytes it took; a small body goes with it. What is taken has to be written with
    /// [`Head::poll`] before anything else.
    pub(super) fn take(&mut self, slices: &[IoSlice<'_>], waiting: &mut Waiting) -> usize {
        let head = slices.first().map_or(&[][..], |slice| slice);
        waiting.put_into(head, &mut self.bytes);
        let more = self.gather(slices.get(1..).unwrap_or_default());
        head.len().saturating_add(more)
    }

    /// Takes the first of `slices` as they are, as long as they are small; answers how many bytes.
    pub(super) fn gather(&mut self, slices: &[IoSlice<'_>]) -> usize {
        let mut taken = 0_usize;
        for slice in slices {
            if self.bytes.len().saturating_add(slice.len()) > TOGETHER_BYTES {
                break;
            }
            self.bytes.extend_from_slice(slice);
            taken = taken.saturating_add(slice.len());
        }
        taken
    }

    /// Whether nothing is left to write.
    pub(super) const fn is_written(&self) -> bool {
        self.bytes.is_empty()
    }

    /// How much of it is written.
    pub(super) const fn written(&self) -> usize {
        self.written
    }

    /// Writes what is left.
    pub(super) fn poll(
        &mut self,
        stream: &mut TcpStream,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while let Some(rest) = self.bytes.get(self.written..).filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut *stream).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                more => self.written = self.written.saturating_add(more),
            }
        }
        self.bytes.clear();
        // What a long head took is not kept by a connection that may be idle from here on.
        self.bytes.shrink_to(2 * TOGETHER_BYTES);
        self.written = 0;
        Poll::Ready(Ok(()))
    }
}
