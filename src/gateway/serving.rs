//! One client's connection, from its first bytes to its end.

use std::cell::Cell;
use std::net;
use std::os::fd::AsFd;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::config::settings::Limits;

use super::admission;
use super::announced;
use super::channel::Channel;
use super::client::Client;
use super::core::Core;
use super::ended::{Ended, note_end};
use super::journey;
use super::link::Link;
use super::moving::Moved;
use super::passage::{self, Passage};
use super::preface::begins_http2;
use super::secure;
use super::socket::Socket;
use super::spawned::Local;
use super::stream::PIECE_BYTES;
use super::tunnel::{self, Agreement, TellEnd};

/// What decides how a core listens; fixed for its life. Limits are not: a reload changes those of
/// the connections that come after it.
#[derive(Clone, Copy, Debug)]
pub struct Listening {
    /// Whether HTTP/2 without TLS is taken (prior knowledge, RFC 9113 section 3.3).
    pub h2c: bool,
    /// Whether clients speak TLS, where there is a certificate.
    pub tls: bool,
}

/// Serves a connection that was just accepted.
pub(super) async fn serve(stream: TcpStream, client: Rc<Client>, listening: Listening) {
    let announces = client.core().snapshot().proxies.announces(client.peer());
    if announces {
        let announced = Box::pin(announced::take(&stream, &client)).await;
        let Some(source) = announced else { return };
        // Without, it is the sender's own, or the sender does not know whose.
        if source.is_some() && !admission::is_let_in(&client) {
            return;
        }
    }
    speak(stream, client, listening, announces).await;
}

/// The same once it is known for whom the connection is, which a proxy may have `announced`.
pub(super) async fn speak(
    stream: TcpStream,
    client: Rc<Client>,
    listening: Listening,
    announced: bool,
) {
    let tls = client.core().snapshot().tls.clone().filter(|_| listening.tls);
    let (stream, http2) = if let Some(tls) = tls {
        let shaken = Box::pin(secure::shake_hands(stream, &client, tls)).await;
        let Some(stream) = shaken else { return };
        let http2 = secure::speaks_http2(&stream);
        (Channel::Tls(Box::new(stream)), http2)
    } else {
        let http2 = if listening.h2c { begins_http2(&stream, &client).await } else { Some(false) };
        let (announces, moves) = (client.core().announcing.get(), client.core().moving.get());
        let http2 = match http2 {
            // It would be told at once that it ends; the successor takes it as it came.
            Some(true) if announces => None,
            known => known,
        };
        let Some(http2) = http2 else {
            if announces || moves {
                pass_on(&client, &stream, (false, announced), Bytes::new());
            }
            return;
        };
        (Channel::Plain(stream), http2)
    };
    match http2 {
        true => Box::pin(serve_http2(stream, client)).await,
        false => serve_http1(stream, Bytes::new(), client).await,
    }
}

/// Serves a connection of HTTP/1, of whose next request something was `read` already where it came from another process.
/// What hyper holds of it is given back while nothing moves on it.
pub(super) async fn serve_http1(stream: Channel, read: Bytes, client: Rc<Client>) {
    let link = Rc::new(Link::new(stream, read));
    loop {
        let resting = &client.core().counters.resting;
        resting.add(1);
        let goes_on = link.rests(&client).await;
        resting.sub(1);
        if !goes_on {
            tell_end(&link, &client).await;
            return note_end(&client, Ended::Late);
        }
        // Boxed, so that a connection that rests is small.
        match Box::pin(talk_http1(&link, &client)).await {
            Paused::Over => return,
            Paused::Rests => {}
            Paused::Elsewhere(passage) => {
                let Some(link) = Rc::into_inner(link) else { return };
                return Box::pin(passage::run(link.stream.into_inner(), passage, &client)).await;
            }
        }
    }
}

/// Why a connection of HTTP/1 is no longer answered.
enum Paused {
    Over,
    /// Nothing has moved for a while; it goes on later.
    Rests,
    /// Another process decides what it asks, and speaks through this; nobody does where there is none.
    Elsewhere(Option<Passage>),
}

