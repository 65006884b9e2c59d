//! What monitors and logs are told of the rooms below.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::clock::{Clock, ClockState};
use crate::config::Settings;
use crate::config::settings::LogFormat;
use crate::domain::day::Day;
use crate::domain::time::{Span, Timestamp};
use crate::gateway::core::Shared;
use crate::notices::{Counted, Notices};
use crate::store::Health;
use crate::telemetry::Format;
use crate::telemetry::logs::{self, Flush, Logs, LogsError};
use crate::telemetry::metrics::{
    self, CertificateState, EndpointState, Sources, State, StoreState, WebhookState,
};
use crate::tls::WARNED_BEFORE;

use super::Reloader;
use super::scrub::Checked;
use super::standing::Metrics;

/// Starts the logs of this process as the settings say. Called once, before a gateway is started.
///
/// # Errors
/// Logs that run already.
pub fn start_logs(settings: &Settings, clock: Clock) -> Result<(Logs, Flush), LogsError> {
    let format = match settings.telemetry.format {
        LogFormat::Human => Format::Human,
        LogFormat::Json => Format::Json,
    };
    let filter = settings.telemetry.filter.clone();
    logs::start(&logs::Options { format, filter, clock })
}

/// The metrics of a gateway that begins now.
pub(super) fn metrics(
    (shared, reloader, checked, notices): (
        &Arc<Shared>,
        &Arc<Reloader>,
        &Arc<Checked>,
        &Arc<Notices>,
    ),
    logs: Option<&Logs>,
) -> Metrics {
    let state = {
        let (shared, reloader) = (Arc::clone(shared), Arc::clone(reloader));
        let (checked, notices) = (Arc::clone(checked), Arc::clone(notices));
        Box::new(move || State {
            webhooks: notices.counted().into_iter().map(counted).collect(),
            ..state(&shared, &reloader, &checked)
        })
    };
    Box::new(metrics::exposition(Sources {
        counters: Arc::clone(&shared.counters),
        dropped: logs.map(Logs::dropped),
        started_at: shared.clock.now(),
        state,
    }))
}

fn state(shared: &Shared, reloader: &Reloader, checked: &Checked) -> State {
    let (cache, behind) = (&shared.cache, shared.behind());
    let (cache_records, cache_unknown) = cache.sizes();
    State {
        cache_records,
        cache_unknown,
        pending_touches: cache.pending_touches() as u64,
        touches_written: cache.counts.flushed.value(),
        loads: cache.counts.loads.read(),
        loads_overtaken: cache.counts.overtaken.value(),
        commits: cache.counts.commits.read(),
        revocation_lag: cache.counts.revocation_lag.read(),
        store: match cache.store().health() {
            Health::Ready => StoreState::Ready,
            Health::ReadOnly(_) | Health::ReadOnlyForGood(_) => StoreState::ReadOnly,
            Health::Broken(_) => StoreState::Broken,
        },
        checkpoint_age: cache.store().checkpoint_age(),
        unreadable: shared.unreadable.load(Ordering::Relaxed),
        history_position: checked.position.load(Ordering::Relaxed),
        history_damaged: checked.damaged.load(Ordering::Relaxed),
        clock: shared.clock_state(),
        clock_behind_seconds: behind.seconds(),
        config_generation: shared.snapshot.load().generation,
        config_failures: reloader.failures(),
        webhooks: Vec::new(),
        endpoints: endpoints(shared),
        certificates: reloader.certificates(),
    }
}

fn endpoints(shared: &Shared) -> Vec<EndpointState> {
    let snapshot = shared.snapshot.load();
    let all = snapshot.endpoints().map(|(api, target)| EndpointState {
        api: api.to_owned(),
        upstream: target.to_string(),
        up: target.gets_requests(),
        ejections: target.left_out(),
    });
    all.collect()
}

fn counted(webhook: Counted) -> WebhookState {
    let Counted { name, attempts, waiting } = webhook;
    WebhookState { name: name.as_str().to_owned(), attempts, waiting }
}

/// Tells when the wall clock falls behind what it has shown before, also where nobody asks for
/// anything, and when that is over; the other states are told where they are found (`wall`). Gives
/// what to hold the next look against.
pub(super) fn tell_clock(before: ClockState, shared: &Shared) -> ClockState {
    let (now, state) = (shared.clock.now(), shared.clock_state());
    match (before, state) {
        (ClockState::Behind, ClockState::Behind) => {}
        (_, ClockState::Behind) => tracing::error!(
            %now, behind_seconds = shared.behind().seconds(),
            "the wall clock fell behind what it has shown before: requests that need a token are \
             answered 503 until it is set right"
        ),
        (ClockState::Behind, _) => tracing::info!(
            %now, state = state.name(),
            "the wall clock is no longer behind: requests are decided again"
        ),
        _ => {}
    }
    state
}

/// The certificates that were warned of on a day, and whether they were over by then: a reload, and there may be one
/// each minute, warns of none again.
#[derive(Debug, Default)]
pub(super) struct Warned {
    on: Option<Day>,
    of: BTreeSet<(CertificateState, bool)>,
}

impl Warned {
    /// Warns of certificates that are over, or soon will be, once for each day.
    pub(super) fn tell(&mut self, certificates: Vec<CertificateState>, now: Timestamp) {
        let today = Some(Day::of(now));
        if self.on != today {
            *self = Self { on: today, of: BTreeSet::new() };
        }
        for one in certificates {
            let (end, over) = (one.expires_at, one.expires_at < now);
            if end > now.plus(WARNED_BEFORE) || !self.of.insert((one.clone(), over)) {
                continue;
            }
            let CertificateState { name, file, shown_to, .. } = one;
            let shown_to = shown_to.name();
            if over {
                tracing::error!(
                    certificate = %name, %file, shown_to, %end,
                    "a certificate is over: {shown_to} refuse it"
                );
            } else {
                let days = end.since(now).seconds() / Span::from_days(1).seconds();
                tracing::warn!(
                    certificate = %name, %file, shown_to, %end, days,
                    "a certificate will soon be over: renew it"
                );
            }
        }
    }
}

/// Tells when the store becomes able or unable to do its work. Gives what to hold the next look
/// against.
pub(super) fn tell_health(before: Health, now: Health) -> Health {
    if before != now {
        match &now {
            Health::Ready => tracing::info!("the store reads and writes again"),
            Health::ReadOnly(why) | Health::ReadOnlyForGood(why) => {
                tracing::error!(%why, "the store takes no changes");
            }
            Health::Broken(why) => tracing::error!(%why, "the store cannot be relied on"),
        }
    }
    now
}
