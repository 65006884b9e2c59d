//! A certificate with its chain and its key, as they are served.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::prelude::{ASN1Time, FromDer as _, GeneralName, X509Certificate};
use zeroize::Zeroizing;

use super::fault::{Fault, What};
use crate::domain::time::{Span, Timestamp};

/// The most bytes of a file; a chain takes some thousands, the roots of a machine some hundred thousand.
const MOST_BYTES: u64 = 4 << 20;

/// Where a certificate and its key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The certificate and, behind it, those that sign it (PEM).
    pub chain: PathBuf,
    /// Its private key (PEM).
    pub key: PathBuf,
}

/// A certificate that can be served.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// Where it came from.
    pub files: Files,
    /// The names for which it stands: in lower case, `*.example.com` for each name right below.
    pub names: Vec<String>,
    /// When its time begins.
    pub starts_at: Timestamp,
    /// When its time is over.
    pub expires_at: Timestamp,
    /// Whether it stands for a host or an address (RFC 6125 section 6.4: the name of its subject does not count).
    named: bool,
    uses: Uses,
    pub(super) key: Arc<CertifiedKey>,
}

/// What its extended key usage leaves it for (RFC 5280 section 4.2.1.12).
#[derive(Clone, Copy, Debug)]
struct Uses {
    servers: bool,
    clients: bool,
}

/// How long before its end a certificate is warned of.
pub const WARNED_BEFORE: Span = Span::from_days(14);

impl PartialEq for Certificate {
    /// Two are the same if clients are shown the same.
    fn eq(&self, other: &Self) -> bool {
        self.files == other.files && self.key.cert == other.key.cert
    }
}

impl Certificate {
    /// All that is wrong with the files, not only the first of it.
    pub(super) fn load(files: &Files, provider: &CryptoProvider) -> Result<Self, Vec<Fault>> {
        let wrong = |what| Fault { path: files.key.clone(), what };
        let ((chain, facts), key) = match (leaf(&files.chain), key(&files.key)) {
            (Ok(chain), Ok(key)) => (chain, key),
            (chain, key) => return Err(chain.err().into_iter().chain(key.err()).collect()),
        };
        let key = CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => vec![wrong(What::OtherKey)],
            rustls::Error::InvalidCertificate(why) => {
                let what = What::BadCertificate(why.to_string());
                vec![Fault { path: files.chain.clone(), what }]
            }
            other => vec![wrong(What::BadKey(other.to_string()))],
        })?;
        let Facts { names, named, starts_at, expires_at, uses } = facts;
        let (files, key) = (files.clone(), Arc::new(key));
        Ok(Self { files, names, starts_at, expires_at, named, uses, key })
    }

    /// Why clients refuse it, whatever the time.
    pub fn unfit_for_servers(&self) -> Option<&'static str> {
        match () {
            () if !self.named => Some("names no host (subject alternative name)"),
            () if !self.uses.servers => Some("is not for servers (extended key usage)"),
            () => None,
        }
    }

    /// Why servers to which it is shown refuse it, whatever the time.
    pub fn unfit_for_clients(&self) -> Option<&'static str> {
        (!self.uses.clients).then_some("is not for clients (extended key usage)")
    }
}

/// What is wrong with the files of a certificate and of its key, of which one may not be known.
pub fn faults(chain: Option<&Path>, alone: Option<&Path>) -> Vec<Fault> {
    if let (Some(chain), Some(key)) = (chain, alone) {
        let files = Files { chain: chain.to_owned(), key: key.to_owned() };
        return Certificate::load(&files, &aws_lc_rs::default_provider()).err().unwrap_or_default();
    }
    let chain = chain.and_then(|chain| leaf(chain).err());
    chain.into_iter().chain(alone.and_then(|alone| key(alone).err())).collect()
}

/// All certificates of a file, and what is known of the first one.
fn leaf(path: &Path) -> Result<(Vec<CertificateDer<'static>>, Facts), Fault> {
    let chain = chain(path)?;
    let facts = match chain.first() {
        Some(first) => facts(first).map_err(What::BadCertificate),
        None => Err(What::NoCertificate),
    };
    facts.map(|facts| (chain, facts)).map_err(|what| Fault { path: path.to_owned(), what })
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, Fault> {
    let wrong = |_| Fault { path: path.to_owned(), what: What::NoKey };
    PrivateKeyDer::from_pem_slice(&read(path)?).map_err(wrong)
}

/// Trusts all of these, which a file names: one that was left out would be missed by those alone whom it has signed.
///
/// # Errors
/// The first that cannot be read, by its number.
pub(super) fn roots(file: &Path, all: &[CertificateDer<'_>]) -> Result<RootCertStore, Fault> {
    let mut roots = RootCertStore::empty();
    for (number, one) in (1..).zip(all) {
        roots.add(one.clone().into_owned()).map_err(|error| Fault {
            path: file.to_owned(),
            what: What::BadCertificate(format!("number {number} in it: {error}")),
        })?;
    }
    Ok(roots)
}

/// All certificates of a file.
pub(super) fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let bytes = read(path)?;
    let wrong = |what| Fault { path: path.to_owned(), what };
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let all = all.map_err(|error| wrong(What::BadCertificate(error.to_string())))?;
    if all.is_empty() { Err(wrong(What::NoCertificate)) } else { Ok(all) }
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let wrong = |why: String| Fault { path: path.to_owned(), what: What::NotRead(why) };
    let mut bytes = Zeroizing::new(Vec::new());
    let file = File::open(path).map_err(|error| wrong(error.to_string()))?;
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(|error| wrong(error.to_string()))?;
    match u64::try_from(bytes.len()) {
        Ok(length) if length <= MOST_BYTES => Ok(bytes),
        _ => Err(wrong(format!("it holds more than {} MiB", MOST_BYTES >> 20))),
    }
}

/// What is read in a certificate.
struct Facts {
    names: Vec<String>,
    named: bool,
    starts_at: Timestamp,
    expires_at: Timestamp,
    uses: Uses,
}

fn facts(der: &[u8]) -> Result<Facts, String> {
    let (_, parsed) = X509Certificate::from_der(der).map_err(|error| error.to_string())?;
    let names = parsed.subject_alternative_name().map_err(|error| error.to_string())?;
    let all = || names.iter().flat_map(|names| &names.value.general_names);
    let dns = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        _ => None,
    };
    let names_some = |name| matches!(name, &GeneralName::DNSName(_) | &GeneralName::IPAddress(_));
    let uses = parsed.extended_key_usage().map_err(|error| error.to_string())?;
    let uses = uses.map_or(Uses { servers: true, clients: true }, |uses| Uses {
        servers: uses.value.any || uses.value.server_auth,
        clients: uses.value.any || uses.value.client_auth,
    });
    let moment =
        |time: ASN1Time| Timestamp::from_unix(u64::try_from(time.timestamp()).unwrap_or_default());
    let time = parsed.validity();
    let (starts_at, expires_at) = (moment(time.not_before), moment(time.not_after));
    let (names, named) = (all().filter_map(dns).collect(), all().any(names_some));
    Ok(Facts { names, named, starts_at, expires_at, uses })
}
