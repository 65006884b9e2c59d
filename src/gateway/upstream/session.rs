//! A connection to an upstream that speaks HTTP/2, which exchanges share. The library moves it along by tasks of its own.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use hyper::client::conn::http2::{Builder, Connection, SendRequest};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::spawn_local;

use crate::gateway::descriptors::Place;
use crate::gateway::targets::Target;

use super::halves::Fresh;
use super::part::HEAD_BYTES_MAX;
use super::sending::{Begun, Sending, see_out};
use super::thinned::Thinned;
use super::turns::{GIVEN_UP_MAX, Turns};

/// The name of HTTP/2 in ALPN (RFC 9113 section 3.2).
pub(super) const ALPN: &[u8] = b"h2";

/// Exchanges of one session at a time; RFC 9113 section 6.5.2 names 100 as the least that a server should allow.
const STREAMS_MAX: u32 = 100;

/// What an upstream may send ahead of its clients, for each exchange and for a session: whoever leaves an answer unread takes
/// no room from the others. The library ends a session in which small parts lie unread, each of which it counts as up to 255 bytes, as soon
/// as they are half of the session's window: that is about what they take of memory, and far more than all exchanges may have of bytes.
const STREAM_WINDOW: u32 = 256 << 10;
const SESSION_WINDOW: u32 = 256 << 20;

/// How often an upstream is asked whether it is there while exchanges are under way, and how long it may take.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// How long exchanges are remembered that were given up: an upstream may have sent much of one ahead that is still on its way.
const REMEMBERED: Duration = Duration::from_secs(60);

/// A connection that speaks HTTP/2.
pub(in crate::gateway) struct Session {
    /// Its number is nobody else's for as long as this is open.
    _target: Arc<Target>,
    pub(super) sender: SendRequest<Sending>,
    terms: Rc<Terms>,
    /// How many exchanges the upstream takes at a time by now.
    streams: Box<dyn Fn() -> u32>,
    pub(super) begun: Rc<Begun>,
    /// Whether it is within TLS.
    pub(super) tls: bool,
    /// Exchanges on it.
    pub(super) turns: Rc<Turns>,
    made_at_ms: u64,
    pub(super) idle_since_ms: Cell<u64>,
    /// For how long it may lie idle, and be given to others, by the API whose exchange was the last.
    pub(super) idle_timeout: Cell<Duration>,
    pub(super) lifetime: Cell<Duration>,
    /// Whether it takes no more, as it has said.
    pub(super) leaves: Cell<bool>,
}

