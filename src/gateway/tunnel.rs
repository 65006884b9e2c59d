//! A conversation that both sides have agreed on (RFC 9110 section 7.8): what one sends goes to the other as it is,
//! until one of them ends it, or its token does.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::spawn_local;

use crate::cache::Seat;

use super::access_record::AccessRecord;
use super::client::{Client, UnderWay};
use super::core::Core;
use super::pump::Pump;
use super::relay::Bounds;
use super::stream::Stream;
use super::upstream::Way;
use super::watch::Grounds;
use super::websocket;

/// How long the other side may go on when one has said its last.
const AFTER_END: Duration = Duration::from_secs(10);

/// How long an upstream may take to hear that we have ended a conversation, and to close it.
const FAREWELL: Duration = Duration::from_secs(1);

/// An upstream that has agreed to change the protocol, and what goes with the exchange.
#[derive(Debug)]
pub(super) struct Agreed {
    pub(super) way: Way,
    pub(super) bounds: Option<Box<Bounds>>,
    /// How long neither side need say anything.
    pub(super) idle: Duration,
    /// What is kept until the conversation is over.
    pub(super) record: Option<Box<AccessRecord>>,
    pub(super) seat: Option<Rc<Seat>>,
    pub(super) grounds: Option<Grounds>,
}

/// Where that is kept until the head of the answer is written.
pub(super) type Agreement = Rc<Cell<Option<Agreed>>>;

