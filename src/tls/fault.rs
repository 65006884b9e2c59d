//! What can be wrong with the files of TLS.

use std::path::PathBuf;

/// A file that cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` {what}", path.display())]
pub struct Fault {
    /// Which file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub what: What,
}

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum What {
    /// It is missing, a folder, not ours to read, or too large.
    #[error("cannot be read: {0}")]
    NotRead(String),
    /// There is no `BEGIN CERTIFICATE` in it.
    #[error("holds no certificate (PEM)")]
    NoCertificate,
    /// There is no `BEGIN PRIVATE KEY` or the like in it.
    #[error("holds no private key without a password (PEM)")]
    NoKey,
    /// What stands there is no certificate.
    #[error("holds a certificate that cannot be read: {0}")]
    BadCertificate(String),
    /// A kind of key that is not known, or a damaged one.
    #[error("holds a key that cannot be used: {0}")]
    BadKey(String),
    /// The key of another certificate.
    #[error("is not the key of the certificate beside it")]
    OtherKey,
    /// The machine has no certificates to trust, and none were named.
    #[error("is not given, and this machine trusts no certificates")]
    NoRoots,
    /// The library refuses its own defaults.
    #[error("cannot be set up: {0}")]
    Library(String),
}

impl What {
    /// What to do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::NotRead(_) => {
                "name a file that is there, and that the user that Tollgate runs as may read"
            }
            Self::NoCertificate | Self::BadCertificate(_) => {
                "name a PEM file of certificates: of a server its own first and those that sign it behind it, of authorities theirs alone"
            }
            Self::NoKey | Self::BadKey(_) => {
                "name a PEM file with a key of ECDSA (P-256, P-384, P-521), Ed25519 or RSA (2,048 bits or more) in PKCS #8, PKCS #1 or SEC 1"
            }
            Self::OtherKey => {
                "name the two files that were made together, the first with the certificate of the server at its begin"
            }
            Self::NoRoots => "install `ca-certificates`, or name a file of certificates",
            Self::Library(_) => "report this: it is not a mistake of yours",
        }
    }
}
