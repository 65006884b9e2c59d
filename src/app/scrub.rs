//! The history is read again while requests go on, so slowly that they do not notice, and damage is
//! told before what is old is needed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use crate::store::{Store, StoreError};

/// How often some more is read.
const BEAT: Duration = Duration::from_secs(1);
/// How much: a thousandth of a core; a history of a million tokens is read in an hour.
const BYTES: u64 = 256 << 10;
/// After how many beats damage is looked at again.
const AGAIN: u32 = 60;

/// What is known of the history.
#[derive(Debug, Default)]
pub(super) struct Checked {
    /// The last event of the present pass that is known to be whole.
    pub(super) position: AtomicU64,
    /// Whether something in it cannot be read or does not verify.
    pub(super) damaged: AtomicBool,
}

/// Reads until `stop`.
pub(super) async fn run(
    store: Arc<dyn Store>,
    checked: Arc<Checked>,
    mut stop: watch::Receiver<bool>,
) {
    let mut interval = tokio::time::interval(BEAT);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut rest = 0_u32;
    loop {
        tokio::select! {
            _ = interval.tick() => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        rest = rest.saturating_sub(1);
        if rest == 0 && !look(&*store, &checked).await {
            rest = AGAIN;
        }
    }
}

/// Reads some more; answers whether it is well.
async fn look(store: &dyn Store, checked: &Checked) -> bool {
    match store.verify_some(BYTES).await {
        Ok(position) => {
            checked.position.store(position.0, Ordering::Relaxed);
            if checked.damaged.swap(false, Ordering::Relaxed) {
                tracing::info!("the history can be read again");
            }
            true
        }
        // Nothing of this tells of the history.
        Err(error) if error.is_passing() || matches!(error, StoreError::Closed) => false,
        Err(error) => {
            if !checked.damaged.swap(true, Ordering::Relaxed) {
                tracing::error!(
                    %error,
                    "the history is damaged: requests and changes go on, but no backup can be \
                     taken and no index built"
                );
            }
            false
        }
    }
}
