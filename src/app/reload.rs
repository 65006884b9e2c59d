//! New settings for a gateway that runs: read, checked and put in place as one, or not at all.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use axum::http::StatusCode;

use crate::admin::problem::Problem;
use crate::config::{self, Settings, Source};
use crate::gateway::core::Shared;
use crate::gateway::snapshot::Snapshot;
use crate::gateway::targets::Targets;
use crate::notices::{Notices, Prepared};
use crate::store::sealed;
use crate::telemetry::logs::Logs;
use crate::telemetry::metrics::{CertificateState, ShownTo};
use crate::web::People;

use super::files;
use super::watched::Warned;

/// A configuration that was not taken, since when none was.
#[derive(Clone, Debug)]
struct Refused {
    problem: Box<Problem>,
    /// What it names: mending one of these alone may make it good.
    files: Vec<PathBuf>,
}

/// Puts new settings in place.
#[derive(Debug)]
pub struct Reloader {
    source: Option<Source>,
    settings: Arc<ArcSwap<Settings>>,
    shared: Arc<Shared>,
    targets: Arc<Targets>,
    notices: Arc<Notices>,
    people: Arc<People>,
    logs: Option<Logs>,
    generation: AtomicU64,
    failures: AtomicU64,
    refused: Mutex<Option<Refused>>,
    warned: Mutex<Warned>,
    /// Two reloads at once would race for the last word.
    one_at_a_time: Mutex<()>,
}

impl Reloader {
    pub(super) fn new(
        source: Option<Source>,
        settings: Arc<ArcSwap<Settings>>,
        shared: Arc<Shared>,
        (targets, notices, people): (Arc<Targets>, Arc<Notices>, Arc<People>),
        logs: Option<Logs>,
    ) -> Self {
        let (generation, failures) = (AtomicU64::new(0), AtomicU64::new(0));
        let one_at_a_time = Mutex::new(());
        Self {
            source,
            settings,
            shared,
            targets,
            notices,
            people,
            logs,
            generation,
            failures,
            refused: Mutex::default(),
            warned: Mutex::default(),
            one_at_a_time,
        }
    }

    /// What the gateway was configured from.
    pub(super) const fn configured(&self) -> Option<&Source> {
        self.source.as_ref()
    }

    /// The file that the gateway was configured from.
    pub fn source(&self) -> Option<&PathBuf> {
        self.source.as_ref().map(|source| &source.path)
    }

    /// Reads the file anew and puts it in place. A request that is under way goes on as it began; one that lasts is
    /// judged by the new settings.
    ///
    /// # Errors
    /// All mistakes of the file; the settings in force stay.
    pub fn reload(&self) -> Result<(), Box<Problem>> {
        self.renew(true)
    }

    /// The same where the file means something else than what is in force, for files that may have changed before
    /// anybody looked.
    ///
    /// # Errors
    /// As [`reload`](Self::reload), but for mistakes that were told last time.
    pub fn catch_up(&self) -> Result<(), Box<Problem>> {
        self.renew(false)
    }

