//! A connection of a client that sends what it has at once, and reads whatever comes.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::gateway::client::Client;

/// The same that `socket::Socket` is over a real connection.
pub(super) struct Wire {
    pub(super) client: Rc<Client>,
    pub(super) sends: Bytes,
    /// Whether nothing comes behind that, without an end.
    pub(super) stays: bool,
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.sends.is_empty() {
            return if self.stays { Poll::Pending } else { Poll::Ready(Ok(())) };
        }
        let some = buffer.remaining().min(self.sends.len());
        self.client.read(&self.sends[..some])?;
        buffer.put_slice(&self.sends[..some]);
        self.sends.advance(some);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.client.writes();
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A request over HTTP/2, of text with a field in each line and, behind an empty line each, its body and its trailers.
/// Fields are written as they stand there (RFC 7541 section 6.2.2), so that nothing but the reader refuses them.
pub(super) fn http2(text: &[u8]) -> Bytes {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    const END_STREAM: u8 = 1;
    let mut parts = text.splitn(2, |byte| *byte == 0x1e);
    let (head, behind) = (parts.next().unwrap_or_default(), parts.next());
    let mut behind = behind.map(|behind| behind.splitn(2, |byte| *byte == 0x1e));
    let mut next = || behind.as_mut().and_then(Iterator::next);
    let (body, trailers) = (next(), next());
    let end = |last: bool| if last { END_STREAM } else { 0 };
    let mut sent = PREFACE.to_vec();
    push(&mut sent, 4, 0, 0, &[]);
    push(&mut sent, 1, 4 | end(body.is_none()), 1, &fields(head));
    if let Some(body) = body {
        push(&mut sent, 0, end(trailers.is_none()), 1, body);
    }
    if let Some(trailers) = trailers {
        push(&mut sent, 1, 4 | END_STREAM, 1, &fields(trailers));
    }
    sent.into()
}

/// RFC 9113 section 4.1.
fn push(sent: &mut Vec<u8>, kind: u8, flags: u8, stream: u8, payload: &[u8]) {
    let payload = &payload[..payload.len().min(16_384)];
    let [.., high, middle, low] = u32::try_from(payload.len()).unwrap().to_be_bytes();
    sent.extend_from_slice(&[high, middle, low, kind, flags, 0, 0, 0, stream]);
    sent.extend_from_slice(payload);
}

fn fields(text: &[u8]) -> Vec<u8> {
    let mut block = Vec::new();
    for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        // The first letter of a pseudo-header is a colon.
        let colon =
            line.iter().skip(1).position(|byte| *byte == b':').map_or(line.len(), |at| at + 1);
        let (name, value) = line.split_at(colon);
        block.push(0);
        for part in [name, value.strip_prefix(b": ").unwrap_or_default()] {
            length(&mut block, part.len());
            block.extend_from_slice(part);
        }
    }
    block
}

/// RFC 7541 section 5.1, with a prefix of seven bits.
fn length(block: &mut Vec<u8>, length: usize) {
    let Some(mut rest) = length.checked_sub(127) else {
        return block.push(u8::try_from(length).unwrap_or_default());
    };
    block.push(127);
    while rest >= 128 {
        block.push(u8::try_from(rest % 128).unwrap_or_default() | 128);
        rest /= 128;
    }
    block.push(u8::try_from(rest).unwrap_or_default());
}
