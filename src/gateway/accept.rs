//! Where clients come in: one listener and one thread for each core, and nothing shared between
//! them but the port.

use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::ReadBuf;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::LocalOptions;
use tokio::sync::watch;
use tokio::task::spawn_local;

use super::alarm::TICK;
use super::announced;
use super::channel::Channel;
use super::client::Client;
use super::core::{Core, Shared};
use super::journey;
use super::link::Link;
use super::secure;
use super::socket::Socket;
use super::stream::{PIECE_BYTES, Stream};
use super::tunnel::{self, Agreement};
use super::unparsed;

/// How long to wait when the system has no more sockets to give, before asking again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Streams of one HTTP/2 connection at a time, as in nginx; a browser needs no more than 100 (RFC
/// 9113 section 6.5.2). hyper and h2 bound resets, frames of a head and empty frames, `frames` the
/// rest.
const STREAMS_MAX: u32 = 128;

/// How long before the end of a drain conversations are told that they end, which nobody else ends.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How long to wait for the rest of a preface of which only a part has come.
const PREFACE_PAUSE: Duration = Duration::from_millis(25);

/// What decides how a core listens; fixed for its life. Limits are not: a reload changes those of
/// the connections that come after it.
#[derive(Clone, Copy, Debug)]
pub struct Listening {
    /// Whether HTTP/2 without TLS is taken (prior knowledge, RFC 9113 section 3.3).
    pub h2c: bool,
    /// Whether clients speak TLS, where there is a certificate.
    pub tls: bool,
}

/// Where clients of a core come in, and how.
#[derive(Debug)]
pub struct Door {
    /// Where.
    pub listener: std::net::TcpListener,
    /// How.
    pub listening: Listening,
}

/// Serves one core until `stop` says so. Blocks the thread that it is called on. Gives how many
/// connections had to be cut at the end.
///
/// # Errors
/// A runtime that cannot be made, or a listener that cannot be used.
pub fn serve_core(
    index: usize,
    shared: Arc<Shared>,
    doors: Vec<Door>,
    stop: watch::Receiver<bool>,
    first_request: u64,
) -> io::Result<usize> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())?;
    runtime.block_on(async move {
        let core = Core::new(index, shared, first_request);
        let listening = |door: Door| Ok((TcpListener::from_std(door.listener)?, door.listening));
        let doors: Vec<_> = doors.into_iter().map(listening).collect::<io::Result<_>>()?;
        spawn_local(tick(Rc::clone(&core)));
        accept(&core, &doors, stop).await;
        drop(doors);
        drain(&core).await;
        Ok(core.serving.get())
    })
}

async fn tick(core: Rc<Core>) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut called_in = 0;
    loop {
        ticks.tick().await;
        core.alarms.tick();
        if core.shared.descriptors.called_in() != called_in {
            called_in = core.shared.descriptors.called_in();
            core.pool.close_all();
        }
        // Asking lets go of one that is no longer in force, where no request comes to do that.
        let snapshot = core.snapshot();
        core.pool.prune(core.alarms.now_ms(), |number| snapshot.reaches(number));
    }
}

