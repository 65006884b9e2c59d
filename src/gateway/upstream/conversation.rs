//! A WebSocket on a stream of HTTP/2 to an upstream (RFC 8441).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::response::Parts;
use http::{Method, Request, StatusCode};
use hyper::ext::Protocol;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWrite;

use crate::gateway::websocket;

use super::connection::Scratch;

/// Has a handshake ask as one does on a stream (section 4).
pub(super) fn ask<B>(request: &mut Request<B>) {
    *request.method_mut() = Method::CONNECT;
    request.extensions_mut().insert(Protocol::from_static(websocket::NAME));
}

/// Has an answer that agrees say so as over HTTP/1.1, to the key in the head of its request (section 5).
pub(super) fn agree(answer: &mut Parts, head: &[u8]) {
    const KEY: &[u8] = b"sec-websocket-key:";
    answer.status = StatusCode::SWITCHING_PROTOCOLS;
    let mut lines = head.split(|byte| *byte == b'\n');
    let key = lines.find_map(|line| {
        let (name, value) = line.split_at_checked(KEY.len())?;
        name.eq_ignore_ascii_case(KEY).then(|| value.trim_ascii())
    });
    if let Ok(accept) = HeaderValue::try_from(websocket::accept(key.unwrap_or_default())) {
        answer.headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
}

/// What is said on a stream whose upstream has agreed.
#[derive(Debug)]
pub(super) enum Talk {
    Begins(OnUpgrade),
    Goes(TokioIo<Upgraded>),
}

impl Talk {
    /// What comes; nothing at the end.
    pub(super) fn poll_come(
        &mut self,
        scratch: &Scratch,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<Bytes>> {
        let stream = ready!(self.poll_begun(context))?;
        scratch.poll_read(stream, context)
    }

    /// Sends this, or the beginning of it: how much went out.
    pub(super) fn poll_send(
        &mut self,
        data: &[u8],
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let stream = ready!(self.poll_begun(context))?;
        match ready!(Pin::new(stream).poll_write(context, data))? {
            0 => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            written => Poll::Ready(Ok(written)),
        }
    }

    /// Says that nothing more comes.
    pub(super) fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = ready!(self.poll_begun(context))?;
        Pin::new(stream).poll_shutdown(context)
    }

    fn poll_begun(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<&mut TokioIo<Upgraded>>> {
        if let Self::Begins(stream) = self {
            let stream = ready!(Pin::new(stream).poll(context)).map_err(io::Error::other)?;
            *self = Self::Goes(TokioIo::new(stream));
        }
        match self {
            Self::Goes(stream) => Poll::Ready(Ok(stream)),
            Self::Begins(_) => Poll::Pending,
        }
    }
}
