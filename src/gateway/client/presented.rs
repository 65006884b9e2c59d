//! What a client showed within TLS.

use std::rc::Rc;

use rustls::ServerConnection;

use crate::tls::ClientCertificate;

/// What a client showed of itself in its handshake, and whom it asked for.
#[derive(Debug)]
pub(in crate::gateway) struct Presented {
    pub(super) certificate: Option<Rc<ClientCertificate>>,
    /// The name in SNI (RFC 6066 section 3), in lower case.
    pub(super) name: Option<Box<str>>,
}

impl Presented {
    /// Of a session whose handshake is over.
    pub(in crate::gateway) fn of(session: &ServerConnection) -> Self {
        let first = session.peer_certificates().and_then(|chain| chain.first());
        let name = session.server_name().map(str::to_ascii_lowercase);
        Self {
            certificate: first.map(|der| Rc::new(ClientCertificate::of(der))),
            name: name.map(Into::into),
        }
    }
}
