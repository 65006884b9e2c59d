//! Idle connections to upstreams. Each core has its own pool, so that taking a connection and
//! giving it back costs no lock and wakes no other thread.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::connection::Connection;
use super::session::Session;

/// Idle connections that a core keeps to one endpoint.
const IDLE_MAX: usize = 1_024;

/// Idle connections of one core, by the number of their target; the last used is the first taken.
#[expect(
    clippy::vec_box,
    reason = "an exchange takes it and gives it back: a pointer moves, not the whole"
)]
#[derive(Debug, Default)]
pub(in crate::gateway) struct Pool(RefCell<Vec<Vec<Box<Connection>>>>, Sessions);

/// Sessions of HTTP/2 of one core, by the number of their target.
#[derive(Debug, Default)]
struct Sessions(RefCell<BTreeMap<usize, Shared>>);

/// Those with one target.
#[derive(Debug, Default)]
struct Shared {
    /// Each with how many were made before it.
    sessions: Vec<(u64, Rc<Session>)>,
    connecting: Rc<Connecting>,
}

/// Whoever makes a session: the others who need one wait for it.
#[derive(Debug, Default)]
pub(in crate::gateway) struct Connecting {
    pub(in crate::gateway) turn: Mutex<()>,
    /// How many were made.
    pub(in crate::gateway) made: Cell<u64>,
    /// How often it failed.
    pub(in crate::gateway) failed: Cell<u64>,
    /// How long the last one that failed had, where it took too long.
    pub(in crate::gateway) late: Cell<Option<Duration>>,
}

impl Pool {
    /// The connection to a target that was used last and, as far as anybody has heard, still works.
    /// A close that is heard of only with the next look gives the request back unsent.
    pub(in crate::gateway) fn take(
        &self,
        target: usize,
        idle_timeout: Duration,
        now_ms: u64,
    ) -> Option<Box<Connection>> {
        let mut pools = self.0.borrow_mut();
        let idle = pools.get_mut(target)?;
        while let Some(connection) = idle.pop() {
            let idle_ms = now_ms.saturating_sub(connection.idle_since_ms);
            if idle_ms <= millis(idle_timeout) && !connection.is_old(now_ms) {
                return Some(connection);
            }
        }
        None
    }

    /// Gives a connection back whose exchange is complete.
    pub(in crate::gateway) fn put(&self, mut connection: Box<Connection>, now_ms: u64) {
        if !connection.is_reusable() || connection.is_old(now_ms) {
            return;
        }
        connection.alarm.clear();
        connection.busy = None;
        connection.idle_since_ms = now_ms;
        let mut pools = self.0.borrow_mut();
        let number = connection.target.number;
        if pools.len() <= number {
            pools.resize_with(number + 1, Vec::new);
        }
        if let Some(idle) = pools.get_mut(number).filter(|idle| idle.len() < IDLE_MAX) {
            idle.push(connection);
        }
    }

    /// A session with a target that has room for another exchange, and is none of the first `but` that were made.
    pub(in crate::gateway) fn session(
        &self,
        target: usize,
        but: u64,
        now_ms: u64,
    ) -> Option<Rc<Session>> {
        let sessions = self.1.0.borrow();
        let all = &sessions.get(&target)?.sessions;
        let found = all.iter().find(|(before, session)| *before >= but && session.has_room(now_ms));
        found.map(|(_, session)| Rc::clone(session))
    }

    /// Who makes one.
    pub(in crate::gateway) fn connecting(&self, target: usize) -> Rc<Connecting> {
        Rc::clone(&self.1.0.borrow_mut().entry(target).or_default().connecting)
    }

    /// Keeps a session for others.
    pub(in crate::gateway) fn share(&self, target: usize, session: &Rc<Session>) {
        let mut all = self.1.0.borrow_mut();
        let Shared { sessions, connecting } = all.entry(target).or_default();
        let before = connecting.made.replace(connecting.made.get().wrapping_add(1));
        sessions.push((before, Rc::clone(session)));
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

    /// Closes what has been idle for as long as it may, and all of the endpoints that are not `in_use`;
    /// forgets whose task it was that used what it keeps. Called now and then.
    pub(in crate::gateway) fn prune(&self, now_ms: u64, in_use: impl Fn(usize) -> bool) {
        self.1.0.borrow_mut().retain(|number, Shared { sessions, .. }| {
            // What is under way on one goes on.
            sessions.retain(|(_, session)| in_use(*number) && !session.is_over(now_ms));
            in_use(*number)
        });
        let mut pools = self.0.borrow_mut();
        for (number, idle) in pools.iter_mut().enumerate().filter(|(_, idle)| !idle.is_empty()) {
            if !in_use(number) {
                *idle = Vec::new();
            }
            idle.retain_mut(|one| {
                one.alarm.leave();
                now_ms.saturating_sub(one.idle_since_ms) <= millis(one.idle_timeout)
                    && !one.is_old(now_ms)
                    && one.is_open()
            });
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
