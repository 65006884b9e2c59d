//! A client within TLS whose requests another process decides: keys cannot move, so what is said goes through the process
//! that has them.

use std::io::{self, ErrorKind};
use std::pin::pin;
use std::task::Poll;

use bytes::Bytes;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::io::{AsyncWriteExt as _, copy, split};
use tokio::net::UnixStream;

use super::channel::Channel;
use super::client::Client;
use super::descriptors::Place;
use super::link::Link;
use super::socket::LINGER;

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
        let ended = pass(&mut client_side, &mut near).await;
        drop(near);
        match ended {
            Ok(()) => linger(client_side, client).await,
            Err(error) => {
                tracing::debug!(peer = %client.peer(), %error, "what was said elsewhere ended");
            }
        }
    } else {
        // Where that fails the client is gone.
        let _ = client_side.shutdown().await;
    }
}

/// Passes on what is said until the other process has ended, and tells the client so.
async fn pass(client_side: &mut Channel, near: &mut UnixStream) -> io::Result<()> {
    let ((mut says, mut hears), (mut said, mut heard)) = (split(client_side), near.split());
    let answers = async {
        let length = copy(&mut said, &mut hears).await?;
        // The other process closes its side alone where that was all, and waits for ours (`Socket::poll_shutdown`). Where it
        // closed everything at once an answer was cut, and would look complete if its end were told in good order.
        if length > 0 && is_closed(said.as_ref()) {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        hears.shutdown().await
    };
    let asks = async {
        copy(&mut says, &mut heard).await?;
        heard.shutdown().await
    };
    let mut answers = pin!(answers);
    tokio::select! {
        answered = &mut answers => answered,
        asked = asks => match asked {
            Ok(()) => answers.await,
            Err(error) => Err(error),
        },
    }
}

/// Whether both sides are. The system is asked, for what was heard of it may be older than the end that was read.
fn is_closed(near: &UnixStream) -> bool {
    let mut asked = [PollFd::new(near, PollFlags::empty())];
    let known = poll(&mut asked, Some(&Timespec::default())).is_ok();
    !known || asked.iter().any(|near| near.revents().contains(PollFlags::HUP))
}

/// Drops what the client still says, until it closes its side or is silent: closing ours would take back what it has not read.
async fn linger(client_side: Channel, client: &Client) {
    let link = Link::new(client_side, Bytes::new());
    client.alarm().set(LINGER);
    std::future::poll_fn(|context| {
        let before = link.dropped();
        let ended = link.poll_end(u64::MAX, context);
        if link.dropped() > before {
            client.alarm().set(LINGER);
        }
        client.alarm().wake_me(context);
        if client.alarm().take_rung() { Poll::Ready(()) } else { ended }
    })
    .await;
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
