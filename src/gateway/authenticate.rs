//! The third station: whose request is it? From the secret, which the dialect has read, to a record.

use std::net::IpAddr;
use std::sync::Arc;

use crate::cache::{Entry, LoadError, Lookup};
use crate::domain::refusal::Refusal;
use crate::domain::secret::{self, Digest};

use super::core::Core;
use super::intake::Inbound;
use super::leak;
use super::snapshot::Snapshot;

/// A record whose secret the client has shown. It says nothing yet about what the token may do.
#[derive(Clone, Debug)]
pub(super) struct Authenticated {
    entry: Arc<Entry>,
    loaded: bool,
}

impl Authenticated {
    pub(super) const fn entry(&self) -> &Arc<Entry> {
        &self.entry
    }

    /// The record alone.
    pub(super) fn into_entry(self) -> Arc<Entry> {
        self.entry
    }

    /// Whether the store was asked.
    pub(super) const fn was_loaded(&self) -> bool {
        self.loaded
    }

    /// The same token, read anew from the store.
    pub(super) async fn renewed(&self, core: &Core) -> Result<Self, Refusal> {
        let owners_epoch = core.shared.cache.owners_epoch();
        let loaded = Box::pin(core.shared.cache.reload(&self.entry.digest)).await;
        let entry = loaded.map_err(|error| undecided(core, &error))?.ok_or(Refusal::Unknown)?;
        core.keep(&entry, owners_epoch);
        Ok(Self { entry, loaded: true })
    }
}

/// Finds out whose request it is by the secret that it carries, and from where.
///
/// # Errors
/// A secret that nobody has, a store that cannot tell, or one that is not asked, since the address is refused.
pub(super) async fn identify(
    credential: &[u8],
    address: IpAddr,
    core: &Core,
    snapshot: &Snapshot,
) -> Result<Authenticated, Refusal> {
    let digest = Digest::of(credential);
    if let Some(entry) = core.known(&digest) {
        core.counters.cache_hits.add(1);
        return Ok(Authenticated { entry, loaded: false });
    }
    let cache = &core.shared.cache;
    if core.unknown.knows(&digest, cache, &core.alarms) {
        core.counters.cache_hits.add(1);
        return Err(Refusal::Unknown);
    }
    // Garbage costs a hash, and never a look into what cores share.
    if !secret::is_plausible(credential) {
        return Err(Refusal::Unknown);
    }
    // Boxed, so that the way of all other requests stays small.
    Box::pin(find(&digest, address, core, snapshot)).await
}

/// The same once the store is another process's: by what that has on record now, for memory here hears of changes a moment
/// late. What was answered to others before this was asked is in the answer.
///
/// # Errors
/// As [`identify`].
pub(super) async fn identify_elsewhere(
    credential: &[u8],
    address: IpAddr,
    core: &Core,
    snapshot: &Snapshot,
) -> Result<Authenticated, Refusal> {
    if !secret::is_plausible(credential) {
        return Err(Refusal::Unknown);
    }
    let (digest, cache) = (Digest::of(credential), &core.shared.cache);
    let is_held = matches!(cache.look(&digest), Lookup::Held(_));
    if !is_held && is_refused(address, core, snapshot) {
        return Err(Refusal::TooManyFailures);
    }
    core.counters.cache_misses.add(1);
    let found = cache.reload(&digest).await.map_err(|error| undecided(core, &error))?;
    let entry = found.ok_or(Refusal::Unknown)?;
    Ok(Authenticated { entry, loaded: true })
}

/// Refuses a request whose target holds a secret.
///
/// # Errors
/// It does.
pub(super) fn check_target(inbound: &Inbound, credential: Option<&[u8]>) -> Result<(), Refusal> {
    let target = inbound.parts.uri.path_and_query();
    target.map_or(Ok(()), |target| leak::check_target(target.as_str(), credential))
}

/// Asks what all cores share, and then the store. Whoever comes from an address that is refused has what is in memory,
/// and costs the store nothing: a token that is in use passes, whatever others of its address do.
async fn find(
    digest: &Digest,
    address: IpAddr,
    core: &Core,
    snapshot: &Snapshot,
) -> Result<Authenticated, Refusal> {
    let cache = &core.shared.cache;
    // Read first: a change that comes after this ends what is found here.
    let (epoch, owners_epoch) = (cache.epoch(digest), cache.owners_epoch());
    let (found, loaded) = match cache.look(digest) {
        Lookup::Held(entry) => (Some(entry), false),
        Lookup::Unknown => (None, false),
        Lookup::Absent if is_refused(address, core, snapshot) => {
            return Err(Refusal::TooManyFailures);
        }
        Lookup::Absent => {
            let found = cache.load(digest).await;
            (found.map_err(|error| undecided(core, &error))?, true)
        }
    };
    let counted = if loaded { &core.counters.cache_misses } else { &core.counters.cache_hits };
    counted.add(1);
    let Some(entry) = found else {
        core.unknown.remember(digest, epoch, &core.alarms, cache.unknown_ttl());
        return Err(Refusal::Unknown);
    };
    core.keep(&entry, owners_epoch);
    Ok(Authenticated { entry, loaded })
}

/// Whether an address failed to authenticate so often that the store is not asked for it.
fn is_refused(address: IpAddr, core: &Core, snapshot: &Snapshot) -> bool {
    let shared = &core.shared;
    snapshot.limits.failures.refuse_after > 0
        && shared.failures.refused_for(address, &shared.clock).is_some()
}

/// Why nothing is said of a token: the store fails, or more is asked of it than it can answer in time.
pub(super) fn undecided(core: &Core, error: &LoadError) -> Refusal {
    if let Some(withheld) = core.shared.warnings.store.ready() {
        tracing::error!(%error, withheld, "a token cannot be checked; its request is answered 503");
    }
    match error {
        LoadError::Busy | LoadError::Slow => Refusal::Overloaded,
        LoadError::Store(_) => Refusal::CannotDecide,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::gateway::sample::Sample;

    #[test]
    fn too_much_at_once_is_told_from_a_store_that_fails() {
        let sample = Sample::new("\"http://127.0.0.1:9\"", "");
        for (error, refusal) in [
            (LoadError::Busy, Refusal::Overloaded),
            (LoadError::Slow, Refusal::Overloaded),
            (LoadError::Store("it is closed".into()), Refusal::CannotDecide),
        ] {
            assert_eq!(undecided(&sample.core, &error), refusal, "{error}");
        }
    }
}
