//! Connections to upstreams: an idle one that still works, or a new one.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use tokio::net::TcpStream;

use crate::config::settings::Endpoint;

use super::core::Core;
use super::line::Line;
use super::pool::Connection;
use super::targets::Target;

/// An idle connection to `target` that can take a request now, if there is one.
pub(super) fn reuse(
    core: &Core,
    target: &Target,
    idle_timeout: Duration,
) -> Option<Box<Connection>> {
    let idle_ms = u64::try_from(idle_timeout.as_millis()).unwrap_or(u64::MAX);
    while let Some(mut connection) = core.pool.pop(target.number) {
        if core.alarms.now_ms().saturating_sub(connection.idle_since_ms) > idle_ms {
            continue;
        }
        // What is not ready after a look was closed meanwhile, or has something of the request before
        // still to do. A close that only comes with the next look gives the request back unsent.
        let ready = connection.sender.is_ready() && connection.is_reusable();
        if ready || (connection.is_open() && connection.sender.is_ready()) {
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
) -> io::Result<Box<Connection>> {
    let Endpoint { host, port } = &target.endpoint;
    let stream = tokio::time::timeout(timeout, TcpStream::connect((host.as_str(), *port)))
        .await
        .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    stream.set_nodelay(true)?;
    let alarm = Rc::new(core.alarms.add());
    let (sender, line) = Line::open(stream).await?;
    core.counters.connected.add(1);
    let (target, idle_since_ms) = (target.number, core.alarms.now_ms());
    Ok(Box::new(Connection { sender, line: Some(line), alarm, target, idle_since_ms }))
}
