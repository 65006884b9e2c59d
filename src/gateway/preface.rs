//! Which version of HTTP a client speaks without TLS.

use std::io::ErrorKind::WouldBlock;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use tokio::io::{Interest, ReadBuf};
use tokio::net::TcpStream;

use super::client::Client;

/// Whether a client begins with the preface of HTTP/2 (RFC 9113 section 3.4), which no request of
/// HTTP/1 does. None if it went away, took too long to say so, or the core waits no longer.
pub(super) async fn begins_http2(stream: &TcpStream, client: &Client) -> Option<bool> {
    const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let mut bytes = [0; PREFACE.len()];
    loop {
        let peeked = std::future::poll_fn(|context| {
            client.alarm().wake_me(context);
            let elsewhere = client.core().moving.get();
            if client.alarm().take_rung() || elsewhere || client.core().gives_up() {
                return Poll::Ready(None);
            }
            stream.poll_peek(context, &mut ReadBuf::new(&mut bytes)).map(Result::ok)
        });
        let seen = peeked.await.filter(|seen| *seen > 0)?;
        if bytes.get(..seen) != PREFACE.get(..seen) {
            return Some(false);
        }
        if seen == PREFACE.len() {
            return Some(true);
        }
        // What is there stays there, so that the runtime has to forget it: it wakes us when more comes.
        let forgotten = stream.try_io(Interest::READABLE, || Err::<(), _>(WouldBlock.into()));
        if forgotten.is_ok() || is_closed(stream) {
            return Some(false);
        }
    }
}

/// Whether nothing more comes, which the runtime does not forget. This asks nothing of the system.
fn is_closed(stream: &TcpStream) -> bool {
    let ready = pin!(stream.ready(Interest::READABLE));
    let ready = ready.poll(&mut Context::from_waker(Waker::noop()));
    matches!(ready, Poll::Ready(Ok(ready)) if ready.is_read_closed())
}
