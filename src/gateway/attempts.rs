//! Which connections a request is tried on, until one of them brings an answer.
//!
//! It is tried again only while no byte of it was written: whoever had some of it may have acted on
//! it, and nobody here knows which requests may be acted on twice. So each endpoint gets its turn:
//! first what is idle there, which may have been closed unheard, and then one fresh connection.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use http::{Response, StatusCode};

use crate::domain::refusal::{Fault, Refusal};

use super::authorize::Permit;
use super::body::Upload;
use super::client::{Client, UnderWay};
use super::core::Core;
use super::descriptors::Place;
use super::plan::ApiPlan;
use super::relay::Relay;
use super::targets::Target;
use super::upstream::{self, Connection, Failed, Outgoing};

/// How many idle connections may turn out to be closed; then only fresh ones are tried, for the
/// upstream may have closed all of them.
const STALE_MAX: usize = 3;

/// How often, and in which time, there is a look for room among the connections to upstreams: until
/// every core has looked twice for what it can close.
const PLACE_LOOKS: usize = 10;
const PLACE_PAUSE: Duration = Duration::from_millis(50);

/// Why one try brought no answer.
enum NoAnswer {
    /// Nothing was sent, so that it is safe to try again.
    Unsent,
    Failed(Refusal),
}

/// The head of the answer to a request, with the body to follow.
///
/// # Errors
/// A body that the client sends wrong, or no endpoint that can be reached, or one that gives no
/// usable answer.
pub(super) fn answer<'a>(
    (client, under_way): (&'a Rc<Client>, &'a UnderWay),
    permit: Permit<'a>,
    request: &'a mut Outgoing,
    upload: Option<&'a Rc<Upload>>,
) -> impl Future<Output = Result<Response<Relay>, Refusal>> {
    // Here it is used up.
    send((client, under_way), permit.api(), request, upload)
}

async fn send(
    (client, under_way): (&Rc<Client>, &UnderWay),
    api: &ApiPlan,
    request: &mut Outgoing,
    upload: Option<&Rc<Upload>>,
) -> Result<Response<Relay>, Refusal> {
    let core = client.core();
    let (mut refusal, mut stale) = (Refusal::UpstreamUnreachable, 0);
    // Taken once: other requests take theirs while this one waits for a connection.
    let turn = core.turn.get().wrapping_add(1);
    core.turn.set(turn);
    for attempt in 0..api.targets.len() {
        let place = turn.wrapping_add(attempt).checked_rem(api.targets.len());
        let Some(target) = place.and_then(|place| api.targets.get(place)) else { break };
        loop {
            let idle = if stale < STALE_MAX { idle(core, api, target) } else { None };
            let fresh = idle.is_none();
            let connection = match idle {
                Some(connection) => connection,
                None => match connect(core, api, target).await {
                    Ok(connection) => connection,
                    Err(refused) => {
                        refusal = refused;
                        break;
                    }
                },
            };
            let parties = (client, under_way);
            match exchange(parties, (api, target), connection, request, upload).await {
                Ok(response) => return Ok(response),
                Err(NoAnswer::Failed(refusal)) => return Err(refusal),
                Err(NoAnswer::Unsent) => request.begin_again(),
            }
            if fresh {
                warn(api, target, &"it closed a new connection before anything was sent");
                refusal = Refusal::UpstreamUnreachable;
                break;
            }
            stale += 1;
        }
    }
    Err(refusal)
}

fn idle(core: &Core, api: &ApiPlan, target: &Target) -> Option<Box<Connection>> {
    core.pool.take(target.number, api.idle_timeout, core.alarms.now_ms())
}

/// Leave for another connection. Where too many are open, idle ones make room: one of this core's at
/// once, those of the others when they look next.
async fn place(core: &Core) -> Result<Place, Refusal> {
    let descriptors = &core.shared.descriptors;
    for _ in 0..PLACE_LOOKS {
        if let Some(place) = descriptors.upstream() {
            return Ok(place);
        }
        if !core.pool.close_one() {
            descriptors.call_in();
            tokio::time::sleep(PLACE_PAUSE).await;
        }
    }
    if let Some(withheld) = core.shared.warnings.upstreams.ready() {
        tracing::warn!(
            open_files = descriptors.limit(),
            withheld,
            "no upstream can be connected to: as many files are open as may be"
        );
    }
    Err(Refusal::Overloaded)
}

/// A new connection.
async fn connect(
    core: &Rc<Core>,
    api: &ApiPlan,
    target: &Arc<Target>,
) -> Result<Box<Connection>, Refusal> {
    let place = Box::pin(place(core)).await?;
    match Box::pin(upstream::connect(&core.alarms, target, api.connect_timeout, place)).await {
        Ok(connection) => {
            core.counters.connected.add(1);
            if target.unreachable.over() {
                tracing::info!(api = %api.name, upstream = %target, "an upstream is reached again");
            }
            Ok(connection)
        }
        Err(error) => {
            if let Some(withheld) = target.unreachable.ready() {
                tracing::warn!(
                    api = %api.name, upstream = %target, %error, withheld,
                    "an upstream cannot be reached"
                );
            }
            let slow = error.kind() == std::io::ErrorKind::TimedOut;
            Err(if slow { Refusal::UpstreamTimeout } else { Refusal::UpstreamUnreachable })
        }
    }
}

