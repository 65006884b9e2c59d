//! Idle connections to upstreams. Each core has its own pool, so that taking a connection and giving it
//! back costs no lock and wakes no other thread.

use std::cell::RefCell;
use std::rc::Rc;

use hyper::client::conn::http1::SendRequest;

use super::alarm::Alarm;
use super::body::RequestBody;

/// Idle connections that a core keeps to one endpoint.
const IDLE_MAX: usize = 1_024;

/// A connection to an upstream.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) sender: SendRequest<RequestBody>,
    pub(super) alarm: Rc<Alarm>,
    pub(super) target: usize,
    pub(super) idle_since_ms: u64,
}

/// Idle connections of one core, by the number of their target; the last used is the first taken.
#[derive(Debug, Default)]
pub(super) struct Pool(RefCell<Vec<Vec<Connection>>>);

impl Pool {
    /// The connection that was used last, if there is one.
    pub(super) fn pop(&self, target: usize) -> Option<Connection> {
        self.0.borrow_mut().get_mut(target)?.pop()
    }

    /// Gives a connection back whose exchange is complete.
    pub(super) fn put(&self, mut connection: Connection, now_ms: u64) {
        if connection.sender.is_closed() {
            return;
        }
        connection.idle_since_ms = now_ms;
        let mut pools = self.0.borrow_mut();
        if pools.len() <= connection.target {
            pools.resize_with(connection.target + 1, Vec::new);
        }
        if let Some(idle) = pools.get_mut(connection.target).filter(|idle| idle.len() < IDLE_MAX) {
            idle.push(connection);
        }
    }

    /// Closes what has been idle since before `since_ms`; called now and then.
    pub(super) fn prune(&self, since_ms: u64) {
        for idle in self.0.borrow_mut().iter_mut() {
            idle.retain(|one| one.idle_since_ms >= since_ms && !one.sender.is_closed());
        }
    }
}
