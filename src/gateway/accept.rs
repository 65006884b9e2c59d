//! Where clients come in: one listener and one thread for each core, and nothing shared between
//! them but the port.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::LocalOptions;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;
use tokio::task::spawn_local;
use tokio::time::timeout;

use super::admission::{admit, admit_moved};
use super::alarm::TICK;
use super::channel::Channel;
use super::client::Presented;
use super::core::{Core, Shared};
use super::moving::{Moved, Phase};
use super::serving::{Listening, serve, serve_http1, speak};

/// How long to wait when the system has no more sockets to give, before asking again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long one who has only just come may take to begin to ask, where everything is about to end.
const FIRST: Duration = Duration::from_secs(1);

/// How long it may take to see that nobody waits any more in the system's queue, and how long they are taken who come there
/// meanwhile.
const QUEUE: Duration = Duration::from_millis(10);
const QUEUES_MAX: Duration = Duration::from_millis(250);

/// How long before the end of a drain conversations are told that they end, which nobody else ends.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Where clients of a core come in, and how.
#[derive(Debug)]
pub struct Door {
    /// Where.
    pub listener: std::net::TcpListener,
    /// How.
    pub listening: Listening,
}

/// Serves one core until `stop` says so. Blocks the thread that it is called on. Gives how many
/// connections had to be cut at the end.
///
/// # Errors
/// A runtime that cannot be made, or a listener that cannot be used.
pub fn serve_core(
    index: usize,
    shared: Arc<Shared>,
    doors: Vec<Door>,
    (moved, as_moved): (UnboundedReceiver<Moved>, Listening),
    mut phase: watch::Receiver<Phase>,
    first_request: u64,
) -> io::Result<usize> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())?;
    runtime.block_on(async move {
        let core = Core::new(index, shared, first_request);
        spawn_local(tick(Rc::clone(&core)));
        let taking_over = spawn_local(take_over(Rc::clone(&core), moved, as_moved));
        let mut accepting = Vec::with_capacity(doors.len());
        for Door { listener, listening } in doors {
            let listener = TcpListener::from_std(listener)?;
            let door = accept(Rc::clone(&core), listener, listening, phase.clone());
            accepting.push(spawn_local(door));
        }
        // An error means that the gateway itself is gone.
        let _ = phase.wait_for(|phase| *phase > Phase::Serves).await;
        if *phase.borrow() == Phase::Announces {
            core.announcing.set(true);
            core.alarms.wake_all();
            let _ = phase.wait_for(|phase| *phase > Phase::Announces).await;
        }
        if *phase.borrow() == Phase::Moves {
            core.moving.set(true);
            core.alarms.wake_all();
            // Every connection has seen it once what is spawned now comes to its turn.
            let _ = spawn_local(std::future::ready(())).await;
            // What came from the gateway before goes on, too.
            let _ = taking_over.await;
            core.shared.moving.fetch_add(1, Ordering::SeqCst);
            let _ = phase.wait_for(|phase| *phase > Phase::Moves).await;
        }
        for door in accepting {
            let _ = door.await;
        }
        let ends = async { _ = phase.wait_for(|phase| *phase == Phase::Ends).await };
        tokio::select! {
            () = drain(&core) => {}
            () = ends => {}
        }
        // What is still there ends with this core.
        core.is_cut.set(true);
        Ok(core.serving.get())
    })
}

async fn tick(core: Rc<Core>) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut called_in = 0;
    loop {
        ticks.tick().await;
        core.alarms.tick();
        if core.shared.descriptors.called_in() != called_in {
            called_in = core.shared.descriptors.called_in();
            core.pool.close_all();
        }
        // Asking lets go of one that is no longer in force, where no request comes to do that.
        let snapshot = core.snapshot();
        core.pool.prune(core.alarms.now_ms(), |number| snapshot.reaches(number));
    }
}

async fn accept(
    core: Rc<Core>,
    listener: TcpListener,
    listening: Listening,
    mut phase: watch::Receiver<Phase>,
) {
    // Handshakes take their time, and what begins with one cannot move.
    let shakes_hands = || listening.tls && core.snapshot().tls.is_some();
    let mut stopped = pin!(phase.wait_for(|phase| match phase {
        Phase::Serves => false,
        Phase::Announces => shakes_hands(),
        Phase::Moves | Phase::Drains | Phase::Ends => true,
    }));
    let take = |(stream, peer): (TcpStream, SocketAddr)| {
        // Dropping the stream closes it: the cheapest refusal there is.
        let Some(client) = admit(&core, peer.ip()) else { return };
        // Boxed, for what is spawned is moved six times.
        spawn_local(Box::pin(serve(stream, client, listening)));
    };
    let ends = loop {
        let accepted = tokio::select! {
            biased;
            phase = &mut stopped => break phase.is_ok_and(|phase| *phase >= Phase::Drains),
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok(accepted) => take(accepted),
            Err(error) => {
                core.counters.accept_errors.add(1);
                if let Some(withheld) = core.shared.warnings.sockets.ready() {
                    tracing::error!(%error, withheld, "no connection can be accepted");
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    };
    if ends && !core.moving.get() {
        // Else the successor takes who stands in the queue, and nobody does here: it closes with the listener.
        let queue = async {
            while let Ok(Ok(accepted)) = timeout(QUEUE, listener.accept()).await {
                take(accepted);
            }
        };
        let _ = timeout(QUEUES_MAX, queue).await;
    }
}

/// Goes on with the connections of the gateway before this one.
async fn take_over(core: Rc<Core>, mut moved: UnboundedReceiver<Moved>, listening: Listening) {
    while let Some(Moved { socket, peer, begun, announced, read, within }) = moved.recv().await {
        let Ok(stream) = TcpStream::from_std(socket) else { continue };
        let Some(client) = admit_moved(&core, peer, announced) else { continue };
        if let Some(within) = within {
            client.is_secure(Presented::elsewhere(*within));
        }
        if begun && read.is_empty() {
            // It lies between two requests, as it did before.
            client.lies_idle();
        }
        if begun {
            spawn_local(Box::pin(serve_http1(Channel::Plain(stream), read, client)));
        } else if announced {
            spawn_local(Box::pin(speak(stream, client, listening, true)));
        } else {
            spawn_local(Box::pin(serve(stream, client, listening)));
        }
    }
}

/// Waits until every connection has finished what it was at, but not for ever.
async fn drain(core: &Rc<Core>) {
    let patience = core.snapshot().limits.drain_timeout;
    core.closing.set(true);
    core.alarms.wake_all();
    let finished = async || {
        while core.serving.get() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let last = LAST_WORDS.min(patience / 2);
    let first = FIRST.min(patience / 4);
    let between = patience.saturating_sub(last + first);
    for (after, next) in [(first, &core.impatient), (between, &core.leaving)] {
        if timeout(after, finished()).await.is_ok() {
            return;
        }
        next.set(true);
        core.alarms.wake_all();
    }
    let _ = timeout(last, finished()).await;
}
