//! The fourth station: may this token do this, now? The only maker of a [`Permit`].

use std::rc::Rc;
use std::sync::Arc;

use crate::cache::{Entry, Seat};
use crate::domain::decision::{self, Case, Facts};
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;

use super::authenticate::{self, Authenticated};
use super::core::Core;
use super::dialect;
use super::intake::Inbound;
use super::limits;
use super::plan::{ApiPlan, RulePlan};
use super::route::Matched;

/// Leave for one request to go to its upstream. Nothing reaches an upstream without one, and one is
/// used up by being used.
#[derive(Debug)]
pub(super) struct Permit<'s> {
    api: &'s ApiPlan,
    rule: &'s RulePlan,
    /// None on a public rule, where nobody asked who it is.
    entry: Option<Arc<Entry>>,
    /// Of a token that has limits.
    seat: Option<Rc<Seat>>,
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

    /// What is held until the answer is over.
    pub(super) const fn take_seat(&mut self) -> Option<Rc<Seat>> {
        self.seat.take()
    }

    pub(super) const fn entry(&self) -> Option<&Arc<Entry>> {
        self.entry.as_ref()
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
        return Ok(Permit { api, rule, entry: None, seat: None, at: Timestamp::EPOCH });
    }
    let mut now = core.shared.now()?;
    let carried = dialect::read(api.dialect, &inbound.parts.headers)?;
    let mut who = authenticate::identify(inbound, carried.secret, core).await?;
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
    let mut seat = None;
    if let (Ok(()), Some(limited)) = (verdict, &who.entry().limited) {
        // Last, so that only what is permitted counts. Boxed, so that the way of all others stays small.
        match Box::pin(limits::take(limited, now, core)).await {
            Ok(taken) => seat = Some(Rc::new(taken)),
            Err(refusal) => verdict = Err(refusal),
        }
    }
    match (verdict, matched.rule) {
        (Ok(()), Some(rule)) => {
            Ok(Permit { api, rule, entry: Some(who.into_entry()), seat, at: now })
        }
        (verdict, _) => {
            let refusal = verdict.err().unwrap_or(Refusal::NoRule);
            core.shared.cache.note_refused(who.entry(), refusal, inbound.peer);
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
        address: inbound.peer,
        certificate: None,
        last_use: entry.last_seen.at(),
        item: matched.item.as_deref(),
        company,
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
