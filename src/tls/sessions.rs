//! What clients need to resume sessions, and how all of it is forgotten.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::crypto::aws_lc_rs;
use rustls::server::{ProducesTickets, ServerSessionMemoryCache, StoresServerSessions};

/// How many sessions are kept of clients that take no tickets: as many as rustls keeps by itself.
const STORED: usize = 256;

/// The sessions that can be resumed. A resumed session has the certificate of the client that it began with, and rustls
/// does not look at it again, nor lets anybody tell it which sessions have one that is over: then all are forgotten, so
/// that whoever comes again shakes hands in full.
#[derive(Debug)]
pub(super) struct Sessions(ArcSwap<Kept>);

#[derive(Debug)]
struct Kept {
    tickets: Arc<dyn ProducesTickets>,
    stored: Arc<dyn StoresServerSessions>,
}

impl Kept {
    fn new() -> Result<Self, rustls::Error> {
        let stored = ServerSessionMemoryCache::new(STORED);
        Ok(Self { tickets: aws_lc_rs::Ticketer::new()?, stored })
    }
}

impl Sessions {
    /// None yet.
    ///
    /// # Errors
    /// There are no random numbers.
    pub(super) fn new() -> Result<Self, rustls::Error> {
        Kept::new().map(|kept| Self(ArcSwap::from_pointee(kept)))
    }

    /// From now on none can be resumed that began before.
    pub(super) fn forget(&self) {
        // Without random numbers they stay, and each connection is still refused by itself.
        if let Ok(kept) = Kept::new() {
            self.0.store(Arc::new(kept));
        }
    }
}

impl ProducesTickets for Sessions {
    fn enabled(&self) -> bool {
        self.0.load().tickets.enabled()
    }

    fn lifetime(&self) -> u32 {
        self.0.load().tickets.lifetime()
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.0.load().tickets.encrypt(plain)
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        self.0.load().tickets.decrypt(cipher)
    }
}

impl StoresServerSessions for Sessions {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        self.0.load().stored.put(key, value)
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.0.load().stored.get(key)
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.0.load().stored.take(key)
    }

    fn can_cache(&self) -> bool {
        self.0.load().stored.can_cache()
    }
}
