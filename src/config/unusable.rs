//! Files that the configuration names and others read: what is wrong with one is told where it is named.

use super::environment::Environment;
use super::file::{File, WebhookTable};
use super::load::{Source, read, read_document};
use super::mistake::Mistake;
use super::reading::Reading;
use super::report::Report;

/// Such a file.
#[derive(Clone, Copy, Debug)]
pub enum NamedFile<'n> {
    /// `egress.ca`.
    Authorities,
    /// `secret` of the webhook with this name.
    Secret(&'n str),
}

impl Source {
    /// Says that a file cannot be used, and why, at the place where it is named; none where it is named no more.
    pub fn unusable(
        &self,
        named: NamedFile<'_>,
        why: String,
        environment: &Environment,
    ) -> Option<Report> {
        let bytes = read(&self.path).ok()?;
        let source = String::from_utf8_lossy(&bytes);
        let reading = Reading::new(&self.path, &source, environment, &self.overrides);
        let file = read_document(&bytes, &source, &reading).ok()?;
        let (span, hint) = named.place(&file)?;
        reading.mistake(&span, Mistake::Unusable(why), hint);
        reading.report(&self.path)
    }
}

impl NamedFile<'_> {
    fn place(self, file: &File) -> Option<(std::ops::Range<usize>, &'static str)> {
        match self {
            Self::Authorities => {
                let ca = file.egress.ca.as_ref()?.as_ref().ok()?;
                Some((
                    ca.span.clone(),
                    "name a PEM file of certificates that the user that Tollgate runs as may read",
                ))
            }
            Self::Secret(webhook) => {
                let is_its = |table: &&WebhookTable| matches!(&table.name, Some(Ok(name)) if name.value.value == webhook);
                let table = file.webhooks.iter().find(is_its)?;
                let secret = table.secret.as_ref()?.as_ref().ok()?;
                Some((
                    secret.span.clone(),
                    "name a file with a secret that the user that Tollgate runs as may read, and nobody else",
                ))
            }
        }
    }
}
