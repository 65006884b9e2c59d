//! From a thread that writes to the body of an answer, no faster than somebody reads it.

use std::convert::Infallible;
use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio::sync::mpsc::{self, Receiver, Sender};

/// How many pieces may wait to be read.
const WAITING: usize = 4;

/// The writing end, for a thread that may block.
#[derive(Debug)]
pub(super) struct Pipe(Sender<Bytes>);

/// The body.
#[derive(Debug)]
pub(super) struct Pieces(Receiver<Bytes>);

pub(super) fn new() -> (Pipe, Pieces) {
    let (pipe, pieces) = mpsc::channel(WAITING);
    (Pipe(pipe), Pieces(pieces))
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Bytes::copy_from_slice(bytes));
        sent.map(|()| bytes.len()).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}
