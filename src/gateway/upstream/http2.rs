//! HTTP/2 to upstreams: sessions that exchanges share, as gRPC wants them. The library moves a session along by a task
//! of its own; here a request that was written for HTTP/1.1 becomes one of HTTP/2, and an answer what the others are.

use std::cell::Cell;
use std::error::Error as _;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use std::{fmt, io};

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{Request, Response, StatusCode};
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::TrySendError;
use hyper::client::conn::http2::{Builder, Connection, SendRequest};
use hyper::rt::{Read, Write};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::task::spawn_local;

use crate::gateway::alarm::Alarm;
use crate::gateway::body::RequestBody;
use crate::gateway::descriptors::Place;
use crate::gateway::load::Busy;

use super::answer::Answer;
use super::connection::Failed;
use super::conversation::{self, Extended, Talk};
use super::error::Broken;
use super::framing::Framing;
use super::halves::Fresh;
use super::kind::Kind;
use super::outgoing::Outgoing;
use super::part::HEAD_BYTES_MAX;
use super::rewritten::{UNREADABLE, announce, passes, read};
use super::sending::{Beside, Sending};

/// The name of HTTP/2 in ALPN (RFC 9113 section 3.2).
pub(super) const ALPN: &[u8] = b"h2";

/// Exchanges of one session at a time; RFC 9113 section 6.5.2 names 100 as the least that a server should allow.
const STREAMS_MAX: usize = 100;

/// What an upstream may send ahead of its clients, for each exchange and for a session.
const STREAM_WINDOW: u32 = 256 << 10;
const SESSION_WINDOW: u32 = 4 << 20;

/// How often an upstream is asked whether it is there while exchanges are under way, and how long it may take.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// A connection that speaks HTTP/2.
#[derive(Debug)]
pub(in crate::gateway) struct Session {
    sender: SendRequest<Sending>,
    extended: Rc<Extended>,
    /// Whether it is within TLS.
    tls: bool,
    under_way: Cell<usize>,
    made_at_ms: u64,
    idle_since_ms: Cell<u64>,
    /// For how long it may lie idle, and be given to others, by the API whose exchange was the last.
    idle_timeout: Cell<Duration>,
    lifetime: Cell<Duration>,
    /// Whether it takes no more, as it has said or shown.
    leaves: Cell<bool>,
}

