//! A certificate with its chain and its key, as they are served.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};
use zeroize::Zeroizing;

use super::fault::{Fault, What};
use crate::domain::time::Timestamp;

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
    /// When its time is over.
    pub expires_at: Timestamp,
    pub(super) key: Arc<CertifiedKey>,
}

impl PartialEq for Certificate {
    /// Two are the same if clients are shown the same.
    fn eq(&self, other: &Self) -> bool {
        self.files == other.files && self.key.cert == other.key.cert
    }
}

impl Certificate {
    /// All that is wrong with the files, not only the first of it.
    pub(super) fn load(files: &Files, provider: &CryptoProvider) -> Result<Self, Vec<Fault>> {
        let wrong = |path: &Path, what| Fault { path: path.to_owned(), what };
        let chain = chain(&files.chain).and_then(|chain| {
            let facts = chain.first().map_or(Err(What::NoCertificate), |first| {
                facts(first).map_err(What::BadCertificate)
            });
            facts.map(|facts| (chain, facts)).map_err(|what| wrong(&files.chain, what))
        });
        let key = read(&files.key).and_then(|bytes| {
            PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| wrong(&files.key, What::NoKey))
        });
        let ((chain, (names, expires_at)), key) = match (chain, key) {
            (Ok(chain), Ok(key)) => (chain, key),
            (chain, key) => return Err(chain.err().into_iter().chain(key.err()).collect()),
        };
        let key = CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => vec![wrong(&files.key, What::OtherKey)],
            other => vec![wrong(&files.key, What::BadKey(other.to_string()))],
        })?;
        Ok(Self { files: files.clone(), names, expires_at, key: Arc::new(key) })
    }
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

/// The names of a certificate (RFC 6125 section 6.4: those of its subject do not count), and its end.
fn facts(der: &[u8]) -> Result<(Vec<String>, Timestamp), String> {
    let (_, parsed) = X509Certificate::from_der(der).map_err(|error| error.to_string())?;
    let names = parsed.subject_alternative_name().map_err(|error| error.to_string())?;
    let all = names.iter().flat_map(|names| &names.value.general_names);
    let names = all.filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        _ => None,
    });
    let end = parsed.validity().not_after.timestamp();
    Ok((names.collect(), Timestamp::from_unix(u64::try_from(end).unwrap_or_default())))
}
