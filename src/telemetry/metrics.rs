//! What monitors read: the sums of all cores, and the state of the rooms below, as OpenMetrics
//! text.
//!
//! Nothing is summed before somebody asks, so that requests pay for no metric twice. Labels come
//! from configuration and from closed sets, never from a request. `docs/operating.md` explains
//! each.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, text};
use prometheus_client::registry::Registry;

use crate::clock::ClockState;
use crate::domain::time::Timestamp;

use super::counters::Counters;
use super::durations::Distribution;
use super::logs::Dropped;

mod encode;
mod families;

use encode::Families;

/// The media type of the text.
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Where the numbers come from.
pub struct Sources {
    /// Of the proxied path.
    pub counters: Arc<Counters>,
    /// Of the logs, where there are any.
    pub dropped: Option<Dropped>,
    /// When the gateway began.
    pub started_at: Timestamp,
    /// What other rooms say of themselves, asked anew each time.
    pub state: Box<dyn Fn() -> State + Send + Sync>,
}

/// What other rooms say of themselves.
#[derive(Clone, Debug)]
pub struct State {
    /// Records in memory.
    pub cache_records: u64,
    /// Digests remembered as unknown.
    pub cache_unknown: u64,
    /// Last uses that are not yet written down.
    pub pending_touches: u64,
    /// Last uses written down.
    pub touches_written: u64,
    /// Reads of the store for records that were not in memory.
    pub loads: Distribution,
    /// Such reads that a change overtook.
    pub loads_overtaken: u64,
    /// Changes, until they were durable or had failed.
    pub commits: Distribution,
    /// From a change being durable to no request being decided on the old record.
    pub revocation_lag: Distribution,
    /// Whether the store can do its work.
    pub store: StoreState,
    /// How long ago the last checkpoint was taken.
    pub checkpoint_age: Duration,
    /// Tokens that are over and whose records cannot be read.
    pub unreadable: u64,
    /// The last event of the present pass over the history that is known to be whole.
    pub history_position: u64,
    /// Whether something in the history cannot be read or does not verify.
    pub history_damaged: bool,
    /// How far the wall clock is believed.
    pub clock: ClockState,
    /// How far the wall clock is behind what it has shown before.
    pub clock_behind_seconds: u64,
    /// Which configuration is in force.
    pub config_generation: u64,
    /// Configurations that were not taken.
    pub config_failures: u64,
    /// What each webhook was told.
    pub webhooks: Vec<WebhookState>,
    /// The endpoints of all APIs.
    pub endpoints: Vec<EndpointState>,
    /// The certificates that are shown, none of them twice to the same.
    pub certificates: Vec<CertificateState>,
}

/// Whom a certificate is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ShownTo {
    /// Those who come.
    Clients,
    /// Those whom the gateway calls.
    Upstreams,
}

impl ShownTo {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clients => "clients",
            Self::Upstreams => "upstreams",
        }
    }
}

/// A certificate that is shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CertificateState {
    /// Whom.
    pub shown_to: ShownTo,
    /// Its first name, or its file.
    pub name: String,
    /// Its file: one name may have an RSA and an ECDSA certificate.
    pub file: String,
    /// When its time is over.
    pub expires_at: Timestamp,
}

/// How an endpoint of an API stands.
#[derive(Clone, Debug)]
pub struct EndpointState {
    /// The API.
    pub api: String,
    /// The host and the port, from the configuration.
    pub upstream: String,
    /// Whether it gets requests.
    pub up: bool,
    /// How often it was left out for its failures.
    pub ejections: u64,
}

/// What a webhook was told.
#[derive(Clone, Debug)]
pub struct WebhookState {
    /// Its name, from the configuration.
    pub name: String,
    /// Attempts that were taken, are to be tried again, and are not.
    pub attempts: [u64; 3],
    /// Notices that wait.
    pub waiting: u64,
}

/// Whether the store can do its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreState {
    /// It reads and writes.
    Ready,
    /// It reads; changes are refused.
    ReadOnly,
    /// It cannot be relied on.
    Broken,
}

impl StoreState {
    /// Every state, with its label.
    const ALL: [(Self, &'static str); 3] =
        [(Self::Ready, "ready"), (Self::ReadOnly, "read_only"), (Self::Broken, "broken")];
}

/// What gives the media type and the text, each time it is called.
pub fn exposition(sources: Sources) -> impl Fn() -> (&'static str, String) + Send + Sync + 'static {
    let mut registry = Registry::with_prefix("tollgate");
    registry.register_collector(Box::new(Scrape(sources)));
    move || {
        let mut text = String::new();
        if text::encode(&mut text, &registry).is_err() {
            // Text in memory takes everything; half of it would be read as a fall of all counters.
            text.clear();
        }
        (MEDIA_TYPE, text)
    }
}

struct Scrape(Sources);

impl fmt::Debug for Scrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scrape").finish_non_exhaustive()
    }
}

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Self(Sources { counters, dropped, started_at, state }) = self;
        let state = state();
        let mut families = Families::new(encoder);
        families::requests(&mut families, counters)?;
        families::connections(&mut families, counters)?;
        families::upstreams(&mut families, counters, &state)?;
        families::cache(&mut families, counters, &state)?;
        families::store(&mut families, &state)?;
        families::notices(&mut families, &state)?;
        families::process(&mut families, &state, *started_at, dropped.as_ref())
    }
}

#[cfg(test)]
mod tests;