impl Session {
    /// Agrees with an upstream on HTTP/2, which it must speak.
    ///
    /// # Errors
    /// It does not.
    pub(super) async fn begin(stream: Fresh, place: Place, now_ms: u64) -> io::Result<Rc<Self>> {
        let tls = matches!(stream, Fresh::Tls(_));
        let mut builder = Builder::new(Local);
        builder
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(SESSION_WINDOW)
            .max_header_list_size(u32::try_from(HEAD_BYTES_MAX).unwrap_or(u32::MAX))
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT);
        let extended = Rc::<Extended>::default();
        let heard = Rc::clone(&extended);
        let sender = match stream {
            Fresh::Plain(stream) => {
                let (sender, session) =
                    builder.handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
                spawn_local(carry(session, heard, place));
                sender
            }
            Fresh::Unix(stream) => {
                let (sender, session) =
                    builder.handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
                spawn_local(carry(session, heard, place));
                sender
            }
            Fresh::Tls(stream) => {
                let (sender, session) =
                    builder.handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
                spawn_local(carry(session, heard, place));
                sender
            }
        };
        Ok(Rc::new(Self {
            sender,
            extended,
            tls,
            under_way: Cell::new(0),
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
        !self.sender.is_closed() && !self.leaves.get() && !old && self.under_way.get() < STREAMS_MAX
    }

    /// Whether nobody needs it any more.
    pub(super) fn is_over(&self, now_ms: u64) -> bool {
        let idle =
            now_ms.saturating_sub(self.idle_since_ms.get()) > millis(self.idle_timeout.get());
        self.under_way.get() == 0 && (idle || !self.has_room(now_ms))
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Moves a session along until it ends, and hears whether WebSockets may be on it.
async fn carry<S>(session: Connection<S, Sending, Local>, heard: Rc<Extended>, place: Place)
where
    S: Read + Write + Unpin + 'static,
{
    let mut session = pin!(session);
    let ended = poll_fn(|context| {
        let polled = session.as_mut().poll(context);
        heard.look(|| session.is_extended_connect_protocol_enabled(), context);
        polled
    });
    if let Err(error) = ended.await {
        tracing::debug!(%error, "a session with an upstream ended");
    }
    drop(place);
}

/// Spawns what the library wants done on the core that asks.
#[derive(Clone, Copy, Debug)]
struct Local;

impl<F: Future<Output = ()> + 'static> hyper::rt::Executor<F> for Local {
    fn execute(&self, task: F) {
        spawn_local(task);
    }
}

/// What came of a request, and whether it was sent as one for a WebSocket.
type Answered = (Result<Response<Incoming>, TrySendError<Request<Sending>>>, bool);

/// Sends a request; where `extended` is of its session, as one for a WebSocket if that takes it, and else as what it is
/// without (RFC 9110 section 7.8).
async fn send(
    mut sender: SendRequest<Sending>,
    mut request: Request<Sending>,
    extended: Option<Rc<Extended>>,
) -> Answered {
    let extended = match extended {
        Some(extended) => extended.wait().await,
        None => false,
    };
    if extended {
        conversation::ask(&mut request);
    }
    (sender.try_send_request(request).await, extended)
}

/// One exchange on a session.
pub(in crate::gateway) struct Exchange {
    session: Rc<Session>,
    pub(super) busy: Option<Busy>,
    /// The answer that is waited for.
    asked: Option<Pin<Box<dyn Future<Output = Answered>>>>,
    body: Option<Incoming>,
    /// What goes on behind an answer that agrees to a WebSocket.
    talk: Option<Talk>,
    beside: Rc<Beside>,
    pub(super) alarm: Rc<Alarm>,
}

impl Exchange {
    pub(in crate::gateway) fn new(session: Rc<Session>, alarm: Alarm) -> Self {
        session.under_way.set(session.under_way.get().saturating_add(1));
        let (beside, alarm) = (Rc::default(), Rc::new(alarm));
        Self { session, busy: None, asked: None, body: None, talk: None, beside, alarm }
    }

    pub(super) fn begin(
        &mut self,
        (idle_timeout, lifetime): (Duration, Duration),
        busy: Option<Busy>,
    ) {
        self.session.idle_timeout.set(idle_timeout);
        self.session.lifetime.set(lifetime);
        self.busy = busy;
    }

    /// Sends a request, and waits for the head of its answer.
    pub(super) fn poll_answer(
        &mut self,
        request: &mut Outgoing,
        context: &mut Context<'_>,
    ) -> Poll<Result<Answer, Failed>> {
        if self.asked.is_none() {
            // Nobody is asked to wait for a word: the session says by itself how much it takes.
            request.let_go();
            let sent = match self.written(request) {
                Ok(sent) => sent,
                Err(broken) => return Poll::Ready(Err(Failed::Upstream(broken))),
            };
            let sender = self.session.sender.clone();
            let extended = request.asks_websocket().then(|| Rc::clone(&self.session.extended));
            self.asked = Some(Box::pin(send(sender, sent, extended)));
        }
        let Some(asked) = &mut self.asked else { return Poll::Pending };
        let (answered, extended) = ready!(asked.as_mut().poll(context));
        self.asked = None;
        Poll::Ready(match answered {
            Ok(response) => Ok(self.taken(response, request, extended)),
            Err(mut error) => match error.take_message() {
                Some(unsent) => {
                    request.put_back(self.beside.take_back());
                    drop(unsent);
                    Err(Failed::Unsent)
                }
                None => Err(self.failed(error.into_error(), request)),
            },
        })
    }

    /// What is made of an error that came in place of an answer. A request that the other side says it has not looked at
    /// may be sent again, whatever it is (RFC 9113 section 8.7), if all of it is still there.
    fn failed(&self, error: hyper::Error, request: &mut Outgoing) -> Failed {
        let word = error.source().and_then(|source| source.downcast_ref::<h2::Error>());
        let word = word.filter(|word| word.is_remote());
        // It names the last stream that it looked at, whatever its reason is, and those behind that one hear of it alone
        // (section 6.8).
        let leaves = word.is_some_and(h2::Error::is_go_away);
        let refused = word.is_some_and(|word| word.reason() == Some(h2::Reason::REFUSED_STREAM));
        if !leaves && !refused {
            return Failed::Upstream(Broken::Session(error));
        }
        let mut body = self.beside.take_back();
        let whole = body.as_mut().is_none_or(RequestBody::begins_again);
        request.put_back(body);
        // Whoever refuses one stream mostly has as many as it takes, and takes the next ones later.
        if leaves || request.refused() > 1 {
            self.session.leaves.set(true);
        }
        let broken = Broken::Session(error);
        if whole { Failed::Refused(broken) } else { Failed::Lost(broken) }
    }

    fn written(&self, request: &mut Outgoing) -> Result<Request<Sending>, Broken> {
        let head = read(request.head(), self.session.tls).ok_or(UNREADABLE)?;
        let (body, left) = request.take_body();
        self.beside.begin(body);
        Ok(head.map(|()| Sending { left, beside: Rc::clone(&self.beside) }))
    }

    fn taken(
        &mut self,
        mut response: Response<Incoming>,
        request: &Outgoing,
        extended: bool,
    ) -> Answer {
        self.session.extended.is_answered();
        self.beside.is_answered(self.is_sending());
        let switches = extended && response.status() == StatusCode::OK;
        self.talk = switches.then(|| Talk::Begins(hyper::upgrade::on(&mut response)));
        let (mut parts, body) = response.into_parts();
        self.body = Some(body);
        let without = request.wanted.without;
        let kept = |name: &&HeaderName| passes(name) && !without.takes(name.as_str());
        let gone: Vec<_> = parts.headers.keys().filter(|name| !kept(name)).cloned().collect();
        gone.iter().for_each(|name| drop(parts.headers.remove(name)));
        announce(&mut parts.headers);
        if switches {
            conversation::agree(&mut parts, request.head());
        }
        let kind = parts.headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
        let kind = kind.map(Kind::of).unwrap_or_default();
        let response = Response::from_parts(parts, ());
        let framing = Framing::Length(0);
        Answer { response, lines: None, switches, kind, framing, persists: true }
    }

    /// What goes on behind an answer that agreed to it.
    ///
    /// # Errors
    /// None did.
    pub(super) fn talk(&mut self) -> io::Result<&mut Talk> {
        self.talk.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// The next part of the answer's body; none when it is over.
    pub(super) fn poll_part(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let part = ready!(Pin::new(&mut *body).poll_frame(context));
        // A stream that was reset without an error is not over.
        if part.is_none() && !body.is_end_stream() {
            return Poll::Ready(Some(Err(Broken::Closed)));
        }
        Poll::Ready(part.map(|part| part.map_err(Broken::Session)))
    }

    pub(super) fn is_over(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    pub(super) fn left(&self) -> Option<u64> {
        self.body.as_ref().and_then(|body| body.size_hint().exact())
    }

    /// Whether the request's body is not over.
    pub(super) fn is_sending(&self) -> bool {
        // The other is held by whoever sends it.
        Rc::strong_count(&self.beside) > 1
    }

    /// The body goes on beside its answer, until `limit` rings.
    pub(super) fn leave(&self, limit: Rc<Alarm>, under_way: impl Sized + 'static) {
        // It is left once.
        let _ = self.beside.limit.set(limit);
        let _ = self.beside.under_way.set(Box::new(under_way));
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").field("session", &self.session).finish_non_exhaustive()
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.session.under_way.set(self.session.under_way.get().saturating_sub(1));
        self.session.idle_since_ms.set(self.alarm.now_ms());
    }
}
