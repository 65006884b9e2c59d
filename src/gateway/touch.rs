//! The last station before the upstream: count the request, and note that the token was used. After all that can refuse it, so that
//! a refused request keeps no token alive; before forwarding, so that a slow upstream lets none lapse.

use std::net::IpAddr;

use super::authorize::Permit;
use super::core::Core;

/// Counts a request of a permitted token, and notes the use.
pub(super) fn record(permit: &Permit<'_>, peer: IpAddr, core: &Core) {
    if let Some(entry) = permit.entry() {
        let (cache, api) = (&core.shared.cache, permit.api());
        let number = *api.uses_as.get_or_init(|| cache.api_number(&api.name));
        cache.touch(entry, permit.at(), peer, number);
        core.count(entry, permit.at(), true);
    }
}
