//! The signature of a notice, by which whoever gets it knows that it is from here and not an old one:
//! that of Standard Webhooks, HMAC-SHA256 over its id, its time and its body.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use zeroize::Zeroizing;

use crate::config::settings::SecretSource;

/// What a secret in base64 begins with.
const PREFIX: &str = "whsec_";

/// How many bytes a secret may have.
const BYTES: std::ops::RangeInclusive<usize> = 24..=512;

/// Why there is no secret. None of them tells what stands in its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The file or the variable is not there.
    #[error("the secret `{0}` is not there")]
    Missing(String),
    /// It is there, and it cannot be a secret.
    #[error("the secret `{0}` is neither 24 to 512 bytes of text nor `whsec_` and that in base64")]
    NotASecret(String),
    /// Others could read it.
    #[error("the secret `{0}` can be read by others (mode {1:04o}): run `chmod 600 {0}`")]
    Exposed(String, u32),
    /// The operating system refused.
    #[error("reading the secret `{0}` failed: {1}")]
    Failed(String, String),
}

/// What notices of one webhook are signed with.
#[derive(Clone)]
pub(super) struct Key(hmac::Key);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[key]")
    }
}

impl Key {
    /// Reads the secret from where the settings say.
    ///
    /// # Errors
    /// It is not there, could be read by others, or is too short.
    pub(super) fn load(source: &SecretSource) -> Result<Self, SecretError> {
        match source {
            SecretSource::File(path) => Self::from_file(path),
            SecretSource::Environment(name) => {
                let text = std::env::var(name).map_err(|_| SecretError::Missing(name.clone()))?;
                Self::from_text(&Zeroizing::new(text), name)
            }
        }
    }

    fn from_file(path: &Path) -> Result<Self, SecretError> {
        let name = path.display().to_string();
        let failed = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound => SecretError::Missing(name.clone()),
            _ => SecretError::Failed(name.clone(), error.to_string()),
        };
        let mut file = File::open(path).map_err(failed)?;
        let mode = file.metadata().map_err(failed)?.mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(SecretError::Exposed(name, mode));
        }
        // Room for the longest one in base64, and one byte more, which shows that it is none.
        let mut text = Zeroizing::new(String::with_capacity(1_024));
        if (&mut file).take(1_024).read_to_string(&mut text).is_err() {
            return Err(SecretError::NotASecret(name));
        }
        Self::from_text(&text, &name)
    }

    fn from_text(text: &str, name: &str) -> Result<Self, SecretError> {
        let bad = || SecretError::NotASecret(name.to_owned());
        let text = text.trim_end_matches(['\r', '\n']);
        let bytes = match text.strip_prefix(PREFIX) {
            Some(coded) => {
                let decoded = STANDARD.decode(coded).or_else(|_| STANDARD_NO_PAD.decode(coded));
                Zeroizing::new(decoded.map_err(|_| bad())?)
            }
            None => Zeroizing::new(text.as_bytes().to_vec()),
        };
        if !BYTES.contains(&bytes.len()) {
            return Err(bad());
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// The value of `webhook-signature`; `at` is that of `webhook-timestamp`, in seconds since 1970.
    pub(super) fn sign(&self, id: &str, at: u64, body: &[u8]) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(format!("{id}.{at}.").as_bytes());
        context.update(body);
        format!("v1,{}", STANDARD.encode(context.sign()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Key, SecretError> {
        Key::from_text(text, "here")
    }

    /// The example of the Standard Webhooks specification and of its libraries.
    #[test]
    fn a_signature_is_that_of_standard_webhooks() {
        let signed = |secret: &str| {
            let key = read(secret).unwrap();
            key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b"{\"test\": 2432232314}")
        };
        let wanted = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signed("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), wanted);
        assert_eq!(signed("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"), wanted);
        assert_ne!(signed("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), wanted, "plain text is its bytes");
    }

    #[test]
    fn a_secret_is_long_enough_and_is_never_told() {
        for bad in ["", "short", "whsec_", "whsec_AAAA", "whsec_not base64 at all, though long"] {
            let error = read(bad).unwrap_err().to_string();
            assert!(error.contains("`here`") && (bad.len() < 8 || !error.contains(bad)), "{error}");
        }
        assert!(read(&"x".repeat(23)).is_err() && read(&"x".repeat(513)).is_err());
        let key = read(&"x".repeat(24)).unwrap();
        assert_eq!(format!("{key:?}"), "[key]");
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        let load = || Key::load(&SecretSource::File(file.clone()));
        assert!(matches!(load(), Err(SecretError::Missing(_))));
        std::fs::write(&file, "x".repeat(32)).unwrap();
        for (mode, good) in [(0o644, false), (0o640, false), (0o600, true), (0o400, true)] {
            std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
            assert_eq!(load().is_ok(), good, "{mode:o}");
        }
        std::fs::write(folder.path().join("long"), "x".repeat(4_000)).unwrap();
        let long = folder.path().join("long");
        std::fs::set_permissions(&long, PermissionsExt::from_mode(0o600)).unwrap();
        assert!(matches!(Key::load(&SecretSource::File(long)), Err(SecretError::NotASecret(_))));
    }
}
