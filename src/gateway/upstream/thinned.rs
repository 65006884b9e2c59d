//! What an upstream of HTTP/2 sends, without the frames of bodies that hold nothing and end nothing. They are legal (RFC 9113
//! section 6.1), and some servers send them where a program writes an empty piece; the library ends a session with the
//! hundred and first, and whatever else is under way there.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A frame's head (RFC 9113 section 4.1).
const HEAD_BYTES: usize = 9;

/// The heads of what is left out: no length, of the kind `DATA`, without a flag.
const EMPTY: [u8; 5] = [0; 5];

/// A connection to an upstream.
#[derive(Debug)]
pub(super) struct Thinned<S> {
    stream: S,
    frames: Frames,
}

/// Where frames end.
#[derive(Debug, Default)]
struct Frames {
    /// How much of a frame is still to come.
    left: usize,
    /// The length that its head says, as far as that came in another read than its end.
    length: usize,
    /// How much of a head came so.
    have: usize,
}

impl<S> Thinned<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, frames: Frames::default() }
    }
}

impl Frames {
    /// Leaves out what is whole in these `bytes`: how many of them are left.
    fn thin(&mut self, bytes: &mut [u8]) -> usize {
        let (mut from, mut to) = (0, 0);
        while let Some(rest) = bytes.get(from..).filter(|rest| !rest.is_empty()) {
            let passes = match rest.first_chunk::<HEAD_BYTES>() {
                _ if self.left > 0 => self.left.min(rest.len()),
                Some(head) if self.have == 0 => {
                    if head.starts_with(&EMPTY) {
                        from = from.saturating_add(HEAD_BYTES);
                        continue;
                    }
                    let [a, b, c, ..] = *head;
                    self.left = length([a, b, c]).saturating_add(HEAD_BYTES);
                    continue;
                }
                _ => self.begin(rest),
            };
            self.left = self.left.saturating_sub(passes);
            let end = from.saturating_add(passes);
            if from != to {
                bytes.copy_within(from..end, to);
            }
            (from, to) = (end, to.saturating_add(passes));
        }
        to
    }

    /// Takes what came of a head that does not come in one piece, and passes as it is.
    fn begin(&mut self, rest: &[u8]) -> usize {
        let taken = rest.len().min(HEAD_BYTES.saturating_sub(self.have));
        for byte in rest.iter().take(taken) {
            if self.have < 3 {
                self.length = self.length << 8 | usize::from(*byte);
            }
            self.have = self.have.saturating_add(1);
        }
        if self.have == HEAD_BYTES {
            // What is taken now counts as well.
            self.left = self.length.saturating_add(taken);
            (self.have, self.length) = (0, 0);
        }
        taken
    }
}

fn length([a, b, c]: [u8; 3]) -> usize {
    usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c)
}

impl<S: AsyncRead + Unpin> AsyncRead for Thinned<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        loop {
            ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
            let came = buffer.filled_mut().get_mut(before..).unwrap_or_default();
            if came.is_empty() {
                return Poll::Ready(Ok(()));
            }
            let left = self.frames.thin(came);
            buffer.set_filled(before.saturating_add(left));
            // Nothing would be the end.
            if left > 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Thinned<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use proptest::prelude::*;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let [_, length @ ..] = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&length, &[kind, flags, 0, 0, 0, 1][..], payload].concat()
    }

    fn thinned(frames: &mut Frames, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        let left = frames.thin(&mut bytes);
        bytes.truncate(left);
        bytes
    }

    #[test]
    fn empty_parts_are_left_out_and_nothing_else_is() {
        let kept = [frame(1, 4, b"head"), frame(0, 0, b"x"), frame(0, 1, b""), frame(4, 1, b"")];
        let empty = frame(0, 0, b"");
        let all = [&kept[0][..], &empty, &kept[1], &empty, &empty, &kept[2], &kept[3], &empty];
        assert_eq!(thinned(&mut Frames::default(), &all.concat()), kept.concat());
        // A part is no frame, whatever it looks like.
        let inside = frame(0, 0, &empty.repeat(3));
        assert_eq!(thinned(&mut Frames::default(), &inside), inside);
    }

    proptest! {
        /// However it comes, the frames that mean something come whole and in their order.
        #[test]
        fn what_is_left_are_the_same_frames(
            kinds in proptest::collection::vec((0..3_u8, 0..2_u8, 0..30_usize), 0..20),
            cuts in proptest::collection::vec(1..40_usize, 1..60),
        ) {
            let means = |(kind, flags, length): &(u8, u8, usize)| (*kind, *flags, *length) != (0, 0, 0);
            let written = |one: &(u8, u8, usize)| frame(one.0, one.1, &vec![0; one.2]);
            let all: Vec<u8> = kinds.iter().flat_map(written).collect();
            let wanted: Vec<u8> = kinds.iter().filter(|one| means(one)).flat_map(written).collect();
            let (mut frames, mut rest, mut came) = (Frames::default(), &all[..], Vec::new());
            for cut in cuts.iter().cycle() {
                let (now, later) = rest.split_at(rest.len().min(*cut));
                came.extend(thinned(&mut frames, now));
                rest = later;
                if rest.is_empty() {
                    break;
                }
            }
            // One whose head came in two pieces may have passed.
            let mut again = Frames::default();
            prop_assert_eq!(thinned(&mut again, &came), wanted);
            let whole = thinned(&mut Frames::default(), &all);
            prop_assert!(whole.len() <= came.len() && came.len() <= all.len());
        }
    }
}
