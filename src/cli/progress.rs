//! How far a long run has come: a bar on standard error, for people who watch it at a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often something moves while nothing is told; what is over sooner shows nothing.
const TICK: Duration = Duration::from_millis(200);

/// A bar, or nothing where nobody watches.
#[derive(Debug)]
pub struct Progress(ProgressBar);

impl Progress {
    /// Of a run over `all`; none if that is not known. Programs (`json`) and files are shown nothing.
    pub fn new(all: Option<usize>, what: &'static str, json: bool) -> Self {
        let target = if json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let all = all.map(|all| u64::try_from(all).unwrap_or(u64::MAX));
        let bar = ProgressBar::with_draw_target(all, target).with_message(what);
        let template = match all {
            Some(_) => "{bar:30} {pos} of {len} {msg}, {eta} left",
            None => "{spinner} {pos} {msg}, {elapsed}",
        };
        // A template that cannot be read is no reason to do nothing.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// Of a run that says nothing until it is over.
    pub fn waiting(what: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}, {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(what);
        bar.enable_steady_tick(TICK);
        Self(bar)
    }

    /// So many more are done.
    pub fn add(&self, done: usize) {
        self.0.inc(u64::try_from(done).unwrap_or(u64::MAX));
    }
}

impl Drop for Progress {
    /// What follows stands alone.
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
