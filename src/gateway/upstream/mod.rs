//! HTTP/1.1 and HTTP/2 to upstreams. Over HTTP/1.1: connections that are kept, requests as they go out, answers as they come.
//!
//! hyper's client means a connection to be a task of its own, and hands requests, answers and the
//! parts of bodies to it and back over channels: a third of the instructions of a proxied request.
//! Here the task of the client's connection writes and reads by itself. What an upstream sends is
//! read strictly: an answer whose end could be told in two ways is none.

mod error;
mod part;
mod kind;
mod chunks;
mod framing;
mod lines;
mod fields;
mod answer;
mod outgoing;
mod halves;
mod connection;
mod rewritten;
mod turns;
mod sending;
mod thinned;
mod session;
mod conversation;
mod http2;
mod pool;
mod way;
mod probe;
#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod fuzzing;

use std::io;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio_rustls::TlsConnector;

use crate::config::settings::{At, Endpoint};

use super::alarm::Alarms;
use super::descriptors::Place;
use super::dial::dial;
use super::targets::Target;

pub(super) use answer::Wanted;
pub(super) use connection::{Connection, Failed, Scratch};
pub(super) use error::Broken;
pub(super) use fields::Without;
use halves::Fresh;
pub(super) use http2::Exchange;
pub(super) use kind::Kind;
pub(super) use lines::{Lines, Waiting};
pub(super) use outgoing::{Coding, Outgoing};
pub(super) use pool::Pool;
use session::Session;
pub(super) use way::Way;

/// How long until a full queue of a Unix socket is tried again; whoever waits for it has a time limit.
const QUEUE_PAUSE: Duration = Duration::from_millis(5);

/// Opens a connection to `target`, and shakes hands.
async fn open(target: &Target) -> io::Result<Fresh> {
    let Endpoint { at, tls, .. } = &target.endpoint;
    let (host, port) = match at {
        At::Socket(path) => return reach_socket(path).await.map(Fresh::Unix),
        At::Host(host, port) => (host, *port),
    };
    let stream = dial(host, port, &target.known).await?;
    stream.set_nodelay(true)?;
    let Some(tls) = tls else { return Ok(Fresh::Plain(stream)) };
    let connector = TlsConnector::from(Arc::clone(tls.caller.config()));
    let stream = connector.connect(tls.name.clone(), stream).await.map_err(in_words)?;
    let agreed = stream.get_ref().1.alpn_protocol();
    if target.endpoint.http2 && agreed != Some(session::ALPN) {
        return Err(io::Error::other("it does not speak HTTP/2"));
    }
    Ok(Fresh::Tls(Box::new(stream)))
}

/// Says of what is no TLS at all that it is none.
fn in_words(error: io::Error) -> io::Error {
    let why = error.get_ref().and_then(|why| why.downcast_ref::<rustls::Error>());
    let none = rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType);
    if why == Some(&none) {
        return io::Error::other("it does not speak TLS, as `https://` says it does");
    }
    error
}

/// Where the queue of a socket is full the system says so at once, and does not wait as it does for TCP.
async fn reach_socket(path: &Path) -> io::Result<UnixStream> {
    loop {
        match UnixStream::connect(path).await {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                tokio::time::sleep(QUEUE_PAUSE).await;
            }
            reached => return reached,
        }
    }
}

/// The status of the answer to a request of its own, on a connection of its own.
///
/// # Errors
/// The upstream cannot be reached, or what it answers is not HTTP/1.
pub(super) async fn status(target: &Target, request: &[u8]) -> io::Result<u16> {
    let stream = open(target).await?;
    if target.endpoint.http2 {
        return rewritten::status(stream, request).await;
    }
    match stream {
        Fresh::Plain(stream) => probe::status(stream, request).await,
        Fresh::Unix(stream) => probe::status(stream, request).await,
        Fresh::Tls(stream) => probe::status(stream, request).await,
    }
}

/// A new connection to `target`, at a place among all.
///
/// # Errors
/// The name cannot be resolved, or nobody listens there, or it takes longer than `timeout`.
pub(super) async fn connect(
    alarms: &Rc<Alarms>,
    target: &Arc<Target>,
    timeout: Duration,
    place: Place,
) -> io::Result<Box<Connection>> {
    let stream = tokio::time::timeout(timeout, open(target)).await.map_err(late)??;
    Ok(Box::new(Connection::new(stream, place, alarms.add(), target, alarms.now_ms())))
}

/// The same as a session that exchanges share.
///
/// # Errors
/// As [`connect`], or it does not speak HTTP/2.
pub(super) async fn connect_http2(
    target: &Arc<Target>,
    timeout: Duration,
    place: Place,
    now_ms: u64,
) -> io::Result<Rc<Session>> {
    let begin = async { Session::begin(open(target).await?, target, place, now_ms).await };
    tokio::time::timeout(timeout, begin).await.map_err(late)?
}

fn late(_: tokio::time::error::Elapsed) -> io::Error {
    io::ErrorKind::TimedOut.into()
}
