//! Telling others what happened: signed calls to webhooks, tried again until they are taken.
//!
//! The history is the queue, since it is durable: each webhook has a place in it, and reads on from there.
//! What was tried is in a journal beside the store (`journal`), so that a restart goes on where it was.
//! Each webhook has a task of its own, so that one that is slow keeps nobody else waiting.
//!
//! Called by `app` (start, reload) and `admin` (lists, the test button).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::id::Slug;
use crate::service::Service;
use crate::telemetry::throttle::Throttle;

mod attempt;
mod sign;
mod prepare;
mod payload;
mod meaning;
mod journal;
mod hook;
mod deliver;
pub mod acts;
#[cfg(test)]
mod tests;

pub use attempt::{Attempt, Outcome};
pub use prepare::{Prepared, SetupError};
pub use sign::SecretError;

use hook::Hook;
use journal::{Journal, Line};

/// All webhooks of a gateway.
#[derive(Debug)]
pub struct Notices {
    service: Arc<Service>,
    /// In the order of the file.
    hooks: Mutex<Vec<Arc<Hook>>>,
    journal: Mutex<Journal>,
    /// The newest event, one more than its number; zero before it is known.
    newest: AtomicU64,
    trouble: Throttle,
}

/// What monitors are told of a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Its name.
    pub name: Slug,
    /// Attempts since the start that were taken, are to be tried again, and are not.
    pub attempts: [u64; 3],
    /// Notices that wait.
    pub waiting: u64,
}

impl Notices {
    /// Webhooks as they were left in `folder`, the data folder. They have places once
    /// [`Notices::begin`] was called, and are told what happens by [`Notices::run`].
    pub fn open(service: Arc<Service>, folder: &Path, prepared: Prepared) -> Arc<Self> {
        let journal = Journal::of(folder);
        let mut known = journal.read().unwrap_or_else(|error| {
            tracing::error!(
                %error,
                "the journal of deliveries cannot be read: webhooks begin at the newest event"
            );
            BTreeMap::new()
        });
        let Prepared(setups) = prepared;
        let hook = |(name, setup): (Slug, _)| {
            let restored = known.remove(&name);
            Arc::new(Hook::new(name, setup, restored))
        };
        let hooks: Vec<_> = setups.into_iter().map(hook).collect();
        let notices = Self {
            service,
            hooks: Mutex::new(hooks),
            journal: Mutex::new(journal),
            newest: AtomicU64::new(0),
            trouble: Throttle::default(),
        };
        Arc::new(notices)
    }

    /// Puts other webhooks in place. One whose name stays goes on where it was; a new one begins at the
    /// newest event.
    pub fn put(&self, prepared: Prepared) {
        let Prepared(setups) = prepared;
        let mut hooks = self.hooks();
        let mut former: BTreeMap<_, _> =
            hooks.drain(..).map(|hook| (hook.name.clone(), hook)).collect();
        for (name, setup) in setups {
            hooks.push(match former.remove(&name) {
                Some(hook) => {
                    hook.setup.store(setup);
                    hook
                }
                None => Arc::new(Hook::new(name, setup, None)),
            });
        }
        let new: Vec<_> = hooks.iter().filter(|hook| !hook.is_placed()).map(Arc::clone).collect();
        drop(hooks);
        new.iter().for_each(|hook| self.place(hook));
        for (webhook, hook) in former {
            hook.gone.store(true, Ordering::Relaxed);
            self.note(&Line { webhook, place: 0, attempt: None, gone: true });
        }
    }

    /// For metrics.
    pub fn counted(&self) -> Vec<Counted> {
        let of = |hook: &Arc<Hook>| {
            let counts = &hook.counts;
            let attempts = [&counts.delivered, &counts.retried, &counts.given_up];
            Counted {
                name: hook.name.clone(),
                attempts: attempts.map(|count| count.load(Ordering::Relaxed)),
                waiting: hook.waiting() as u64,
            }
        };
        self.hooks().iter().map(of).collect()
    }

    fn hooks(&self) -> MutexGuard<'_, Vec<Arc<Hook>>> {
        self.hooks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a webhook its place, and writes it down, so that a crash does not make it a new one again.
    fn place(&self, hook: &Hook) {
        if let Some(newest) = self.newest() {
            hook.place(newest);
            self.note(&hook.place_line());
        }
    }

    fn newest(&self) -> Option<u64> {
        self.newest.load(Ordering::Relaxed).checked_sub(1)
    }

    /// Adds a line to the journal. Deliveries go on without it.
    fn note(&self, line: &Line) {
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        let noted = if journal.is_long() {
            // With what the line says, since whoever tells has taken note of it.
            let hooks = self.hooks().clone();
            let lines: Vec<_> = hooks.iter().flat_map(|hook| hook.lines()).collect();
            journal.rewrite(&lines)
        } else {
            journal.add(line)
        };
        if let Err(error) = noted
            && let Some(withheld) = self.trouble.ready()
        {
            tracing::warn!(
                %error, withheld,
                "deliveries cannot be written down: after a restart some may be made again"
            );
        }
    }
}
