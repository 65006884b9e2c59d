//! Digests that a core has found to be nobody's, so that a secret that is tried again costs no look into
//! what cores share, and as much time as one that is known (row X1).

use std::cell::RefCell;
use std::time::Duration;

use crate::cache::Cache;
use crate::domain::secret::Digest;

use super::alarm::Alarms;

/// How many are remembered. Whoever comes later takes the place.
const PLACES: usize = 1 << 14;

/// Digests that nobody has. Each says itself whether that still holds: any change to a digest of its
/// shard ends it, and so does time.
#[derive(Debug, Default)]
pub(super) struct Strangers(RefCell<Vec<Option<Stranger>>>);

#[derive(Clone, Copy, Debug)]
struct Stranger {
    digest: Digest,
    epoch: u64,
    until_ms: u64,
}

impl Strangers {
    /// Whether nobody has this secret, as was found in the epoch that holds now.
    pub(super) fn knows(&self, digest: &Digest, cache: &Cache, alarms: &Alarms) -> bool {
        let places = self.0.borrow();
        let place = places.get(place_of(digest)).and_then(Option::as_ref);
        place.is_some_and(|stranger| {
            stranger.digest == *digest
                && stranger.until_ms > alarms.now_ms()
                && stranger.epoch == cache.epoch(digest)
        })
    }

    /// Remembers a digest that was looked for in vain after `epoch` was read.
    pub(super) fn remember(&self, digest: &Digest, epoch: u64, alarms: &Alarms, ttl: Duration) {
        let ttl_ms = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX);
        let until_ms = alarms.now_ms().saturating_add(ttl_ms);
        let mut places = self.0.borrow_mut();
        // A core that meets no stranger needs no memory for them.
        places.resize(PLACES, None);
        if let Some(place) = places.get_mut(place_of(digest)) {
            *place = Some(Stranger { digest: *digest, epoch, until_ms });
        }
    }
}

fn place_of(digest: &Digest) -> usize {
    let head = digest.as_bytes().first_chunk::<4>().map_or(0, |head| u32::from_le_bytes(*head));
    head as usize % PLACES
}
