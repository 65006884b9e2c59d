//! The socket of a connection to an upstream. It writes our lines into each request head that hyper
//! writes to it.
//!
//! A dozen lines that are the same for every request of a token would each be hashed, compared, copied
//! and looked up again on their way through a header map; here they are bytes that are copied once. No
//! field can stand twice: intake took out every spelling of the names that only we may write.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::head::Head;
use super::seat::Seat;
use super::spelling::{KEPT_BYTES, Spelling};

/// What passes between an exchange and the socket that it goes out on.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// The lines that go into the next head, until that is written.
    lines: Vec<u8>,
    /// How the client spelled that head.
    asked: Spelling,
    /// How the upstream spells its answer.
    answer: Spelling,
    /// Whether there may be more of the answer's head.
    listening: bool,
    /// Whether the upstream takes no more.
    broken: bool,
    /// Whether a head is written in part.
    begun: bool,
}

impl Words {
    /// Puts lines of ours into the next head, and spells its other names as the client did.
    pub(super) fn say(&mut self, lines: &[u8], asked: &Spelling) {
        self.lines.clear();
        self.lines.extend_from_slice(lines);
        self.asked.copy_head(asked);
        self.answer.forget();
        self.listening = true;
    }

    /// Whether nothing of the exchange before is left on the connection, and the upstream takes more: else
    /// lines of one request could go out with the head of another.
    pub(super) const fn is_reusable(&self) -> bool {
        !self.broken && !self.begun && self.lines.is_empty()
    }

    /// Gives back what an unusually long head took.
    pub(super) fn shrink(&mut self) {
        self.lines.shrink_to(KEPT_BYTES);
        self.asked.shrink();
        self.answer.shrink();
    }

    /// How the upstream spelled its answer; what was there is left in its place, to be written over.
    pub(super) fn heard(&mut self, answer: &mut Spelling) {
        self.listening = false;
        std::mem::swap(&mut self.answer, answer);
    }
}

/// A socket that wakes whoever has the seat, whatever context it is polled with.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    seat: Rc<Seat>,
    words: Rc<RefCell<Words>>,
    head: Head,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, seat: Rc<Seat>, words: Rc<RefCell<Words>>) -> Self {
        Self { stream, seat, words, head: Head::default() }
    }

    fn poll_head(&mut self) -> Poll<io::Result<()>> {
        let Self { stream, seat, head, words } = self;
        if head.is_written() {
            return Poll::Ready(Ok(()));
        }
        let written = seat.polling(|context| head.poll(stream, context));
        words.borrow_mut().begun = written.is_pending();
        written
    }

    /// Takes a head and writes as much of it as goes out now; the rest goes with the next write or flush.
    fn begin(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut words = self.words.borrow_mut();
        let taken = self.head.take(slices, &words.lines, &words.asked)?;
        words.lines.clear();
        drop(words);
        match self.poll_head() {
            Poll::Ready(Err(error)) => Err(error),
            Poll::Ready(Ok(())) | Poll::Pending => Ok(taken),
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { stream, seat, words, .. } = &mut *self;
        let before = buffer.filled().len();
        ready!(seat.polling(|context| Pin::new(stream).poll_read(context, buffer)))?;
        let mut words = words.borrow_mut();
        if words.listening {
            let read = buffer.filled().get(before..).unwrap_or_default();
            words.listening = !words.answer.remember_head(read);
        }
        Poll::Ready(Ok(()))
    }
}

/// An upstream that refuses an upload early may close while more of it is on its way. Its answer has come
/// then, perhaps not yet to our ears, and hyper would not look for it once a write has failed. So what
/// follows the head and cannot be written is dropped, and reading tells how the exchange ends.
impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_head())?;
        let Self { stream, seat, words, .. } = &mut *self;
        let known = words.borrow();
        if !known.lines.is_empty() {
            drop(known);
            return Poll::Ready(self.begin(slices));
        }
        if !known.broken {
            let stream = Pin::new(stream);
            let written = seat.polling(|context| stream.poll_write_vectored(context, slices));
            if !matches!(written, Poll::Ready(Err(_))) {
                return written;
            }
        }
        drop(known);
        words.borrow_mut().broken = true;
        Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).fold(0, usize::saturating_add)))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_head()
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_head())?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::task::Waker;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    async fn pair() -> (Socket, Rc<RefCell<Words>>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (seat, words) = (Rc::<Seat>::default(), Rc::<RefCell<Words>>::default());
        (Socket::new(stream, seat, Rc::clone(&words)), words, listener.accept().await.unwrap().0)
    }

    #[tokio::test]
    async fn lines_follow_the_request_line_once() {
        let (mut socket, words, mut upstream) = pair().await;
        words.borrow_mut().say(b"x-owner: a\r\n", &Spelling::default());
        let slices = [IoSlice::new(b"GET / HTTP/1.1\r\nhost: b\r\n\r\n"), IoSlice::new(b"body")];
        assert_eq!(socket.write_vectored(&slices).await.unwrap(), 31);
        socket.write_all(b"\n").await.unwrap();
        socket.shutdown().await.unwrap();
        let mut seen = String::new();
        upstream.read_to_string(&mut seen).await.unwrap();
        assert_eq!(seen, "GET / HTTP/1.1\r\nx-owner: a\r\nhost: b\r\n\r\nbody\n");
    }

    #[tokio::test]
    async fn what_does_not_go_out_at_once_follows_in_order() {
        let (mut socket, words, mut upstream) = pair().await;
        let long = vec![b'x'; 1 << 20];
        // Fills what the system buffers, so that the head finds no room.
        let full = |socket: &mut Socket| {
            let mut context = Context::from_waker(Waker::noop());
            let mut total = 0;
            while let Poll::Ready(more) = Pin::new(&mut *socket).poll_write(&mut context, &long) {
                total += more.unwrap();
            }
            total
        };
        let before = full(&mut socket);
        words.borrow_mut().say(b"x-owner: a\r\n", &Spelling::default());
        let head = b"GET / HTTP/1.1\r\n\r\n";
        assert_eq!(socket.begin(&[IoSlice::new(head)]).unwrap(), head.len());
        assert!(socket.poll_head().is_pending());
        assert!(!words.borrow().is_reusable(), "a head is written in part");
        let reader = async move {
            let mut seen = Vec::new();
            upstream.read_to_end(&mut seen).await.unwrap();
            seen
        };
        let writer = async {
            std::future::poll_fn(|context| {
                socket.seat.take(context);
                Pin::new(&mut socket).poll_flush(context)
            })
            .await
            .unwrap();
            socket.shutdown().await.unwrap();
        };
        let (seen, ()) = tokio::join!(reader, writer);
        assert!(words.borrow().is_reusable());
        let (filler, rest) = seen.split_at(before);
        assert!(filler.iter().all(|byte| *byte == b'x'));
        assert_eq!(rest, b"GET / HTTP/1.1\r\nx-owner: a\r\n\r\n");
    }

    #[tokio::test]
    async fn lines_never_go_out_without_a_request_line() {
        let (mut socket, words, _upstream) = pair().await;
        words.borrow_mut().say(b"x-owner: a\r\n", &Spelling::default());
        assert!(!words.borrow().is_reusable(), "lines wait for a head");
        assert!(socket.write(b"GET / HTTP/1.1").await.is_err());
    }
}
