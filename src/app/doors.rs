//! Where clients come in: `listen.public`, and `listen.plain` where there is one. Both are taken before the store is open,
//! and refuse connections until then.

use std::net::{SocketAddr, TcpListener};

use crate::config::settings::Listen;
use crate::gateway::accept::Door;
use crate::gateway::port::Port;
use crate::gateway::serving::Listening;

use super::AppError;
use super::handover::Listeners;

const PUBLIC: &str = "listen.public";
const PLAIN: &str = "listen.plain";

/// The ports that are taken.
#[derive(Debug)]
pub(super) struct Doors {
    public: Port,
    plain: Option<Port>,
}

impl Doors {
    /// Takes the ports, with the sockets of whoever listened there before.
    ///
    /// # Errors
    /// One that somebody else has, or that may not be taken.
    pub(super) fn take(listen: &Listen, given: &mut Listeners) -> Result<Self, AppError> {
        let take = |key, address, given: &mut Vec<TcpListener>| {
            Port::take_with(address, std::mem::take(given)).map_err(|source| AppError::Listen {
                key,
                address,
                source,
            })
        };
        let plain = listen.plain.map(|address| take(PLAIN, address, &mut given.plain)).transpose();
        Ok(Self { public: take(PUBLIC, listen.public, &mut given.public)?, plain: plain? })
    }

    /// Where `listen.public` is.
    pub(super) const fn public(&self) -> SocketAddr {
        self.public.address()
    }

    /// Where `listen.plain` is.
    pub(super) fn plain(&self) -> Option<SocketAddr> {
        self.plain.as_ref().map(Port::address)
    }

    /// How many each core has.
    pub(super) fn count(&self) -> usize {
        1 + usize::from(self.plain.is_some())
    }

    /// Listens; the doors of each core.
    ///
    /// # Errors
    /// Somebody else listens there by now.
    pub(super) fn open(self, listen: &Listen) -> Result<Vec<Vec<Door>>, AppError> {
        let mut all = Vec::new();
        all.resize_with(listen.cores, Vec::new);
        for (key, port) in [(PUBLIC, Some(self.public)), (PLAIN, self.plain)] {
            let Some(port) = port else { continue };
            let (address, tls) = (port.address(), key == PUBLIC);
            let listeners = port.listen(listen.cores);
            let listeners =
                listeners.map_err(|source| AppError::Listen { key, address, source })?;
            for (core, share) in all.iter_mut().zip(listeners) {
                let listening = Listening { h2c: listen.h2c, tls };
                core.extend(share.into_iter().map(|listener| Door { listener, listening }));
            }
        }
        Ok(all)
    }
}
