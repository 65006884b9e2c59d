//! The decision: may this token do this, now? A pure function over what is known.

use std::net::IpAddr;
use std::sync::Arc;

use super::company::Company;
use super::conditions::Conditions;
use super::flags::Flags;
use super::grant::{Contexts, Items};
use super::id::Slug;
use super::owner::Owner;
use super::refusal::Refusal;
use super::rule::{ItemRule, Requirement};
use super::secret::Digest;
use super::time::Timestamp;
use super::token::{End, Life, Token};

/// Where in its life a token is: the part of a decision in which hardly two tokens are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its limits in time.
    pub life: Life,
    /// How it ended, if it did.
    pub ended: Option<End>,
    /// Whether it is paused.
    pub disabled: bool,
}

impl From<&Token> for Standing {
    fn from(token: &Token) -> Self {
        Self {
            life: token.life(),
            ended: token.ended.as_ref().map(|ended| ended.how),
            disabled: token.disabled.is_some(),
        }
    }
}

/// What a token may do, and under which circumstances. Many tokens may do the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Terms {
    /// Access level, before the owner's ceiling.
    pub flags: Flags,
    /// Areas.
    pub contexts: Contexts,
    /// Objects.
    pub items: Items,
    /// Tenant.
    pub company: Option<Slug>,
    /// Circumstances; none for most tokens.
    pub conditions: Option<Box<Conditions>>,
}

impl From<&Token> for Terms {
    fn from(token: &Token) -> Self {
        let conditions = &token.conditions;
        Self {
            flags: token.flags,
            contexts: token.contexts.clone(),
            items: token.items.clone(),
            company: token.company.clone(),
            conditions: (!conditions.is_empty()).then(|| Box::new(conditions.clone())),
        }
    }
}

/// The part of an owner that a decision reads.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OwnerTerms {
    /// Whether all its tokens are stopped.
    pub blocked: bool,
    /// The most that its tokens may have.
    pub ceiling: Flags,
    /// What rules may ask for.
    pub roles: Arc<[Slug]>,
}

impl From<&Owner> for OwnerTerms {
    fn from(owner: &Owner) -> Self {
        Self {
            blocked: owner.blocked.is_some(),
            ceiling: owner.ceiling,
            roles: owner.roles.iter().cloned().collect(),
        }
    }
}

/// The part of a company that a decision reads.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CompanyTerms {
    /// Whether all its tokens are stopped.
    pub blocked: bool,
    /// What it is licensed for.
    pub licensed: Contexts,
}

impl CompanyTerms {
    /// Whether it closes anything.
    pub fn is_open(&self) -> bool {
        !self.blocked && self.licensed == Contexts::All
    }
}

impl From<&Company> for CompanyTerms {
    fn from(company: &Company) -> Self {
        Self { blocked: company.blocked.is_some(), licensed: company.contexts.clone() }
    }
}

/// What is known of a request beside its credential and the rule that it met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts<'a> {
    /// Whence it came.
    pub address: IpAddr,
    /// The certificate that the client presented.
    pub certificate: Option<Digest>,
    /// Whose it is (RFC 4514, in one spelling).
    pub subject: Option<&'a str>,
    /// When the token was last used.
    pub last_use: Option<Timestamp>,
    /// The item that the request names.
    pub item: Option<&'a str>,
    /// The company that the request names.
    pub company: Option<&'a str>,
    /// A parameter that the rule's context requires and the token has not.
    pub lacks: Option<&'a str>,
}

/// Everything that a decision is made from.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// Where in its life the token is.
    pub standing: Standing,
    /// What it may do.
    pub terms: &'a Terms,
    /// Whom it acts for.
    pub owner: &'a OwnerTerms,
    /// What its company may; none where nothing is known that limits it.
    pub company: Option<&'a CompanyTerms>,
    /// What the matching rule asks; none where no rule matches.
    pub rule: Option<&'a Requirement>,
    /// The request.
    pub facts: Facts<'a>,
    /// The moment of the decision.
    pub now: Timestamp,
}

/// One question that a decision asks.
pub type Check = fn(&Case<'_>) -> Result<(), Refusal>;

/// Every question, in the order in which they are asked. The order is part of the contract: it
/// decides which reason a client learns. `explain` walks the same list.
pub const CHECKS: [(&str, Check); 19] = [
    ("not revoked", not_revoked),
    ("not disabled", not_disabled),
    ("owner not blocked", owner_not_blocked),
    ("company not blocked", company_not_blocked),
    ("active", active),
    ("not expired", not_expired),
    ("not idle", not_idle),
    ("presenter", presenter),
    ("address", address),
    ("time", time),
    ("rule", rule),
    ("subject", subject),
    ("roles", roles),
    ("company", company),
    ("context", context),
    ("licence", licence),
    ("parameters", parameters),
    ("flags", flags),
    ("items", items),
];

/// Whether the request may go through.
///
/// # Errors
/// The first check that fails, in the order of [`CHECKS`].
pub fn decide(case: &Case<'_>) -> Result<(), Refusal> {
    CHECKS.iter().try_for_each(|(_, check)| check(case))
}

const fn require(holds: bool, refusal: Refusal) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(refusal) }
}

