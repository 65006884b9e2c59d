//! Certificates and keys in files.

use std::path::PathBuf;

use rcgen::{CertificateParams, DnType, KeyPair};
use tempfile::TempDir;
use tollgate::domain::secret::Digest;

use crate::support::tls::{Authority, authority};

/// Certificates in files, all signed by one authority, which stands in `ca.pem`.
pub(crate) struct Files {
    /// Who signs them.
    pub(crate) ca: Authority,
    folder: TempDir,
}

impl Files {
    /// None yet.
    pub(crate) fn new() -> Self {
        let (ca, folder) = (authority(), tempfile::tempdir().unwrap());
        std::fs::write(folder.path().join("ca.pem"), ca.pem()).unwrap();
        Self { ca, folder }
    }

    /// Where one is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A certificate for these names in `NAME.pem`, with its key in `NAME.key`; answers its thumbprint.
    pub(crate) fn make(&self, name: &str, names: &[&str]) -> Digest {
        self.make_until(name, names, 4_000)
    }

    /// The same whose time is over when this year begins.
    pub(crate) fn make_until(&self, name: &str, names: &[&str], year: i32) -> Digest {
        self.make_between(name, names, (1_975, year))
    }

    /// The same whose time begins with the first of these years, and is over when the second one begins.
    pub(crate) fn make_between(
        &self,
        name: &str,
        names: &[&str],
        (from, to): (i32, i32),
    ) -> Digest {
        let key = KeyPair::generate().unwrap();
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        (params.not_before, params.not_after) =
            (rcgen::date_time_ymd(from, 1, 1), rcgen::date_time_ymd(to, 1, 1));
        // Another than that of the authority, or OpenSSL takes it for signed by itself.
        params.distinguished_name.push(DnType::CommonName, name);
        let made = params.signed_by(&key, &self.ca).unwrap();
        // As certificates are renewed: first written, then put in place.
        for (end, text) in [("key", key.serialize_pem()), ("pem", made.pem())] {
            let new = self.path("new");
            std::fs::write(&new, text).unwrap();
            std::fs::rename(&new, self.path(&format!("{name}.{end}"))).unwrap();
        }
        Digest::of(made.der())
    }
}
