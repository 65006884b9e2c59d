//! What clients meet: versions, certificates, resumption, and whose certificates they may show.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::CertificateDer;
use rustls::server::{ProducesTickets, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};

use super::certificate::{Certificate, Files, chain};
use super::fault::{Fault, What};
use super::resolver::Resolver;

/// The protocols within TLS, the preferred one first (RFC 7301).
const PROTOCOLS: [&[u8]; 2] = [b"h2", HTTP1];

/// The one that everybody speaks.
const HTTP1: &[u8] = b"http/1.1";

/// What is served, and to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Certificates; the first one is for clients that ask for no name, or another.
    pub certificates: Vec<Files>,
    /// Whether clients are asked for certificates.
    pub clients: Option<Clients>,
    /// The oldest version that is spoken.
    pub least: Least,
}

/// How clients are asked for certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clients {
    /// Who signs them (PEM).
    pub ca: PathBuf,
    /// Whether a client without one is refused.
    pub required: bool,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Least {
    /// RFC 5246.
    Tls12,
    /// RFC 8446.
    Tls13,
}

/// A server of TLS, ready for handshakes.
#[derive(Clone, Debug)]
pub struct Server {
    options: Options,
    certificates: Vec<Certificate>,
    /// Who signs certificates of clients.
    authorities: Vec<CertificateDer<'static>>,
    tickets: Arc<dyn ProducesTickets>,
    config: Arc<ServerConfig>,
    /// The same for people and programs that administrate: HTTP/1.1, and nobody is asked for a certificate.
    desk: Arc<ServerConfig>,
}

impl PartialEq for Server {
    fn eq(&self, other: &Self) -> bool {
        self.options == other.options
            && self.certificates == other.certificates
            && self.authorities == other.authorities
    }
}

impl Server {
    /// Reads all files.
    ///
    /// # Errors
    /// A file that cannot be used.
    pub fn load(options: Options) -> Result<Self, Fault> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let load = |files| Certificate::load(files, &provider);
        let certificates: Vec<_> =
            options.certificates.iter().map(load).collect::<Result<_, _>>()?;
        let authorities = match &options.clients {
            Some(clients) => chain(&clients.ca)?,
            None => Vec::new(),
        };
        let path = options.certificates.first().map(|files| files.chain.clone());
        let library = |error: rustls::Error| Fault {
            path: path.clone().unwrap_or_default(),
            what: What::Library(error.to_string()),
        };
        let tickets = aws_lc_rs::Ticketer::new().map_err(library)?;
        let make = |clients, protocols: &[&[u8]]| {
            let options = Options { clients, ..options.clone() };
            config(&options, (&certificates, &authorities), &provider, protocols)
        };
        let mut config = make(options.clients.clone(), &PROTOCOLS)?;
        config.ticketer = Arc::clone(&tickets);
        let (config, desk) = (Arc::new(config), Arc::new(make(None, &[HTTP1])?));
        Ok(Self { options, certificates, authorities, tickets, config, desk })
    }

    /// What is served.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// For handshakes.
    pub const fn config(&self) -> &Arc<ServerConfig> {
        &self.config
    }

    /// Whether clients are asked for certificates.
    pub const fn asks_clients(&self) -> bool {
        self.options.clients.is_some()
    }

    /// All files that were read.
    pub fn files(&self) -> impl Iterator<Item = PathBuf> {
        let served = self.options.certificates.iter();
        let served = served.flat_map(|files| [files.chain.clone(), files.key.clone()]);
        served.chain(self.options.clients.iter().map(|clients| clients.ca.clone()))
    }

    /// For handshakes on the administrative address.
    pub const fn desk(&self) -> &Arc<ServerConfig> {
        &self.desk
    }

    /// Takes over from the server before it what its clients need to resume their sessions, unless a session could
    /// hold a client's certificate that is not trusted any more.
    pub fn follow(&mut self, before: &Self) {
        let same = self.options.clients == before.options.clients
            && self.authorities == before.authorities
            && self.options.least == before.options.least;
        if same {
            self.tickets = Arc::clone(&before.tickets);
            let mut config = ServerConfig::clone(&self.config);
            config.ticketer = Arc::clone(&before.tickets);
            config.session_storage = Arc::clone(&before.config.session_storage);
            self.config = Arc::new(config);
        }
    }
}

fn config(
    options: &Options,
    (certificates, authorities): (&[Certificate], &[CertificateDer<'static>]),
    provider: &Arc<CryptoProvider>,
    protocols: &[&[u8]],
) -> Result<ServerConfig, Fault> {
    let at = |path: Option<&PathBuf>, what| Fault { path: path.cloned().unwrap_or_default(), what };
    let first = options.certificates.first().map(|files| &files.chain);
    let versions: &[_] = match options.least {
        Least::Tls12 => &[&rustls::version::TLS13, &rustls::version::TLS12],
        Least::Tls13 => &[&rustls::version::TLS13],
    };
    let builder = ServerConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(versions)
        .map_err(|error| at(first, What::Library(error.to_string())))?;
    let builder = match &options.clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let wrong = |error: String| at(Some(&clients.ca), What::BadCertificate(error));
            let mut roots = RootCertStore::empty();
            for authority in authorities {
                roots.add(authority.clone()).map_err(|error| wrong(error.to_string()))?;
            }
            let verifier =
                WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(provider));
            let verifier =
                if clients.required { verifier } else { verifier.allow_unauthenticated() };
            let verifier = verifier.build().map_err(|error| wrong(error.to_string()))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder.with_cert_resolver(Arc::new(Resolver::new(certificates)));
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    // Two would tell whoever listens that both are of one client.
    config.send_tls13_tickets = 1;
    Ok(config)
}
