//! Time as a busy machine gives it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

const STEP: Duration = Duration::from_millis(5);

/// How long something took, for bounds of a second or so: counted in steps that a thread of its own makes. Where many tests run
/// at a time, that one has to wait as everything else has.
pub struct Steps {
    made: Arc<AtomicU32>,
    over: Arc<AtomicBool>,
}

impl Steps {
    /// From now on.
    pub fn begin() -> Self {
        let (made, over) = (Arc::<AtomicU32>::default(), Arc::<AtomicBool>::default());
        thread::spawn({
            let (made, over) = (Arc::clone(&made), Arc::clone(&over));
            move || {
                while !over.load(Ordering::Relaxed) {
                    thread::sleep(STEP);
                    made.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Self { made, over }
    }

    /// Until now.
    pub fn elapsed(&self) -> Duration {
        STEP * self.made.load(Ordering::Relaxed)
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}
