//! Which connections a request is tried on, until one of them brings an answer.
//!
//! It is tried again while no byte of it was written: whoever had some of it may have acted on it. So
//! each endpoint gets its turn: first what is idle there, which may have been closed unheard, and then
//! one fresh connection. What may be acted on twice is sent a second time, once, if its connection broke
//! without a byte of an answer, and as long as few requests need that. So is, whatever it is, what an upstream of HTTP/2
//! says it has not looked at.

use std::cell::Cell;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use http::{Response, StatusCode};

use crate::domain::refusal::{Fault, Refusal};

use super::alarm::Alarm;
use super::authorize::Permit;
use super::balance::Order;
use super::blame::{Try, blame, is_late, judge, tell};
use super::body::Upload;
use super::client::UnderWay;
use super::plan::ApiPlan;
use super::reach::{connect, idle};
use super::relay::{Bounds, Relay};
use super::upstream::{Failed, Outgoing, Way};

/// How many idle connections may turn out to be closed; then only fresh ones are tried, for the
/// upstream may have closed all of them.
const STALE_MAX: usize = 3;

/// Why one try brought no answer.
enum NoAnswer {
    /// Nothing was sent, so that it is safe to try again.
    Unsent,
    /// It was sent, and the upstream says that it has not looked at it.
    Refused,
    /// It was sent, or may be, and the connection broke without a byte of an answer.
    Silent(Refusal),
    Failed(Refusal),
}

/// The head of the answer to a request, with the body to follow.
///
/// # Errors
/// A body that the client sends wrong, or no endpoint that can be reached, or one that gives no
/// usable answer, or no leave in time to ask one.
pub(super) async fn answer(
    under_way: &UnderWay,
    permit: Permit<'_>,
    request: &mut Outgoing,
    upload: Option<&Rc<Upload>>,
) -> Result<Response<Relay>, Refusal> {
    // Here it is used up.
    let api = permit.api();
    if api.timeout.is_none() && api.gate.is_none() {
        let answered = pin!(send(under_way, api, request, upload, Bound::default()));
        return unless_over(under_way, answered).await;
    }
    let answered = Box::pin(answer_within_bounds(under_way, api, request, upload));
    unless_over(under_way, pin!(answered)).await
}

/// The same unless its token ends meanwhile, whatever is waited for.
async fn unless_over<F>(
    under_way: &UnderWay,
    mut answered: Pin<&mut F>,
) -> Result<Response<Relay>, Refusal>
where
    F: Future<Output = Result<Response<Relay>, Refusal>>,
{
    std::future::poll_fn(|context| match under_way.over() {
        Some(refusal) => Poll::Ready(Err(refusal)),
        None => answered.as_mut().poll(context),
    })
    .await
}

/// The same where the upstream has so many requests at a time, or so long for each.
async fn answer_within_bounds(
    under_way: &UnderWay,
    api: &ApiPlan,
    request: &mut Outgoing,
    upload: Option<&Rc<Upload>>,
) -> Result<Response<Relay>, Refusal> {
    let limit = api.timeout.map(|timeout| {
        let limit = under_way.core().alarms.add();
        limit.set(timeout);
        limit
    });
    let (asked, waits) = (Cell::new(None), Cell::new(true));
    let answered = {
        let bound = Bound { limit: limit.as_ref(), asked: Some(&asked) };
        let mut answered = pin!(async {
            let turn = match &api.gate {
                Some(gate) => {
                    let turn = Rc::new(gate.enter(&under_way.core().counters.waiting).await?);
                    let _ = upload.map(|upload| upload.keep_turn(&turn));
                    Some(turn)
                }
                None => None,
            };
            waits.set(false);
            let response = send(under_way, api, request, upload, bound).await?;
            Ok((response, turn))
        });
        std::future::poll_fn(|context| {
            let answered = answered.as_mut().poll(context);
            match &limit {
                Some(limit) if answered.is_pending() => {
                    limit.wake_me(context);
                    if !limit.take_rung() {
                        return Poll::Pending;
                    }
                    if waits.get() {
                        // No upstream was asked, and it costs its token nothing.
                        return Poll::Ready(Err(Refusal::UpstreamBusy));
                    }
                    let late = upload.map_or(Refusal::UpstreamTimeout, |upload| upload.stalled());
                    // A body that takes too much of the time is nobody's fault.
                    let half = api.timeout.unwrap_or_default() / 2;
                    let had_time = upload.is_none_or(|upload| upload.done_for() >= half);
                    let blamed = had_time && late.fault() == Fault::Upstream;
                    if let Some(tried) = asked.get().filter(|_| blamed) {
                        is_late(tried, true);
                    }
                    Poll::Ready(Err(late))
                }
                _ => answered,
            }
        })
        .await
    };
    let (mut response, turn) = answered?;
    response.body_mut().keep_within(Bounds { limit, _turn: turn });
    Ok(response)
}

