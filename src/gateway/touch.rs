//! The last station before the upstream: count the request, and note that the token was used. After all that can refuse it, so that
//! a refused request keeps no token alive; before forwarding, so that a slow upstream lets none lapse.

use std::net::IpAddr;

use super::authorize::Permit;
use super::core::Core;

/// Counts a request of a permitted token, and notes the use.
pub(super) fn record(permit: &Permit<'_>, peer: IpAddr, core: &Core) {
    if let Some(entry) = permit.entry() {
        let cache = &core.shared.cache;
        cache.touch(entry, permit.at(), peer, permit.api().number(cache));
        core.count(entry, permit.at(), true);
    }
}
