//! The certificate that a client showed, whose chain was checked in the handshake.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde::{Deserialize, Serialize};
use x509_parser::prelude::{FromDer as _, Validity, X509Certificate};

use super::refused::Refused;
use super::subject;
use crate::domain::secret::Digest;
use crate::domain::time::Timestamp;

/// What is known of a client by its certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientCertificate {
    /// Its SHA-256 thumbprint (RFC 8705 section 3.1).
    pub thumbprint: Digest,
    /// Whose it is (RFC 4514), in one spelling and visible ASCII; empty where its subject has no name.
    pub subject: Box<str>,
    /// When its time begins, which every handshake looks at.
    pub starts_at: Timestamp,
    /// When its time is over; the handshake of a resumed session does not look at it.
    pub expires_at: Timestamp,
    /// Itself and what was sent with it, by which it is checked again where others sign certificates by now. Nothing of
    /// one that nobody showed.
    #[serde(default, with = "encoded")]
    pub chain: Box<[CertificateDer<'static>]>,
}

impl ClientCertificate {
    /// Of a chain that was checked: its first.
    pub fn shown(chain: &[CertificateDer<'static>]) -> Option<Self> {
        let own = chain.first()?;
        Some(Self { chain: chain.into(), ..Self::of(own) })
    }

    /// Of a certificate that was checked, and can therefore be read.
    pub fn of(der: &[u8]) -> Self {
        let (subject, start, end) = match X509Certificate::from_der(der) {
            Ok((_, parsed)) => {
                let Validity { not_before, not_after } = parsed.validity();
                let subject = subject::written(parsed.subject());
                (subject, not_before.timestamp(), not_after.timestamp())
            }
            Err(_) => (String::new(), 0, 0),
        };
        let moment = |seconds| Timestamp::from_unix(u64::try_from(seconds).unwrap_or_default());
        let (starts_at, expires_at) = (moment(start), moment(end));
        let (thumbprint, subject) = (Digest::of(der), subject.into());
        Self { thumbprint, subject, starts_at, expires_at, chain: Box::default() }
    }

    /// Why a handshake at this moment would refuse it, as far as its own time goes.
    pub fn untimely(&self, now: Timestamp) -> Option<Refused> {
        match () {
            () if self.is_over(now) => Some(Refused::Expired),
            () if now < self.starts_at => Some(Refused::Early),
            () => None,
        }
    }

    /// Whether it counts no more: its last second is still good (RFC 5280 section 4.1.2.5).
    pub fn is_over(&self, now: Timestamp) -> bool {
        now > self.expires_at
    }

    /// The first of a PEM text.
    ///
    /// # Errors
    /// There is none in it.
    pub fn of_pem(text: &[u8]) -> Result<Self, &'static str> {
        const NONE: &str = "there is no certificate (PEM) in it";
        let first = CertificateDer::pem_slice_iter(text).next();
        let der = first.and_then(Result::ok).ok_or(NONE)?;
        match X509Certificate::from_der(&der) {
            Ok(_) => Ok(Self::of(&der)),
            Err(_) => Err(NONE),
        }
    }
}

/// Certificates as one gateway tells them the next: in base64.
mod encoded {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD as BASE64;
    use rustls::pki_types::CertificateDer;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        chain: &[CertificateDer<'static>],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_seq(chain.iter().map(|one| BASE64.encode(one)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Box<[CertificateDer<'static>]>, D::Error> {
        let all = Vec::<String>::deserialize(from)?;
        let all = all.into_iter().map(|one| BASE64.decode(one).map(CertificateDer::from));
        all.collect::<Result<_, _>>().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DistinguishedName, DnType, DnValue, KeyPair};

    use super::*;

