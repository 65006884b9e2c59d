//! A connection to an upstream that speaks HTTP/2, which exchanges share. The library moves it along by tasks of its own.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use hyper::client::conn::http2::{Builder, Connection, SendRequest};
use hyper::rt::{Read, Write};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::spawn_local;

use crate::gateway::descriptors::Place;

use super::halves::Fresh;
use super::part::HEAD_BYTES_MAX;
use super::sending::{Begun, Sending, see_out};

/// The name of HTTP/2 in ALPN (RFC 9113 section 3.2).
pub(super) const ALPN: &[u8] = b"h2";

/// Exchanges of one session at a time; RFC 9113 section 6.5.2 names 100 as the least that a server should allow.
const STREAMS_MAX: u32 = 100;

/// What an upstream may send ahead of its clients, for each exchange and for a session: whoever leaves an answer unread takes
/// no room from the others.
const STREAM_WINDOW: u32 = 256 << 10;
const SESSION_WINDOW: u32 = STREAM_WINDOW * STREAMS_MAX;

/// How often an upstream is asked whether it is there while exchanges are under way, and how long it may take.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// A connection that speaks HTTP/2.
#[derive(Debug)]
pub(in crate::gateway) struct Session {
    pub(super) sender: SendRequest<Sending>,
    terms: Rc<Terms>,
    pub(super) begun: Rc<Begun>,
    /// Whether it is within TLS.
    pub(super) tls: bool,
    /// Exchanges on it.
    pub(super) under_way: Rc<Cell<u32>>,
    made_at_ms: u64,
    pub(super) idle_since_ms: Cell<u64>,
    /// For how long it may lie idle, and be given to others, by the API whose exchange was the last.
    pub(super) idle_timeout: Cell<Duration>,
    pub(super) lifetime: Cell<Duration>,
    /// Whether it takes no more, as it has said or shown.
    pub(super) leaves: Cell<bool>,
}

impl Session {
    /// Agrees with an upstream on HTTP/2, which it must speak, and hears what it takes.
    ///
    /// # Errors
    /// It does not.
    pub(super) async fn begin(stream: Fresh, place: Place, now_ms: u64) -> io::Result<Rc<Self>> {
        let tls = matches!(stream, Fresh::Tls(_));
        let (terms, begun) = (Rc::<Terms>::default(), Rc::<Begun>::default());
        let local = Local { terms: Rc::clone(&terms), begun: Rc::clone(&begun) };
        let sender = match stream {
            Fresh::Plain(stream) => shake_hands(stream, local, place).await,
            Fresh::Unix(stream) => shake_hands(stream, local, place).await,
            Fresh::Tls(stream) => shake_hands(stream, local, place).await,
        }?;
        terms.known().await?;
        Ok(Rc::new(Self {
            sender,
            terms,
            begun,
            tls,
            under_way: Rc::default(),
            made_at_ms: now_ms,
            idle_since_ms: Cell::new(now_ms),
            idle_timeout: Cell::new(Duration::MAX),
            lifetime: Cell::new(Duration::MAX),
            leaves: Cell::new(false),
        }))
    }

    /// Whether another exchange may begin on it.
    pub(super) fn has_room(&self, now_ms: u64) -> bool {
        let old = now_ms.saturating_sub(self.made_at_ms) > millis(self.lifetime.get());
        let busy = self.under_way.get() >= self.terms.streams.get().min(STREAMS_MAX);
        !self.sender.is_closed() && !self.leaves.get() && !old && !busy
    }

    /// Whether nobody needs it any more.
    pub(super) fn is_over(&self, now_ms: u64) -> bool {
        let idle =
            now_ms.saturating_sub(self.idle_since_ms.get()) > millis(self.idle_timeout.get());
        self.under_way.get() == 0 && (idle || !self.has_room(now_ms))
    }

