//! Why a handshake ended over the certificate of a client.

use std::io;

use rustls::CertificateError;

/// What is wrong with the certificate of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is none, and `client_certificates` says that there must be.
    #[error("it showed none")]
    Missing,
    /// Its time is over, or that of one that signs it.
    #[error("its time is over")]
    Expired,
    /// Its time has not begun.
    #[error("its time has not begun")]
    Early,
    /// Nobody in `client_ca` signed it.
    #[error("nobody in `tls.client_ca` signed it")]
    Stranger,
    /// It is made for something else, or cannot be read.
    #[error("it is none for clients, or cannot be read")]
    Unfit,
}

impl Refused {
    /// Of a handshake that failed; none if that was for something else.
    pub fn of(error: &io::Error) -> Option<Self> {
        let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
        let why = match error {
            rustls::Error::NoCertificatesPresented => return Some(Self::Missing),
            rustls::Error::InvalidCertificate(why) => why,
            _ => return None,
        };
        Some(match why {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Self::Early
            }
            // The latter where one of them has the same name, such as an authority with a new key.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::Stranger,
            _ => Self::Unfit,
        })
    }
}
