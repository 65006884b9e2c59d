//! Why a request would go through, or where it would stop: the same stations and checks as a real
//! request, with what each one compared. Called by `admin`; it forwards nothing and touches nothing.

use http::{Method, Uri};
use serde::{Deserialize, Serialize};

use crate::domain::decision::{CHECKS, Case, Facts, OwnerTerms, Terms};
use crate::domain::flags::FlagCatalog;
use crate::domain::grant::{Contexts, Items};
use crate::domain::refusal::Refusal;
use crate::domain::rule::ItemRule;
use crate::domain::time::Timestamp;

use super::path;
use super::plan::{ApiPlan, RulePlan};
use super::snapshot::Snapshot;

/// A request that nobody sends.
#[derive(Clone, Debug)]
pub struct Question {
    /// Its method.
    pub method: Method,
    /// Its whole URL; the host chooses the API.
    pub url: Uri,
    /// Whence it would come.
    pub address: std::net::IpAddr,
    /// Whether it would carry a token.
    pub presented: bool,
}

/// What is known of the token in question.
#[derive(Clone, Debug)]
pub struct Known {
    /// The token.
    pub terms: Terms,
    /// Its owner.
    pub owner: OwnerTerms,
    /// When it was last used.
    pub last_use: Option<Timestamp>,
}

/// One check, in the order in which it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What was asked.
    pub check: String,
    /// What was held against what.
    pub compared: String,
    /// `passed`, `refused`, or `not reached`.
    pub outcome: String,
}

/// The whole answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// Whether the request would reach its upstream.
    pub permitted: bool,
    /// The status of the refusal; none for a permit.
    pub status: Option<u16>,
    /// The reason as logs and metrics name it; none for a permit.
    pub reason: Option<String>,
    /// The path as it is checked and passed on.
    pub path: String,
    /// The API that answers to it.
    pub api: Option<String>,
    /// The rule that it meets.
    pub rule: Option<String>,
    /// Every check.
    pub steps: Vec<Step>,
}

/// Walks a request through all stations up to the upstream.
pub fn explain(
    question: &Question,
    known: Option<&Known>,
    snapshot: &Snapshot,
    catalog: &FlagCatalog,
    now: Timestamp,
) -> Explanation {
    let mut walk = Walk::default();
    let raw = question.url.path();
    let normal = match path::normalize(raw) {
        Ok(normal) => normal,
        Err(bad) => {
            walk.stop("path", format!("`{raw}`"), Refusal::BadRequest(bad));
            return walk.end(raw.to_owned(), None, None);
        }
    };
    walk.pass("path", format!("`{raw}` is read as `{}`", normal.path));
    let host = question.url.host().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
    let found = snapshot.routes.find(&host, &normal.path, &question.method);
    let (api, plan, item) =
        found.map_or((None, None, None), |(api, rule, item)| (Some(api), rule, item));
    let path = normal.path.clone().into_owned();
    if let Some(rule) = plan.filter(|rule| rule.public) {
        walk.pass("rule", format!("`{}` is public: nobody is asked who it is", rule.name));
        return walk.end(path, api, plan);
    }
    let Some(known) = known else {
        if question.presented {
            walk.stop("known", "no token has this id or secret".to_owned(), Refusal::Unknown);
        } else {
            let nothing = "the request carries no token".to_owned();
            walk.stop("credential", nothing, Refusal::CredentialMissing);
        }
        return walk.end(path, api, plan);
    };
    walk.pass("known", "the store has this token".to_owned());
    let case = Case {
        terms: &known.terms,
        owner: &known.owner,
        rule: plan.map(|rule| &rule.requirement),
        facts: Facts {
            address: question.address,
            certificate: None,
            last_use: known.last_use,
            item,
            company: None,
        },
        now,
    };
    let ruled = describe_rule(question, &host, api, plan);
    for (name, check) in CHECKS {
        let compared = describe(name, &case, &ruled, catalog);
        match check(&case) {
            Ok(()) => walk.pass(name, compared),
            Err(refusal) => walk.stop(name, compared, refusal),
        }
    }
    walk.end(path, api, plan)
}

#[derive(Default)]
struct Walk {
    steps: Vec<Step>,
    stopped: Option<Refusal>,
}

impl Walk {
    fn pass(&mut self, check: &str, compared: String) {
        let outcome = if self.stopped.is_some() { "not reached" } else { "passed" };
        self.steps.push(Step { check: check.to_owned(), compared, outcome: outcome.to_owned() });
    }

    fn stop(&mut self, check: &str, compared: String, refusal: Refusal) {
        let outcome = if self.stopped.is_some() { "not reached" } else { "refused" };
        self.steps.push(Step { check: check.to_owned(), compared, outcome: outcome.to_owned() });
        self.stopped.get_or_insert(refusal);
    }