    /// Puts what the file means in place; where nothing is known to have changed, only if that is something new.
    fn renew(&self, surely: bool) -> Result<(), Box<Problem>> {
        let Some(source) = &self.source else {
            return Err(Box::new(Problem::no_file()));
        };
        let _turn = self.one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner);
        let (read, mut before) = (self.read(source), self.refused());
        match read {
            Ok((settings, webhooks)) => {
                *before = None;
                drop(before);
                if surely || settings != **self.settings.load() {
                    self.put(settings);
                    self.notices.put(webhooks);
                    tracing::info!(file = %source.path.display(), "new configuration in force");
                }
                Ok(())
            }
            Err(refused) => {
                let problem = refused.problem.clone();
                let before = before.replace(refused);
                if !surely && before.is_some_and(|before| before.problem.detail == problem.detail) {
                    return Ok(());
                }
                self.failures.fetch_add(1, Ordering::Relaxed);
                Err(problem)
            }
        }
    }

    fn refused(&self) -> MutexGuard<'_, Option<Refused>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the file means now, checked.
    fn read(&self, source: &Source) -> Result<(Settings, Prepared), Refused> {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let environment = config::Environment::process();
        let loaded = source.reload(&self.settings.load(), &environment).map_err(|report| {
            let problem = Box::new(Problem::bad_config(&report));
            Refused { problem, files: report.named().to_vec() }
        });
        let settings = loaded?.settings;
        let refused = |problem| {
            let files = source.all_files(&settings);
            Refused { problem: Box::new(problem), files }
        };
        sealed::check_key(&settings)
            .map_err(|error| refused(Problem::no_master_key(status, &error)))?;
        let webhooks = Prepared::new(&settings).map_err(|error| {
            let report = error.report(Some(source));
            let mut problem = Problem::no_webhooks(status, &error, report.as_ref());
            // Told as any mistake of the file, with the line that names it.
            if let Some(report) = report {
                problem.detail = report.to_string();
            }
            refused(problem)
        })?;
        Ok((settings, webhooks))
    }

    /// What is followed: the files of the configuration in force, and of the one that was not taken since.
    fn files(&self, source: &Source) -> Vec<PathBuf> {
        let mut files = source.files(&self.settings.load());
        files.extend(self.refused().iter().flat_map(|refused| refused.files.iter().cloned()));
        let mut seen = BTreeSet::new();
        files.retain(|file| seen.insert(file.clone()));
        files
    }

    /// The certificates that clients and upstreams are shown, none of them twice to the same.
    pub(super) fn certificates(&self) -> Vec<CertificateState> {
        let settings = self.settings.load();
        let served = settings.served().map(|one| (ShownTo::Clients, one));
        let shown = settings.shown_to_upstreams().map(|one| (ShownTo::Upstreams, one));
        let named: BTreeSet<_> = served
            .chain(shown)
            .map(|(shown_to, one)| {
                let file = one.files.chain.display().to_string();
                let name = one.names.first().unwrap_or(&file).clone();
                CertificateState { shown_to, name, file, expires_at: one.expires_at }
            })
            .collect();
        named.into_iter().collect()
    }

    /// Warns of certificates that are over, or soon will be, where that was not told today.
    pub(super) fn tell_certificates(&self) {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        warned.tell(self.certificates(), self.shared.clock.now());
    }

    /// How many configurations were not taken.
    pub(super) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Puts checked settings in place.
    fn put(&self, settings: Settings) {
        let generation = self.generation.fetch_add(1, Ordering::SeqCst) + 1;
        let snapshot = Snapshot::new(&settings, &self.shared.counters, &self.targets, generation);
        if let Some(logs) = &self.logs
            && let Err(error) = logs.set_filter(&settings.telemetry.filter)
        {
            tracing::error!(%error, "the log filter in force stays");
        }
        let before = self.settings.load();
        if settings.limits.connections != before.limits.connections {
            files::tell(&self.shared.descriptors, &settings.limits);
        }
        tell_if_closed(&settings, true);
        // Where sessions last longer from now on, those that were over stay so.
        self.people.sweep(&before.sessions, self.shared.clock.now());
        self.settings.store(Arc::new(settings));
        self.shared.snapshot.store(snapshot);
        self.tell_certificates();
    }

    /// Says what is wrong with a configuration that was not taken.
    pub(super) fn tell(&self, why: &str, outcome: Result<(), Box<Problem>>) {
        if let Err(problem) = outcome {
            tracing::error!(
                %why,
                "the configuration in force stays, since the new one has mistakes:"
            );
            // One event is one line; a report is read line by line.
            for line in problem.detail.lines().chain(problem.hint.as_deref()) {
                tracing::error!("{line}");
            }
        }
    }
}

/// Warns of settings that let nobody through.
pub(super) fn tell_if_closed(settings: &Settings, of_file: bool) {
    if !settings.apis.is_empty() {
        return;
    }
    let way_out = if of_file {
        "write `[[apis]]` into the configuration, with the upstream and its rules"
    } else {
        "start with `--upstream URL` to protect one service, or name a configuration with `--config`"
    };
    tracing::warn!("there is no API, so that every request is refused: {way_out}");
}

/// Reloads when the file changes, as long as what this gives is kept. What changed since the settings in force were
/// read is found too: until the store of a gateway before was free, that may have been long.
pub(super) fn watch(reloader: &Arc<Reloader>) -> Option<config::Watch> {
    let source = reloader.source.clone()?;
    let reloader = Arc::clone(reloader);
    let files = reloader.files(&source);
    let watch = config::watch(&files, move |surely| {
        reloader.tell("a file changed", reloader.renew(surely));
        reloader.files(&source)
    });
    watch
        .inspect_err(|error| {
            tracing::warn!(%error, "the configuration file cannot be watched; SIGHUP reloads it");
        })
        .ok()
}
