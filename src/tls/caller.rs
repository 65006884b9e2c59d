//! What the gateway calls with: whom it trusts, and who it is itself.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

use crate::domain::secret::Digest;

use super::certificate::{Certificate, Files, chain, roots};
use super::fault::{Fault, What};

/// Whom to trust, and which certificate to show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// Who signs the certificates of servers (PEM); those whom the machine trusts, if it is not said.
    pub ca: Option<PathBuf>,
    /// The certificate that is shown to a server that asks.
    pub identity: Option<Files>,
}

impl Trust {
    /// What is wrong with the file of those who are trusted, where nobody can be called yet.
    pub fn fault(ca: &Path) -> Option<Fault> {
        trusted(Some(ca)).err()
    }
}

/// Who is trusted, and what tells whether others are.
fn trusted(ca: Option<&Path>) -> Result<(Digest, RootCertStore), Fault> {
    let (held, store) = match ca {
        Some(ca) => {
            let held = chain(ca)?;
            let store = roots(ca, &held)?;
            (held, store)
        }
        None => {
            let mut store = RootCertStore::empty();
            let held = rustls_native_certs::load_native_certs().certs;
            // Single ones that cannot be read are common on real machines, and say nothing of the others.
            store.add_parsable_certificates(held.iter().cloned());
            if store.is_empty() {
                return Err(Fault { path: PathBuf::new(), what: What::NoRoots });
            }
            (held, store)
        }
    };
    let mut all: Vec<&[u8]> = held.iter().map(AsRef::as_ref).collect();
    all.sort_unstable();
    Ok((Digest::of(&all.concat()), store))
}

/// A client of TLS, ready for handshakes.
#[derive(Clone, Debug)]
pub struct Caller {
    trust: Trust,
    /// Who is trusted by that.
    trusted: Digest,
    /// What is shown.
    shown: Vec<CertificateDer<'static>>,
    identity: Option<Certificate>,
    config: Arc<ClientConfig>,
}

impl PartialEq for Caller {
    /// Two are the same if they trust and show the same.
    fn eq(&self, other: &Self) -> bool {
        self.trust == other.trust && self.trusted == other.trusted && self.shown == other.shown
    }
}

impl Eq for Caller {}

impl Caller {
    /// Reads all files.
    ///
    /// # Errors
    /// All files that cannot be used, or a machine that trusts nobody.
    pub fn load(trust: Trust) -> Result<Self, Vec<Fault>> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let at = |what| Fault { path: trust.ca.clone().unwrap_or_default(), what };
        let store = trusted(trust.ca.as_deref());
        let identity = trust.identity.as_ref();
        let identity = identity.map(|files| Certificate::load(files, &provider)).transpose();
        let ((trusted, store), identity) = match (store, identity) {
            (Ok(store), Ok(identity)) => (store, identity),
            (store, identity) => {
                let faults = store.err().into_iter().chain(identity.err().into_iter().flatten());
                return Err(faults.collect());
            }
        };
        let library = |error: rustls::Error| vec![at(What::Library(error.to_string()))];
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(library)?
            .with_root_certificates(store);
        let mut shown = Vec::new();
        let mut config = match &identity {
            None => builder.with_no_client_auth(),
            Some(certificate) => {
                shown.clone_from(&certificate.key.cert);
                let key = Arc::clone(&certificate.key);
                let resolver = rustls::sign::SingleCertAndKey::from(key);
                builder.with_client_cert_resolver(Arc::new(resolver))
            }
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { trust, trusted, shown, identity, config: Arc::new(config) })
    }

    /// The same for servers that must speak HTTP/2 (RFC 9113 section 3.2).
    #[must_use]
    pub fn over_http2(&self) -> Self {
        let mut config = ClientConfig::clone(&self.config);
        config.alpn_protocols = vec![b"h2".to_vec()];
        Self { config: Arc::new(config), ..self.clone() }
    }

    /// The certificate that is shown to a server that asks.
    pub const fn identity(&self) -> Option<&Certificate> {
        self.identity.as_ref()
    }

    /// For handshakes.
    pub const fn config(&self) -> &Arc<ClientConfig> {
        &self.config
    }

    /// All files that were read.
    pub fn files(&self) -> impl Iterator<Item = PathBuf> {
        let own = self.trust.identity.iter();
        let own = own.flat_map(|files| [files.chain.clone(), files.key.clone()]);
        own.chain(self.trust.ca.clone())
    }
}