impl Session {
    /// Agrees with an upstream on HTTP/2, which it must speak, and hears what it takes.
    ///
    /// # Errors
    /// It does not.
    pub(super) async fn begin(
        stream: Fresh,
        target: &Arc<Target>,
        place: Place,
        now_ms: u64,
    ) -> io::Result<Rc<Self>> {
        let tls = matches!(stream, Fresh::Tls(_));
        let terms = Rc::new(Terms { place: RefCell::new(Some(place)), ..Terms::default() });
        let (turns, begun) = (Rc::<Turns>::default(), Rc::<Begun>::default());
        let local =
            Local { terms: Rc::clone(&terms), turns: Rc::clone(&turns), begun: Rc::clone(&begun) };
        let (sender, streams) = match stream {
            Fresh::Plain(stream) => shake_hands(stream, local).await,
            Fresh::Unix(stream) => shake_hands(stream, local).await,
            Fresh::Tls(stream) => shake_hands(stream, local).await,
        }?;
        terms.known().await?;
        Ok(Rc::new(Self {
            _target: Arc::clone(target),
            sender,
            terms,
            streams,
            begun,
            tls,
            turns,
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
        let leaves = self.leaves.get() || self.turns.are_abandoned() || self.turns.are_enough();
        !(old || leaves || self.sender.is_closed())
            && self.turns.under_way() < (self.streams)().min(STREAMS_MAX)
            && !self.turns.are_stuck(now_ms)
    }

    /// Takes no more; those whose turn never comes are given back, and the others go on.
    pub(super) fn abandon(&self) {
        self.turns.abandon();
        wake(&self.terms.looks);
    }

    /// Whether nobody needs it any more.
    pub(super) fn is_over(&self, now_ms: u64) -> bool {
        let idle =
            now_ms.saturating_sub(self.idle_since_ms.get()) > millis(self.idle_timeout.get());
        self.turns.under_way() == 0 && (idle || !self.has_room(now_ms))
    }

    /// Whether it takes what opens a WebSocket on a stream (RFC 8441 section 3).
    pub(super) fn takes_websockets(&self) -> bool {
        self.terms.websockets.get()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("turns", &self.turns).finish_non_exhaustive()
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// What sends requests, and what says how many the upstream takes.
type Shaken = (SendRequest<Sending>, Box<dyn Fn() -> u32>);

async fn shake_hands<S>(stream: S, local: Local) -> io::Result<Shaken>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let (terms, turns) = (Rc::clone(&local.terms), Rc::clone(&local.turns));
    let mut builder = Builder::new(local);
    builder
        .timer(TokioTimer::new())
        // None, until its settings say how many.
        .initial_max_send_streams(0)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(SESSION_WINDOW)
        .max_concurrent_reset_streams((GIVEN_UP_MAX + STREAMS_MAX) as usize)
        .reset_stream_duration(REMEMBERED)
        .max_header_list_size(u32::try_from(HEAD_BYTES_MAX).unwrap_or(u32::MAX))
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
    let begun = builder.handshake(TokioIo::new(Thinned::new(stream))).await;
    let (sender, session) = begun.map_err(io::Error::other)?;
    let session = Rc::new(RefCell::new(Some(session)));
    let asked = Rc::clone(&session);
    let streams = move || {
        let session = asked.try_borrow().ok();
        session.and_then(|session| session.as_ref().map(streams)).unwrap_or_default()
    };
    spawn_local(carry(session, terms, turns));
    Ok((sender, Box::new(streams)))
}

fn streams<S>(session: &Connection<TokioIo<S>, Sending, Local>) -> u32
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    u32::try_from(session.current_max_send_streams()).unwrap_or(u32::MAX)
}

/// Where a session is moved along, and looked at.
type Carried<S> = Rc<RefCell<Option<Connection<TokioIo<S>, Sending, Local>>>>;

/// Moves a session along until it ends or is abandoned, and hears what its upstream takes.
async fn carry<S>(session: Carried<S>, terms: Rc<Terms>, turns: Rc<Turns>)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let ended = poll_fn(|context| {
        let mut session = session.borrow_mut();
        let Some(session) = session.as_mut() else { return Poll::Ready(Some(Ok(()))) };
        // Also of one that is abandoned: whose stream was opened meanwhile has gone out, and does not wait any more.
        let polled = Pin::new(&mut *session).poll(context);
        if polled.is_pending() && turns.are_abandoned() {
            return Poll::Ready(None);
        }
        terms.hear(streams(session), session.is_extended_connect_protocol_enabled(), context);
        polled.map(Some)
    });
    let ended = ended.await;
    if let Some(Err(error)) = &ended {
        tracing::debug!(%error, "a session with an upstream ended");
    }
    // What it had not sent hears of it. Of one that has ended by itself it is not known what has gone out.
    turns.give_back(session.take(), ended.is_none());
    terms.end();
}

/// What an upstream takes, which it says with its settings (RFC 9113 section 6.5). The library shows that to whoever moves
/// the session along, and wakes nobody for it.
#[derive(Debug, Default)]
struct Terms {
    /// How many exchanges at a time: none before it has said so.
    streams: Cell<u32>,
    websockets: Cell<bool>,
    over: Cell<bool>,
    /// Who moves it along, and who waits until it has said something.
    looks: RefCell<Option<Waker>>,
    waits: RefCell<Option<Waker>>,
    /// Among all connections, until it is closed.
    place: RefCell<Option<Place>>,
}

impl Terms {
    /// Looks, for whoever moves the session along.
    fn hear(&self, streams: u32, websockets: bool, context: &Context<'_>) {
        self.streams.set(streams);
        self.websockets.set(websockets);
        match &mut *self.looks.borrow_mut() {
            Some(looks) => looks.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
        if streams > 0 {
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
    turns: Rc<Turns>,
    begun: Rc<Begun>,
}

impl<F: Future<Output = ()> + 'static> hyper::rt::Executor<F> for Local {
    fn execute(&self, task: F) {
        if let Some(beside) = self.begun.take() {
            spawn_local(see_out(task, beside, Rc::clone(&self.begun)));
        } else if self.terms.streams.get() > 0 {
            spawn_local(task);
        } else {
            spawn_local(heard(task, Rc::clone(&self.terms), Rc::clone(&self.turns)));
        }
    }
}

/// Moves along what reads from the upstream, and has whoever looks for its word look when something may have come.
async fn heard(task: impl Future<Output = ()>, terms: Rc<Terms>, turns: Rc<Turns>) {
    {
        let mut task = pin!(task);
        poll_fn(|context| {
            if turns.are_cut() {
                return Poll::Ready(());
            }
            let polled = task.as_mut().poll(context);
            if terms.streams.get() == 0 {
                wake(&terms.looks);
            }
            if turns.are_over(context) { Poll::Ready(()) } else { polled }
        })
        .await;
    }
    // It is closed.
    drop(terms.place.take());
}