fn not_revoked(case: &Case<'_>) -> Result<(), Refusal> {
    let ended = matches!(case.standing.ended, Some(End::Revoked | End::Leaked));
    require(!ended, Refusal::Revoked)
}

const fn not_disabled(case: &Case<'_>) -> Result<(), Refusal> {
    require(!case.standing.disabled, Refusal::Disabled)
}

const fn owner_not_blocked(case: &Case<'_>) -> Result<(), Refusal> {
    require(!case.owner.blocked, Refusal::OwnerBlocked)
}

fn company_not_blocked(case: &Case<'_>) -> Result<(), Refusal> {
    require(case.company.is_none_or(|company| !company.blocked), Refusal::CompanyBlocked)
}

fn active(case: &Case<'_>) -> Result<(), Refusal> {
    require(case.now >= case.standing.life.not_before, Refusal::NotYetActive)
}

fn not_expired(case: &Case<'_>) -> Result<(), Refusal> {
    let over = case.standing.life.expires_at.is_some_and(|expiry| case.now >= expiry);
    require(!over && case.standing.ended != Some(End::Expired), Refusal::Expired)
}

fn not_idle(case: &Case<'_>) -> Result<(), Refusal> {
    let deadline = case.standing.life.idle_deadline(case.facts.last_use);
    let over = deadline.is_some_and(|deadline| case.now >= deadline);
    require(!over && case.standing.ended != Some(End::IdleExpired), Refusal::IdleExpired)
}

fn presenter(case: &Case<'_>) -> Result<(), Refusal> {
    let bound = case.terms.conditions.as_ref().and_then(|conditions| conditions.certificate);
    require(bound.is_none() || bound == case.facts.certificate, Refusal::WrongPresenter)
}

fn address(case: &Case<'_>) -> Result<(), Refusal> {
    let conditions = case.terms.conditions.as_ref();
    let allowed = conditions.is_none_or(|asked| asked.allow_address(case.facts.address));
    require(allowed, Refusal::AddressNotAllowed)
}

fn time(case: &Case<'_>) -> Result<(), Refusal> {
    let conditions = case.terms.conditions.as_ref();
    let allowed = conditions.is_none_or(|asked| asked.allow_time(case.now));
    require(allowed, Refusal::TimeNotAllowed)
}

const fn rule(case: &Case<'_>) -> Result<(), Refusal> {
    require(case.rule.is_some(), Refusal::NoRule)
}

fn subject(case: &Case<'_>) -> Result<(), Refusal> {
    let asked = case.rule.map_or(&[][..], |rule| &rule.subjects);
    let shown = |subject: &str| asked.iter().any(|one| **one == *subject);
    let holds = asked.is_empty() || case.facts.subject.is_some_and(shown);
    require(holds, Refusal::SubjectNotAllowed)
}

fn roles(case: &Case<'_>) -> Result<(), Refusal> {
    let mut asked = case.rule.iter().flat_map(|rule| rule.roles.iter());
    require(asked.all(|role| case.owner.roles.contains(role)), Refusal::RoleMissing)
}

fn company(case: &Case<'_>) -> Result<(), Refusal> {
    let mine = case.terms.company.as_ref();
    let by_rule = case.rule.and_then(|rule| rule.company.as_ref());
    let by_request = case.facts.company;
    let holds = by_rule.is_none_or(|asked| mine == Some(asked))
        && by_request.is_none_or(|asked| mine.is_some_and(|mine| mine.as_str() == asked))
        && (mine.is_some() || !case.rule.is_some_and(|rule| rule.of_a_company));
    require(holds, Refusal::WrongCompany)
}

fn context(case: &Case<'_>) -> Result<(), Refusal> {
    let asked = case.rule.and_then(|rule| rule.context.as_ref());
    require(asked.is_none_or(|asked| case.terms.contexts.contains(asked)), Refusal::ContextMissing)
}

fn licence(case: &Case<'_>) -> Result<(), Refusal> {
    let Some(company) = case.company else { return Ok(()) };
    let asked = case.rule.and_then(|rule| rule.context.as_ref());
    require(asked.is_none_or(|asked| company.licensed.contains(asked)), Refusal::ContextUnlicensed)
}

const fn parameters(case: &Case<'_>) -> Result<(), Refusal> {
    require(case.facts.lacks.is_none(), Refusal::ParameterMissing)
}

fn flags(case: &Case<'_>) -> Result<(), Refusal> {
    let held = case.terms.flags.within(case.owner.ceiling);
    require(case.rule.is_none_or(|rule| held.contains(rule.flags)), Refusal::FlagsMissing)
}

fn items(case: &Case<'_>) -> Result<(), Refusal> {
    let limited = case.terms.items != Items::All;
    let holds = match case.rule.map_or(ItemRule::Closed, |rule| rule.items) {
        ItemRule::Upstream => true,
        ItemRule::Closed => !limited,
        ItemRule::Named => {
            !limited || case.facts.item.is_some_and(|item| case.terms.items.contains(item))
        }
    };
    require(holds, Refusal::ItemNotAllowed)
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod scene;
#[cfg(test)]
mod tests;
