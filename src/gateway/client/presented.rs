//! What a client showed within TLS.

use std::rc::Rc;
use std::sync::atomic::Ordering;

use rustls::ServerConnection;

use crate::domain::time::Timestamp;
use crate::gateway::moving::Within;
use crate::tls::ClientCertificate;

use super::Client;

/// What a client showed of itself in its handshake, and whom it asked for.
#[derive(Debug)]
pub(in crate::gateway) struct Presented {
    certificate: Option<Rc<ClientCertificate>>,
    /// The name in SNI (RFC 6066 section 3), in lower case.
    name: Option<Box<str>>,
    /// Whether another process has the keys, and passes on what is said.
    elsewhere: bool,
}

impl Presented {
    /// Of a session whose handshake is over.
    pub(in crate::gateway) fn of(session: &ServerConnection) -> Self {
        let first = session.peer_certificates().and_then(|chain| chain.first());
        let name = session.server_name().map(str::to_ascii_lowercase);
        Self {
            certificate: first.map(|der| Rc::new(ClientCertificate::of(der))),
            name: name.map(Into::into),
            elsewhere: false,
        }
    }

    /// What was shown to the process that has the keys.
    pub(in crate::gateway) fn elsewhere(Within { certificate, name }: Within) -> Self {
        Self { certificate: certificate.map(Rc::new), name, elsewhere: true }
    }

    /// Whether it showed a certificate that counts no more.
    pub(in crate::gateway) fn is_over(&self, now: Timestamp) -> bool {
        self.certificate.as_ref().is_some_and(|shown| shown.is_over(now))
    }
}

impl Client {
    /// What its connection speaks.
    pub(in crate::gateway) fn scheme(&self) -> &'static str {
        if self.presented.get().is_some() { "https" } else { "http" }
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

    /// The certificate that it showed, whose chain was checked, until its time is over: a connection may outlive it.
    pub(in crate::gateway) fn certificate(&self) -> Option<&Rc<ClientCertificate>> {
        let shown = self.presented.get()?.certificate.as_ref()?;
        (!shown.is_over(self.core.shared.clock.now())).then_some(shown)
    }

    /// The host that its handshake was with, if it said so.
    pub(in crate::gateway) fn asked_name(&self) -> Option<&str> {
        self.presented.get()?.name.as_deref()
    }
}
