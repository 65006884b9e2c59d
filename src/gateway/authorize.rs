//! The fourth station: may this token do this, now? The only maker of a [`Permit`].

use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::cache::Entry;
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::tls::ClientCertificate;

use super::authenticate::{self, Authenticated};
use super::core::{Core, Own};
use super::dialect;
use super::intake::Inbound;
use super::judge::{Asked, judge};
use super::places;
use super::plan::{ApiPlan, RulePlan};
use super::route::{Matched, Sought};
use super::snapshot::Snapshot;
use super::watch::Grounds;

/// Leave for one request to go to its upstream. Nothing reaches an upstream without one, and one is
/// used up by being used.
#[derive(Debug)]
pub(super) struct Permit<'s> {
    api: &'s ApiPlan,
    rule: &'s RulePlan,
    /// None on a public rule, where nobody asked who it is.
    who: Option<Authenticated>,
    /// The company that the client named.
    company: Option<Box<str>>,
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

    /// What the exchange rests on while it lasts. Taken once, when nobody asks any more whose it is.
    pub(super) fn take_grounds(
        &mut self,
        (matched, sought): (&Matched<'_>, Sought),
        (peer, certificate, within_tls): (IpAddr, Option<Rc<ClientCertificate>>, bool),
        core: &Rc<Core>,
        snapshot: &Own<Snapshot>,
    ) -> Grounds {
        Grounds {
            core: Rc::clone(core),
            snapshot: Rc::clone(snapshot),
            sought,
            rule: self.rule.number,
            entry: self.who.take().map(Authenticated::into_entry),
            peer,
            certificate,
            within_tls,
            item: matched.item.clone(),
            company: self.company.take(),
            api: self.api.number(&core.shared.cache),
            dialect: self.api.dialect,
        }
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
    snapshot: &Snapshot,
    seen: &mut Option<Authenticated>,
) -> Result<Permit<'s>, Refusal> {
    let api = matched.api;
    if let Some(rule) = matched.rule.filter(|rule| rule.public) {
        // Nobody asks whose it is, yet what has two readings goes nowhere (sec-A1).
        dialect::read(api.dialect, &inbound.parts.headers)?;
        authenticate::check_target(inbound, None)?;
        return Ok(Permit { api, rule, who: None, company: None, at: Timestamp::EPOCH });
    }
    let carried = places::carried(inbound, api.dialect)?;
    let secret = carried.secret.ok_or(Refusal::CredentialMissing)?;
    authenticate::check_target(inbound, Some(secret))?;
    let mut now = core.shared.now()?;
    let address = inbound.origin.address();
    let mut who = if core.is_leaving() && core.shared.given.load(Ordering::Relaxed) {
        // Boxed, so that the way of all other requests stays small.
        Box::pin(authenticate::identify_elsewhere(secret, address, core, snapshot)).await?
    } else {
        authenticate::identify(secret, address, core, snapshot).await?
    };
    if who.was_loaded() {
        // That took a while; the moment of the decision is that of the verdict.
        now = core.shared.now()?;
    }
    let mut verdict = judged(inbound, matched, carried.company, &who, now);
    if verdict == Err(Refusal::IdleExpired) && who.entry().idleness_is_doubtful() {
        // The last use in memory may be older than the one in the store: idleness is final, so that
        // nobody may be refused for it on old news. Once is enough, or an idle token that keeps
        // coming would be read from the store each time.
        who = Box::pin(who.renewed(core)).await?;
        verdict = judged(inbound, matched, carried.company, &who, now);
        if verdict == Err(Refusal::IdleExpired) {
            who.entry().confirm_idleness();
        }
    }
    match (verdict, matched.rule) {
        (Ok(()), Some(rule)) => {
            let company = carried.company.map(Box::from);
            Ok(Permit { api, rule, who: Some(who), company, at: now })
        }
        (verdict, _) => {
            let refusal = verdict.err().unwrap_or(Refusal::NoRule);
            core.shared.cache.note_refused(who.entry(), refusal, address);
            *seen = Some(who);
            Err(refusal)
        }
    }
}

fn judged(
    inbound: &Inbound,
    matched: &Matched<'_>,
    company: Option<&str>,
    who: &Authenticated,
    now: Timestamp,
) -> Result<(), Refusal> {
    let (peer, certificate) = (inbound.origin.address(), inbound.certificate.as_deref());
    let asked = Asked { peer, certificate, item: matched.item.as_deref(), company };
    judge(who.entry(), matched.rule, asked, now)
}