async fn accept(
    core: &Rc<Core>,
    doors: &[(TcpListener, Listening)],
    mut stop: watch::Receiver<bool>,
) {
    let mut stopped = pin!(stop.wait_for(|stop| *stop));
    let mut turn = 0;
    loop {
        let accepted = tokio::select! {
            biased;
            _ = &mut stopped => return,
            accepted = next(doors, &mut turn) => accepted,
        };
        match accepted {
            Ok((stream, peer, listening)) => {
                // Dropping the stream closes it: the cheapest refusal there is.
                let open = core.shared.connections.fetch_add(1, Ordering::Relaxed);
                let allowed = core.snapshot().limits.connections;
                let limit = allowed.min(core.shared.descriptors.clients());
                if open >= limit {
                    core.shared.connections.fetch_sub(1, Ordering::Relaxed);
                    turn_away(core, limit);
                    continue;
                }
                let client = Client::new(core, peer.ip());
                // Boxed, for what is spawned is moved six times.
                spawn_local(Box::pin(serve(stream, client, listening)));
            }
            Err(error) => {
                core.counters.accept_errors.add(1);
                if let Some(withheld) = core.shared.warnings.sockets.ready() {
                    tracing::error!(%error, withheld, "no connection can be accepted");
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// The next client, by whichever door. They are asked in turn, so that a crowd at one of them keeps nobody else waiting.
fn next(
    doors: &[(TcpListener, Listening)],
    turn: &mut usize,
) -> impl Future<Output = io::Result<(TcpStream, SocketAddr, Listening)>> {
    std::future::poll_fn(move |context| {
        for (listener, listening) in doors.iter().cycle().skip(*turn).take(doors.len()) {
            *turn = (*turn + 1) % doors.len();
            if let Poll::Ready(accepted) = listener.poll_accept(context) {
                return Poll::Ready(accepted.map(|(stream, peer)| (stream, peer, *listening)));
            }
        }
        Poll::Pending
    })
}

fn turn_away(core: &Core, limit: usize) {
    core.counters.turned_away.add(1);
    if let Some(withheld) = core.shared.warnings.crowd.ready() {
        tracing::warn!(limit, withheld, "a connection is turned away: too many are open");
    }
}

/// Waits until every connection has finished what it was at, but not for ever.
async fn drain(core: &Rc<Core>) {
    let patience = core.snapshot().limits.drain_timeout;
    core.closing.set(true);
    core.alarms.wake_all();
    let finished = async || {
        while core.serving.get() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let last = LAST_WORDS.min(patience / 2);
    if tokio::time::timeout(patience.saturating_sub(last), finished()).await.is_err() {
        core.leaving.set(true);
        core.alarms.wake_all();
        let _ = tokio::time::timeout(last, finished()).await;
    }
}

async fn serve(stream: TcpStream, client: Rc<Client>, listening: Listening) {
    let announces = client.core().snapshot().proxies.announces(client.peer());
    if announces && !Box::pin(announced::take(&stream, &client)).await {
        return;
    }
    let tls = client.core().snapshot().tls.clone().filter(|_| listening.tls);
    let (stream, http2) = if let Some(tls) = tls {
        let Some(stream) = secure::shake_hands(stream, &client, tls).await else { return };
        let http2 = secure::speaks_http2(&stream);
        (Channel::Tls(Box::new(stream)), http2)
    } else {
        let http2 = if listening.h2c { begins_http2(&stream, &client).await } else { Some(false) };
        let Some(http2) = http2 else { return };
        (Channel::Plain(stream), http2)
    };
    match http2 {
        true => serve_http2(stream, client).await,
        false => serve_http1(stream, client).await,
    }
}

async fn serve_http1(stream: Channel, client: Rc<Client>) {
    let link = Rc::new(Link::new(stream));
    let io = TokioIo::new(Socket::new(Rc::clone(&link), Rc::clone(&client)));
    let agreement = Agreement::default();
    let service =
        service_fn(|request| journey::handle(Rc::clone(&client), Rc::clone(&agreement), request));
    let mut builder = http1::Builder::new();
    builder.half_close(true);
    {
        let snapshot = client.core().snapshot();
        builder.max_buf_size(snapshot.limits.head_bytes.max(8_192));
        if snapshot.limits.headers != 100 {
            builder.max_headers(snapshot.limits.headers);
        }
    }
    let mut connection = builder.serve_connection(io, service);
    let gone = |context: &mut Context<'_>| link.is_gone(context, &client);
    let finish = http1::Connection::graceful_shutdown;
    let ended = see_through(&client, Pin::new(&mut connection), finish, gone).await;
    if let Some(agreed) = agreement.take().filter(|_| matches!(ended, Ended::ByItself(Ok(())))) {
        let parts = connection.into_parts();
        let under_way = client.begin_tunnel(None);
        // Boxed, for hardly any connection has one.
        let tunnel = tunnel::run(parts.io.into_inner(), parts.read_buf, agreed, under_way);
        return Box::pin(tunnel).await;
    }
    note_end(&client, ended);
}

async fn serve_http2(stream: Channel, client: Rc<Client>) {
    client.speaks_http2();
    let link = Rc::new(Link::new(stream));
    let io = TokioIo::new(Socket::new(link, Rc::clone(&client)));
    let service =
        service_fn(|request| journey::handle(Rc::clone(&client), Agreement::default(), request));
    let limits = client.core().snapshot();
    let mut builder = http2::Builder::new(Local(Rc::clone(&client)));
    let head_bytes = u32::try_from(limits.limits.head_bytes).unwrap_or(u32::MAX);
    builder.enable_connect_protocol();
    builder.max_header_list_size(head_bytes).max_concurrent_streams(STREAMS_MAX);
    // Held for each answer that its client gives room for and does not read (sec-D5); 400 KiB by default.
    builder.max_send_buf_size(2 * PIECE_BYTES);
    let connection = pin!(builder.serve_connection(io, service));
    let finish = http2::Connection::graceful_shutdown;
    let ended = see_through(&client, connection, finish, |_| false).await;
    note_end(&client, ended);
}

/// Moves a connection along until it ends, its client takes too long or is `gone`, or the core
/// closes: then it is told once to `finish` what is under way.
async fn see_through<C>(
    client: &Client,
    mut connection: Pin<&mut C>,
    finish: impl Fn(Pin<&mut C>),
    gone: impl Fn(&mut Context<'_>) -> bool,
) -> Ended
where
    C: Future<Output = hyper::Result<()>>,
{
    let mut closing = false;
    std::future::poll_fn(|context| {
        if client.core().closing.get() && !closing {
            closing = true;
            finish(connection.as_mut());
        }
        if client.is_cut_off(context) {
            return Poll::Ready(Ended::Over);
        }
        if let Poll::Ready(ended) = connection.as_mut().poll(context) {
            return Poll::Ready(Ended::ByItself(ended));
        }
        if client.alarm().take_rung() {
            return Poll::Ready(Ended::Late);
        }
        if gone(context) {
            return Poll::Ready(Ended::Left);
        }
        client.alarm().wake_me(context);
        Poll::Pending
    })
    .await
}

/// The same for what hyper makes of a stream. A stream that is dropped is reset.
async fn see_stream_through(client: Rc<Client>, exchange: impl Future<Output = ()>) {
    let stream = Rc::new(Stream::new(client.core().alarms.add(), client.stall_timeout()));
    let mut exchange = pin!(exchange);
    client.next_on(&stream);
    std::future::poll_fn(|context| {
        if stream.is_stalled() {
            tracing::debug!(peer = %client.peer(), "a client left an answer unread");
            return Poll::Ready(());
        }
        if stream.is_cut(context) {
            tracing::debug!(peer = %client.peer(), "a stream was cut, since its token ended");
            return Poll::Ready(());
        }
        exchange.as_mut().poll(context)
    })
    .await;
}

/// How a connection ended.
enum Ended {
    ByItself(hyper::Result<()>),
    /// Its time was over.
    Late,
    /// The client closed it before it had its answer.
    Left,
    /// The token ended by which something was under way.
    Over,
}

fn note_end(client: &Client, ended: Ended) {
    match ended {
        Ended::ByItself(Ok(())) => {}
        Ended::Late => tracing::debug!(peer = %client.peer(), "a client took too long"),
        Ended::Over => {
            tracing::debug!(peer = %client.peer(), "a connection was cut, since its token ended");
        }
        Ended::Left => tracing::debug!(peer = %client.peer(), "a client left before its answer"),
        Ended::ByItself(Err(error)) => {
            if error.is_parse() {
                unparsed::note(client, error.is_parse_too_large());
            }
            tracing::debug!(peer = %client.peer(), %error, "a client's connection ended");
        }
    }
}

/// Whether a client begins with the preface of HTTP/2 (RFC 9113 section 3.4), which no request of
/// HTTP/1 does. None if it went away, took too long to say so, or the core is closing.
async fn begins_http2(stream: &TcpStream, client: &Client) -> Option<bool> {
    const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let mut bytes = [0; PREFACE.len()];
    loop {
        let peeked = std::future::poll_fn(|context| {
            client.alarm().wake_me(context);
            if client.alarm().take_rung() || client.core().closing.get() {
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
        // What is there stays readable, so that there is nothing to wait for but time.
        tokio::time::sleep(PREFACE_PAUSE).await;
    }
}

/// Spawns the streams of an HTTP/2 connection on the core that serves it.
#[derive(Clone, Debug)]
struct Local(Rc<Client>);

impl<F> hyper::rt::Executor<F> for Local
where
    F: Future<Output = ()> + 'static,
{
    fn execute(&self, exchange: F) {
        spawn_local(see_stream_through(Rc::clone(&self.0), exchange));
    }
}
