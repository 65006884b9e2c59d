//! Which certificate a client is shown (SNI, RFC 6066 section 3).

use std::collections::HashMap;
use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::certificate::Certificate;

/// All certificates by their names. Whoever asks for another name, or for none, is shown the first: a client that
/// checks refuses it, and a monitor that asks by address is answered. Of several it is the first that the client can check.
#[derive(Debug)]
pub(super) struct Resolver {
    by_name: HashMap<String, Vec<Arc<CertifiedKey>>>,
    all: Vec<Arc<CertifiedKey>>,
}

impl Resolver {
    pub(super) fn new(certificates: &[Certificate]) -> Self {
        let mut by_name: HashMap<String, Vec<_>> = HashMap::new();
        for certificate in certificates {
            for name in &certificate.names {
                by_name.entry(name.clone()).or_default().push(Arc::clone(&certificate.key));
            }
        }
        let all = certificates.iter().map(|certificate| Arc::clone(&certificate.key)).collect();
        Self { by_name, all }
    }

    /// The certificates for a name: its own before those for all names below the one above it.
    fn named(&self, name: &str) -> Option<&Vec<Arc<CertifiedKey>>> {
        let name = name.to_ascii_lowercase();
        let above = || Some(format!("*.{}", name.split_once('.')?.1));
        self.by_name.get(&name).or_else(|| self.by_name.get(&above()?))
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let named = hello.server_name().and_then(|name| self.named(name));
        let all = named.unwrap_or(&self.all);
        // One name may have an RSA and an ECDSA certificate: the first that the client can check.
        let schemes = hello.signature_schemes();
        let fits = |key: &&Arc<CertifiedKey>| key.key.choose_scheme(schemes).is_some();
        all.iter().find(fits).or_else(|| all.first()).cloned()
    }
}