/// What rings when all of a request has taken too long, and whom it is waiting for meanwhile.
#[derive(Clone, Copy, Default)]
struct Bound<'a> {
    limit: Option<&'a Alarm>,
    asked: Option<&'a Cell<Option<Try<'a>>>>,
}

impl<'a> Bound<'a> {
    /// How long an exchange may still take.
    fn left(self) -> Duration {
        self.limit.map_or(Duration::MAX, Alarm::left)
    }

    fn asks(self, tried: Option<Try<'a>>) {
        let _ = self.asked.map(|asked| asked.set(tried));
    }
}

async fn send<'a>(
    under_way: &UnderWay,
    api: &'a ApiPlan,
    request: &mut Outgoing,
    upload: Option<&Rc<Upload>>,
    bound: Bound<'a>,
) -> Result<Response<Relay>, Refusal> {
    let core = under_way.core();
    let (mut refusal, mut stale) = (Refusal::UpstreamUnreachable, 0);
    let (mut order, mut repeated) = (Order::default(), false);
    let alone = api.targets.len() == 1;
    while let Some(target) = order.next(core, api) {
        loop {
            // Whoever is the only one is not compared with anybody.
            let busy = (!alone).then(|| core.load.begin(target));
            let tried = Try::begin(api, target, bound.left());
            let anew = stale >= STALE_MAX;
            let idle = if anew { None } else { idle(core, api, target) };
            let (mut way, fresh) = match idle {
                Some(way) => (way, false),
                None => match connect(core, tried, anew).await {
                    Ok(connected) => connected,
                    Err(refused) => {
                        refusal = refused;
                        break;
                    }
                },
            };
            way.begin((api.idle_timeout, api.lifetime), busy);
            bound.asks(Some(tried));
            let answered = exchange(under_way, (tried, bound.left()), way, request, upload).await;
            bound.asks(None);
            match answered {
                Ok(response) => return Ok(response),
                Err(NoAnswer::Failed(refusal)) => return Err(refusal),
                Err(NoAnswer::Silent(failed)) => {
                    // Another endpoint, or where there is none that is well another connection than one that was idle.
                    let stays = !fresh && !order.has_others(api);
                    let again = request.is_repeatable() && !repeated && (stays || !alone);
                    if !again || !core.may_retry() {
                        return Err(failed);
                    }
                    (refusal, repeated) = (failed, true);
                    request.begin_again();
                    if !stays {
                        break;
                    }
                    stale = STALE_MAX;
                }
                Err(NoAnswer::Refused) => {
                    refusal = Refusal::UpstreamBroken;
                    if request.is_refused_for_good() || !core.may_retry() {
                        return Err(refusal);
                    }
                    request.begin_again();
                    if order.has_others(api) {
                        break;
                    }
                }
                Err(NoAnswer::Unsent) => {
                    request.begin_again();
                    if fresh {
                        blame(tried, &"it closed a new connection before anything was sent");
                        refusal = Refusal::UpstreamUnreachable;
                        break;
                    }
                    stale += 1;
                }
            }
        }
    }
    Err(refusal)
}