    /// Whether it takes what opens a WebSocket on a stream (RFC 8441 section 3).
    pub(super) fn takes_websockets(&self) -> bool {
        self.terms.websockets.get()
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

async fn shake_hands<S>(stream: S, local: Local, place: Place) -> io::Result<SendRequest<Sending>>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let terms = Rc::clone(&local.terms);
    let mut builder = Builder::new(local);
    builder
        .timer(TokioTimer::new())
        // None, until its settings say how many.
        .initial_max_send_streams(0)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(SESSION_WINDOW)
        .max_header_list_size(u32::try_from(HEAD_BYTES_MAX).unwrap_or(u32::MAX))
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
    let begun = builder.handshake(TokioIo::new(stream)).await;
    let (sender, session) = begun.map_err(io::Error::other)?;
    spawn_local(carry(session, terms, place));
    Ok(sender)
}

/// Moves a session along until it ends, and hears what its upstream takes.
async fn carry<S>(session: Connection<S, Sending, Local>, terms: Rc<Terms>, place: Place)
where
    S: Read + Write + Unpin + 'static,
{
    let mut session = pin!(session);
    let ended = poll_fn(|context| {
        let polled = session.as_mut().poll(context);
        let streams = u32::try_from(session.current_max_send_streams()).unwrap_or(u32::MAX);
        terms.hear(streams, session.is_extended_connect_protocol_enabled(), context);
        polled
    });
    if let Err(error) = ended.await {
        tracing::debug!(%error, "a session with an upstream ended");
    }
    terms.end();
    drop(place);
}

/// What an upstream takes, which it says with its settings (RFC 9113 section 6.5). The library shows that to whoever moves
/// the session along, and wakes nobody for it.
#[derive(Debug, Default)]
struct Terms {
    /// How many exchanges at a time: none before it has said so.
    streams: Cell<u32>,
    websockets: Cell<bool>,
    over: Cell<bool>,
    /// Who looks once more came, while it has said nothing, and who waits until it has.
    looks: RefCell<Option<Waker>>,
    waits: RefCell<Option<Waker>>,
}

impl Terms {
    /// Looks, for whoever moves the session along.
    fn hear(&self, streams: u32, websockets: bool, context: &Context<'_>) {
        self.streams.set(streams);
        self.websockets.set(websockets);
        if streams == 0 {
            self.looks.replace(Some(context.waker().clone()));
        } else {
            wake(&self.waits);
        }
    }

    fn end(&self) {
        self.over.set(true);
        wake(&self.waits);
    }

    /// Waits for its word, which comes first of all (RFC 9113 section 3.4).
    async fn known(&self) -> io::Result<()> {
        poll_fn(|context| {
            if self.over.get() {
                return Poll::Ready(Err(io::Error::other("it does not speak HTTP/2")));
            }
            if self.streams.get() > 0 {
                return Poll::Ready(Ok(()));
            }
            self.waits.replace(Some(context.waker().clone()));
            Poll::Pending
        })
        .await
    }
}

fn wake(waker: &RefCell<Option<Waker>>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

/// Spawns what the library wants done on the core that asks.
#[derive(Clone, Debug)]
struct Local {
    terms: Rc<Terms>,
    begun: Rc<Begun>,
}

impl<F: Future<Output = ()> + 'static> hyper::rt::Executor<F> for Local {
    fn execute(&self, task: F) {
        if let Some(beside) = self.begun.take() {
            spawn_local(see_out(task, beside));
        } else if self.terms.streams.get() > 0 {
            spawn_local(task);
        } else {
            spawn_local(heard(task, Rc::clone(&self.terms)));
        }
    }
}

/// Moves along what reads from the upstream, and has whoever looks for its word look when something may have come.
async fn heard(task: impl Future<Output = ()>, terms: Rc<Terms>) {
    let mut task = pin!(task);
    poll_fn(|context| {
        let polled = task.as_mut().poll(context);
        wake(&terms.looks);
        polled
    })
    .await;
}
