//! Secret parameters under the master key: AES-256-GCM, bound to the token, context and parameter that
//! they belong to, so that a value copied to another place does not open.
//!
//! Sealed text is `v1.KEY.DATA`: the id of the key, and base64url of nonce, ciphertext and tag. The key is
//! never in the data folder; a backup says which ids it needs. Called by `service` (sealing), `gateway`
//! (opening, to inject a header) and `cli` (creating the key).

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::{Zeroize, Zeroizing};

use crate::config::settings::{SecretSource, Settings};
use crate::domain::id::{Slug, TokenId};
use crate::domain::secret::Digest;

const VERSION: &str = "v1";
const KEY_BYTES: usize = 32;
const KEY_ID_DIGITS: usize = 16;

/// Why there is no master key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The file or the variable is not there.
    #[error("the master key `{0}` is not there")]
    Missing(String),
    /// It is there, and it is not a key. What it is instead is not repeated.
    #[error("the master key `{0}` is not 64 hexadecimal digits")]
    NotAKey(String),
    /// Others could read it.
    #[error("the master key `{0}` can be read by others (mode {1:04o})")]
    Exposed(String, u32),
    /// The operating system refused.
    #[error("{doing} the master key `{path}` failed: {cause}")]
    Failed {
        /// What was being done.
        doing: &'static str,
        /// The file.
        path: String,
        /// What was reported.
        cause: String,
    },
}

impl KeyError {
    /// What to do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Missing(place) => format!(
                "put it back from its copy; where nothing was sealed yet, \
                 `(umask 077; openssl rand -hex 32 > {place})` makes one"
            ),
            Self::NotAKey(_) => "put it back from its copy".to_owned(),
            Self::Exposed(place, _) => format!("run `chmod 600 {place}`"),
            Self::Failed { .. } => {
                "it belongs to the user that the server runs as, with mode 0600".to_owned()
            }
        }
    }
}

/// Whether secret parameters, where the settings define any, have a key: a gateway does not start, and
/// takes no settings, that it could not serve.
///
/// # Errors
/// It is needed, and it is not there, not a key, or could be read by others.
pub fn check_key(settings: &Settings) -> Result<(), KeyError> {
    let mut params = settings.contexts.values().flat_map(|context| context.params.values());
    if params.any(|param| param.secret) {
        MasterKey::load(&settings.store.master_key)?;
    }
    Ok(())
}

/// Why a sealed value does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// It is not sealed text.
    #[error("this is not a sealed value")]
    Form,
    /// Another key is needed.
    #[error("this value was sealed under the key `{needed}`, and the master key is `{held}`")]
    OtherKey {
        /// The key that sealed it.
        needed: String,
        /// The key at hand.
        held: String,
    },
    /// It was changed, or it belongs to another token, context or parameter.
    #[error("this value does not open here: it was changed, or it belongs elsewhere")]
    Forged,
    /// The cryptographic library refused.
    #[error("sealing failed")]
    Sealing,
}

/// What a sealed value belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Binding<'a> {
    /// The token that carries it.
    pub token: TokenId,
    /// The context that defines it.
    pub context: &'a Slug,
    /// Its name there.
    pub parameter: &'a str,
}

impl Binding<'_> {
    /// Each part with its length before it: no two bindings read the same.
    fn bytes(&self) -> Vec<u8> {
        let parts =
            [self.token.as_bytes(), self.context.as_str().as_bytes(), self.parameter.as_bytes()];
        let mut bytes = Vec::new();
        for part in parts {
            bytes.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        bytes
    }
}

