//! How the descriptors that this process may open are shared out, so that clients who only connect
//! leave enough for everybody else: the store, the administrative faces, and upstreams.
//!
//! A client's connection needs one, and one more while its request is with an upstream; over HTTP/2
//! many more. So both are bounded, and what is left out of account is always there.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What the gateway itself keeps open or opens for a moment: standard streams, the control runtime,
/// the store with its snapshots, a backup, the configuration, names that are resolved.
const OWN: usize = 58;

/// What a core keeps open beside connections: its runtime, and a connection that is about to be turned away.
const EACH_CORE: usize = 5;

/// And of each door: what is listened with there, and that once more for a successor, and once more while it comes.
const EACH_DOOR: usize = 3;

/// Connections to one administrative face: a thirty-second of all, within these bounds.
const FACE: (usize, usize) = (4, 1_024);

/// How many connections of each kind may be open.
#[derive(Clone, Debug)]
pub struct Descriptors {
    limit: usize,
    clients: usize,
    upstreams: usize,
    face: usize,
    /// To upstreams, over all cores: the idle ones too.
    open: Arc<AtomicUsize>,
    /// How often somebody found no room for another.
    called_in: Arc<AtomicUsize>,
}

impl Descriptors {
    /// Shares out `limit` descriptors where so many cores have so many doors each. There is always room for one of each kind.
    pub fn share_out(limit: usize, cores: usize, doors: usize) -> Self {
        let face = (limit / 32).clamp(FACE.0, FACE.1);
        let kept = own(cores, doors).saturating_add(2 * face);
        let rest = limit.saturating_sub(kept);
        let clients = (rest / 2).max(1);
        let upstreams = rest.saturating_sub(clients).max(1);
        Self { limit, clients, upstreams, face, open: Arc::default(), called_in: Arc::default() }
    }

    /// How many there are.
    pub const fn limit(&self) -> usize {
        self.limit
    }

    /// Connections of clients, over all cores.
    pub const fn clients(&self) -> usize {
        self.clients
    }

    /// Connections to one administrative face.
    pub const fn face(&self) -> usize {
        self.face
    }

    /// Leave for another connection to an upstream; none where too many are open.
    pub(super) fn upstream(&self) -> Option<Place> {
        let place = Place(Arc::clone(&self.open));
        // Counted before it is looked at, and given back where it is one too many.
        let open = self.open.fetch_add(1, Ordering::Relaxed);
        (open < self.upstreams).then_some(place)
    }

    /// Has every core close its idle connections to upstreams.
    pub fn call_in(&self) {
        self.called_in.fetch_add(1, Ordering::Relaxed);
    }

    /// Changes whenever idle connections are to be closed.
    pub(super) fn called_in(&self) -> usize {
        self.called_in.load(Ordering::Relaxed)
    }
}

/// What is left out of account.
const fn own(cores: usize, doors: usize) -> usize {
    OWN.saturating_add(cores.saturating_mul(EACH_CORE + EACH_DOOR * doors))
}

impl Default for Descriptors {
    /// As many as there can be.
    fn default() -> Self {
        Self::share_out(usize::MAX, 0, 0)
    }
}

/// Leave for one connection, until it is dropped.
#[derive(Debug)]
pub(super) struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_kinds_together_leave_what_the_gateway_needs() {
        for limit in [0, 64, 100, 256, 1_024, 20_000, 1 << 20, usize::MAX] {
            for cores in [1, 2, 64] {
                let shared = Descriptors::share_out(limit, cores, 2);
                let (clients, upstreams) = (shared.clients(), shared.upstreams);
                assert!(clients > 0 && upstreams > 0 && shared.face() > 0, "{limit} {cores}");
                let all = clients.saturating_add(upstreams).saturating_add(2 * shared.face());
                let kept = own(cores, 2);
                assert!(
                    all == 2 + 2 * shared.face() || all + kept <= limit,
                    "{limit} {cores}: {shared:?}"
                );
            }
        }
        assert_eq!(Descriptors::share_out(1_024, 2, 1).clients(), 443);
        assert!(
            Descriptors::share_out(262_144, 8, 2).clients() > 100_000,
            "the default of the file"
        );
    }

    #[test]
    fn a_connection_gives_its_place_back() {
        let shared = Descriptors::share_out(100, 1, 1);
        let mut places: Vec<_> = std::iter::from_fn(|| shared.upstream()).collect();
        assert_eq!(places.len(), shared.upstreams);
        assert!(shared.upstream().is_none());
        places.pop();
        assert!(shared.upstream().is_some());
    }
}