/// Answers requests for as long as some come, and this process decides them.
async fn talk_http1(link: &Rc<Link>, client: &Rc<Client>) -> Paused {
    let io = TokioIo::new(Socket::new(Rc::clone(link), Rc::clone(client)));
    let agreement = Agreement::default();
    let service =
        service_fn(|request| journey::handle(Rc::clone(client), Rc::clone(&agreement), request));
    let builder = http1(&client.core().snapshot().limits);
    let mut connection = builder.serve_connection(io, service);
    let waits_no_more =
        || client.core().gives_up() && link.is_flushed() && !client.was_answered_lately();
    let over = |context: &mut Context<'_>| match link.is_gone(context, client) {
        true => Some(Ended::Left),
        false if client.core().moving.get() && link.can_move(client) => Some(Ended::Moved),
        false if waits_no_more() && client.is_about_to_ask() => Some(Ended::Late),
        false if client.is_at_rest() && link.is_flushed() => Some(Ended::Rests),
        false => None,
    };
    let finish = |connection: Pin<&mut http1::Connection<_, _>>, core: &Core| {
        // hyper would close behind what is under way, also where the next request was read, or is on its way. Only between two
        // is the system asked whether something came.
        let waits = || client.is_about_to_ask() || !link.is_read();
        let finishes = core.ends() && !client.is_asked() && (waits_no_more() || !waits());
        finishes.then(|| connection.graceful_shutdown());
        finishes
    };
    let idle = |_: Pin<&mut http1::Connection<_, _>>| false;
    let mut ended = see_through(client, Pin::new(&mut connection), (&finish, idle), &over).await;
    let agreed = agreement.take();
    if matches!(ended, Ended::ByItself(Ok(()))) && agreed.is_none() && !client.is_closing() {
        // hyper leaves it to others where a request asked for another protocol, though nobody agreed. Asked again it closes.
        ended = see_through(client, Pin::new(&mut connection), (&finish, idle), &over).await;
    }
    match ended {
        Ended::Moved => {
            let read = link.unread(connection.into_parts().read_buf);
            if !link.is_tls() {
                pass_on(client, link.stream.borrow().socket(), (true, true), read);
            } else {
                let passage = Passage::open(client);
                let passage = passage.map(|(passage, far)| {
                    pass_on(client, &far, (true, true), read);
                    passage
                });
                return Paused::Elsewhere(passage);
            }
        }
        Ended::Rests => {
            link.comes_back(connection.into_parts().read_buf);
            client.rests();
            return Paused::Rests;
        }
        Ended::ByItself(Ok(())) => {
            let Some(agreed) = agreed else { return Paused::Over };
            let parts = connection.into_parts();
            let under_way = client.begin_tunnel(None);
            let sides = (parts.io.into_inner(), Socket::poll_tell_end as TellEnd<_>);
            // Boxed, for hardly any connection has one.
            Box::pin(tunnel::run(sides, parts.read_buf, agreed, under_way)).await;
        }
        ended => {
            if matches!(ended, Ended::Late) {
                tell_end(link, client).await;
            }
            note_end(client, ended);
        }
    }
    Paused::Over
}

/// How connections of HTTP/1 are read.
pub(super) fn http1(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.half_close(true).max_buf_size(limits.head_bytes.max(8_192));
    if limits.headers != 100 {
        builder.max_headers(limits.headers);
    }
    builder
}

/// How many streams of a connection may have to be reset here since their client breaks the protocol on them, streams beyond
/// the bound among them (CVE-2025-8671).
const LOCAL_RESETS: usize = 256;

/// What a client may send ahead of its upstreams on each stream of HTTP/2, and on all of them: as many as thirty uploads that
/// are not taken leave room for others. The library ends a connection in which small parts wait that it counts as half of this.
const STREAM_WINDOW: u32 = 512 << 10;
const CONNECTION_WINDOW: u32 = 16 << 20;

/// How connections of HTTP/2 are read.
pub(super) fn http2<E: Clone>(executor: E, limits: &Limits) -> http2::Builder<E> {
    let mut builder = http2::Builder::new(executor);
    // The library answers what is larger by itself, and nobody hears of it; so most of that comes through and is refused here.
    let head_bytes = u32::try_from(limits.head_bytes.saturating_mul(2)).unwrap_or(u32::MAX);
    builder.enable_connect_protocol();
    builder.max_header_list_size(head_bytes).max_concurrent_streams(limits.streams);
    builder.initial_stream_window_size(STREAM_WINDOW);
    builder.initial_connection_window_size(CONNECTION_WINDOW);
    builder.max_pending_accept_reset_streams(limits.resets);
    builder.max_local_error_reset_streams(LOCAL_RESETS);
    // Held for each answer that its client gives room for and does not read (sec-D5); 400 KiB by default.
    builder.max_send_buf_size(2 * PIECE_BYTES);
    builder
}

/// How long a client has to hear that its time is over.
const FAREWELL: Duration = Duration::from_secs(1);

/// How long a client of HTTP/2 need not answer that everything ends, while nothing is under way.
const SILENCE: Duration = Duration::from_secs(5);