    fn made(parts: &[(DnType, DnValue)]) -> (String, ClientCertificate) {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = DistinguishedName::new();
        for (kind, value) in parts {
            params.distinguished_name.push(kind.clone(), value.clone());
        }
        let key = KeyPair::generate().unwrap();
        let made = params.self_signed(&key).unwrap();
        let shown = ClientCertificate::of(made.der());
        assert_eq!(ClientCertificate::of_pem(made.pem().as_bytes()), Ok(shown.clone()));
        assert_eq!(shown.thumbprint, Digest::of(made.der()));
        (made.pem(), shown)
    }

    /// What OpenSSL says of it (RFC 2253, which RFC 4514 replaced).
    fn openssl(pem: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one.pem");
        std::fs::write(&path, pem).unwrap();
        let output = std::process::Command::new("openssl")
            .args(["x509", "-noout", "-subject", "-nameopt", "RFC2253", "-in"])
            .arg(path)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.trim_end_matches('\n').strip_prefix("subject=").unwrap().to_owned()
    }

    fn text(value: &str) -> DnValue {
        DnValue::Utf8String(value.to_owned())
    }

    #[test]
    fn rfc_4514_a_subject_has_one_spelling() {
        for (parts, wanted) in [
            (vec![(DnType::CommonName, text("ci"))], "CN=ci"),
            (
                vec![
                    (DnType::CountryName, DnValue::PrintableString("BR".try_into().unwrap())),
                    (DnType::OrganizationName, text("Acme, Inc.")),
                    (DnType::CommonName, text("build server")),
                ],
                "CN=build server,O=Acme\\, Inc.,C=BR",
            ),
            (
                vec![(DnType::CommonName, text(" #a+b;\"<c>\\ "))],
                "CN=\\ #a\\+b\\;\\\"\\<c\\>\\\\\\ ",
            ),
            (vec![(DnType::CommonName, text("#a = b"))], "CN=\\#a = b"),
            (vec![(DnType::CommonName, text("Jos\u{e9}\n"))], "CN=Jos\\C3\\A9\\0A"),
            (
                vec![(DnType::CustomDnType(vec![1, 3, 6, 1, 4, 1, 1]), text("x"))],
                "1.3.6.1.4.1.1=#0C0178",
            ),
            (vec![], ""),
        ] {
            let (pem, shown) = made(&parts);
            assert_eq!(&*shown.subject, wanted);
            assert_eq!(openssl(&pem), wanted, "what others call it");
            if !wanted.is_empty() {
                assert_eq!(subject::normal(wanted).as_deref(), Some(wanted), "it reads itself");
            }
        }
    }

    #[test]
    fn what_people_write_becomes_the_one_spelling() {
        for (written, wanted) in [
            ("cn=ci , o = Acme", Some("CN=ci,O=Acme")),
            ("CN=Jos\u{e9}", Some("CN=Jos\\C3\\A9")),
            ("CN=Jos\\c3\\a9", Some("CN=Jos\\C3\\A9")),
            ("CN=a\\2Cb", Some("CN=a\\,b")),
            ("CN=a\\ ", Some("CN=a\\ ")),
            ("CN=a\\\\ ", Some("CN=a\\\\")),
            ("OU=b+CN=a", Some("CN=a+OU=b")),
            ("2.5.4.3=a", Some("CN=a")),
            ("1.2.3=#0c0178", Some("1.2.3=#0C0178")),
            ("CN=", None),
            ("ci", None),
            ("", None),
            ("CN=ci,", None),
            ("XX=ci", None),
            ("CN=\"ci\"", None),
            ("CN=ci;O=Acme", None),
            ("CN=ci\\", None),
            ("CN=#zz", None),
        ] {
            assert_eq!(subject::normal(written).as_deref(), wanted, "{written}");
        }
    }

    #[test]
    fn what_is_no_certificate_is_said_so() {
        let key = KeyPair::generate().unwrap().serialize_pem();
        for text in
            ["", "x", &key, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
        {
            assert!(ClientCertificate::of_pem(text.as_bytes()).is_err(), "{text}");
        }
    }
}
