//! What an upstream of HTTP/2 sends, with fewer frames of bodies: those that hold nothing and end nothing are left out, and what
//! comes of one body in one breath is one frame. All of that is legal (RFC 9113 section 6.1), some servers write a frame for
//! every piece that a program writes, and the library ends a session, with whatever else is under way there, behind the hundred
//! and first empty one, and where too many small ones lie unread.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A frame's head (RFC 9113 section 4.1).
const HEAD_BYTES: usize = 9;

/// As long as a frame may be, since nothing else was agreed on (section 4.2).
const FRAME_BYTES: usize = 16_384;

const DATA: u8 = 0;
const END_STREAM: u8 = 1;

/// A connection to an upstream.
#[derive(Debug)]
pub(super) struct Thinned<S> {
    stream: S,
    /// How much of a frame is still to come, that passes as it is.
    left: usize,
    head: Held,
}

/// What has come of a head, of which the rest comes with another read; or a head, of which a part has gone out.
#[derive(Debug, Default)]
struct Held {
    bytes: [u8; HEAD_BYTES],
    have: usize,
    gone: usize,
}

/// The head of a frame.
#[derive(Clone, Copy)]
struct Head {
    length: usize,
    kind: u8,
    flags: u8,
    stream: [u8; 4],
}

impl Head {
    const fn of([a, b, c, kind, flags, stream @ ..]: [u8; HEAD_BYTES]) -> Self {
        let length = (a as usize) << 16 | (b as usize) << 8 | c as usize;
        Self { length, kind, flags, stream }
    }

    /// Whether it holds nothing, no padding either, and ends nothing.
    const fn is_empty(self) -> bool {
        self.kind == DATA && self.flags == 0 && self.length == 0
    }

    /// Whether it may become one with what comes behind it.
    const fn goes_on(self) -> bool {
        self.kind == DATA && self.flags == 0
    }

    /// One of both, if the next one is of the same body and all of that fits.
    fn and(self, next: Self) -> Option<Self> {
        let (length, flags) = (self.length.saturating_add(next.length), next.flags);
        let is_one = self.goes_on()
            && next.kind == DATA
            && flags & !END_STREAM == 0
            && next.stream == self.stream
            && length <= FRAME_BYTES;
        is_one.then_some(Self { length, flags, ..self })
    }

    fn bytes(self) -> [u8; HEAD_BYTES] {
        // No longer than it came, or than a frame may be.
        let [.., a, b, c] = self.length.to_be_bytes();
        let [d, e, f, g] = self.stream;
        [a, b, c, self.kind, self.flags, d, e, f, g]
    }
}

/// Leaves out of these `bytes`, of which the first ones belong to a frame that has begun, what need not be there: how many are
/// left in front, and how many behind them are the beginning of a head.
fn thin(bytes: &mut [u8], left: &mut usize) -> (usize, usize) {
    let (mut from, mut to) = (0, 0);
    // The frame before, and where its head went, if all of it is here.
    let mut last: Option<(Head, usize)> = None;
    loop {
        let rest = bytes.get(from..).unwrap_or_default();
        let passes = (*left).min(rest.len());
        *left = left.saturating_sub(passes);
        bytes.copy_within(from..from.saturating_add(passes), to);
        (from, to) = (from.saturating_add(passes), to.saturating_add(passes));
        let rest = bytes.get(from..).unwrap_or_default();
        let Some(head) = rest.first_chunk().copied().map(Head::of) else {
            let begun = rest.len();
            bytes.copy_within(from.., to);
            return (to, begun);
        };
        *left = head.length;
        if head.is_empty() {
            from = from.saturating_add(HEAD_BYTES);
            continue;
        }
        let is_here = rest.len().saturating_sub(HEAD_BYTES) >= head.length;
        let one = last.filter(|_| is_here).and_then(|(last, at)| Some((last.and(head)?, at)));
        let (head, at) = one.unwrap_or((head, to));
        if let Some(place) = bytes.get_mut(at..).and_then(|place| place.first_chunk_mut()) {
            *place = head.bytes();
        }
        from = from.saturating_add(HEAD_BYTES);
        to = if one.is_some() { to } else { to.saturating_add(HEAD_BYTES) };
        last = Some((head, at)).filter(|_| is_here);
    }
}

