//! What a gateway is told by the system: from its first moment on, for nothing may break off what takes its time.

use std::io;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;

use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::handover::Heir;
use super::{AppError, Reloader};

/// What a gateway is told by the system. From when this is made on, no signal ends the process
/// before its time.
#[derive(Debug)]
pub struct Signals {
    hang_up: Signal,
    /// The gateway is to start its successor.
    replace: Signal,
    pub(super) stops: Stops,
}

/// What tells a gateway to stop, perhaps more than once.
#[derive(Debug)]
pub(super) struct Stops {
    terminate: Signal,
    interrupt: Signal,
    /// It was told while it gave its place away, and nobody took it.
    told_before: bool,
}

impl Stops {
    /// Until SIGTERM or SIGINT comes.
    pub(super) async fn told(&mut self) {
        if std::mem::take(&mut self.told_before) {
            return;
        }
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

impl Signals {
    /// Takes signals from here on: before anything begins that they would break off, and before anybody is told that the
    /// gateway runs, since whoever knows may stop it at once. What comes is kept until somebody asks.
    ///
    /// # Errors
    /// What the operating system reports.
    pub fn take() -> Result<Self, AppError> {
        let taken = || {
            // It is needed for this alone: any runtime passes signals on.
            let runtime = listener()?;
            let _inside = runtime.enter();
            Ok(Self {
                hang_up: signal(SignalKind::hangup())?,
                replace: signal(SignalKind::user_defined2())?,
                stops: Stops {
                    terminate: signal(SignalKind::terminate())?,
                    interrupt: signal(SignalKind::interrupt())?,
                    told_before: false,
                },
            })
        };
        taken().map_err(|source| AppError::System { doing: "waiting for signals", source })
    }

    /// Does this beside, and gives what comes of it; none where SIGTERM or SIGINT comes before, and then nothing waits for it
    /// any more: it ends with the process. To be called outside of any runtime.
    ///
    /// # Errors
    /// What the operating system reports.
    pub fn unless_told_to_stop<T: Send + 'static>(
        &mut self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Option<T>, AppError> {
        let failed = |source| AppError::System { doing: "beginning to start", source };
        let (done, outcome) = oneshot::channel();
        let worker = thread::Builder::new().name("tollgate-start".to_owned());
        let worker = worker.spawn(move || done.send(work()).is_ok()).map_err(failed)?;
        let outcome = listener().map_err(failed)?.block_on(async {
            tokio::select! {
                biased;
                outcome = outcome => Some(outcome),
                () = self.stops.told() => None,
            }
        });
        match outcome.map(Result::ok) {
            None => Ok(None),
            Some(Some(outcome)) => Ok(Some(outcome)),
            Some(None) => match worker.join() {
                Err(panic) => resume_unwind(panic),
                Ok(_) => Err(failed(io::ErrorKind::BrokenPipe.into())),
            },
        }
    }

    /// Until SIGTERM or SIGINT comes; reloads at SIGHUP meanwhile.
    pub(super) async fn told_to_stop(&mut self, reloader: &Arc<Reloader>) {
        loop {
            tokio::select! {
                _ = self.hang_up.recv() => hang_up(reloader).await,
                () = self.stops.told() => return,
            }
        }
    }
}

/// Listens to signals while a gateway gives its place away.
pub(super) struct Leaving {
    ends: oneshot::Sender<()>,
    listens: JoinHandle<Signals>,
}

impl Leaving {
    /// Does `cut` where it is told to stop twice.
    pub(super) fn begin(
        control: &Runtime,
        mut signals: Signals,
        cut: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let (ends, over) = oneshot::channel::<()>();
        let listens = control.spawn(async move {
            let mut told = false;
            let listens = async {
                signals.stops.told().await;
                told = true;
                tracing::info!(
                    "told to stop, as it does already; told once more, it cuts what is still under way"
                );
                loop {
                    signals.stops.told().await;
                    cut();
                }
            };
            tokio::select! {
                biased;
                () = listens => {}
                _ = over => {}
            }
            signals.stops.told_before = told;
            signals
        });
        Self { ends, listens }
    }

    /// The signals that nobody has followed, and those that come.
    pub(super) async fn end(self) -> Option<Signals> {
        drop(self.ends);
        self.listens.await.ok()
    }
}

/// What signals are heard with where nothing else runs.
fn listener() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_io().build()
}

async fn hang_up(reloader: &Arc<Reloader>) {
    let reloader = Arc::clone(reloader);
    let _ = tokio::task::spawn_blocking(move || reloader.tell("SIGHUP", reloader.reload())).await;
}

/// Reloads at SIGHUP, starts a successor at SIGUSR2, and returns at SIGTERM or SIGINT, or with a successor that is ready.
pub(super) async fn until_told(
    signals: &mut Signals,
    reloader: &Arc<Reloader>,
    heirs: &mut mpsc::Receiver<Heir>,
    replace: fn() -> io::Result<()>,
) -> Option<Heir> {
    loop {
        tokio::select! {
            _ = signals.hang_up.recv() => hang_up(reloader).await,
            _ = signals.replace.recv() => {
                if let Err(error) = replace() {
                    tracing::error!(%error, "a successor cannot be started; this gateway goes on");
                }
            }
            () = signals.stops.told() => return None,
            Some(heir) = heirs.recv() => return Some(heir),
        }
    }
}
