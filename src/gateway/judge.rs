//! The decision about a request, from what is in memory: asked when it comes, and again while it lasts.

use std::net::IpAddr;

use crate::cache::Entry;
use crate::domain::decision::{self, Case, Facts};
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::tls::ClientCertificate;

use super::plan::RulePlan;

/// What is known of a request beside its token and its rule.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    /// Whence it came.
    pub(super) peer: IpAddr,
    /// The certificate that was shown within TLS.
    pub(super) certificate: Option<&'a ClientCertificate>,
    /// The item that the path names.
    pub(super) item: Option<&'a str>,
    /// The company that the client names.
    pub(super) company: Option<&'a str>,
}

/// Whether a token may do what a request asks, at this moment.
///
/// # Errors
/// The first check that fails.
pub(super) fn judge(
    entry: &Entry,
    rule: Option<&RulePlan>,
    asked: Asked<'_>,
    now: Timestamp,
) -> Result<(), Refusal> {
    let facts = Facts {
        address: asked.peer,
        certificate: asked.certificate.map(|shown| shown.thumbprint),
        subject: asked.certificate.map(|shown| &*shown.subject),
        last_use: entry.last_seen.at(),
        item: asked.item,
        company: asked.company,
        lacks: rule.and_then(|rule| rule.lacking(entry.claims.params())),
    };
    decision::decide(&Case {
        standing: entry.standing(),
        terms: &entry.common.terms,
        owner: &entry.common.owner,
        company: entry.common.company(),
        rule: rule.map(|rule| &rule.requirement),
        facts,
        now,
    })
}
