//! Idle connections to upstreams. Each core has its own pool, so that taking a connection and giving it
//! back costs no lock and wakes no other thread.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use hyper::client::conn::http1::SendRequest;

use super::alarm::Alarm;
use super::body::RequestBody;
use super::line::Line;
use super::seat::Seat;
use super::spelling::Spelling;

/// Idle connections that a core keeps to one endpoint.
const IDLE_MAX: usize = 1_024;

/// A connection to an upstream.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) sender: SendRequest<RequestBody>,
    /// None once it moves by itself.
    pub(super) line: Option<Line>,
    pub(super) alarm: Rc<Alarm>,
    pub(super) target: usize,
    pub(super) idle_since_ms: u64,
}

impl Connection {
    /// Who is woken when something moves on it.
    pub(super) fn seat(&self) -> Option<&Rc<Seat>> {
        self.line.as_ref().map(|line| &line.seat)
    }

    /// Puts lines of ours into the next request head, and spells its other names as the client did.
    pub(super) fn say(&self, lines: &[u8], asked: &Spelling) {
        if let Some(line) = &self.line {
            line.words().say(lines, asked);
        }
    }

    /// How the upstream spelled the answer that it gave.
    pub(super) fn heard(&self, answer: &mut Spelling) {
        if let Some(line) = &self.line {
            line.words().heard(answer);
        }
    }

    /// Waits for what the connection brings, or until `alarm` rings; then none.
    pub(super) async fn bring<T>(
        &mut self,
        alarm: &Alarm,
        mut what: Pin<&mut impl Future<Output = T>>,
    ) -> Option<T> {
        std::future::poll_fn(|context| {
            let brought = match &mut self.line {
                Some(line) => line.drive(context, |context| what.as_mut().poll(context)),
                None => what.as_mut().poll(context),
            };
            match brought {
                Poll::Ready(brought) => Poll::Ready(Some(brought)),
                Poll::Pending if alarm.take_rung() => Poll::Ready(None),
                Poll::Pending => {
                    alarm.wake_me(context);
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// Lets the line move by itself, for an upload that goes on beside its answer, until `limit` rings.
    /// `under_way` is dropped when it is over. Such a connection is not used again.
    pub(super) fn leave(&mut self, limit: Rc<Alarm>, under_way: impl Sized + 'static) {
        if let Some(line) = self.line.take() {
            tokio::task::spawn_local(async move {
                line.go_on(limit).await;
                drop(under_way);
            });
        }
    }

    /// Whether it is still open, as far as anybody has heard.
    pub(super) fn is_open(&mut self) -> bool {
        if let Some(line) = &mut self.line {
            line.move_along();
        }
        self.is_reusable()
    }

    /// Whether another exchange may have it.
    pub(super) fn is_reusable(&self) -> bool {
        let clean = self.line.as_ref().is_some_and(|line| line.words().is_reusable());
        clean && !self.sender.is_closed()
    }
}

/// Idle connections of one core, by the number of their target; the last used is the first taken.
#[expect(
    clippy::vec_box,
    reason = "an exchange takes it and gives it back: a pointer moves, not the whole"
)]
#[derive(Debug, Default)]
pub(super) struct Pool(RefCell<Vec<Vec<Box<Connection>>>>);

impl Pool {
    /// The connection that was used last, if there is one.
    pub(super) fn pop(&self, target: usize) -> Option<Box<Connection>> {
        self.0.borrow_mut().get_mut(target)?.pop()
    }

    /// Gives a connection back whose exchange is complete.
    pub(super) fn put(&self, mut connection: Box<Connection>, now_ms: u64) {
        let Some(line) = connection.line.as_ref().filter(|_| connection.is_reusable()) else {
            return;
        };
        line.words().shrink();
        line.seat.leave();
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

    /// Closes what has been idle since before `since_ms`; called now and then.
    pub(super) fn prune(&self, since_ms: u64) {
        for idle in self.0.borrow_mut().iter_mut() {
            idle.retain_mut(|one| one.idle_since_ms >= since_ms && one.is_open());
        }
    }
}
