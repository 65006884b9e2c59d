//! The fifth station: note that the token was used. After the decision, so that a refused request
//! keeps no token alive; before forwarding, so that a slow upstream lets none lapse.

use super::authorize::Permit;
use super::core::Core;
use super::intake::Inbound;

/// Notes the use of a permitted token.
pub(super) fn record(permit: &Permit<'_>, inbound: &Inbound, core: &Core) {
    if let Some(entry) = permit.entry() {
        let (cache, api) = (&core.shared.cache, permit.api());
        let number = *api.uses_as.get_or_init(|| cache.api_number(&api.name));
        cache.touch(entry, permit.at(), inbound.peer, number);
    }
}
