//! Connections to upstreams: an idle one that still works, or a new one.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::config::settings::Endpoint;

use super::core::Core;
use super::pool::Connection;
use super::targets::Target;

/// After lying this long, a connection is looked at before it is used: the upstream may have closed it.
const DOUBTFUL_AFTER_MS: u64 = 500;

/// An idle connection to `target` that can take a request now, if there is one.
pub(super) async fn reuse(
    core: &Core,
    target: &Target,
    idle_timeout: Duration,
) -> Option<Connection> {
    let idle_ms = u64::try_from(idle_timeout.as_millis()).unwrap_or(u64::MAX);
    while let Some(connection) = core.pool.pop(target.number) {
        let lain_ms = core.alarms.now_ms().saturating_sub(connection.idle_since_ms);
        if lain_ms > idle_ms {
            continue;
        }
        if lain_ms > DOUBTFUL_AFTER_MS || !connection.sender.is_ready() {
            // One turn of the runtime reads the socket, and so hears of a close that came meanwhile.
            tokio::task::yield_now().await;
        }
        // What is not ready by now still has something of the request before to do.
        if connection.sender.is_ready() {
            return Some(connection);
        }
    }
    None
}

/// A new connection to `target`.
///
/// # Errors
/// The name cannot be resolved, or nobody listens there, or it takes longer than `timeout`.
pub(super) async fn connect(
    core: &Rc<Core>,
    target: &Target,
    timeout: Duration,
) -> io::Result<Connection> {
    let Endpoint { host, port } = &target.endpoint;
    let stream = tokio::time::timeout(timeout, TcpStream::connect((host.as_str(), *port)))
        .await
        .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::Builder::new()
        .preserve_header_case(true)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    tokio::task::spawn_local(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "connection to an upstream ended");
        }
    });
    core.counters.connected.add(1);
    let alarm = Rc::new(core.alarms.add());
    let idle_since_ms = core.alarms.now_ms();
    Ok(Connection { sender, alarm, target: target.number, idle_since_ms })
}