/// Tells a client that nothing more comes from the upstream, whatever it still says itself.
pub(super) type TellEnd<S> = fn(&mut S, &mut Context<'_>) -> Poll<io::Result<()>>;

/// The two sides.
struct Tunnel<S> {
    client: S,
    tell_end: TellEnd<S>,
    way: Way,
    core: Rc<Core>,
    idle: Duration,
    /// What the client sent and the upstream has not taken, and the other way round.
    up: Pump,
    down: Pump,
    /// How long the upstream may take nothing of what was said, and when it has taken too long.
    patience: Duration,
    late_at_ms: Option<u64>,
    /// What the client is told of our ending it, until that is said.
    ending: Option<Vec<u8>>,
    /// Whether the upstream is told too.
    takes_leave: bool,
    /// Whether it was the upstream with whom it broke off.
    upstream_broke: bool,
    sent: u64,
}

/// Why a conversation ends before both sides have ended it.
enum Cut {
    /// Neither said anything for too long, or one of them took too long to read.
    Late,
    /// Its token ended, and its client did not take note.
    Over,
    Broken(io::Error),
}

/// Carries a conversation until it is over. `early` is what the client has sent already. Whether what was handed over to the
/// client may still go out.
pub(super) async fn run<S: AsyncRead + AsyncWrite + Unpin>(
    (client, tell_end): (S, TellEnd<S>),
    early: Bytes,
    agreed: Agreed,
    under_way: UnderWay,
) -> bool {
    let Agreed { way, bounds, idle, mut record, seat, grounds } = agreed;
    if let Some(grounds) = grounds {
        under_way.rests_on(grounds);
    }
    let core = Rc::clone(under_way.core());
    core.counters.tunnels.add(1);
    way.alarm().set(idle);
    let (up, down) = (Pump::new(early), Pump::new(Bytes::new()));
    let (ending, takes_leave, upstream_broke, sent) = (None, false, false, 0);
    let (patience, late_at_ms) = (under_way.client().stall_timeout(), None);
    let mut tunnel = Tunnel {
        client,
        tell_end,
        way,
        core,
        idle,
        up,
        down,
        patience,
        late_at_ms,
        ending,
        takes_leave,
        upstream_broke,
        sent,
    };
    let ended = std::future::poll_fn(|context| tunnel.poll(&under_way, context)).await;
    tunnel.core.counters.tunnels.sub(1);
    if let Some(record) = &mut record {
        record.sent(usize::try_from(tunnel.sent).unwrap_or(usize::MAX));
        match (&ended, under_way.over()) {
            (_, Some(refusal)) => record.over(refusal),
            (Ok(()), None) => record.complete(),
            (Err(_), None) if tunnel.upstream_broke => record.broken_off(),
            (Err(_), None) => {}
        }
    }
    if under_way.over().is_some() {
        tunnel.core.counters.cut_by_token.add(1);
    }
    let goes_out = match &ended {
        Ok(()) => true,
        // What it said before is still its client's, if that is all of it.
        Err(Cut::Broken(_)) => tunnel.upstream_broke && tunnel.down.waiting.is_empty(),
        Err(Cut::Late | Cut::Over) => false,
    };
    match ended {
        Ok(()) if tunnel.takes_leave => {
            let Tunnel { way, core, .. } = tunnel;
            spawn_local(take_leave(way, core));
        }
        Ok(()) => {}
        Err(Cut::Late) => tracing::debug!("a conversation was silent for too long"),
        Err(Cut::Over) => tracing::debug!("a conversation was cut, since its token ended"),
        Err(Cut::Broken(error)) => tracing::debug!(%error, "a conversation broke off"),
    }
    drop((seat, bounds));
    goes_out
}

/// The same on a stream of HTTP/2 (RFC 8441), once its answer is sent. The library sends what is said there by a task of its
/// own, which begins next.
pub(super) fn spawn(opened: OnUpgrade, agreed: Agreed, client: &Rc<Client>) {
    let stream_of = || Rc::new(Stream::new(client.core().alarms.add(), client.stall_timeout()));
    let (under_way, sent) = (client.begin_tunnel(Some(stream_of())), stream_of());
    client.opens(&sent);
    spawn_local(async move {
        match opened.await {
            Ok(opened) => {
                let sides = (TokioIo::new(opened), tell_end as TellEnd<_>);
                sent.is_left(run(sides, Bytes::new(), agreed, under_way).await);
            }
            Err(error) => tracing::debug!(%error, "a conversation did not begin"),
        }
    });
}

fn tell_end<S: AsyncWrite + Unpin>(
    side: &mut S,
    context: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    Pin::new(side).poll_shutdown(context)
}

impl<S: AsyncRead + AsyncWrite + Unpin> Tunnel<S> {
    fn poll(&mut self, under_way: &UnderWay, context: &mut Context<'_>) -> Poll<Result<(), Cut>> {
        if under_way.is_cut(context) {
            return Poll::Ready(Err(Cut::Over));
        }
        if self.ending.is_none() {
            // The client learns what any client of a live secret learns.
            let over = under_way.over().map(|refusal| (websocket::POLICY, refusal.detail()));
            let leaving = (websocket::GOING_AWAY, "the gateway restarts");
            if let Some((code, reason)) =
                over.or_else(|| self.core.leaving.get().then_some(leaving))
            {
                self.end(code, reason);
            }
        }
        let both = [self.poll_up(context), self.poll_down(under_way, context)];
        match both {
            [Poll::Ready(Err(error)), _] | [_, Poll::Ready(Err(error))] => {
                return Poll::Ready(Err(Cut::Broken(error)));
            }
            [Poll::Ready(Ok(())), Poll::Ready(Ok(()))] => return Poll::Ready(Ok(())),
            _ => {}
        }
        let late = self.late_at_ms.is_some_and(|at| self.way.alarm().now_ms() >= at);
        if late || under_way.is_late() || self.way.alarm().take_rung() {
            return Poll::Ready(Err(Cut::Late));
        }
        self.way.alarm().wake_me(context);
        Poll::Pending
    }

    /// We end it, and tell both sides. Seen from the upstream its client goes away, whatever the reason: nothing that the
    /// upstream has said breaks a policy (RFC 6455 section 7.4.1).
    fn end(&mut self, code: u16, reason: &str) {
        self.ending = Some(websocket::close_frame(code, reason));
        self.takes_leave =
            self.up.end_with(&websocket::masked_close_frame(websocket::GOING_AWAY, reason));
        self.moved();
    }

    /// Something moved; where one side has ended, the other has not as long as otherwise.
    fn moved(&self) {
        let ended = self.up.ended || self.down.ended;
        let limit = if self.ending.is_some() { FAREWELL } else { AFTER_END };
        self.way.alarm().set(if ended { limit.min(self.idle) } else { self.idle });
    }

    /// Something came of speaking with the upstream.
    const fn hears<T>(&mut self, of: &Poll<io::Result<T>>) {
        self.upstream_broke |= matches!(of, Poll::Ready(Err(_)));
    }

    /// The upstream takes some of what was said, or nothing.
    fn takes(&mut self, some: bool) {
        if some {
            self.late_at_ms = None;
        } else if self.late_at_ms.is_none() {
            let patience = u64::try_from(self.patience.as_millis()).unwrap_or(u64::MAX);
            let at_ms = self.way.alarm().now_ms().saturating_add(patience);
            self.way.alarm().wake_at(at_ms);
            self.late_at_ms = Some(at_ms);
        }
    }

    /// From the client to the upstream; ready when all of it is there. What we have ended does not fail by an upstream
    /// that does not hear of it.
    fn poll_up(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.poll_up_to_end(context) {
            Poll::Ready(Err(_)) if self.ending.is_some() => {
                self.up.told = true;
                Poll::Ready(Ok(()))
            }
            sent => sent,
        }
    }

    fn poll_up_to_end(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if self.up.told {
                return Poll::Ready(Ok(()));
            }
            if !self.up.waiting.is_empty() {
                let sent = self.way.poll_send(&self.up.waiting, context);
                self.hears(&sent);
                self.takes(sent.is_ready());
                self.up.sent(ready!(sent)?);
                self.moved();
                continue;
            }
            let pushed = self.way.poll_push(context);
            self.takes(pushed.is_ready());
            ready!(pushed);
            if self.ending.is_some() {
                self.up.told = true;
                continue;
            }
            if self.up.ended {
                let told = self.way.poll_end(context);
                self.hears(&told);
                ready!(told)?;
                self.up.told = true;
                continue;
            }
            let come = self.core.scratch.poll_read(&mut self.client, context)?;
            let Poll::Ready(come) = come else {
                return Poll::Pending;
            };
            (self.up.ended, self.up.waiting) = (come.is_empty(), come);
            self.moved();
        }
    }

    /// From the upstream to the client; ready when all of it is there, and what we have to say too.
    fn poll_down(
        &mut self,
        under_way: &UnderWay,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if self.down.told {
                return Poll::Ready(Ok(()));
            }
            if !self.down.waiting.is_empty() {
                let waiting = &self.down.waiting;
                let written = Pin::new(&mut self.client).poll_write(context, waiting);
                under_way.passes(written.is_ready());
                let written = ready!(written)?;
                if written == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                self.sent = self.sent.saturating_add(written as u64);
                drop(self.down.waiting.split_to(written));
                self.moved();
                continue;
            }
            if self.down.ended {
                // What we have ended ourselves is over with that.
                ready!(match self.ending {
                    Some(_) => Pin::new(&mut self.client).poll_shutdown(context),
                    None => (self.tell_end)(&mut self.client, context),
                })?;
                self.down.told = true;
                continue;
            }
            if let Some(farewell) = self.ending.as_mut().filter(|_| self.down.frames.is_between()) {
                self.down.waiting = std::mem::take(farewell).into();
                self.down.ended = true;
                continue;
            }
            let come = self.way.poll_come(&self.core.scratch, context);
            self.hears(&come);
            let come = match come? {
                Poll::Ready(come) => come,
                Poll::Pending => {
                    ready!(Pin::new(&mut self.client).poll_flush(context))?;
                    return Poll::Pending;
                }
            };
            self.take(come);
            self.moved();
        }
    }

    /// Takes what the upstream sent: where we have to end, only the frame that is under way.
    fn take(&mut self, mut come: Bytes) {
        self.down.ended = come.is_empty();
        if self.ending.is_none() {
            self.down.frames.pass(&come);
        } else if let Some(end) = self.down.frames.end_in(&come) {
            come.truncate(end);
        }
        self.down.waiting = come;
    }
}

