//! A client within TLS whose requests another process decides: keys cannot move, so what is said goes through the process
//! that has them.

use std::task::Poll;

use tokio::io::{AsyncWriteExt as _, copy_bidirectional_with_sizes};
use tokio::net::UnixStream;

use super::channel::Channel;
use super::client::Client;
use super::descriptors::Place;

/// So much of what is said is held at a time, each way, once something is.
const PIECE_BYTES: usize = 16 << 10;

/// The near end of a pair of sockets, whose far end goes to the other process.
pub(super) struct Passage {
    near: UnixStream,
    /// Two descriptors, which nobody else is to have meanwhile: the store needs its own while it closes.
    _places: (Place, Place),
}

impl Passage {
    /// A pair; none where no more files may be open.
    pub(super) fn open(client: &Client) -> Option<(Self, UnixStream)> {
        let descriptors = &client.core().shared.descriptors;
        let places = (descriptors.upstream()?, descriptors.upstream()?);
        let (near, far) = UnixStream::pair().ok()?;
        Some((Self { near, _places: places }, far))
    }
}

/// Passes on what is said until both sides have ended. One that says nothing costs no memory but the sockets, and is told
/// that it ends when the time of this process is over; how long it may be silent is decided where its requests are.
pub(super) async fn run(mut client_side: Channel, passage: Option<Passage>, client: &Client) {
    client.alarm().clear();
    let Some(Passage { mut near, _places }) = passage else {
        // Where that fails the client is gone.
        let _ = client_side.shutdown().await;
        return;
    };
    if is_used(&mut client_side, &near, client).await {
        let ended =
            copy_bidirectional_with_sizes(&mut client_side, &mut near, PIECE_BYTES, PIECE_BYTES);
        if let Err(error) = ended.await {
            tracing::debug!(peer = %client.peer(), %error, "what was said elsewhere ended");
        }
    } else {
        // Where that fails the client is gone.
        let _ = client_side.shutdown().await;
    }
}

/// Waits until either side says something or ends; false if neither does before the drain is over.
async fn is_used(client_side: &mut Channel, near: &UnixStream, client: &Client) -> bool {
    std::future::poll_fn(|context| {
        client.alarm().wake_me(context);
        let says = client_side.holds_unread()
            || client_side.socket().poll_read_ready(context).is_ready()
            || near.poll_read_ready(context).is_ready();
        match says {
            true => Poll::Ready(true),
            false if client.core().leaving.get() => Poll::Ready(false),
            false => Poll::Pending,
        }
    })
    .await
}