impl Held {
    /// Puts as much as there is room for of what was held: whether all of it is out.
    fn goes_out(&mut self, buffer: &mut ReadBuf<'_>) -> bool {
        let rest = self.bytes.get(self.gone..self.have).unwrap_or_default();
        let part = rest.get(..buffer.remaining().min(rest.len())).unwrap_or_default();
        buffer.put_slice(part);
        self.gone = self.gone.saturating_add(part.len());
        let all = self.gone == self.have;
        if all {
            (self.have, self.gone) = (0, 0);
        }
        all
    }

    fn takes(&mut self, bytes: &[u8]) {
        for (place, byte) in self.bytes.iter_mut().skip(self.have).zip(bytes) {
            *place = *byte;
            self.have = self.have.saturating_add(1);
        }
    }
}

impl<S> Thinned<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, left: 0, head: Held::default() }
    }
}

impl<S: AsyncRead + Unpin> Thinned<S> {
    /// Reads what a head lacks of which a part is held, where there is no room for more than that: whether it goes out now.
    fn poll_head(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let mut lacks = [0; HEAD_BYTES];
        let lacking = HEAD_BYTES.saturating_sub(self.head.have);
        let mut buffer = ReadBuf::new(lacks.get_mut(..lacking).unwrap_or_default());
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
        let came = buffer.filled();
        self.head.takes(came);
        // At the end what there is goes out.
        if came.is_empty() {
            return Poll::Ready(Ok(true));
        }
        if self.head.have < HEAD_BYTES {
            return Poll::Ready(Ok(false));
        }
        let head = Head::of(self.head.bytes);
        self.left = head.length;
        if head.is_empty() {
            self.head.have = 0;
        }
        Poll::Ready(Ok(self.head.have > 0))
    }

