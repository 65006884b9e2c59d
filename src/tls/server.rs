//! What clients meet: versions, certificates, resumption, and whose certificates they may show.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};

use super::authorities::Authorities;
use super::certificate::{Certificate, Files};
use super::fault::{Fault, What};
use super::resolver::Resolver;
use super::sessions::Sessions;

/// The protocols within TLS, the preferred one first (RFC 7301).
const PROTOCOLS: [&[u8]; 3] = [b"h2", HTTP1[0], HTTP1[1]];

/// Those that everybody speaks. Some offer the older one alone, which is served as the same protocol.
const HTTP1: [&[u8]; 2] = [b"http/1.1", b"http/1.0"];

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

impl Clients {
    /// What is wrong with the file of those who sign certificates of clients, where nothing can be served yet.
    pub fn fault(ca: &Path) -> Option<Fault> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        Authorities::load(ca, false, &provider).err()
    }
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
    authorities: Option<Arc<Authorities>>,
    sessions: Arc<Sessions>,
    config: Arc<ServerConfig>,
    /// The same for people and programs that administrate: HTTP/1, and nobody is asked for a certificate.
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
    /// All files that cannot be used.
    pub fn load(options: Options) -> Result<Self, Vec<Fault>> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let (mut certificates, mut faults) = (Vec::new(), Vec::new());
        for files in &options.certificates {
            match Certificate::load(files, &provider) {
                Ok(certificate) => certificates.push(certificate),
                Err(wrong) => faults.extend(wrong),
            }
        }
        let authorities = options.clients.as_ref().map(|clients| {
            Authorities::load(&clients.ca, clients.required, &provider).map(Arc::new)
        });
        let authorities = authorities.transpose().unwrap_or_else(|fault| {
            faults.push(fault);
            None
        });
        if !faults.is_empty() {
            return Err(faults);
        }
        Self::of(options, certificates, authorities, &provider).map_err(|fault| vec![fault])
    }

    fn of(
        options: Options,
        certificates: Vec<Certificate>,
        authorities: Option<Arc<Authorities>>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, Fault> {
        let path = options.certificates.first().map(|files| files.chain.clone());
        let library = |error: rustls::Error| Fault {
            path: path.clone().unwrap_or_default(),
            what: What::Library(error.to_string()),
        };
        let sessions = Arc::new(Sessions::new().map_err(library)?);
        let make = |authorities, protocols: &[&[u8]]| {
            config(&options, (&certificates, authorities), provider, protocols)
        };
        let mut config = make(authorities.as_deref(), &PROTOCOLS)?;
        resume(&mut config, &sessions);
        let (config, desk) = (Arc::new(config), Arc::new(make(None, &HTTP1)?));
        Ok(Self { options, certificates, authorities, sessions, config, desk })
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

    /// Whether nobody comes in without one.
    pub fn requires_clients(&self) -> bool {
        self.options.clients.as_ref().is_some_and(|clients| clients.required)
    }

    /// Who signs them, if they are asked for.
    pub const fn authorities(&self) -> Option<&Arc<Authorities>> {
        self.authorities.as_ref()
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
            // Connections keep whom they were vouched for by; with each reload that would be others.
            self.authorities.clone_from(&before.authorities);
            self.sessions = Arc::clone(&before.sessions);
            let mut config = ServerConfig::clone(&self.config);
            resume(&mut config, &self.sessions);
            self.config = Arc::new(config);
        }
    }

    /// A session was resumed whose client's certificate is over: whoever comes again is asked for one anew, and may have
    /// another by now.
    pub fn forget_sessions(&self) {
        self.sessions.forget();
    }
}

/// Lets clients resume these.
fn resume(config: &mut ServerConfig, sessions: &Arc<Sessions>) {
    config.ticketer = Arc::<Sessions>::clone(sessions);
    config.session_storage = Arc::<Sessions>::clone(sessions);
}

fn config(
    options: &Options,
    (certificates, authorities): (&[Certificate], Option<&Authorities>),
    provider: &Arc<CryptoProvider>,
    protocols: &[&[u8]],
) -> Result<ServerConfig, Fault> {
    let first = options.certificates.first().map(|files| files.chain.clone());
    let versions: &[_] = match options.least {
        Least::Tls12 => &[&rustls::version::TLS13, &rustls::version::TLS12],
        Least::Tls13 => &[&rustls::version::TLS13],
    };
    let builder = ServerConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(versions)
        .map_err(|error| Fault {
            path: first.unwrap_or_default(),
            what: What::Library(error.to_string()),
        })?;
    let builder = match authorities {
        None => builder.with_no_client_auth(),
        Some(authorities) => builder.with_client_cert_verifier(authorities.verifier()),
    };
    let mut config = builder.with_cert_resolver(Arc::new(Resolver::new(certificates)));
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    // Two would tell whoever listens that both are of one client.
    config.send_tls13_tickets = 1;
    Ok(config)
}