async fn exchange(
    (client, under_way): (&Rc<Client>, &UnderWay),
    (api, target): (&ApiPlan, &Target),
    mut connection: Box<Connection>,
    request: &mut Outgoing,
    upload: Option<&Rc<Upload>>,
) -> Result<Response<Relay>, NoAnswer> {
    connection.idle_timeout = api.idle_timeout;
    let alarm = Rc::clone(&connection.alarm);
    match upload {
        Some(upload) => upload.watch(&alarm),
        None => alarm.set(api.response_timeout),
    }
    let answered = loop {
        let answered = std::future::poll_fn(|context| {
            match connection.poll_exchange(request, &client.core().scratch, context) {
                Poll::Ready(answered) => return Poll::Ready(Some(answered)),
                Poll::Pending if alarm.take_rung() => return Poll::Ready(None),
                Poll::Pending => alarm.wake_me(context),
            }
            // Its token may have ended meanwhile.
            under_way
                .over()
                .map_or(Poll::Pending, |refusal| Poll::Ready(Some(Err(Failed::Client(refusal)))))
        });
        match answered.await {
            Some(answered) => break answered,
            None => match upload.filter(|upload| upload.let_go()) {
                Some(upload) => upload.go_on(),
                None => {
                    let stalled = upload.map_or(Refusal::UpstreamTimeout, |up| up.stalled());
                    return Err(failed(api, target, stalled, &"it took too long"));
                }
            },
        }
    };
    alarm.clear();
    let answer = match answered {
        Ok(answer) => answer,
        Err(Failed::Unsent) => return Err(NoAnswer::Unsent),
        Err(Failed::Client(refusal)) => return Err(NoAnswer::Failed(refusal)),
        Err(Failed::Upstream(broken)) => {
            return Err(failed(api, target, Refusal::UpstreamBroken, &broken));
        }
    };
    let switches = answer.response.status() == StatusCode::SWITCHING_PROTOCOLS;
    if switches && !(request.asks_websocket() && answer.switches) {
        let unasked = &"it changed the protocol unasked";
        return Err(failed(api, target, Refusal::UpstreamBroken, unasked));
    }
    if let Some(lines) = answer.lines {
        client.is_answered(lines);
    }
    let (whole, upload) = (request.is_whole(), upload.filter(|_| !request.is_sent()));
    if let Some(upload) = upload {
        let (limit, under_way) = (client.core().alarms.add(), client.begin_body());
        connection.leave(
            request.take_over(),
            upload.is_answered(api.stall_timeout, limit),
            under_way,
        );
    }
    let stall_timeout = api.stall_timeout;
    let relay = |()| Relay::new(connection, (whole, answer.events), upload, stall_timeout, client);
    Ok(answer.response.map(relay))
}

/// An exchange without a usable answer; told of where that is the upstream's fault.
fn failed(api: &ApiPlan, target: &Target, refusal: Refusal, cause: &dyn fmt::Display) -> NoAnswer {
    if refusal.fault() == Fault::Upstream {
        warn(api, target, cause);
    }
    NoAnswer::Failed(refusal)
}

fn warn(api: &ApiPlan, target: &Target, cause: &dyn fmt::Display) {
    if let Some(withheld) = target.broken.ready() {
        tracing::warn!(
            api = %api.name, upstream = %target, error = %cause, withheld,
            "an upstream gives no usable answer"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use http::HeaderMap;

    use crate::gateway::sample::Sample;
    use crate::gateway::upstream::{Coding, Wanted};

    const HEAD: &[u8; 18] = b"GET / HTTP/1.1\r\n\r\n";

    fn request() -> Outgoing {
        let wanted = Wanted { lines: true, ..Wanted::default() };
        Outgoing::new(HEAD.to_vec(), None, Coding::Length(0), wanted, HeaderMap::new())
    }

    #[test]
    fn an_endpoint_that_closes_what_it_accepts_leaves_the_request_to_the_others() {
        let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let urls =
            listeners.each_ref().map(|one| format!("\"http://{}\"", one.local_addr().unwrap()));
        let sample = Sample::new(&urls.join(", "), "");
        let [closing, alive] = listeners;
        let answering = std::thread::spawn(move || {
            for _ in 0..2 {
                let mut stream = alive.accept().unwrap().0;
                let mut head = [0; HEAD.len()];
                stream.read_exact(&mut head).unwrap();
                assert_eq!(head, *HEAD);
                stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").unwrap();
            }
        });
        for turn in 0..2 {
            sample.run(async {
                sample.core.turn.set(turn);
                let (client, mut request) = (sample.client(), request());
                let under_way = client.begin(http::Version::HTTP_11, false);
                let mut answered =
                    pin!(send((&client, &under_way), &sample.api, &mut request, None));
                if (turn + 1).is_multiple_of(2) {
                    // It has begun to connect, and hears of the connection and its end at once.
                    let mut context = Context::from_waker(Waker::noop());
                    assert!(answered.as_mut().poll(&mut context).is_pending());
                    drop(closing.accept().unwrap());
                }
                assert_eq!(answered.await.unwrap().status(), StatusCode::NO_CONTENT);
            });
        }
        answering.join().unwrap();
    }
}
