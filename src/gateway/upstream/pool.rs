//! Idle connections to upstreams. Each core has its own pool, so that taking a connection and
//! giving it back costs no lock and wakes no other thread.

use std::cell::RefCell;
use std::time::Duration;

use super::connection::Connection;

/// Idle connections that a core keeps to one endpoint.
const IDLE_MAX: usize = 1_024;

/// Idle connections of one core, by the number of their target; the last used is the first taken.
#[expect(
    clippy::vec_box,
    reason = "an exchange takes it and gives it back: a pointer moves, not the whole"
)]
#[derive(Debug, Default)]
pub(in crate::gateway) struct Pool(RefCell<Vec<Vec<Box<Connection>>>>);

impl Pool {
    /// The connection to a target that was used last and, as far as anybody has heard, still works.
    /// A close that is heard of only with the next look gives the request back unsent.
    pub(in crate::gateway) fn take(
        &self,
        target: usize,
        idle_timeout: Duration,
        now_ms: u64,
    ) -> Option<Box<Connection>> {
        let idle_ms = u64::try_from(idle_timeout.as_millis()).unwrap_or(u64::MAX);
        let mut pools = self.0.borrow_mut();
        let idle = pools.get_mut(target)?;
        while let Some(connection) = idle.pop() {
            if now_ms.saturating_sub(connection.idle_since_ms) <= idle_ms {
                return Some(connection);
            }
        }
        None
    }

    /// Gives a connection back whose exchange is complete.
    pub(in crate::gateway) fn put(&self, mut connection: Box<Connection>, now_ms: u64) {
        if !connection.is_reusable() {
            return;
        }
        connection.alarm.clear();
        connection.idle_since_ms = now_ms;
        let mut pools = self.0.borrow_mut();
        if pools.len() <= connection.target {
            pools.resize_with(connection.target + 1, Vec::new);
        }
        if let Some(idle) = pools.get_mut(connection.target).filter(|idle| idle.len() < IDLE_MAX) {
            idle.push(connection);
        }
    }

    /// Closes all, to make room for those of other cores.
    pub(in crate::gateway) fn close_all(&self) {
        self.0.borrow_mut().clear();
    }

    /// Closes one that is idle, to make room for another; false where there is none.
    pub(in crate::gateway) fn close_one(&self) -> bool {
        let mut pools = self.0.borrow_mut();
        let idle = pools.iter_mut().find(|idle| !idle.is_empty());
        // The one that was used the longest ago.
        idle.map(|idle| idle.remove(0)).is_some()
    }

    /// Closes what has been idle since before `since_ms`, and forgets whose task it was that used
    /// what it keeps; called now and then.
    pub(in crate::gateway) fn prune(&self, since_ms: u64) {
        for idle in self.0.borrow_mut().iter_mut() {
            idle.retain_mut(|one| {
                one.alarm.leave();
                one.idle_since_ms >= since_ms && one.is_open()
            });
        }
    }
}
