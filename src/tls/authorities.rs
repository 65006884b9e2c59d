//! Who signs certificates of clients, and whether they vouch for one that was shown.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;

use super::certificate::{chain, roots};
use super::fault::{Fault, What};
use super::presented::ClientCertificate;
use crate::domain::time::Timestamp;

/// Those who sign certificates of clients.
#[derive(Debug)]
pub struct Authorities {
    certificates: Vec<CertificateDer<'static>>,
    verifier: Arc<dyn ClientCertVerifier>,
}

impl PartialEq for Authorities {
    /// Two are the same if they vouch for the same.
    fn eq(&self, other: &Self) -> bool {
        self.certificates == other.certificates
    }
}

impl Eq for Authorities {}

impl Authorities {
    /// As a file says; `required` is whether a client without a certificate is refused.
    ///
    /// # Errors
    /// It cannot be used.
    pub(super) fn load(
        ca: &Path,
        required: bool,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, Fault> {
        let certificates = chain(ca)?;
        let bad = |why: String| Fault { path: ca.to_owned(), what: What::BadCertificate(why) };
        let roots = roots(ca, &certificates)?;
        let asked = WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(provider));
        let asked = if required { asked } else { asked.allow_unauthenticated() };
        let verifier = asked.build().map_err(|error| bad(error.to_string()))?;
        Ok(Self { certificates, verifier })
    }

    /// For handshakes.
    pub(super) fn verifier(&self) -> Arc<dyn ClientCertVerifier> {
        Arc::clone(&self.verifier)
    }

    /// Whether a handshake at this moment would take a certificate, by what was sent with it.
    pub fn vouch_for(&self, shown: &ClientCertificate, now: Timestamp) -> bool {
        let now = UnixTime::since_unix_epoch(Duration::from_secs(now.unix()));
        match &*shown.chain {
            [own, between @ ..] => self.verifier.verify_client_cert(own, between, now).is_ok(),
            [] => false,
        }
    }
}