    fn end(self, path: String, api: Option<&ApiPlan>, rule: Option<&RulePlan>) -> Explanation {
        Explanation {
            permitted: self.stopped.is_none(),
            status: self.stopped.map(Refusal::status),
            reason: self.stopped.map(|refusal| refusal.reason().to_owned()),
            path,
            api: api.map(|api| api.name.to_string()),
            rule: rule.map(|rule| rule.name.to_string()),
            steps: self.steps,
        }
    }
}

fn describe_rule(
    question: &Question,
    host: &str,
    api: Option<&ApiPlan>,
    rule: Option<&RulePlan>,
) -> String {
    match (api, rule) {
        (None, _) => format!("no API answers to host `{host}` and this path"),
        (Some(api), None) => {
            format!("no rule of API `{}` takes {} of this path", api.name, question.method)
        }
        (Some(api), Some(rule)) => {
            format!("rule `{}` of API `{}` takes {}", rule.name, api.name, question.method)
        }
    }
}

/// What a check held against what, in words.
fn describe(name: &str, case: &Case<'_>, ruled: &str, catalog: &FlagCatalog) -> String {
    let (terms, rule, now) = (case.terms, case.rule, case.now);
    let life = &terms.life;
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "none".to_owned());
    match name {
        "not revoked" => format!("ended: {}", or_none(terms.ended.map(|end| format!("{end:?}")))),
        "not disabled" => format!("disabled: {}", terms.disabled),
        "owner not blocked" => format!("blocked: {}", case.owner.blocked),
        "active" => format!("now {now}, usable from {}", life.not_before),
        "not expired" => match life.expires_at {
            Some(expiry) => format!("now {now}, expires at {expiry}"),
            None => "it never expires".to_owned(),
        },
        "not idle" => {
            let last = or_none(case.facts.last_use.map(|at| at.to_string()));
            match life.idle_deadline(case.facts.last_use) {
                Some(deadline) => format!("last use {last}, idle from {deadline}"),
                None => "it may lie unused for ever".to_owned(),
            }
        }
        "presenter" | "time" | "address" => describe_conditions(name, case),
        "rule" => ruled.to_owned(),
        "roles" => {
            let names = |slugs: &[crate::domain::id::Slug]| {
                slugs.iter().map(|slug| slug.as_str()).collect::<Vec<_>>().join(", ")
            };
            let asked = rule.map_or_else(String::new, |rule| names(&rule.roles));
            format!("asked: [{asked}], the owner has: [{}]", names(&case.owner.roles))
        }
        "company" => {
            let asked =
                or_none(rule.and_then(|rule| rule.company.as_ref()).map(ToString::to_string));
            let held = or_none(terms.company.as_ref().map(ToString::to_string));
            format!("asked: {asked}, the token's: {held}")
        }
        "context" => {
            let asked =
                or_none(rule.and_then(|rule| rule.context.as_ref()).map(ToString::to_string));
            format!("asked: {asked}, the token reaches: {}", contexts(&terms.contexts))
        }
        "flags" => {
            let held = terms.flags.within(case.owner.ceiling);
            let names = |flags| catalog.describe(flags).join(", ");
            let asked = rule.map_or_else(String::new, |rule| names(rule.flags));
            format!("asked: [{asked}], the token has under its owner's ceiling: [{}]", names(held))
        }
        "items" => describe_items(case),
        other => other.to_owned(),
    }
}

fn describe_conditions(name: &str, case: &Case<'_>) -> String {
    let Some(asked) = &case.terms.conditions else { return "no condition".to_owned() };
    match name {
        "presenter" => match asked.certificate {
            Some(_) => "it is bound to a client certificate".to_owned(),
            None => "it is not bound".to_owned(),
        },
        "address" => {
            let networks: Vec<_> = asked.networks.iter().map(ToString::to_string).collect();
            format!("from {}, allowed: [{}]", case.facts.address, networks.join(", "))
        }
        _ => format!("now {}, {} weekly windows", case.now, asked.windows.len()),
    }
}

fn describe_items(case: &Case<'_>) -> String {
    let held = match &case.terms.items {
        Items::All => "all items".to_owned(),
        Items::Set(ids) => format!("[{}]", ids.join(", ")),
    };
    match (case.rule.map_or(ItemRule::Closed, |rule| rule.items), case.facts.item) {
        (ItemRule::Named, Some(item)) => format!("asked: `{item}`, the token reaches: {held}"),
        (ItemRule::Named, None) => format!("the path names no item, the token reaches: {held}"),
        (ItemRule::Upstream, _) => format!("the upstream filters, the token reaches: {held}"),
        (ItemRule::Closed, _) => format!("the rule is closed to limits, the token reaches: {held}"),
    }
}

fn contexts(contexts: &Contexts) -> String {
    match contexts {
        Contexts::All => "all contexts".to_owned(),
        Contexts::Set(names) => {
            let names: Vec<_> = names.iter().map(|name| name.as_str()).collect();
            format!("[{}]", names.join(", "))
        }
    }
}
