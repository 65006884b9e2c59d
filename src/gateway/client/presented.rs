//! What a client showed within TLS.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rustls::ServerConnection;

use crate::domain::time::Timestamp;
use crate::gateway::moving::Within;
use crate::gateway::snapshot::Snapshot;
use crate::tls::{Authorities, ClientCertificate, Server};

use super::Client;

/// What a client showed of itself in its handshake, and whom it asked for.
#[derive(Debug)]
pub(in crate::gateway) struct Presented {
    certificate: Option<Rc<ClientCertificate>>,
    /// Who vouches for that certificate, as far as they were asked.
    by: RefCell<Option<Arc<Authorities>>>,
    /// As of which generation of the settings somebody was asked to, and whether somebody does.
    asked: Cell<Option<(u64, bool)>>,
    /// The name in SNI (RFC 6066 section 3), in lower case.
    name: Option<Box<str>>,
    /// Whether another process has the keys, and passes on what is said.
    elsewhere: bool,
}

impl Presented {
    /// Of a session whose handshake with this server is over.
    pub(in crate::gateway) fn of(session: &ServerConnection, server: &Server) -> Self {
        let shown = session.peer_certificates().and_then(ClientCertificate::shown);
        let name = session.server_name().map(str::to_ascii_lowercase);
        Self {
            certificate: shown.map(Rc::new),
            by: RefCell::new(server.authorities().map(Arc::clone)),
            asked: Cell::new(None),
            name: name.map(Into::into),
            elsewhere: false,
        }
    }

    /// What was shown to the process that has the keys. Others may sign certificates here.
    pub(in crate::gateway) fn elsewhere(Within { certificate, name }: Within) -> Self {
        let (by, asked) = (RefCell::new(None), Cell::new(None));
        Self { certificate: certificate.map(Rc::new), by, asked, name, elsewhere: true }
    }

    /// Whether it showed a certificate that counts no more.
    pub(in crate::gateway) fn is_over(&self, now: Timestamp) -> bool {
        self.certificate.as_ref().is_some_and(|shown| shown.is_over(now))
    }

    /// Whether those who sign certificates by these settings vouch for the one that was shown. Nearly always one comparison:
    /// they are asked once where they are others than before.
    fn is_vouched_for(
        &self,
        shown: &ClientCertificate,
        snapshot: &Snapshot,
        now: Timestamp,
    ) -> bool {
        if let Some((generation, vouched)) = self.asked.get()
            && generation == snapshot.generation
        {
            return vouched;
        }
        let (mut by, newest) = (self.by.borrow_mut(), snapshot.authorities());
        let vouched = newest
            .is_some_and(|newest| by.as_ref() == Some(newest) || newest.vouch_for(shown, now));
        *by = newest.filter(|_| vouched).map(Arc::clone);
        self.asked.set(Some((snapshot.generation, vouched)));
        vouched
    }
}

impl Client {
    /// What its connection speaks.
    pub(in crate::gateway) fn scheme(&self) -> &'static str {
        if self.is_within_tls() { "https" } else { "http" }
    }

    /// Whether that is TLS.
    pub(in crate::gateway) fn is_within_tls(&self) -> bool {
        self.presented.get().is_some()
    }

    /// What it showed, for a process that goes on with it.
    pub(in crate::gateway) fn within(&self) -> Option<Box<Within>> {
        let Presented { certificate, name, .. } = self.presented.get()?;
        let certificate = certificate.as_deref().cloned();
        Some(Box::new(Within { certificate, name: name.clone() }))
    }

    /// Whether it had better come again: the gateway is about to stop, or the keys are in a process that is.
    pub(super) fn had_better_leave(&self) -> bool {
        let presented = self.presented.get();
        self.core.shared.stops_soon.load(Ordering::Relaxed)
            || self.core.ends()
            || presented.is_some_and(|presented| presented.elsewhere || self.core.takes_leave())
    }

    /// A handshake begins.
    pub(in crate::gateway) fn shakes_hands(&self) {
        self.alarm.set(self.core.snapshot().limits.handshake_timeout);
    }

    /// A handshake is over, and a request may begin.
    pub(in crate::gateway) fn is_secure(&self, presented: Presented) {
        // There is one handshake.
        let _ = self.presented.set(presented);
        self.alarm.set(self.head_timeout);
    }

    /// The certificate that it showed, until its time is over, or nobody who signs such by these settings vouches for it: a
    /// connection may outlive both.
    pub(in crate::gateway) fn certificate(
        &self,
        snapshot: &Snapshot,
    ) -> Option<&Rc<ClientCertificate>> {
        let presented = self.presented.get()?;
        let shown = presented.certificate.as_ref()?;
        let now = self.core.shared.clock.now();
        let counts = !shown.is_over(now) && presented.is_vouched_for(shown, snapshot, now);
        counts.then_some(shown)
    }

    /// Whether it came in where nobody comes in without a certificate, perhaps before that was so.
    pub(in crate::gateway) fn needs_certificate(&self, snapshot: &Snapshot) -> bool {
        self.is_within_tls() && snapshot.requires_clients()
    }

    /// The host that its handshake was with, if it said so.
    pub(in crate::gateway) fn asked_name(&self) -> Option<&str> {
        self.presented.get()?.name.as_deref()
    }
}
