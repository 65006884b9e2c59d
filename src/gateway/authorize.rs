//! The fourth station: may this token do this, now? The only maker of a [`Permit`].

use std::sync::Arc;

use crate::cache::Entry;
use crate::domain::decision::{self, Case, Facts};
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;

use super::authenticate::{self, Authenticated};
use super::core::Core;
use super::dialect;
use super::intake::Inbound;
use super::plan::{ApiPlan, RulePlan};
use super::route::Matched;

/// Leave for one request to go to its upstream. Nothing reaches an upstream without one, and one is
/// used up by being used.
#[derive(Debug)]
pub(super) struct Permit<'s> {
    api: &'s ApiPlan,
    rule: &'s RulePlan,
    /// None on a public rule, where nobody asked who it is.
    who: Option<Authenticated>,
    at: Timestamp,
}

impl<'s> Permit<'s> {
    pub(super) const fn api(&self) -> &'s ApiPlan {
        self.api
    }

    pub(super) const fn rule(&self) -> &'s RulePlan {
        self.rule
    }

    /// When it was given.
    pub(super) const fn at(&self) -> Timestamp {
        self.at
    }

    pub(super) fn entry(&self) -> Option<&Arc<Entry>> {
        self.who.as_ref().map(Authenticated::entry)
    }

    /// Whose request it is, where that is asked; it does not go to its upstream.
    pub(super) fn into_who(self) -> Option<Authenticated> {
        self.who
    }
}

/// Decides about a request, after finding out whose it is. Whoever is refused is left in `seen`.
///
/// # Errors
/// The first check that fails.
pub(super) async fn permit<'s>(
    inbound: &Inbound,
    matched: &Matched<'s>,
    core: &Core,
    seen: &mut Option<Authenticated>,
) -> Result<Permit<'s>, Refusal> {
    let api = matched.api;
    if let Some(rule) = matched.rule.filter(|rule| rule.public) {
        // Nobody asks whose it is, yet what has two readings goes nowhere (sec-A1).
        dialect::read(api.dialect, &inbound.parts.headers)?;
        authenticate::check_target(inbound, None)?;
        return Ok(Permit { api, rule, who: None, at: Timestamp::EPOCH });
    }
    let carried = dialect::read(api.dialect, &inbound.parts.headers)?;
    let secret = carried.secret.ok_or(Refusal::CredentialMissing)?;
    authenticate::check_target(inbound, Some(secret))?;
    let mut now = core.shared.now()?;
    let mut who = authenticate::identify(secret, core).await?;
    if who.was_loaded() {
        // That took a while; the moment of the decision is that of the verdict.
        now = core.shared.now()?;
    }
    let mut verdict = judge(inbound, matched, carried.company, &who, now);
    if verdict == Err(Refusal::IdleExpired) && who.entry().idleness_is_doubtful() {
        // The last use in memory may be older than the one in the store: idleness is final, so that
        // nobody may be refused for it on old news. Once is enough, or an idle token that keeps
        // coming would be read from the store each time.
        who = Box::pin(who.renewed(core)).await?;
        verdict = judge(inbound, matched, carried.company, &who, now);
        if verdict == Err(Refusal::IdleExpired) {
            who.entry().confirm_idleness();
        }
    }
    match (verdict, matched.rule) {
        (Ok(()), Some(rule)) => Ok(Permit { api, rule, who: Some(who), at: now }),
        (verdict, _) => {
            let refusal = verdict.err().unwrap_or(Refusal::NoRule);
            core.shared.cache.note_refused(who.entry(), refusal, inbound.origin.address());
            *seen = Some(who);
            Err(refusal)
        }
    }
}

fn judge(
    inbound: &Inbound,
    matched: &Matched<'_>,
    company: Option<&str>,
    who: &Authenticated,
    now: Timestamp,
) -> Result<(), Refusal> {
    let entry = who.entry();
    let facts = Facts {
        address: inbound.origin.address(),
        certificate: inbound.certificate,
        last_use: entry.last_seen.at(),
        item: matched.item.as_deref(),
        company,
        lacks: matched.rule.and_then(|rule| rule.lacking(entry.claims.params())),
    };
    decision::decide(&Case {
        standing: entry.standing(),
        terms: &entry.common.terms,
        owner: &entry.common.owner,
        company: entry.common.company(),
        rule: matched.rule.as_ref().map(|rule| &rule.requirement),
        facts,
        now,
    })
}