async fn exchange(
    under_way: &UnderWay,
    (tried, left): (Try<'_>, Duration),
    mut way: Way,
    request: &mut Outgoing,
    upload: Option<&Rc<Upload>>,
) -> Result<Response<Relay>, NoAnswer> {
    let (client, api) = (under_way.client(), tried.api);
    let alarm = Rc::clone(way.alarm());
    match upload {
        Some(upload) => upload.watch(&alarm),
        None => alarm.set(api.response_timeout.min(left)),
    }
    let answered = loop {
        let answered = std::future::poll_fn(|context| {
            match way.poll_exchange(request, &client.core().scratch, context) {
                Poll::Ready(answered) => Poll::Ready(Some(answered)),
                Poll::Pending if alarm.take_rung() => Poll::Ready(None),
                Poll::Pending => {
                    alarm.wake_me(context);
                    Poll::Pending
                }
            }
        });
        match answered.await {
            Some(answered) => break answered,
            None => match upload.filter(|upload| upload.let_go()) {
                Some(upload) => upload.go_on(),
                None => return Err(late(tried, left, upload)),
            },
        }
    };
    alarm.clear();
    let answer = match answered {
        Ok(answer) => answer,
        Err(failed) => return Err(unanswered(tried, &way, failed)),
    };
    let switches = answer.response.status() == StatusCode::SWITCHING_PROTOCOLS;
    if switches && !(request.asks_websocket() && answer.switches) {
        let unasked = &"it changed the protocol unasked, or answers another handshake than ours";
        blame(tried, unasked);
        return Err(NoAnswer::Failed(Refusal::UpstreamBroken));
    }
    if !switches
        && request.asks_websocket()
        && client.is_http2()
        && answer.response.status().is_success()
    {
        // Any success opens the client's stream (RFC 8441 section 5), behind which nobody would be. That an upstream
        // knows no WebSocket is no fault of it.
        return Err(NoAnswer::Failed(Refusal::UpstreamBroken));
    }
    judge(tried, answer.response.status());
    if let Some(lines) = answer.lines {
        client.is_answered(lines);
    }
    let (whole, upload) = (way.has_all(request), upload.filter(|_| way.has_more(request)));
    if let Some(upload) = upload {
        let limit = upload.is_answered(api.stall_timeout, client.core().alarms.add());
        let (body, upload) = (under_way.begin_body(limit), Rc::clone(upload));
        way.leave(request, move |context| body.is_over(upload.is_outlived(), context));
    }
    let stall_timeout = api.stall_timeout;
    let limits = (stall_timeout, api.ejection);
    let relay = |()| Relay::new(way, (whole, answer.kind), upload, limits, client);
    Ok(answer.response.map(relay))
}

/// An exchange that brought no answer.
fn unanswered(tried: Try<'_>, way: &Way, failed: Failed) -> NoAnswer {
    match failed {
        Failed::Unsent => NoAnswer::Unsent,
        Failed::Refused(broken) => {
            tell(tried, &broken);
            NoAnswer::Refused
        }
        Failed::Lost(broken) => {
            tell(tried, &broken);
            NoAnswer::Failed(Refusal::UpstreamBroken)
        }
        Failed::Loose(broken) => {
            tell(tried, &broken);
            NoAnswer::Silent(Refusal::UpstreamBroken)
        }
        Failed::Client(refusal) => NoAnswer::Failed(refusal),
        Failed::Upstream(broken) => {
            let notes = if broken.is_of_clients() { tell } else { blame };
            notes(tried, &broken);
            let silent = broken.is_of_connection() && way.is_silent();
            let no_answer = if silent { NoAnswer::Silent } else { NoAnswer::Failed };
            no_answer(Refusal::UpstreamBroken)
        }
    }
}

/// An exchange without an answer in time; told of where that is the upstream's fault.
fn late(tried: Try<'_>, left: Duration, upload: Option<&Rc<Upload>>) -> NoAnswer {
    let refusal = upload.map_or(Refusal::UpstreamTimeout, |upload| upload.stalled());
    if refusal.fault() == Fault::Upstream {
        // A body has a time of its own, which nothing cuts short.
        is_late(tried, upload.is_none() && left < tried.api.response_timeout);
    }
    NoAnswer::Failed(refusal)
}

#[cfg(test)]
mod tests;