async fn serve_http2(stream: Channel, client: Rc<Client>) {
    client.speaks_http2();
    let link = Rc::new(Link::new(stream, Bytes::new()));
    let io = TokioIo::new(Socket::new(Rc::clone(&link), Rc::clone(&client)));
    let service =
        service_fn(|request| journey::handle(Rc::clone(&client), Agreement::default(), request));
    let builder = http2(Local(Rc::clone(&client)), &client.core().snapshot().limits);
    let connection = pin!(builder.serve_connection(io, service));
    let finish = |connection: Pin<&mut http2::Connection<_, _, _>>, core: &Core| {
        let finishes = core.takes_leave() || client.requests().are_made();
        finishes.then(|| connection.graceful_shutdown());
        if finishes && client.requests().are_a_flood() {
            // Here, for those that are under way when a client leaves are given up as well.
            core.counters.request_floods.add(1);
        }
        finishes
    };
    // Told, so that its client knows that whatever it sends now was not looked at (RFC 9113 section 6.8).
    let idle = |connection: Pin<&mut http2::Connection<_, _, _>>| {
        let idle = !client.is_asked();
        idle.then(|| connection.graceful_shutdown());
        idle
    };
    let hurries = Cell::new(false);
    let over = |_: &mut Context<'_>| {
        // Who was told that everything ends, and has nothing under way, may never answer. Who has answered may have a part
        // of an answer to read still.
        let (waits, hurried) = (client.core().closing.get() && !client.is_asked(), hurries.get());
        if waits && !client.has_answered() && client.alarm().left() > SILENCE {
            client.alarm().set(SILENCE);
            hurries.set(true);
        } else if hurried && client.has_answered() {
            hurries.set(false);
            // What has begun since, or closes, has a time of its own.
            if waits && !client.is_closing() {
                client.alarm().set(client.idle_timeout());
            }
        }
        client.requests().go_on().then_some(Ended::Regardless)
    };
    let ended = see_through(&client, connection, (finish, idle), over).await;
    if matches!(ended, Ended::Late) {
        tell_end(&link, &client).await;
    }
    note_end(&client, ended);
}

/// Tells a client within TLS that nothing more comes, as far as there is room for it (RFC 8446 section 6.1): unless it would
/// take that for the end of an answer which is none.
async fn tell_end(link: &Link, client: &Client) {
    if link.is_tls() && !client.is_asked() && !client.is_cut() {
        let told = std::future::poll_fn(|context| Poll::Ready(link.poll_tell_end(context)));
        let _ = told.await;
    }
}

/// Gives a connection to the successor. The socket that stays here is to be dropped, which does not close it.
fn pass_on(client: &Client, socket: &impl AsFd, (begun, announced): (bool, bool), read: Bytes) {
    // Without a free descriptor the connection closes, as it does where there is no successor.
    let Ok(socket) = socket.as_fd().try_clone_to_owned() else { return };
    let (socket, peer) = (net::TcpStream::from(socket), client.peer());
    let within = client.within();
    client.core().shared.successor.take(Moved { socket, peer, begun, announced, read, within });
}

/// Moves a connection along until it ends, its client takes too long, or it is `over` for another reason. While the
/// core is on its way out, or once its client has made all its requests, it is asked to `finish` what is under way,
/// until it says that it was told; one on which nothing is under way may be told when its time is over, and has a little more
/// to hear of it.
async fn see_through<C>(
    client: &Client,
    mut connection: Pin<&mut C>,
    (finish, is_told): (impl Fn(Pin<&mut C>, &Core) -> bool, impl Fn(Pin<&mut C>) -> bool),
    over: impl Fn(&mut Context<'_>) -> Option<Ended>,
) -> Ended
where
    C: Future<Output = hyper::Result<()>>,
{
    let mut told = false;
    std::future::poll_fn(|context| {
        if client.is_cut_off(context) {
            return Poll::Ready(Ended::Over);
        }
        if let Poll::Ready(ended) = connection.as_mut().poll(context) {
            return Poll::Ready(Ended::ByItself(ended));
        }
        // Behind the poll, which reads what came before.
        if !told && (client.core().takes_leave() || client.requests().are_made()) {
            told = finish(connection.as_mut(), client.core());
            told.then(|| context.waker().wake_by_ref());
        }
        if client.alarm().take_rung() {
            if told || !is_told(connection.as_mut()) {
                return Poll::Ready(Ended::Late);
            }
            told = true;
            client.alarm().set(FAREWELL);
            context.waker().wake_by_ref();
        }
        if let Some(ended) = over(context) {
            return Poll::Ready(ended);
        }
        client.alarm().wake_me(context);
        Poll::Pending
    })
    .await
}