/// Waits for the upstream to close what is over, as clients of WebSocket do (RFC 6455 section 7.1.1). A connection that is
/// closed while something on it is unread is reset, and what was said last may be lost with it.
async fn take_leave(mut way: Way, core: Rc<Core>) {
    way.alarm().set(FAREWELL);
    std::future::poll_fn(|context| {
        loop {
            match way.poll_come(&core.scratch, context) {
                Poll::Ready(Ok(come)) if !come.is_empty() => {}
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending if way.alarm().take_rung() => return Poll::Ready(()),
                Poll::Pending => {
                    way.alarm().wake_me(context);
                    return Poll::Pending;
                }
            }
        }
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame of a client without text, and one that has three bytes of it.
    const FRAMES: [&[u8]; 2] = [b"\x89\x80mask", b"\x81\x83maskabc"];

    #[test]
    fn rfc_6455_section_5_5_1_a_farewell_stands_between_two_frames() {
        let all = FRAMES.concat();
        for sent in 0..=all.len() {
            let mut pump = Pump::new(Bytes::from_static(b"\x89\x80mask\x81\x83maskabc\x81\x83mas"));
            pump.sent(sent);
            assert!(pump.end_with(b"bye"), "{sent}");
            let rest = match sent {
                0 | 6 => &all[..0],
                1..6 => &all[sent..6],
                _ => &all[sent..],
            };
            assert_eq!(pump.waiting, [rest, b"bye"].concat(), "{sent}");
        }
        let mut pump = Pump::new(Bytes::from_static(b"\x81\x83mas"));
        pump.sent(3);
        assert!(!pump.end_with(b"bye"), "the rest has not come");
        assert_eq!(pump.waiting, "");
    }
}
