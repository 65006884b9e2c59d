//! How far a long run has come: a bar on standard error, for people who watch it at a terminal.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often something moves while nothing is told.
const TICK: Duration = Duration::from_millis(200);

/// The one bar of the process while there is one, for what is told meanwhile.
static SHOWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// A bar, or nothing where nobody watches.
#[derive(Debug)]
pub struct Progress(ProgressBar);

impl Progress {
    /// Of a run over `all`; none if that is not known.
    pub fn new(all: Option<usize>, what: &'static str, json: bool) -> Self {
        let all = all.map(|all| u64::try_from(all).unwrap_or(u64::MAX));
        let bar = ProgressBar::with_draw_target(all, watched(json)).with_message(what);
        let template = match all {
            Some(_) => "{bar:30} {pos} of {len} {msg}, {eta} left",
            None => "{spinner} {pos} {msg}, {elapsed}",
        };
        // A template that cannot be read is no reason to do nothing.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self::shown(bar)
    }

    /// Of a run that says nothing until it is over.
    pub fn waiting(what: &'static str, json: bool) -> Self {
        let bar = ProgressBar::with_draw_target(None, watched(json));
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}, {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(what);
        bar.tick();
        bar.enable_steady_tick(TICK);
        Self::shown(bar)
    }

    /// So many more are done.
    pub fn add(&self, done: usize) {
        self.0.inc(u64::try_from(done).unwrap_or(u64::MAX));
    }

    fn shown(bar: ProgressBar) -> Self {
        *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.clone());
        Self(bar)
    }
}

/// Writes something else, which may go to the same terminal: a bar that is shown makes room for it.
pub fn aside<T>(write: impl FnOnce() -> T) -> T {
    let shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match shown {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

/// Standard error, for what is told while a bar may be shown there.
#[derive(Debug)]
pub struct Aside;

impl Write for Aside {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        aside(|| io::stderr().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Where a bar is shown: programs (`json`) and files are shown none.
fn watched(json: bool) -> ProgressDrawTarget {
    if json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() }
}

impl Drop for Progress {
    /// What follows stands alone.
    fn drop(&mut self) {
        self.0.finish_and_clear();
        SHOWN.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}