    /// Reads behind what is held of a head, which it takes along: how much came that goes out.
    fn poll_more(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<Option<usize>>> {
        let (before, held) = (buffer.filled().len(), self.head.have);
        buffer.put_slice(self.head.bytes.get(..held).unwrap_or_default());
        let with_held = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if !matches!(read, Poll::Ready(Ok(()))) {
            buffer.set_filled(before);
        }
        ready!(read)?;
        self.head.have = 0;
        if buffer.filled().len() == with_held {
            return Poll::Ready(Ok(None));
        }
        let came = buffer.filled_mut().get_mut(before..).unwrap_or_default();
        let (goes, begun) = thin(came, &mut self.left);
        self.head.takes(came.get(goes..goes.saturating_add(begun)).unwrap_or_default());
        buffer.set_filled(before.saturating_add(goes));
        Poll::Ready(Ok(Some(goes)))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Thinned<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        loop {
            let is_whole = self.head.gone > 0;
            if is_whole {
                self.head.goes_out(buffer);
            } else if buffer.remaining() >= HEAD_BYTES || self.head.have == 0 {
                // Nothing would be the end.
                if !matches!(ready!(self.poll_more(context, buffer))?, Some(0)) {
                    return Poll::Ready(Ok(()));
                }
            } else if ready!(self.poll_head(context))? {
                self.head.goes_out(buffer);
            }
            if buffer.filled().len() > before || buffer.remaining() == 0 {
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

    /// A frame: its kind, its flags, its stream, and how much of the payload it has.
    type Told = (u8, u8, u8, usize);

    fn frame((kind, flags, stream, length): Told) -> Vec<u8> {
        let [_, bytes @ ..] = u32::try_from(length).unwrap().to_be_bytes();
        [&bytes, &[kind, flags, 0, 0, 0, stream][..], &vec![stream; length]].concat()
    }

    fn written(frames: &[Told]) -> Vec<u8> {
        frames.iter().flat_map(|one| frame(*one)).collect()
    }

    /// What comes, in pieces of these sizes.
    struct Pieces<'a>(&'a [u8], Box<dyn Iterator<Item = usize> + 'a>);

    impl AsyncRead for Pieces<'_> {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let size = self.1.next().unwrap().min(self.0.len()).min(buffer.remaining());
            let (now, later) = self.0.split_at(size);
            buffer.put_slice(now);
            self.0 = later;
            Poll::Ready(Ok(()))
        }
    }

    /// What is left of `bytes` that come in pieces of these `sizes`, where there is `room` for so much with each read.
    fn thinned(bytes: &[u8], sizes: &[usize], room: &[usize]) -> Vec<u8> {
        let pieces = Pieces(bytes, Box::new(sizes.iter().copied().cycle()));
        let (mut thinned, mut all) = (Thinned::new(pieces), Vec::new());
        let mut context = Context::from_waker(std::task::Waker::noop());
        for room in room.iter().cycle() {
            let mut some = vec![0xff; *room];
            let mut buffer = ReadBuf::new(&mut some);
            let read = Pin::new(&mut thinned).poll_read(&mut context, &mut buffer);
            assert!(matches!(read, Poll::Ready(Ok(()))));
            if buffer.filled().is_empty() {
                break;
            }
            all.extend_from_slice(buffer.filled());
        }
        all
    }

    fn at_once(frames: &[Told]) -> Vec<u8> {
        thinned(&written(frames), &[usize::MAX], &[1 << 20])
    }

    /// The frames that these bytes are.
    fn told(mut bytes: &[u8]) -> Vec<Told> {
        let mut frames = Vec::new();
        while let Some(head) = bytes.first_chunk().copied().map(Head::of) {
            let [.., stream] = head.stream;
            let one = (head.kind, head.flags, stream, head.length);
            bytes = bytes.strip_prefix(&frame(one)[..]).expect("the payload is its stream's");
            frames.push(one);
        }
        assert!(bytes.is_empty(), "a part of a head is left");
        frames
    }

    /// The same with as few frames as there can be.
    fn fewest(frames: &[Told]) -> Vec<Told> {
        let mut fewest: Vec<Told> = Vec::new();
        for one in frames.iter().filter(|one| (one.0, one.1, one.3) != (DATA, 0, 0)) {
            match fewest.last_mut() {
                Some(last) if (last.0, last.1, last.2) == (DATA, 0, one.2) && one.0 == DATA => {
                    (last.1, last.3) = (one.1, last.3 + one.3);
                }
                _ => fewest.push(*one),
            }
        }
        fewest
    }

    #[test]
    fn empty_parts_are_left_out_and_parts_of_one_body_are_one() {
        let (head, empty, end) = ((1, 4, 1, 4), (DATA, 0, 1, 0), (DATA, END_STREAM, 1, 0));
        let (part, other) = ((DATA, 0, 1, 10), (DATA, 0, 3, 10));
        let frames = [head, empty, part, part, empty, part, other, part, end, (4, 1, 0, 0), empty];
        let wanted = [head, (DATA, 0, 1, 30), other, (DATA, END_STREAM, 1, 10), (4, 1, 0, 0)];
        assert_eq!(told(&at_once(&frames)), wanted);
        // Padding is a matter of its own, and so is what comes behind an end.
        let others = [(DATA, 8, 1, 9), (DATA, 8, 1, 9), end, (DATA, 0, 3, 5), (DATA, 9, 3, 5)];
        assert_eq!(told(&at_once(&others)), others);
        let long = [(DATA, 0, 1, 16_000), (DATA, 0, 1, 384), (DATA, 0, 1, 1)];
        assert_eq!(told(&at_once(&long)), [(DATA, 0, 1, FRAME_BYTES), (DATA, 0, 1, 1)]);
    }

    #[test]
    fn what_the_end_cuts_off_is_not_held_back() {
        let bytes = written(&[(DATA, 0, 1, 3), (DATA, 0, 1, 0)]);
        for cut in 0..=bytes.len() {
            let wanted = if cut < bytes.len() { cut } else { cut - HEAD_BYTES };
            for room in [1, 4, 100] {
                let came = thinned(&bytes[..cut], &[5], &[room]);
                assert_eq!(came, bytes[..wanted], "{cut} in {room}");
            }
        }
    }

    proptest! {
        /// However it comes, and is asked for, no empty part is left, and what means something comes whole and in its order.
        #[test]
        fn what_is_left_means_the_same(
            frames in proptest::collection::vec((0..3_u8, 0..2_u8, 1..3_u8, 0..30_usize), 0..20),
            sizes in proptest::collection::vec(1..40_usize, 1..60),
            room in proptest::collection::vec(1..40_usize, 1..60),
        ) {
            let came = told(&thinned(&written(&frames), &sizes, &room));
            prop_assert!(came.iter().all(|one| (one.0, one.1, one.3) != (DATA, 0, 0)), "{:?}", came);
            prop_assert_eq!(fewest(&came), fewest(&frames));
            prop_assert_eq!(told(&at_once(&frames)), fewest(&frames), "in one breath");
        }
    }
}
