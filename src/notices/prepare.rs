//! From settings to what is needed to call: keys, certificates, a client. Nothing is put in place that
//! could not call.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use crate::config::{Environment, NamedFile, Report, Settings, Source};
use crate::domain::id::Slug;
use crate::domain::notice::NoticeKind;
use crate::egress::target::Target;
use crate::egress::{self, Egress};
use crate::notices::sign::{Key, SecretError};

/// Why webhooks cannot be called as the settings say.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A secret.
    #[error("the webhook `{webhook}` cannot sign: {error}")]
    Secret {
        /// Whose.
        webhook: Slug,
        /// What is wrong with it.
        error: SecretError,
    },
    /// The file of certificates.
    #[error("`egress.ca`: `{path}` cannot be read: {error}")]
    Ca {
        /// The file.
        path: PathBuf,
        /// What the system reports.
        error: std::io::Error,
    },
    /// The client.
    #[error(transparent)]
    Egress(#[from] egress::SetupError),
}

impl SetupError {
    /// The same at its place in the file of the configuration; none where that does not name what is wrong.
    pub fn report(&self, source: Option<&Source>) -> Option<Report> {
        let named = match self {
            Self::Secret { webhook, .. } => NamedFile::Secret(webhook.as_str()),
            Self::Ca { .. } | Self::Egress(egress::SetupError::BadRoots(_)) => {
                NamedFile::Authorities
            }
            Self::Egress(_) => return None,
        };
        source?.unusable(named, self.to_string(), &Environment::process())
    }
}

/// What is needed to call one webhook.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    pub(super) target: Target,
    pub(super) kinds: BTreeSet<NoticeKind>,
    pub(super) key: Key,
    pub(super) egress: Egress,
}

/// What is needed to call all of them.
#[derive(Clone, Debug, Default)]
pub struct Prepared(pub(super) Vec<(Slug, Arc<Setup>)>);

impl Prepared {
    /// Reads all that the settings name. What is not configured is not looked for.
    ///
    /// # Errors
    /// A secret or a certificate that cannot be used.
    pub fn new(settings: &Settings) -> Result<Self, SetupError> {
        let ca = settings.egress.ca.as_ref().map(|path| {
            std::fs::read(path).map_err(|error| SetupError::Ca { path: path.clone(), error })
        });
        let ca = ca.transpose()?;
        if ca.is_none() && settings.webhooks.is_empty() {
            return Ok(Self::default());
        }
        let egress = Egress::new(&settings.egress.allow, ca.as_deref())?;
        let setup = |webhook: &crate::config::settings::Webhook| {
            let key = Key::load(&webhook.secret).map_err(|error| {
                let webhook = webhook.name.clone();
                SetupError::Secret { webhook, error }
            })?;
            let (target, kinds) = (webhook.target.clone(), webhook.kinds.clone());
            let setup = Setup { target, kinds, key, egress: egress.clone() };
            Ok((webhook.name.clone(), Arc::new(setup)))
        };
        settings.webhooks.iter().map(setup).collect::<Result<_, SetupError>>().map(Self)
    }
}