/// The key that seals secret parameters.
pub struct MasterKey {
    key: RandomizedNonceKey,
    id: String,
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MasterKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl MasterKey {
    /// Reads the key from where the settings say.
    ///
    /// # Errors
    /// It is not there, not a key, or could be read by others.
    pub fn load(source: &SecretSource) -> Result<Self, KeyError> {
        match source {
            SecretSource::File(path) => Self::from_file(path),
            SecretSource::Environment(name) => {
                let text = std::env::var(name).map_err(|_| KeyError::Missing(name.clone()))?;
                Self::from_text(&Zeroizing::new(text), name)
            }
        }
    }

    fn from_file(path: &Path) -> Result<Self, KeyError> {
        let name = path.display().to_string();
        let mut file = File::open(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => KeyError::Missing(name.clone()),
            _ => failed("reading", path)(error),
        })?;
        let mode = file.metadata().map_err(failed("reading", path))?.mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Exposed(name, mode));
        }
        let mut text = Zeroizing::new(String::with_capacity(2 * KEY_BYTES + 1));
        // One byte more than a key with its newline shows that it is none.
        let read = (&mut file).take(2 * 32 + 2).read_to_string(&mut text);
        if read.is_err() {
            return Err(KeyError::NotAKey(name));
        }
        Self::from_text(&text, &name)
    }

    fn from_text(text: &str, name: &str) -> Result<Self, KeyError> {
        let bad = || KeyError::NotAKey(name.to_owned());
        let digits = Digest::from_hex(text.trim_end_matches(['\r', '\n'])).ok_or_else(bad)?;
        let bytes = Zeroizing::new(*digits.as_bytes());
        let mut labelled = Zeroizing::new(b"tollgate master key id\0".to_vec());
        labelled.extend_from_slice(&*bytes);
        let id = Digest::of(&labelled).to_hex().chars().take(KEY_ID_DIGITS).collect();
        let key = RandomizedNonceKey::new(&AES_256_GCM, &*bytes).map_err(|_| bad())?;
        Ok(Self { key, id })
    }

    /// Creates a key in a new file that only its owner can read.
    ///
    /// # Errors
    /// The file exists, or the operating system refuses.
    pub fn create(path: &Path) -> Result<Self, KeyError> {
        let mut bytes = Zeroizing::new([0_u8; KEY_BYTES]);
        aws_lc_rs::rand::fill(&mut *bytes).map_err(|_| KeyError::Failed {
            doing: "making up",
            path: path.display().to_string(),
            cause: "no randomness".to_owned(),
        })?;
        let mut text = Zeroizing::new(Digest::from_bytes(*bytes).to_hex());
        let write = || {
            let mut file = File::options().write(true).create_new(true).mode(0o600).open(path)?;
            file.write_all(text.as_bytes())?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
        };
        write().map_err(failed("creating", path))?;
        text.zeroize();
        Self::from_file(path)
    }

    /// A short name of the key, which tells nothing about it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Seals a value for one place.
    ///
    /// # Errors
    /// The cryptographic library has no randomness.
    pub fn seal(&self, binding: &Binding<'_>, value: &str) -> Result<String, SealError> {
        let mut data = value.as_bytes().to_vec();
        let sealed = self.key.seal_in_place_append_tag(Aad::from(binding.bytes()), &mut data);
        let nonce = match sealed {
            Ok(nonce) => nonce,
            Err(_) => {
                data.zeroize();
                return Err(SealError::Sealing);
            }
        };
        let data = URL_SAFE_NO_PAD.encode([&nonce.as_ref()[..], &data].concat());
        Ok(format!("{VERSION}.{}.{data}", self.id))
    }

    /// Opens a value at the place for which it was sealed.
    ///
    /// # Errors
    /// It was sealed under another key, for another place, or it was changed.
    pub fn open(
        &self,
        binding: &Binding<'_>,
        sealed: &str,
    ) -> Result<Zeroizing<String>, SealError> {
        let (needed, data) = parts(sealed).ok_or(SealError::Form)?;
        if needed != self.id {
            let (needed, held) = (needed.to_owned(), self.id.clone());
            return Err(SealError::OtherKey { needed, held });
        }
        let data = Zeroizing::new(URL_SAFE_NO_PAD.decode(data).map_err(|_| SealError::Form)?);
        let (nonce, data) = data.split_first_chunk::<NONCE_LEN>().ok_or(SealError::Form)?;
        let mut data = Zeroizing::new(data.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self.key.open_in_place(nonce, Aad::from(binding.bytes()), data.as_mut_slice());
        let opened = opened.map_err(|_| SealError::Forged)?;
        let text = std::str::from_utf8(opened).map_err(|_| SealError::Forged)?;
        Ok(Zeroizing::new(text.to_owned()))
    }
}

/// The id of the key that a sealed value needs.
pub fn key_of(sealed: &str) -> Option<&str> {
    parts(sealed).map(|(id, _)| id)
}

fn parts(sealed: &str) -> Option<(&str, &str)> {
    let (id, data) = sealed.strip_prefix(VERSION)?.strip_prefix('.')?.split_once('.')?;
    let hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    (id.len() == KEY_ID_DIGITS && id.bytes().all(hex)).then_some((id, data))
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> KeyError {
    let path = path.display().to_string();
    move |error| KeyError::Failed { doing, path, cause: error.to_string() }
}

#[cfg(test)]
mod tests;
