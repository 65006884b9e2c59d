//! The life of the writing thread, from its first job to the closing of the store.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::close;
use super::write::{Job, Writer};

/// The most jobs that share one write.
const GROUP: usize = 512;
/// How long the thread waits for something to do before it looks after itself.
const TICK: Duration = Duration::from_secs(1);

/// Works until told to close, or until nobody can ask any more.
pub(super) fn run(mut writer: Writer, jobs: &Receiver<Job>) {
    loop {
        if writer.clear_doubts() {
            writer.look_after();
        }
        match jobs.recv_timeout(TICK) {
            Ok(first) => {
                let more = std::iter::from_fn(|| jobs.try_recv().ok()).take(GROUP - 1);
                if let Some(answer) = writer.work(std::iter::once(first).chain(more)) {
                    let _ = answer.send(close::close(writer));
                    return;
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                if let Err(error) = close::close(writer) {
                    tracing::error!("the store did not close well: {error}");
                }
                return;
            }
        }
        writer.look_after();
    }
}
